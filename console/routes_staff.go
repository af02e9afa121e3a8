// SPDX-License-Identifier: Apache-2.0

package console

import "rastau/internal/account"

// staffRoutes are the pages of officers, and what applicants do after the first signature.
func (s *site) staffRoutes() []route {
	officers := []account.Role{account.Officer}
	filing := []account.Role{account.Applicant, account.Employee, account.Operator}
	readers := []account.Role{account.Officer, account.Admin}
	return []route{
		{pattern: "GET /queue", roles: readers, page: s.queue},
		{pattern: "GET /queue.csv", roles: readers, page: s.queueSheet},
		{pattern: "GET /appeals", roles: officers, page: s.appeals},
		{pattern: "GET /tasks", roles: readers, page: s.tasks},
		{pattern: "GET /case/{id}", roles: readers, page: s.theCase},
		{pattern: "POST /case/{id}/claim", roles: officers, page: s.claim},
		{pattern: "POST /case/{id}/decision", roles: officers, page: s.decide},
		{pattern: "GET /case/{id}/document/{sha256}", roles: readers, page: s.document},
		{pattern: "GET /case/{id}/step/{step}", roles: readers, page: s.workForm},
		{pattern: "POST /case/{id}/step/{step}", roles: readers, page: s.doWork},

		{pattern: "POST /case/{id}/own", roles: officers, page: s.beginOwn},
		{pattern: "POST /batches/own", roles: officers, page: s.beginOwnBatch},
		{pattern: "GET /case/{id}/own", roles: officers, page: s.ownForm},
		{pattern: "GET /case/{id}/own/content", roles: officers, page: s.ownContent},
		{pattern: "POST /case/{id}/own/signature", roles: officers, page: s.signOwn, upload: true},

		{pattern: "GET /batches", roles: officers, page: s.batches},
		{pattern: "GET /batches/new", roles: officers, page: s.batchForm},
		{pattern: "POST /batches", roles: officers, page: s.beginBatch},
		{pattern: "GET /batches/{id}", roles: officers, page: s.batch},

		{pattern: "GET /reports", roles: readers, page: s.reports},
		{pattern: "GET /reports.csv", roles: readers, page: s.reportSheet},

		{pattern: "GET /my/{id}/correction", roles: filing, page: s.correctionForm},
		{pattern: "POST /my/{id}/correction", roles: filing, page: s.correct, upload: true},
		{pattern: "GET /my/{id}/correction/sign", roles: filing, page: s.signAgainForm},
		{pattern: "POST /my/{id}/correction/signature", roles: filing, page: s.signAgain, upload: true},
		{pattern: "GET /my/{id}/appeal", roles: filing, page: s.appealForm},
		{pattern: "POST /my/{id}/appeal", roles: filing, page: s.appeal},
		{pattern: "GET /licences/{number}", roles: filing, page: s.ownLicence},
		{pattern: "GET /licences/{number}/licence.pdf", roles: filing, page: s.ownLicencePDF},
	}
}
