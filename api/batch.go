// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bufio"
	"bytes"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rastau/internal/account"
	"rastau/internal/batch"
	"rastau/internal/pki"
	"rastau/verifier"
)

const (
	typeZIP = "application/zip"
	typeCSV = "text/csv"
)

// withBatches hides the routes where no batches are judged.
func (s *server) withBatches(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.o.Batches == nil {
			return errNoSuch
		}
		return next(c)
	}
}

// giveWay counts a request for which batches wait.
func (s *server) giveWay(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		defer s.o.Gate.Enter()()
		return next(c)
	}
}

// submitBatch takes an archive or a table as the body, with the question in the
// address, or both in a form.
func (s *server) submitBatch(c echo.Context) (*reply, error) {
	kind, params, err := contentType(c, typeZIP, typeCSV, typeMultipart)
	if err != nil {
		return nil, err
	}
	var archive, table []byte
	var words judging
	if kind == typeMultipart {
		form, err := s.readForm(c, params, []string{"archive", "table"}, judgingNames)
		if err != nil {
			return nil, err
		}
		archive, table, words = form["archive"], form["table"], judgingOf(form)
	} else {
		body, err := s.readBody(c)
		if err != nil {
			return nil, err
		}
		given := map[string][]byte{}
		for name, values := range c.QueryParams() {
			given[name] = []byte(values[0])
		}
		words = judgingOf(given)
		if kind == typeZIP {
			archive = body
		} else {
			table = body
		}
	}
	if (len(archive) == 0) == (len(table) == 0) {
		return nil, badInput("archive", "give an archive or a table, one of them")
	}
	q, err := s.question(c, words, verifier.PurposeSign)
	if err != nil {
		return nil, err
	}
	var source *batch.Source
	if archive != nil {
		source, err = batch.FromZIP(bytes.NewReader(archive), int64(len(archive)), s.o.Batches.Limits())
	} else {
		source, err = batch.FromTable(table, s.o.Batches.Limits())
	}
	if err != nil {
		return nil, err
	}
	ask := batch.Ask{At: q.At, IIN: q.IIN, BIN: q.BIN, Applicant: string(q.Applicant), Purpose: q.Purpose, NoRevocation: q.NoRevocation,
		MaxAge: q.MaxAge, Lang: q.Lang, Legacy: q.Algorithms == pki.LegacyAlgorithms}
	j, err := s.o.Batches.Submit(c.Request().Context(), caller(c).ID, source, ask)
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusCreated, location: "/v1/signatures/batches/" + url.PathEscape(j.ID), body: j}, nil
}

// seesAll: administrators see everybody's batches, all others their own.
func seesAll(c echo.Context) bool { return caller(c).Has(account.Admin) }

func (s *server) verificationBatches(c echo.Context) error {
	list, err := s.o.Batches.Jobs(c.Request().Context(), caller(c).ID, seesAll(c))
	if err != nil {
		return err
	}
	return ok(c, map[string]any{"batches": list})
}

func (s *server) verificationBatch(c echo.Context) error {
	j, err := s.o.Batches.Job(c.Request().Context(), caller(c).ID, seesAll(c), c.Param("id"))
	if err != nil {
		return err
	}
	return ok(c, j)
}

// batchResults writes what is judged so far, as JSON lines or as a table; what
// fails after the first line ends the connection.
func (s *server) batchResults(c echo.Context) error {
	from, err := number(c, "from", 0, 1<<31)
	if err != nil {
		return err
	}
	ctx, id := c.Request().Context(), c.Param("id")
	if _, err := s.o.Batches.Job(ctx, caller(c).ID, seesAll(c), id); err != nil {
		return err
	}
	out := bufio.NewWriterSize(c.Response(), 64<<10)
	var put func(n int, l batch.Line) error
	end := func() error { return nil }
	switch c.QueryParam("format") {
	case "", "jsonl":
		c.Response().Header().Set(echo.HeaderContentType, "application/jsonl; charset=utf-8")
		put = func(_ int, l batch.Line) error {
			_, err := out.Write(append(l.JSON, '\n'))
			return err
		}
	case "csv":
		c.Response().Header().Set(echo.HeaderContentType, "text/csv; charset=utf-8; header=present")
		table, err := batch.NewCSV(out)
		if err != nil {
			return err
		}
		put, end = func(_ int, l batch.Line) error { return table.Write(l) }, table.Flush
	default:
		return badInput("format", "must be jsonl or csv")
	}
	if err := s.o.Batches.Lines(ctx, caller(c).ID, seesAll(c), id, int(from), put); err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	return out.Flush()
}

func (s *server) cancelBatch(c echo.Context) (*reply, error) {
	j, err := s.o.Batches.Cancel(c.Request().Context(), caller(c).ID, seesAll(c), c.Param("id"))
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: j}, nil
}

// removeBatch erases a batch with its results at once.
func (s *server) removeBatch(c echo.Context) error {
	if err := s.o.Batches.Remove(c.Request().Context(), caller(c).ID, seesAll(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
