// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"rastau/licensing"
)

type registryPage struct {
	Search licensing.Search
	*licensing.RegisterPage
	More   string
	Names  map[string]string
	States []licensing.LicenceState
}

func searchOf(q *request) licensing.Search {
	cursor, _ := strconv.ParseInt(q.FormValue("cursor"), 10, 64)
	day := func(name string) licensing.Day {
		d, _ := isoDate(strings.TrimSpace(q.FormValue(name)))
		return licensing.Day(d)
	}
	return licensing.Search{Text: strings.TrimSpace(q.FormValue("q")), BIN: strings.ReplaceAll(q.FormValue("bin"), " ", ""), Service: q.FormValue("service"),
		State: licensing.LicenceState(q.FormValue("state")), Issued: licensing.Period{From: day("from"), Until: day("until")}, Cursor: max(cursor, 0), Limit: 50}
}

// registry is the public register: of a person the name alone.
func (s *site) registry(q *request) error {
	search := searchOf(q)
	v := q.view("registry.title")
	p := registryPage{Search: search, Names: s.names(q),
		States: []licensing.LicenceState{licensing.StateIssued, licensing.StateReissued, licensing.StateSuspended, licensing.StateResumed, licensing.StateTerminated}}
	page, err := s.o.Service.Register(q.Context(), search)
	if isInput(err) {
		p.RegisterPage = &licensing.RegisterPage{}
		v.Data, v.Errors = p, []fieldError{{nameOf(err), fieldOf(q, err)}}
		return q.render(http.StatusUnprocessableEntity, "registry", v)
	}
	if err != nil {
		return err
	}
	p.RegisterPage = page
	if page.Next > 0 {
		values := q.URL.Query()
		values.Set("cursor", strconv.FormatInt(page.Next, 10))
		p.More = "/registry?" + values.Encode()
	}
	v.Data = p
	return q.render(http.StatusOK, "registry", v)
}

func (s *site) registryCSV(q *request) error {
	var out bytes.Buffer
	if err := s.o.Service.RegisterCSV(q.Context(), &out, searchOf(q), q.lang); err != nil {
		return err
	}
	return q.file("register.csv", "text/csv; charset=utf-8", out.Bytes(), true)
}
