// SPDX-License-Identifier: Apache-2.0

package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"rastau/internal/evidence"
	"rastau/verifier"
)

const typeXML = "application/xml"

// maxAccept bounds the preference headers before they are parsed.
const maxAccept = 1000

// weight is how much a client wants one of the media types that it names (RFC 9110
// §12.5.1); 0 where it names none of them.
func weight(accept string, kinds ...string) float64 {
	if len(accept) > maxAccept {
		return 0
	}
	most := 0.0
	for item := range strings.SplitSeq(accept, ",") {
		kind, params, _ := strings.Cut(item, ";")
		if !slices.Contains(kinds, strings.ToLower(strings.TrimSpace(kind))) {
			continue
		}
		q := 1.0
		for p := range strings.SplitSeq(params, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			if strings.EqualFold(name, "q") {
				var err error
				if q, err = strconv.ParseFloat(value, 64); err != nil || q < 0 || q > 1 {
					q = 0
				}
			}
		}
		most = max(most, q)
	}
	return most
}

// prefersXML: the validation report of ETSI TS 119 102-2 instead of ours. Whoever
// names neither, or both alike, gets JSON.
func prefersXML(c echo.Context) bool {
	accept := c.Request().Header.Get(echo.HeaderAccept)
	return weight(accept, typeXML, "text/xml") > weight(accept, typeJSON)
}

// validationReport answers with that report.
func validationReport(c echo.Context, r *verifier.Report) error {
	body, err := evidence.XML(r)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, typeXML, body)
}
