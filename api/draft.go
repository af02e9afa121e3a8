// SPDX-License-Identifier: Apache-2.0

package api

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rastau/licensing"
)

// saveDraft makes an open draft, which may be half filled.
func (s *server) saveDraft(c echo.Context) (*reply, error) {
	var n licensing.NewApplication
	if err := s.readJSON(c, &n); err != nil {
		return nil, err
	}
	app, err := s.o.Service.Save(c.Request().Context(), actor(c), "", n)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusCreated, location: "/v1/applications/" + url.PathEscape(app.ID), body: app}, nil
}

// changeDraft writes over an open draft.
func (s *server) changeDraft(c echo.Context) (*reply, error) {
	var n licensing.NewApplication
	if err := s.readJSON(c, &n); err != nil {
		return nil, err
	}
	app, err := s.o.Service.Save(c.Request().Context(), actor(c), c.Param("id"), n)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: app}, nil
}

// seal writes the package of a draft that is complete and paid for.
func (s *server) seal(c echo.Context) (*reply, error) {
	app, err := s.o.Service.Seal(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: app}, nil
}

// paymentLine is a payment as it is shown.
type paymentLine struct {
	Reference string  `json:"reference"`
	Amount    int64   `json:"amount"`            // tiyn
	Address   string  `json:"address,omitempty"` // where the payer pays
	Paid      *string `json:"paid"`              // RFC 3339; null: not paid yet
	Receipt   string  `json:"receipt,omitempty"`
}

// pay opens the payment of a draft at the gateway (P4), or says what became of it.
func (s *server) pay(c echo.Context) (*reply, error) {
	p, err := s.o.Service.Pay(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return nil, err
	}
	line := paymentLine{Reference: p.Reference, Amount: p.Amount, Address: p.Address, Receipt: p.Receipt}
	if p.Paid != nil {
		at := p.Paid.UTC().Format("2006-01-02T15:04:05Z")
		line.Paid = &at
	}
	return &reply{status: http.StatusOK, body: line, passing: p.Paid == nil}, nil
}

// paymentTold takes the payment gateway's word. The message proves itself by its signature, so the route needs no token.
func (s *server) paymentTold(c echo.Context) error {
	if s.o.Payments == nil {
		return errNoSuch
	}
	sealed, err := s.readBody(c)
	if err != nil {
		return err
	}
	state, err := s.o.Payments.Paid(c.Request().Context(), sealed, c.Request().Header.Get(echo.HeaderContentType))
	if err != nil {
		return &messageError{err}
	}
	if err := s.o.Service.Settle(c.Request().Context(), *state); err != nil && !errors.Is(err, licensing.ErrNotFound) {
		return err
	}
	// A payment that nobody here opened is none of ours to refuse: the gateway has done its duty.
	return c.NoContent(http.StatusNoContent)
}

// messageError: the message is not proven to be the gateway's.
type messageError struct{ err error }

func (e *messageError) Error() string { return "the message is not accepted: " + e.err.Error() }

// checkCertificate is condition C3 before anything is signed.
func (s *server) checkCertificate(c echo.Context) error {
	var q struct {
		Certificate []byte `json:"certificate"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return err
	}
	check, err := s.o.Service.CheckCertificate(c.Request().Context(), actor(c), c.Param("id"), q.Certificate)
	if err != nil {
		return err
	}
	if check.Verdict != nil {
		s.o.Memory.Verdict(s.o.Log, "certificate", check.Verdict)
	}
	return ok(c, check)
}

// lookUp asks the state registers for an applicant's data, for those who enter them.
func (s *server) lookUp(c echo.Context) error {
	var q struct {
		Service string                  `json:"service"`
		Channel licensing.Channel       `json:"channel"`
		Kind    licensing.ApplicantKind `json:"kind"`
		Number  string                  `json:"number"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return err
	}
	found, err := s.o.Service.LookUp(c.Request().Context(), actor(c), q.Service, q.Channel, q.Kind, q.Number)
	if err != nil {
		return err
	}
	return ok(c, found)
}
