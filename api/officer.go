// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rastau/licensing"
)

// queue lists what waits for a decision. A page goes on behind "after", which is the next of the page before.
func (s *server) queue(c echo.Context) error {
	limit, err := number(c, "limit", 1, 500)
	if err != nil {
		return err
	}
	f := licensing.QueueFilter{Service: c.QueryParam("service"), Officer: c.QueryParam("officer"), Limit: int(limit)}
	if f.Officer == "me" {
		f.Officer = caller(c).ID
	}
	if f.Unclaimed, err = yes(c, "unclaimed"); err != nil {
		return err
	}
	if day := c.QueryParam("dueBefore"); day != "" {
		if f.DueBefore, err = time.ParseInLocation(time.DateOnly, day, s.zone); err != nil {
			return badInput("dueBefore", "must be a day as yyyy-mm-dd")
		}
	}
	if after := c.QueryParam("after"); after != "" {
		due, id, found := strings.Cut(after, ".")
		ms, err := strconv.ParseInt(due, 10, 64)
		if err != nil || !found || id == "" {
			return badInput("after", "must be the next of a page")
		}
		f.AfterDue, f.AfterID = time.UnixMilli(ms), id
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	list, err := s.o.Service.Queue(c.Request().Context(), actor(c), f)
	if err != nil {
		return err
	}
	if list == nil {
		list = []licensing.QueueLine{}
	}
	next := ""
	if len(list) == f.Limit {
		last := list[len(list)-1]
		next = strconv.FormatInt(last.Deadline.UnixMilli(), 10) + "." + last.ID
	}
	return ok(c, map[string]any{"applications": list, "next": next})
}

// tasks lists what the law has officers do by a day beside applications.
func (s *server) tasks(c echo.Context) error {
	list, err := s.o.Service.Tasks(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return ok(c, map[string]any{"tasks": list})
}

// step is one thing that an officer does on an application. Which members it has depends on the step.
type step struct {
	Step    string        `json:"step"`
	Officer string        `json:"officer"`
	Text    string        `json:"text"`
	Bodies  []string      `json:"bodies"`
	Body    string        `json:"body"`
	Agreed  *bool         `json:"agreed"`
	On      licensing.Day `json:"on"`
	Passed  *bool         `json:"passed"`
	Fields  []string      `json:"fields"`
	Upheld  *bool         `json:"upheld"`
}

// steps are all that there are.
var steps = map[string]func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, q step) error{
	"claim": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, _ step) error {
		_, err := s.Claim(ctx, a, id)
		return err
	},
	"release": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, _ step) error {
		_, err := s.Release(ctx, a, id)
		return err
	},
	"assign": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, q step) error {
		_, err := s.Assign(ctx, a, id, q.Officer)
		return err
	},
	"note": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, q step) error {
		return s.Note(ctx, a, id, q.Text)
	},
	"complete": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, _ step) error {
		return s.Complete(ctx, a, id)
	},
	"incomplete": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, q step) error {
		_, err := s.Incomplete(ctx, a, id, q.Text)
		return err
	},
	"ask-agreement": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, q step) error {
		return s.AskAgreement(ctx, a, id, q.Bodies)
	},
	"answer-agreement": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, q step) error {
		if q.Agreed == nil {
			return badInput("agreed", "is required: true or false")
		}
		return s.AnswerAgreement(ctx, a, id, q.Body, *q.Agreed, q.Text)
	},
	"order-inspection": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, q step) error {
		return s.OrderInspection(ctx, a, id, q.On, q.Text)
	},
	"report-inspection": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, q step) error {
		if q.Passed == nil {
			return badInput("passed", "is required: true or false")
		}
		return s.ReportInspection(ctx, a, id, *q.Passed, q.Text)
	},
	"ask-correction": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, q step) error {
		return s.AskCorrection(ctx, a, id, licensing.Correction{Fields: q.Fields, Text: q.Text})
	},
	"hand-over": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, q step) error {
		return s.HandOver(ctx, a, id, q.Text)
	},
	"answer-appeal": func(ctx context.Context, s *licensing.Service, a licensing.Actor, id string, q step) error {
		if q.Upheld == nil {
			return badInput("upheld", "is required: true or false")
		}
		return s.AnswerAppeal(ctx, a, id, *q.Upheld, q.Text)
	},
}

// work does a step and shows the file as it is then.
func (s *server) work(c echo.Context) (*reply, error) {
	var q step
	if err := s.readJSON(c, &q); err != nil {
		return nil, err
	}
	do, known := steps[q.Step]
	if !known {
		return nil, badInput("step", "is none of those in the description")
	}
	ctx, id := c.Request().Context(), c.Param("id")
	if err := do(ctx, s.o.Service, actor(c), id, q); err != nil {
		return nil, err
	}
	f, err := s.o.Service.File(ctx, actor(c), id)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: f}, nil
}

func (s *server) file(c echo.Context) error {
	f, err := s.o.Service.File(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return ok(c, f)
}

// ruling shows the signed decision.
func (s *server) ruling(c echo.Context) error {
	r, err := s.o.Service.Ruling(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return ok(c, map[string]any{"at": r.At, "approve": r.Approve, "document": r.Document, "signed": r.Signed, "entry": r.Entry})
}

func (s *server) move(c echo.Context) (*reply, error) {
	var q licensing.MoveRequest
	if err := s.readJSON(c, &q); err != nil {
		return nil, err
	}
	l, err := s.o.Service.Move(c.Request().Context(), actor(c), c.Param("number"), q)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: l}, nil
}

func (s *server) grounds(c echo.Context) error {
	return ok(c, map[string]any{"grounds": s.o.Service.Grounds()})
}

func (s *server) batch(c echo.Context) (*reply, error) {
	var q struct {
		Applications []string           `json:"applications"`
		Decision     licensing.Decision `json:"decision"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return nil, err
	}
	b, err := s.o.Service.DecideMany(c.Request().Context(), actor(c), q.Applications, q.Decision)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusCreated, location: "/v1/batches/" + url.PathEscape(b.ID), body: b}, nil
}

func (s *server) readBatch(c echo.Context) error {
	b, err := s.o.Service.Batch(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return ok(c, b)
}

// statistics of a period with the state of the register.
func (s *server) statistics(c echo.Context) error {
	ctx := c.Request().Context()
	figures, err := s.o.Service.Statistics(ctx, actor(c), licensing.Period{From: licensing.Day(c.QueryParam("from")), Until: licensing.Day(c.QueryParam("until"))})
	if err != nil {
		return err
	}
	licences, err := s.o.Service.Counted(ctx)
	if err != nil {
		return err
	}
	return ok(c, map[string]any{"applications": figures, "licences": licences})
}

// number reads a whole number from the query; 0 where it is not given.
func number(c echo.Context, name string, least, most int64) (int64, error) {
	given := c.QueryParam(name)
	if given == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(given, 10, 64)
	if err != nil || n < least || n > most {
		return 0, badInput(name, "must be a number from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
	}
	return n, nil
}

func yes(c echo.Context, name string) (bool, error) {
	switch c.QueryParam(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, badInput(name, "must be true or false")
}
