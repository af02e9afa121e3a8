// SPDX-License-Identifier: Apache-2.0

package api

import (
	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"rastau/internal/phrase"
	"rastau/licensing"
)

// publicLicence is what the register says of a number, for programs; the page that the QR code leads people to is the console's.
func (s *server) publicLicence(c echo.Context) error {
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderAccept) // the same address is a page for people
	number, ctx := c.Param("number"), c.Request().Context()
	if licensing.ParseNumber(number) != nil {
		return licensing.ErrNotFound // a mistyped number is no licence's
	}
	if _, err := s.o.Service.Licence(ctx, number); err != nil {
		return err
	}
	return ok(c, s.o.Service.CheckLicence(ctx, nil, nil, number))
}

// PrefersJSON compares what a client would rather have (RFC 9110 §12.5.1) at an address that has a page for people too: the
// page wins where both are wanted alike.
func PrefersJSON(accept string) bool {
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
