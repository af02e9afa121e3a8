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

// Description is openapi.json, for the pages that show it to people. It must not be changed.
func Description() []byte { return description }

// Problem is a kind of refusal, for the page that its type leads to (RFC 9457 §3.1.1).
type Problem struct {
	Code   string
	Status int
}

// Problems are all kinds of refusals that the API answers with, in the order of their table.
func Problems() []Problem {
	out := make([]Problem, len(problems))
	for i, p := range problems {
		out[i] = Problem{p.code, p.status}
	}
	return out
}
