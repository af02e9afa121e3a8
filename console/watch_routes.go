// SPDX-License-Identifier: Apache-2.0

package console

import "rastau/internal/account"

// watchRoutes are the pages of those who check: the public, programmers, auditors, administrators.
func (s *site) watchRoutes() []route {
	watchers := []account.Role{account.Auditor, account.Officer, account.Admin}
	auditors := []account.Role{account.Auditor, account.Admin}
	admins := []account.Role{account.Admin}
	return []route{
		{pattern: "GET /verify", page: s.verifyForm},
		{pattern: "POST /verify", page: s.verify, upload: true},
		{pattern: "GET /verify/known/{sha256}", page: s.knownFile},
		{pattern: "GET /verify/file/{sha256}", page: s.verifyKnown},
		{pattern: "GET /verify/evidence/{file}", page: s.evidence},
		{pattern: "GET /verify/result/{token}", page: s.result},
		{pattern: "POST /verify/again/{token}", roles: watchers, page: s.judgeAgain},
		{pattern: "GET /v/{number}", page: s.number},
		{pattern: "GET /v/{number}/{file}", page: s.numberEvidence},
		{pattern: "GET /log", page: s.log},
		{pattern: "GET /log/{n}", page: s.logEntry},
		{pattern: "GET /log/{n}/proof.json", page: s.logProof},

		{pattern: "GET /audit", roles: auditors, page: s.audit},
		{pattern: "GET /audit/events", roles: auditors, page: s.events},
		{pattern: "GET /audit/events.csv", roles: auditors, page: s.eventsCSV},

		{pattern: "GET /audit/batches", roles: watchers, page: s.checks},
		{pattern: "POST /audit/batches", roles: watchers, page: s.beginCheck, upload: true},
		{pattern: "GET /audit/batches/{id}", roles: watchers, page: s.check},
		{pattern: "POST /audit/batches/{id}", roles: watchers, page: s.changeCheck},
		{pattern: "GET /audit/batches/{id}/{file}", roles: watchers, page: s.checkResults},
		{pattern: "GET /audit/numbers/{file}", roles: watchers, page: s.numbersCSV},

		{pattern: "GET /admin", roles: admins, page: s.admin},
		{pattern: "GET /admin/people", roles: admins, page: s.people},
		{pattern: "POST /admin/people", roles: admins, page: s.enter},
		{pattern: "GET /admin/people/{id}", roles: admins, page: s.person},
		{pattern: "POST /admin/people/{id}", roles: admins, page: s.changePerson},
		{pattern: "GET /admin/keys", roles: admins, page: s.keys},
		{pattern: "POST /admin/keys", roles: admins, page: s.makeKey},
		{pattern: "GET /admin/keys/{id}/revoke", roles: admins, page: s.askRevoke},
		{pattern: "POST /admin/keys/{id}/revoke", roles: admins, page: s.revokeKey},
		{pattern: "GET /admin/signers", roles: admins, page: s.signers},
		{pattern: "POST /admin/signers", roles: admins, page: s.addSigner},
		{pattern: "GET /admin/signers/{id}/end", roles: admins, page: s.askEnd},
		{pattern: "POST /admin/signers/{id}/end", roles: admins, page: s.endSigner},
		{pattern: "GET /admin/anchors", roles: admins, page: s.anchors},
		{pattern: "GET /admin/lists", roles: admins, page: s.lists},
		{pattern: "GET /admin/policy", roles: admins, page: s.validation},
		{pattern: "GET /admin/calendar", roles: admins, page: s.calendar},
		{pattern: "GET /admin/rates", roles: admins, page: s.rates},

		{pattern: "GET /docs", page: s.docs},
		{pattern: "GET /docs/{id}", page: s.operation},
		{pattern: "GET /problems", page: s.problems},
		{pattern: "GET /problems/{type}", page: s.problem},
	}
}
