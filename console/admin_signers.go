// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"rastau/internal/account"
	"rastau/internal/phrase"
	"rastau/licensing"
)

type signersPage struct {
	Lines     []signerLine
	Source    string // the configuration's file
	Officers  []account.Person
	Licensors []licensorName
	Keys      []string
	Form      map[string]string
}

type signerLine struct {
	licensing.Signer
	Holds, Past bool
	Body        string // of the licensor
}

type licensorName struct{ BIN, Name string }

// signers is the dated table of who may sign for which licensor: the configuration's lines and those that were added here.
func (s *site) signers(q *request) error {
	return s.showSigners(q, http.StatusOK, map[string]string{}, nil)
}

func (s *site) showSigners(q *request, status int, form map[string]string, errs []fieldError) error {
	list, err := s.o.Service.Signers(q.Context())
	if err != nil {
		return err
	}
	people, err := s.o.Desk.People(q.Context())
	if err != nil {
		return err
	}
	now := s.o.Now()
	settings := s.o.Settings()
	p := signersPage{Source: settings.Authorities, Keys: settings.Keys, Form: form}
	names := map[string]string{}
	for _, r := range s.o.Service.Regulations() {
		if _, twice := names[r.Licensor.BIN]; !twice {
			names[r.Licensor.BIN] = r.Licensor.Name.In(q.lang)
			p.Licensors = append(p.Licensors, licensorName{r.Licensor.BIN, r.Licensor.Name.In(q.lang)})
		}
	}
	for _, l := range list {
		p.Lines = append(p.Lines, signerLine{Signer: l, Holds: holds(l, now), Past: !l.Until.IsZero() && !now.Before(l.Until), Body: names[l.Licensor]})
	}
	slices.SortStableFunc(p.Lines, func(a, b signerLine) int { // those that hold come first
		switch {
		case a.Past == b.Past:
			return 0
		case b.Past:
			return -1
		}
		return 1
	})
	for _, x := range people {
		if slices.Contains(x.Roles, account.Officer) {
			p.Officers = append(p.Officers, x)
		}
	}
	v := q.view("signers.title")
	v.Data, v.Errors, v.Back = p, errs, "/admin"
	return q.render(status, "signers", v)
}

// addSigner adds a line that begins today or later.
func (s *site) addSigner(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	form := map[string]string{}
	for _, f := range []string{"officer", "name", "position_kk", "position_ru", "position_en", "licensor", "certificate", "from", "until"} {
		form[f] = strings.TrimSpace(q.FormValue(f))
	}
	v := q.view("signers.title")
	var errs []fieldError
	for _, f := range []string{"officer", "name", "position_kk", "position_ru", "position_en", "licensor", "certificate"} {
		if form[f] == "" {
			errs = append(errs, fieldError{f, v.T("signers.fill", "field", v.T("signers."+f))})
		}
	}
	n := licensing.Authority{Officer: form["officer"], Name: form["name"], Licensor: form["licensor"], Certificate: strings.ToLower(form["certificate"]),
		Position: phrase.Text{KK: form["position_kk"], RU: form["position_ru"], EN: form["position_en"]}, From: s.o.Now()}
	day := func(field string, into *time.Time) {
		if form[field] == "" {
			return
		}
		t, err := time.ParseInLocation("02.01.2006", form[field], s.zone)
		if err != nil {
			errs = append(errs, fieldError{field, v.T("events.bad_day")})
		}
		*into = t
	}
	day("from", &n.From)
	day("until", &n.Until)
	if !n.Until.IsZero() {
		n.Until = n.Until.In(s.zone).AddDate(0, 0, 1) // the day named is the last one
	}
	if len(errs) > 0 {
		return s.showSigners(q, http.StatusUnprocessableEntity, form, errs)
	}
	err := s.o.Service.AddSigner(q.Context(), q.actor(), q.from(), n)
	switch {
	case isInput(err):
		field := "certificate"
		if nameOf(err) == "from" || strings.Contains(err.Error(), "until must") {
			field = "from"
		}
		return s.showSigners(q, http.StatusUnprocessableEntity, form, []fieldError{{field, v.T("signers.bad." + field)}})
	case errors.Is(err, licensing.ErrState):
		return s.showSigners(q, http.StatusConflict, form, []fieldError{{"officer", v.T("signers.twice")}})
	case err != nil:
		return err
	}
	return q.redirect("/admin/signers")
}

func (s *site) askEnd(q *request) error {
	list, err := s.o.Service.Signers(q.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(l licensing.Signer) bool {
		return l.ID == q.PathValue("id") && (l.Until.IsZero() || s.o.Now().Before(l.Until))
	})
	if i < 0 {
		return errMissing
	}
	v, l := q.view("signers.title"), list[i]
	return s.confirm(q, "signers.end", "/admin/signers", fact{v.T("signers.name"), l.Name}, fact{v.T("signers.officer"), l.Officer},
		fact{v.T("signers.position"), l.Position.In(q.lang)}, fact{v.T("bin"), v.Grouped(l.Licensor)}, fact{v.T("signers.certificate"), l.Certificate})
}

// endSigner ends a line now.
func (s *site) endSigner(q *request) error {
	if err := s.o.Service.EndSigner(q.Context(), q.actor(), q.from(), q.PathValue("id"), time.Time{}); err != nil {
		return err
	}
	return q.redirect("/admin/signers")
}
