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
		employee  = account.Employee
		operator  = account.Operator
		officer   = account.Officer
		auditor   = account.Auditor
		admin     = account.Admin
	)
	var public []account.Role
	everyone := []account.Role{applicant, employee, operator, officer, auditor, admin}
	clerks := []account.Role{employee, operator}
	entering := []account.Role{applicant, employee, operator} // each on a channel of their own
	workers := []account.Role{applicant, employee, operator, officer, admin}
	judges := []account.Role{officer, auditor, admin}
	return []route{
		// Whoever watches over the service must reach it under any load: these have no rate.
		{http.MethodGet, pathLive, public, s.live},
		{http.MethodGet, pathReady, public, s.ready},
		{http.MethodGet, pathMetrics, public, s.metrics},

		{http.MethodGet, "/v1/openapi.json", public, s.openapi},
		{http.MethodGet, "/v/:number", public, s.publicLicence},

		{http.MethodGet, "/v1/services", everyone, s.services},
		{http.MethodGet, "/v1/services/:key", everyone, s.service},

		{http.MethodPost, "/v1/challenges", public, s.withDesk(s.challenge)},
		{http.MethodPost, "/v1/registrations", public, s.withDesk(s.registration)},
		{http.MethodPost, "/v1/session", public, s.withDesk(s.login)},
		{http.MethodGet, "/v1/session", everyone, s.whoAmI},
		{http.MethodDelete, "/v1/session", everyone, s.logout},
		{http.MethodGet, "/v1/people", []account.Role{admin}, s.withDesk(s.people)},
		{http.MethodPost, "/v1/people", []account.Role{admin}, s.withDesk(s.once(s.enter))},
		{http.MethodPut, "/v1/people/:id/disabled", []account.Role{admin}, s.withDesk(s.once(s.disable))},
		{http.MethodPut, "/v1/people/:id/password", everyone, s.withDesk(s.setPassword)},
		{http.MethodPost, "/v1/configuration/reload", []account.Role{admin}, s.once(s.reload)},
		{http.MethodGet, "/v1/logins", []account.Role{auditor, admin}, s.withDesk(s.logins)},

		{http.MethodPost, "/v1/registers/lookup", clerks, s.lookUp},
		{http.MethodPost, "/v1/payments/told", public, s.paymentTold},

		{http.MethodPost, "/v1/drafts", entering, s.once(s.saveDraft)},
		{http.MethodPut, "/v1/drafts/:id", entering, s.once(s.changeDraft)},
		{http.MethodPost, "/v1/applications/:id/payment", entering, s.once(s.pay)},
		{http.MethodPost, "/v1/applications/:id/seal", entering, s.once(s.seal)},
		{http.MethodPost, "/v1/applications/:id/certificate", entering, s.checkCertificate},
		{http.MethodPost, "/v1/applications", entering, s.once(s.apply)},
		{http.MethodGet, "/v1/applications", workers, s.applications},
		{http.MethodGet, "/v1/applications/:id", workers, s.application},
		{http.MethodPost, "/v1/applications/:id/signature", entering, s.giveWay(s.once(s.submit))},
		{http.MethodPost, "/v1/applications/:id/decision", []account.Role{officer}, s.giveWay(s.once(s.decide))},

		{http.MethodGet, "/v1/applications/:id/survey", entering, s.survey},
		{http.MethodPost, "/v1/applications/:id/survey", entering, s.once(s.answerSurvey)},
		{http.MethodGet, "/v1/reports/survey", judges, s.indicators},

		{http.MethodGet, "/v1/applications/:id/file", workers, s.file},
		{http.MethodGet, "/v1/applications/:id/ruling", workers, s.ruling},
		{http.MethodPost, "/v1/applications/:id/work", []account.Role{officer, admin}, s.once(s.work)},
		{http.MethodPost, "/v1/applications/:id/correction", entering, s.once(s.amend)},
		{http.MethodPost, "/v1/applications/:id/correction/signature", entering, s.once(s.submitAmendment)},
		{http.MethodPost, "/v1/applications/:id/appeal", entering, s.once(s.appeal)},
		{http.MethodPost, "/v1/bulk/applications", entering, s.once(s.applyMany)},
		{http.MethodPost, "/v1/bulk/signatures", entering, s.once(s.submitMany)},
		{http.MethodGet, "/v1/queue", []account.Role{officer, admin}, s.queue},
		{http.MethodPost, "/v1/batches", []account.Role{officer}, s.once(s.batch)},
		{http.MethodGet, "/v1/batches/:id", []account.Role{officer, admin}, s.readBatch},
		{http.MethodGet, "/v1/tasks", []account.Role{officer, admin}, s.tasks},
		{http.MethodGet, "/v1/statistics", []account.Role{officer, admin}, s.statistics},

		{http.MethodGet, "/v1/register", public, s.register},
		{http.MethodGet, "/v1/register.csv", public, s.registerCSV},
		{http.MethodGet, "/v1/register/:number", public, s.statement},
		{http.MethodGet, "/v1/grounds", everyone, s.grounds},
		{http.MethodGet, "/v1/licences", judges, s.licences},
		{http.MethodPost, "/v1/licences/download", everyone, s.download},
		{http.MethodPost, "/v1/licences/:number/moves", []account.Role{officer}, s.once(s.move)},
		{http.MethodGet, "/v1/licences/:number/appendices", everyone, s.appendices},
		{http.MethodGet, "/v1/licences/:number/appendices/:appendix/pdf", everyone, s.appendixPDF},
		{http.MethodGet, "/v1/licences/:number/appendices/:appendix/signed", everyone, s.appendixSigned},
		{http.MethodGet, "/v1/licences/:number", everyone, s.licence},
		{http.MethodGet, "/v1/licences/:number/pdf", everyone, s.licencePDF},
		{http.MethodGet, "/v1/licences/:number/signed", everyone, s.licenceSigned},

		{http.MethodPost, "/v1/signatures/verify", judges, s.giveWay(s.verifySignature)},
		{http.MethodPost, "/v1/signatures/batches", judges, s.withBatches(s.once(s.submitBatch))},
		{http.MethodGet, "/v1/signatures/batches", judges, s.withBatches(s.verificationBatches)},
		{http.MethodGet, "/v1/signatures/batches/:id", judges, s.withBatches(s.verificationBatch)},
		{http.MethodGet, "/v1/signatures/batches/:id/results", judges, s.withBatches(s.batchResults)},
		{http.MethodPost, "/v1/signatures/batches/:id/cancel", judges, s.withBatches(s.once(s.cancelBatch))},
		{http.MethodDelete, "/v1/signatures/batches/:id", judges, s.withBatches(s.removeBatch)},
		{http.MethodPost, "/v1/certificates/verify", judges, s.giveWay(s.verifyCertificate)},
		{http.MethodPost, "/v1/licences/verify", judges, s.giveWay(s.verifyLicence)},

		{http.MethodGet, "/v1/log/checkpoint", public, s.checkpoint},
		{http.MethodGet, "/v1/log/entries", public, s.entries},
		{http.MethodGet, "/v1/log/proof", public, s.entryProof},
		{http.MethodGet, "/v1/log/growth", public, s.growthProof},
		{http.MethodGet, "/v1/log", []account.Role{auditor, admin}, s.log},
	}
}
