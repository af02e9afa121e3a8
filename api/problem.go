// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"rastau/internal/account"
	"rastau/internal/batch"
	"rastau/licensing"
)

// problem is one kind of refusal: the status and the stable code that programs
// act on, and what people read. detail, where there is one, adds this case's own
// words; without it nothing of the error leaves the program.
type problem struct {
	status      int
	code, title string
	help        string
	when        func(error) bool
	detail      func(error) string
}

// problems is the only table from errors to HTTP. The first line that fits
// counts; what fits none is the last, internal.
var problems = []problem{
	{401, "token_missing", "No bearer token", "Send the header “Authorization: Bearer TOKEN” with a token from the service's configuration.", is(errNoToken), text},
	{401, "token", "Unknown token", "The token is not, or no longer, known here. Ask whoever runs the service for a new one.", is(account.ErrToken), nil},
	{401, "login", "Log-in refused", "The member “message” holds the regulation's own message in three languages. Nothing says which accounts exist.", as[*loginError], nil},
	{403, "message", "Message not accepted", "Only the payment gateway's signed messages are taken here.", as[*messageError], text},
	{409, "taken", "Registered already", "There is an account with this login or these numbers: log in.", is(account.ErrTaken), nil},
	{422, "password", "Password cannot be used", "The detail says what is wanted.", is(account.ErrPassword), text},
	{422, "person", "Cannot be entered", "The detail names the value and says what is wanted.", is(account.ErrInput), text},
	{503, "busy", "Too many log-ins at once", "Ask again in a few seconds.", is(account.ErrBusy), nil},
	{403, "role", "Not allowed for this account", "The account has no role that may do this. The description at /docs names the roles of every route.", is(errRole), text},
	{403, "not_authority", "Not entitled to sign", "The table of authorities does not list this officer for this licensor, with the key in use, on this date.", is(licensing.ErrNotAuthority), text},
	{404, "not_found", "Not found", "There is nothing under this name, or it is not yours to see.", is(licensing.ErrNotFound, licensing.ErrForbidden, account.ErrUnknown, batch.ErrUnknown, errNoSuch), nil},
	{404, "no_route", "No such address", "The description at /docs lists every address.", is(echo.ErrNotFound), nil},
	{405, "method", "Method not allowed", "The header Allow names the methods of this address.", is(echo.ErrMethodNotAllowed), nil},
	{409, "state", "Not possible in this state", "Read the object again: it has moved on since, or has not come that far.", is(licensing.ErrState), text},
	{413, "body_too_large", "Body too large", "The body, or a part of it, has more bytes than are accepted here.", tooLarge, nil},
	{415, "content_type", "Content type not accepted", "The detail names the content types of this route. Compressed bodies are not accepted.", as[*contentTypeError], text},
	{400, "body", "Body cannot be read", "The body ended early or is not what its Content-Type says.", as[*bodyError], text},
	{400, "json", "JSON cannot be read", "One JSON value (RFC 8259) in UTF-8 is expected, without unknown or repeated names, and with nothing behind it.", as[*jsonError], text},
	{400, "base64", "Base64 cannot be read", "Bytes in JSON stand in base64 of the standard alphabet with padding (RFC 4648 §4).", is(errBase64), nil},
	{400, "idempotency_key", "Idempotency-Key cannot be used", "Send the header once, with 1 to 200 printable ASCII characters.", is(errIdempotencyKey), nil},
	{422, "idempotency_key_reused", "Idempotency-Key already used", "The same key came before with another request. Take a new key for every new request.", is(errIdempotencyReused), nil},
	{503, "idempotency_full", "Too many answers are being kept", "Nothing was changed. Ask again later, or without an Idempotency-Key.", is(errIdempotencyFull), nil},
	{422, "refused", "Refused by the regulation", "The member “message” holds the regulation's own message in three languages.", as[*licensing.RefusalError], inputText},
	{422, "input", "A value is not acceptable", "The member “field” names the value and the detail says what is expected.", isInput, inputText},
	{422, "batch", "No batch that can be judged", "A ZIP archive or a CSV table is expected; the detail says what is wrong with it.", is(batch.ErrSource), text},
	{413, "batch_too_large", "Too much for one batch", "The detail names the bound. Split the batch.", is(batch.ErrLimit), text},
	{429, "batches", "Too many batches under way", "Wait until one is done, or cancel it.", is(batch.ErrMany), text},
	{422, "configuration", "The configuration was not read again", "The detail says what is wrong with it. Nothing was changed.", as[*configurationError], text},
	{422, "not_in_force", "The regulation is not in force", "No applications are taken under a regulation that was repealed or has not begun.", is(licensing.ErrNotInForce), text},
	{429, "rate", "Too many requests", "Wait as many seconds as the header Retry-After says.", is(errRate), nil},
	{503, "licensor_key", "The licensor's key may not sign", "Its certificate is revoked, has ended or is not trusted. Nothing was changed. Tell whoever runs the service: another key is to be configured.", is(licensing.ErrSigningKey), nil},
	{503, "later", "Cannot be done now", "Something outside could not be reached. Nothing was changed; send the same request again later.", is(licensing.ErrLater), nil},
	{503, "timeout", "Took too long", "The request was given up. Send the same request again; with the same Idempotency-Key nothing happens twice.", is(context.DeadlineExceeded, context.Canceled), nil},
	{500, "internal", "Internal error", "The fault is ours. Tell whoever runs the service the requestId.", func(error) bool { return true }, nil},
}

