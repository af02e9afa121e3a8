// SPDX-License-Identifier: Apache-2.0

package console

// watchRoutes are the pages of those who check: the public, programmers, auditors, administrators.
func (s *site) watchRoutes() []route {
	return []route{
		{pattern: "GET /docs", page: s.docs},
		{pattern: "GET /docs/{id}", page: s.operation},
		{pattern: "GET /problems", page: s.problems},
		{pattern: "GET /problems/{type}", page: s.problem},
	}
}
