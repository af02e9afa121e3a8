// SPDX-License-Identifier: Apache-2.0

package api

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rastau/licensing"
)

func (s *server) search(c echo.Context) (q licensing.Search, err error) {
	limit, err := number(c, "limit", 1, 500)
	if err != nil {
		return q, err
	}
	q = licensing.Search{
		Text: c.QueryParam("q"), BIN: c.QueryParam("bin"), Service: c.QueryParam("service"), State: licensing.LicenceState(c.QueryParam("state")),
		Issued: licensing.Period{From: licensing.Day(c.QueryParam("from")), Until: licensing.Day(c.QueryParam("until"))}, Limit: int(limit),
	}
	q.Cursor, err = number(c, "cursor", 0, math.MaxInt64)
	if q.Limit == 0 {
		q.Limit = 50
	}
	return q, err
}

// register is the public register: of a person the name alone.
func (s *server) register(c echo.Context) error {
	q, err := s.search(c)
	if err != nil {
		return err
	}
	return s.registerPage(c, q)
}

// licences is the same for those who may ask by a person's number.
func (s *server) licences(c echo.Context) error {
	q, err := s.search(c)
	if err != nil {
		return err
	}
	q.IIN = c.QueryParam("iin")
	return s.registerPage(c, q)
}

func (s *server) registerPage(c echo.Context, q licensing.Search) error {
	page, err := s.o.Service.Register(c.Request().Context(), q)
	if err != nil {
		return err
	}
	return ok(c, page)
}

// registerCSV writes while it searches; what fails after the first line ends the connection.
func (s *server) registerCSV(c echo.Context) error {
	q, err := s.search(c)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := s.o.Service.RegisterCSV(c.Request().Context(), &out, q, pageLang(c)); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="register.csv"`)
	return c.Blob(http.StatusOK, "text/csv; charset=utf-8; header=present", out.Bytes())
}

// statement is what the register says of one licence, with the proofs of its entries.
func (s *server) statement(c echo.Context) error {
	st, err := s.o.Service.Statement(c.Request().Context(), c.Param("number"))
	if err != nil {
		return err
	}
	return ok(c, st)
}

func (s *server) checkpoint(c echo.Context) error {
	msg, err := s.o.Service.Checkpoint(c.Request().Context())
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "text/plain; charset=utf-8", msg)
}

func (s *server) entryProof(c echo.Context) error {
	n, err := number(c, "entry", 0, math.MaxInt64)
	if err != nil {
		return err
	}
	size, err := number(c, "size", 1, math.MaxInt64)
	if err != nil {
		return err
	}
	p, err := s.o.Service.ProveEntry(c.Request().Context(), n, size)
	if err != nil {
		return err
	}
	return ok(c, p)
}

func (s *server) growthProof(c echo.Context) error {
	from, err := number(c, "from", 1, math.MaxInt64)
	if err != nil {
		return err
	}
	to, err := number(c, "to", 1, math.MaxInt64)
	if err != nil {
		return err
	}
	p, err := s.o.Service.ProveGrowth(c.Request().Context(), max(from, 1), to)
	if err != nil {
		return err
	}
	return ok(c, p)
}

// entries are given as lines, byte by byte as they stand in the log: together they are an export that `rastau log verify` reads.
func (s *server) entries(c echo.Context) error {
	from, err := number(c, "from", 0, math.MaxInt64)
	if err != nil {
		return err
	}
	count, err := number(c, "count", 1, 1000)
	if err != nil {
		return err
	}
	if count == 0 {
		count = 1000
	}
	list, err := s.o.Service.Entries(c.Request().Context(), from, int(count))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	for _, e := range list {
		out.Write(e)
		out.WriteByte('\n')
	}
	return c.Blob(http.StatusOK, "application/jsonl", out.Bytes())
}

// appendixFile finds an appendix to a licence that the caller may see.
func (s *server) appendixFile(c echo.Context) (*licensing.Appendix, error) {
	if _, err := s.readLicence(c); err != nil {
		return nil, err
	}
	all, err := s.o.Service.Appendices(c.Request().Context(), c.Param("number"))
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Number == c.Param("appendix") {
			return &all[i], nil
		}
	}
	return nil, licensing.ErrNotFound
}

func (s *server) appendices(c echo.Context) error {
	if _, err := s.readLicence(c); err != nil {
		return err
	}
	all, err := s.o.Service.Appendices(c.Request().Context(), c.Param("number"))
	if err != nil {
		return err
	}
	return ok(c, map[string]any{"appendices": all})
}

func (s *server) appendixPDF(c echo.Context) error {
	a, err := s.appendixFile(c)
	if err != nil {
		return err
	}
	return file(c, "application/pdf", a.Licence+"-"+a.Number+".pdf", a.PDF)
}

func (s *server) appendixSigned(c echo.Context) error {
	a, err := s.appendixFile(c)
	if err != nil {
		return err
	}
	return file(c, typeCMS, a.Licence+"-"+a.Number+".p7m", a.Signed)
}

// Bounds of one archive.
const (
	maxDownload      = 200 // licences
	maxDownloadBytes = 64 << 20
)

// download packs licences and their appendices, each as PDF and CAdES, with an index of what could not be had.
func (s *server) download(c echo.Context) error {
	type kept struct {
		name    string
		at      time.Time
		content []byte
	}
	var q struct {
		Numbers []string `json:"numbers"`
	}
	if err := s.readJSON(c, &q); err != nil {
		return err
	}
	if len(q.Numbers) == 0 || len(q.Numbers) > maxDownload {
		return badInput("numbers", "must be 1 to 200 numbers of licences")
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	missing := []string{}
	for i, n := range q.Numbers {
		for _, earlier := range q.Numbers[:i] {
			if earlier == n {
				return badInput("numbers", "holds one twice")
			}
		}
		l, err := s.licenceFor(c, n)
		if errors.Is(err, licensing.ErrNotFound) || errors.Is(err, licensing.ErrForbidden) {
			missing = append(missing, n)
			continue
		}
		if err != nil {
			return err
		}
		files := []kept{{n + ".pdf", l.Issued, l.PDF}, {n + ".p7m", l.Issued, l.Signed}}
		appendices, err := s.o.Service.Appendices(c.Request().Context(), n)
		if err != nil {
			return err
		}
		for _, x := range appendices {
			name := n + "-" + x.Number
			files = append(files, kept{name + ".pdf", x.Issued, x.PDF}, kept{name + ".p7m", x.Issued, x.Signed})
		}
		for _, f := range files {
			if out.Len()+len(f.content) > maxDownloadBytes {
				return badInput("numbers", "have more than 64 MB with their appendices: ask for fewer at once")
			}
			// None gets smaller: a PDF is compressed already.
			w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Store, Modified: f.at})
			if err != nil {
				return err
			}
			if _, err := w.Write(f.content); err != nil {
				return err
			}
		}
	}
	index, err := json.Marshal(map[string]any{"asked": q.Numbers, "missing": missing})
	if err != nil {
		return err
	}
	w, err := z.Create("index.json")
	if err != nil {
		return err
	}
	if _, err := w.Write(index); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return file(c, "application/zip", "licences.zip", out.Bytes())
}
