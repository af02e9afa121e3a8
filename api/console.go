// SPDX-License-Identifier: Apache-2.0

package api

import (
	_ "embed"
	"net/http"

	"github.com/labstack/echo/v4"
)

//go:embed openapi.json
var description []byte

// openapi serves the description of every route (OpenAPI 3.1).
func (s *server) openapi(c echo.Context) error {
	return c.Blob(http.StatusOK, typeJSON, description)
}

// docs is the console: it reads openapi.json and calls this service, nothing else.
func (s *server) docs(c echo.Context) error {
	return page(c, http.StatusOK, "console.html", nil)
}

// assets are the files of the pages; no other can be asked for.
var assets = map[string]string{
	"style.css":  "text/css; charset=utf-8",
	"console.js": "text/javascript; charset=utf-8",
}

func (s *server) asset(c echo.Context) error {
	name := c.Param("file")
	kind, known := assets[name]
	if !known {
		return errNoSuch
	}
	data, err := web.ReadFile("web/" + name)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "max-age=300")
	return c.Blob(http.StatusOK, kind, data)
}

// problemView is one line of the table of problems as its page shows it.
type problemView struct {
	Status            int
	Code, Title, Help string
}

func view(p problem) problemView { return problemView{p.status, p.code, p.title, p.help} }

// problemPage explains one problem type (RFC 9457 §3.1.1: the type should lead
// to a page that people can read).
func (s *server) problemPage(c echo.Context) error {
	for _, p := range problems {
		if p.code == c.Param("type") {
			return page(c, http.StatusOK, "problem.html", view(p))
		}
	}
	return errNoSuch
}

func (s *server) problemIndex(c echo.Context) error {
	var all []problemView
	for _, p := range problems {
		all = append(all, view(p))
	}
	return page(c, http.StatusOK, "problems.html", all)
}
