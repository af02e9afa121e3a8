// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"rastau/internal/phrase"
	"rastau/licensing"
)

//go:embed web
var web embed.FS

var templates = template.Must(template.ParseFS(web, "web/*.html"))

// pagePolicy is the policy of every HTML page: nothing from outside, nothing
// inline, no frame around it.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page renders a template whole before the first byte goes out.
func page(c echo.Context, status int, name string, data any) error {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, data); err != nil {
		return err
	}
	c.Response().Header().Set("Content-Security-Policy", pagePolicy)
	return c.HTMLBlob(status, out.Bytes())
}

// licenceView is what the public sees: of the holder the name alone.
type licenceView struct {
	Lang                                      phrase.Lang
	Number                                    string
	Found, InForce                            bool
	State                                     licensing.LicenceState
	Verdict                                   string
	Activity, Licensor, Holder, Issued, Until string
}

// T is a label of the page in its language.
func (v licenceView) T(key string) string { return phrase.Get("api.licence."+key, nil).In(v.Lang) }

// StateName is the state in words.
func (v licenceView) StateName() string { return v.T("state." + string(v.State)) }

// Langs are the languages that the page can be read in, each by its own name.
func (v licenceView) Langs() []langLink {
	return []langLink{{phrase.KK, "Қазақша"}, {phrase.RU, "Русский"}, {phrase.EN, "English"}}
}

type langLink struct {
	Lang phrase.Lang
	Name string
}

// publicLicence is where the QR code of a licence leads.
func (s *server) publicLicence(c echo.Context) error {
	h := c.Response().Header()
	h.Add(echo.HeaderVary, "Accept, Accept-Language")
	number, ctx := c.Param("number"), c.Request().Context()
	var l *licensing.Licence
	err := licensing.ParseNumber(number)
	if err == nil {
		l, err = s.o.Service.Licence(ctx, number)
	} else {
		err = licensing.ErrNotFound // a mistyped number is no licence's
	}
	missing := errors.Is(err, licensing.ErrNotFound)
	if err != nil && !missing {
		return err
	}
	if prefersJSON(c.Request().Header.Get(echo.HeaderAccept)) {
		if missing {
			return err
		}
		return ok(c, s.o.Service.CheckLicence(ctx, nil, nil, number))
	}
	v := licenceView{Lang: pageLang(c), Number: number}
	h.Set("Content-Language", string(v.Lang))
	if missing {
		v.Verdict = phrase.Get("workflow.check.not_registered", nil).In(v.Lang)
		if len(v.Number) > 40 {
			v.Number = ""
		}
		return page(c, http.StatusNotFound, "licence.html", v)
	}
	check := s.o.Service.CheckLicence(ctx, nil, nil, number)
	v.Found, v.InForce, v.State = check.Registered, check.InForce, check.State
	v.Verdict = check.Why.In(v.Lang)
	v.Activity, v.Licensor, v.Holder = l.Activity.In(v.Lang), l.Licensor.In(v.Lang), l.Holder.Name
	v.Issued, v.Until = s.day(l.Issued), v.T("unlimited")
	if l.ValidUntil != nil {
		v.Until = s.day(*l.ValidUntil)
	}
	return page(c, http.StatusOK, "licence.html", v)
}

// day is a date as people in Kazakhstan write it.
func (s *server) day(t time.Time) string { return t.In(s.zone).Format("02.01.2006") }

// prefersJSON compares what a client would rather have (RFC 9110 §12.5.1): the
// page for people wins where both are wanted alike.
func prefersJSON(accept string) bool {
	return weight(accept, typeJSON) > weight(accept, "text/html", "application/xhtml+xml")
}

var pageLangs = language.NewMatcher([]language.Tag{language.Kazakh, language.Russian, language.English})

// pageLang is the language of a public page: asked for by ?lang=, else what the
// browser prefers, else Kazakh, the language of the state.
func pageLang(c echo.Context) phrase.Lang {
	if l, ok := phrase.ParseLang(c.QueryParam("lang")); ok {
		return l
	}
	l, _ := acceptedLang(c)
	return l
}

// preferredLang is the language of a report's sentences: English unless the
// client prefers another.
func preferredLang(c echo.Context) phrase.Lang {
	if l, ok := acceptedLang(c); ok {
		return l
	}
	return phrase.EN
}

func acceptedLang(c echo.Context) (phrase.Lang, bool) {
	accept := c.Request().Header.Get("Accept-Language")
	if accept == "" || len(accept) > maxAccept {
		return phrase.KK, false
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return phrase.KK, false
	}
	_, i, confidence := pageLangs.Match(tags...)
	if confidence < language.High {
		return phrase.KK, false // another language, for which the matcher has a mere fallback
	}
	return []phrase.Lang{phrase.KK, phrase.RU, phrase.EN}[i], true
}
