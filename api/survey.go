// SPDX-License-Identifier: Apache-2.0

package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rastau/licensing"
)

// survey shows the order's questionnaire about a result.
func (s *server) survey(c echo.Context) error {
	out, err := s.o.Service.Survey(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return ok(c, out)
}

func (s *server) answerSurvey(c echo.Context) (*reply, error) {
	var body struct {
		Answers map[string]int `json:"answers"`
	}
	if err := s.readJSON(c, &body); err != nil {
		return nil, err
	}
	ctx := c.Request().Context()
	if err := s.o.Service.AnswerSurvey(ctx, actor(c), c.Param("id"), body.Answers); err != nil {
		return nil, err
	}
	out, err := s.o.Service.Survey(ctx, actor(c), c.Param("id"))
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: out}, nil
}

// indicators of quality and accessibility over a period, in numbers alone.
func (s *server) indicators(c echo.Context) error {
	list, err := s.o.Service.Indicators(c.Request().Context(), licensing.Period{From: licensing.Day(c.QueryParam("from")), Until: licensing.Day(c.QueryParam("until"))})
	if err != nil {
		return err
	}
	return ok(c, map[string]any{"indicators": list})
}
