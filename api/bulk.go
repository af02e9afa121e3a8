// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"rastau/licensing"
)

// maxBulk bounds the applications or signatures of one request.
const maxBulk = 100

// result is what became of one of many: an application or submission, or its problem document.
type result struct {
	Application *licensing.Application `json:"application,omitempty"`
	Submission  *licensing.Submission  `json:"submission,omitempty"`
	Problem     *document              `json:"problem,omitempty"`
}

// applyMany makes drafts of many applications. Each stands for itself: one that is refused keeps no other back.
func (s *server) applyMany(c echo.Context) (*reply, error) {
	var q struct {
		Applications []json.RawMessage `json:"applications"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return nil, err
	}
	if len(q.Applications) == 0 || len(q.Applications) > maxBulk {
		return nil, badInput("applications", "must be 1 to 100")
	}
	results := make([]result, len(q.Applications))
	for i, raw := range q.Applications {
		var n licensing.NewApplication
		err := decodeJSON(raw, &n)
		if err == nil {
			results[i].Application, err = s.o.Service.Apply(c.Request().Context(), actor(c), n)
		}
		if err := s.each(c, &results[i], err); err != nil {
			return nil, err
		}
	}
	return &reply{status: http.StatusOK, body: map[string]any{"results": results}}, nil
}

// submitMany judges the signatures of many packages.
func (s *server) submitMany(c echo.Context) (*reply, error) {
	var q struct {
		Signatures []struct {
			ID        string `json:"id"`
			Signature []byte `json:"signature"`
		} `json:"signatures"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return nil, err
	}
	if len(q.Signatures) == 0 || len(q.Signatures) > maxBulk {
		return nil, badInput("signatures", "must be 1 to 100")
	}
	results := make([]result, len(q.Signatures))
	for i, x := range q.Signatures {
		sub, err := s.o.Service.Submit(c.Request().Context(), actor(c), x.ID, x.Signature)
		if err == nil && sub.Verdict != nil {
			s.o.Memory.Verdict(s.o.Log, "application", sub.Verdict)
		}
		results[i].Submission = sub
		if err := s.each(c, &results[i], err); err != nil {
			return nil, err
		}
	}
	return &reply{status: http.StatusOK, body: map[string]any{"results": results}}, nil
}

// each tells the problem of one; what is no fault of the one ends the whole.
func (s *server) each(c echo.Context, r *result, err error) error {
	if err == nil {
		return nil
	}
	if problemOf(err).status >= http.StatusInternalServerError {
		return err
	}
	d := s.describe(err, c)
	*r = result{Problem: &d}
	return nil
}

// amend makes the package of a correction that an officer asked for.
func (s *server) amend(c echo.Context) (*reply, error) {
	var n licensing.NewApplication
	if err := s.readJSON(c, &n); err != nil {
		return nil, err
	}
	app, err := s.o.Service.Amend(c.Request().Context(), actor(c), c.Param("id"), n)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: app}, nil
}

func (s *server) submitAmendment(c echo.Context) (*reply, error) {
	signature, err := s.readSignature(c)
	if err != nil {
		return nil, err
	}
	sub, err := s.o.Service.SubmitAmendment(c.Request().Context(), actor(c), c.Param("id"), signature)
	if err != nil {
		return nil, err
	}
	if sub.Verdict != nil {
		s.o.Memory.Verdict(s.o.Log, "application", sub.Verdict)
	}
	return &reply{status: http.StatusOK, body: sub, passing: sub.RetryAfter != nil}, nil
}

func (s *server) appeal(c echo.Context) (*reply, error) {
	var q struct {
		Text string `json:"text"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return nil, err
	}
	ctx, id := c.Request().Context(), c.Param("id")
	if err := s.o.Service.Appeal(ctx, actor(c), id, q.Text); err != nil {
		return nil, err
	}
	f, err := s.o.Service.File(ctx, actor(c), id)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: f}, nil
}
