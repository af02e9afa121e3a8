// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"rastau/internal/account"
	"rastau/licensing"
)

var (
	errNoToken = errors.New("this route needs an Authorization header with a bearer token")
	errRole    = errors.New("the account does not have a role that may do this")
)

// admit lets in whoever has one of the roles, and everybody where none is named.
// It runs before the body is read. Those without an account share a rate by
// address, so that tokens cannot be guessed at speed.
func (s *server) admit(roles []account.Role) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if roles == nil {
				if path := c.Path(); path == pathLive || path == pathReady || path == pathMetrics {
					return next(c)
				}
				if err := s.spend(c, addressKey(c.RealIP())); err != nil {
					return err
				}
				return next(c)
			}
			a, err := s.authenticate(c)
			if err != nil {
				if err := s.spend(c, addressKey(c.RealIP())); err != nil {
					return err
				}
				return err
			}
			c.Set(keyAccount, a)
			if err := s.spend(c, "account "+a.ID); err != nil {
				return err
			}
			if !slices.ContainsFunc(roles, a.Has) {
				return errRole
			}
			return next(c)
		}
	}
}

// authenticate reads the bearer token (RFC 6750 §2.1; the scheme's name is
// case-insensitive, RFC 9110 §11.1).
func (s *server) authenticate(c echo.Context) (account.Account, error) {
	values := c.Request().Header.Values(echo.HeaderAuthorization)
	if len(values) == 0 {
		return account.Account{}, errNoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return account.Account{}, errNoToken
	}
	a, err := s.o.Accounts.ByToken(strings.TrimSpace(token))
	if err != nil && s.o.Desk != nil {
		a, err = s.o.Desk.ByToken(c.Request().Context(), strings.TrimSpace(token))
	}
	return a, err
}

// actor is the caller as the workflow knows them.
func actor(c echo.Context) licensing.Actor {
	a := caller(c)
	return licensing.Actor{
		ID: a.ID, Name: a.Name, IIN: a.IIN, BIN: a.BIN, Applicant: a.Has(account.Applicant), Employee: a.Has(account.Employee),
		Operator: a.Has(account.Operator), Admin: a.Has(account.Admin), Officer: a.Has(account.Officer),
	}
}

// addressKey is the address, of IPv6 the /64: one subscriber has them all.
func addressKey(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "address unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return "address " + p.String()
		}
	}
	return "address " + a.String()
}
