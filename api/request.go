// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rastau/internal/account"
	"rastau/internal/span"
)

// Keys of what one request carries through Echo's context.
const (
	keyRequestID = "rastau.request"
	keyAccount   = "rastau.account"
	keyBody      = "rastau.body"
	keyLarge     = "rastau.large" // set where the body took one of the places of large ones
)

const maxRequestID = 64

// identify gives the request its id: the caller's where it is harmless in a log, a
// new one otherwise. The security headers go with every answer.
func (s *server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !harmless(id) {
			id = newRequestID()
		}
		c.Set(keyRequestID, id)
		h := c.Response().Header()
		h.Set(echo.HeaderXRequestID, id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		if u := c.Request().URL; strings.ContainsRune(u.Path, 0) || strings.Contains(u.RawQuery, "%00") {
			return errNoSuch
		}
		return next(c)
	}
}

// harmless: short, of letters that break no log line, and not to be taken for a
// person's number, which has twelve digits: logs hold no personal data.
func harmless(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	digits := 0
	for _, c := range []byte(id) {
		switch {
		case '0' <= c && c <= '9':
			if digits++; digits == personDigits {
				return false
			}
			continue
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-', c == '_', c == '.':
		default:
			return false
		}
		digits = 0
	}
	return true
}

// personDigits are the digits of an IIN or BIN.
const personDigits = 12

// newRequestID gives 96 random bits, in groups too short to look like a person's number.
func newRequestID() string {
	var raw [12]byte
	rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:4]) + "-" + hex.EncodeToString(raw[4:8]) + "-" + hex.EncodeToString(raw[8:])
}

func requestID(c echo.Context) string {
	id, _ := c.Get(keyRequestID).(string)
	return id
}

// caller is the account that admit let in; the zero Account on public routes.
func caller(c echo.Context) account.Account {
	a, _ := c.Get(keyAccount).(account.Account)
	return a
}

// observe logs and counts. The log names the route, never the address asked for
// or a body: those can hold personal data.
func (s *server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now() // the monotonic clock: a duration, not a time of the subject
		if err := next(c); err != nil {
			c.Error(err)
		}
		took := time.Since(began)
		path, status := routePath(c), c.Response().Status
		s.counts.request(methodLabel(c.Request().Method), path, status, took)
		span.Request(c.Request().Context(), methodLabel(c.Request().Method), path)
		s.o.Log.LogAttrs(c.Request().Context(), slog.LevelInfo, "request",
			slog.String("method", methodLabel(c.Request().Method)), slog.String("route", path), slog.Int("status", status),
			slog.Duration("duration", took), slog.String("request", requestID(c)), slog.String("account", caller(c).ID))
		return nil
	}
}

// routePath is the pattern of the route, "none" where none matched.
func routePath(c echo.Context) string {
	if p := c.Path(); p != "" {
		return p
	}
	return "none"
}

// methodLabel keeps invented methods out of logs and label sets.
func methodLabel(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// bound ends a request that takes too long and gives back its place.
func (s *server) bound(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), requestTime)
		defer cancel()
		defer func() {
			if c.Get(keyLarge) != nil {
				<-s.large
			}
		}()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// recoverPanic turns a panic into an internal problem, so that one request
// never ends the program or leaves its caller without an answer.
func (s *server) recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { // net/http's own way to drop a connection
				panic(p)
			}
			s.o.Log.ErrorContext(c.Request().Context(), "panic", "request", requestID(c), "route", routePath(c), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %T", p)
		}()
		return next(c)
	}
}
