// SPDX-License-Identifier: Apache-2.0

package console

import "rastau/internal/account"

// staffRoutes are the pages of officers.
func (s *site) staffRoutes() []route {
	officers := []account.Role{account.Officer}
	readers := []account.Role{account.Officer, account.Admin}
	return []route{
		{pattern: "GET /queue", roles: readers, page: s.queue},
		{pattern: "GET /queue.csv", roles: readers, page: s.queueSheet},
		{pattern: "GET /appeals", roles: officers, page: s.appeals},
		{pattern: "GET /case/{id}", roles: readers, page: s.theCase},
		{pattern: "POST /case/{id}/claim", roles: officers, page: s.claim},
		{pattern: "POST /case/{id}/decision", roles: officers, page: s.decide},
		{pattern: "GET /case/{id}/document/{sha256}", roles: readers, page: s.document},
		{pattern: "GET /case/{id}/work/{step}", roles: readers, page: s.workForm},
		{pattern: "POST /case/{id}/work/{step}", roles: readers, page: s.doWork},

		{pattern: "GET /batches", roles: officers, page: s.batches},
		{pattern: "GET /batches/new", roles: officers, page: s.batchForm},
		{pattern: "POST /batches", roles: officers, page: s.beginBatch},
		{pattern: "GET /batches/{id}", roles: officers, page: s.batch},

		{pattern: "GET /reports", roles: readers, page: s.reports},
		{pattern: "GET /reports.csv", roles: readers, page: s.reportSheet},
	}
}
