// SPDX-License-Identifier: Apache-2.0

package api

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"rastau/licensing"
	"rastau/verifier"
)

func (s *server) apply(c echo.Context) (*reply, error) {
	var n licensing.NewApplication
	if err := s.readJSON(c, &n); err != nil {
		return nil, err
	}
	app, err := s.o.Service.Apply(c.Request().Context(), actor(c), n)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusCreated, location: "/v1/applications/" + url.PathEscape(app.ID), body: app}, nil
}

func (s *server) applications(c echo.Context) error {
	limit := 0
	if given := c.QueryParam("limit"); given != "" {
		var err error
		if limit, err = strconv.Atoi(given); err != nil || limit < 1 || limit > 500 {
			return badInput("limit", "must be a number from 1 to 500")
		}
	}
	list, err := s.o.Service.Applications(c.Request().Context(), actor(c), licensing.Status(c.QueryParam("status")), limit)
	if err != nil {
		return err
	}
	if list == nil {
		list = []licensing.Application{}
	}
	return ok(c, map[string]any{"applications": list})
}

func (s *server) application(c echo.Context) error {
	app, err := s.o.Service.Application(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return ok(c, app)
}

// Content types of a signature sent as it is.
const (
	typePKCS7 = "application/pkcs7-signature"
	typeCMS   = "application/cms"
)

func (s *server) submit(c echo.Context) (*reply, error) {
	signature, err := s.readSignature(c)
	if err != nil {
		return nil, err
	}
	sub, err := s.o.Service.Submit(c.Request().Context(), actor(c), c.Param("id"), signature)
	if err != nil {
		return nil, err
	}
	if sub.Verdict != nil {
		s.o.Memory.Verdict(s.o.Log, "application", sub.Verdict)
	}
	later := sub.RetryAfter != nil || sub.Message.Code == licensing.CodeLater ||
		sub.Verdict != nil && sub.Verdict.SubIndication == verifier.TryLater
	return &reply{status: http.StatusOK, body: sub, passing: later}, nil
}

// readSignature takes the signature from JSON, a form or the bare body. Whether
// it is one is for the verifier to say.
func (s *server) readSignature(c echo.Context) ([]byte, error) {
	kind, params, err := contentType(c, typeJSON, typeMultipart, typePKCS7, typeCMS)
	if err != nil {
		return nil, err
	}
	switch kind {
	case typeJSON:
		var body struct {
			Signature *[]byte `json:"signature"`
		}
		if err := s.readJSON(c, &body); err != nil {
			return nil, err
		}
		if body.Signature == nil {
			return nil, badInput("signature", "is required: the signature's bytes in base64")
		}
		return *body.Signature, nil
	case typeMultipart:
		form, err := s.readForm(c, params, []string{"signature"}, nil)
		if err != nil {
			return nil, err
		}
		if form["signature"] == nil {
			return nil, badInput("signature", "is required: a part of the form with the signature's bytes")
		}
		return form["signature"], nil
	}
	return s.readBody(c)
}

func (s *server) decide(c echo.Context) (*reply, error) {
	var d struct {
		Approve   *bool           `json:"approve"`
		Grounds   string          `json:"grounds"`
		Checklist map[string]bool `json:"checklist"`
	}
	if err := s.readJSON(c, &d); err != nil {
		return nil, err
	}
	if d.Approve == nil {
		return nil, badInput("approve", "is required: true or false") // a forgotten member must not refuse anybody
	}
	app, err := s.o.Service.Decide(c.Request().Context(), actor(c), c.Param("id"), licensing.Decision{Approve: *d.Approve, Grounds: d.Grounds, Checklist: d.Checklist})
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: app}, nil
}

func (s *server) log(c echo.Context) error {
	size, root, err := s.o.Service.LogHead(c.Request().Context())
	if err != nil {
		return err
	}
	return ok(c, map[string]any{"size": size, "root": root})
}
