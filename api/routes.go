// SPDX-License-Identifier: Apache-2.0

package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rastau/internal/account"
)

// route is one line of the table of everything that can be asked.
type route struct {
	method, path string
	roles        []account.Role // one of them is needed; none: public
	handle       echo.HandlerFunc
}

// Paths of those who watch over the service.
const (
	pathLive    = "/livez"
	pathReady   = "/readyz"
	pathMetrics = "/metrics"
)

func (s *server) routes() []route {
	const (
		applicant = account.Applicant
		officer   = account.Officer
		auditor   = account.Auditor
		admin     = account.Admin
	)
	var public []account.Role
	everyone := []account.Role{applicant, officer, auditor, admin}
	workers := []account.Role{applicant, officer, admin}
	judges := []account.Role{officer, auditor, admin}
	return []route{
		// Whoever watches over the service must reach it under any load: these have no rate.
		{http.MethodGet, pathLive, public, s.live},
		{http.MethodGet, pathReady, public, s.ready},
		{http.MethodGet, pathMetrics, public, s.metrics},

		{http.MethodGet, "/v1/openapi.json", public, s.openapi},
		{http.MethodGet, "/docs", public, s.docs},
		{http.MethodGet, "/docs/:file", public, s.asset},
		{http.MethodGet, "/problems", public, s.problemIndex},
		{http.MethodGet, "/problems/:type", public, s.problemPage},
		{http.MethodGet, "/v/:number", public, s.publicLicence},

		{http.MethodGet, "/v1/services", everyone, s.services},
		{http.MethodGet, "/v1/services/:key", everyone, s.service},

		{http.MethodPost, "/v1/applications", []account.Role{applicant}, s.once(s.apply)},
		{http.MethodGet, "/v1/applications", workers, s.applications},
		{http.MethodGet, "/v1/applications/:id", workers, s.application},
		{http.MethodPost, "/v1/applications/:id/signature", []account.Role{applicant}, s.once(s.submit)},
		{http.MethodPost, "/v1/applications/:id/decision", []account.Role{officer}, s.once(s.decide)},

		{http.MethodGet, "/v1/licences/:number", everyone, s.licence},
		{http.MethodGet, "/v1/licences/:number/pdf", everyone, s.licencePDF},
		{http.MethodGet, "/v1/licences/:number/signed", everyone, s.licenceSigned},

		{http.MethodPost, "/v1/signatures/verify", judges, s.verifySignature},
		{http.MethodPost, "/v1/certificates/verify", judges, s.verifyCertificate},
		{http.MethodPost, "/v1/licences/verify", judges, s.verifyLicence},

		{http.MethodGet, "/v1/log", []account.Role{auditor, admin}, s.log},
	}
}