var errNoSuch = errors.New("no such page")

func is(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
}

func as[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}

func text(err error) string { return err.Error() }

// inputError says which value of a question is wrong and what is expected.
type inputError struct{ field, problem string }

func (e *inputError) Error() string { return e.field + ": " + e.problem }

func badInput(field, problem string) error { return &inputError{field, problem} }

func isInput(err error) bool { return as[*inputError](err) || as[*licensing.InputError](err) }

func inputText(err error) string {
	_, problem := inputOf(err)
	return problem
}

func inputOf(err error) (field, problem string) {
	var mine *inputError
	var theirs *licensing.InputError
	switch {
	case errors.As(err, &mine):
		return mine.field, mine.problem
	case errors.As(err, &theirs):
		return theirs.Field, theirs.Problem
	}
	return "", ""
}

func tooLarge(err error) bool { return as[*http.MaxBytesError](err) || errors.Is(err, errTooLarge) }

func problemOf(err error) problem {
	for _, p := range problems {
		if p.when(err) {
			return p
		}
	}
	return problems[len(problems)-1]
}

// document is a problem document (RFC 9457 §3.1) with the members that are ours.
type document struct {
	Type      string             `json:"type"` // a page of this service, relative to its address (§3.1.1)
	Title     string             `json:"title"`
	Status    int                `json:"status"`
	Detail    string             `json:"detail,omitempty"`
	Code      string             `json:"code"`
	Field     string             `json:"field,omitempty"`
	Message   *licensing.Message `json:"message,omitempty"`
	RequestID string             `json:"requestId"`
}

const problemType = "application/problem+json"

// fail writes the problem document of an error. What is not in the table says
// nothing of the inside and is logged instead.
func (s *server) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := problemOf(err)
	if p.status == http.StatusInternalServerError {
		s.o.Log.ErrorContext(c.Request().Context(), "internal error", "request", requestID(c), "route", routePath(c), "error", err.Error())
	}
	d := s.describe(err, c)
	h := c.Response().Header()
	switch p.status {
	case http.StatusUnauthorized:
		h.Set(echo.HeaderWWWAuthenticate, challenge(p.code)) // RFC 6750 §3
	case http.StatusServiceUnavailable:
		h.Set(echo.HeaderRetryAfter, "30")
	}
	body, err := json.Marshal(d)
	if err != nil {
		body = []byte(`{"type":"/problems/internal","title":"Internal error","status":500,"code":"internal"}`)
	}
	if err := c.Blob(p.status, problemType, body); err != nil {
		s.o.Log.DebugContext(c.Request().Context(), "answer not delivered", "request", requestID(c))
	}
}

// describe writes the problem document of an error.
func (s *server) describe(err error, c echo.Context) document {
	p := problemOf(err)
	d := document{Type: "/problems/" + p.code, Title: p.title, Status: p.status, Detail: p.help, Code: p.code, RequestID: requestID(c)}
	if p.detail != nil {
		d.Detail = p.detail(err)
	}
	d.Field, _ = inputOf(err)
	var login *loginError
	if errors.As(err, &login) {
		d.Message = &login.message
	}
	var refusal *licensing.RefusalError
	if errors.As(err, &refusal) {
		d.Message = &refusal.Message
	}
	return d
}

// challenge names the error only where a token was given (RFC 6750 §3.1).
func challenge(code string) string {
	if code == "token" {
		return `Bearer realm="rastau", error="invalid_token"`
	}
	return `Bearer realm="rastau"`
}
