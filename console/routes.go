// SPDX-License-Identifier: Apache-2.0

package console

import "rastau/internal/account"

// routes is every page that there is, with who may see it.
func (s *site) routes() []route {
	const (
		applicant = account.Applicant
		employee  = account.Employee
		operator  = account.Operator
	)
	filing := []account.Role{applicant, employee, operator}
	clerks := []account.Role{employee, operator}
	officers := []account.Role{account.Officer}
	return append(s.staffRoutes(), []route{
		{pattern: "GET /{$}", page: s.start},
		{pattern: "GET /services/{key}", page: s.service},
		{pattern: "GET /accessibility", page: s.plain("accessibility")},
		{pattern: "GET /policy", page: s.publicPolicy},
		{pattern: "GET /policy/checks", page: s.publicChecks},
		{pattern: "GET /check-ncalayer", page: s.plain("ncalayer")},

		{pattern: "GET /registry", page: s.registry},
		{pattern: "GET /registry.csv", page: s.registryCSV},
		{pattern: "GET /registry/{number}", page: s.licence},

		{pattern: "GET /login", page: s.loginForm},
		{pattern: "POST /login", page: s.login},
		{pattern: "POST /logout", page: s.logout},
		{pattern: "GET /register", page: s.registerForm},
		{pattern: "POST /register", page: s.register},

		{pattern: "GET /my", roles: filing, page: s.my},
		{pattern: "GET /my/{id}", roles: filing, page: s.myApplication},
		{pattern: "GET /my/{id}/receipt", roles: filing, page: s.receipt},
		{pattern: "GET /my/{id}/licence.pdf", roles: filing, page: s.licencePDF},
		{pattern: "POST /my/{id}/survey", roles: filing, page: s.survey},

		{pattern: "GET /entry", roles: clerks, page: s.entry},
		{pattern: "POST /entry", roles: clerks, page: s.lookUp},

		{pattern: "POST /registry/{number}/move", roles: officers, page: s.move},

		{pattern: "POST /apply", roles: filing, page: s.begin},
		{pattern: "GET /apply/{id}", roles: filing, page: s.goOn},
		{pattern: "GET /apply/{id}/{step}", roles: filing, page: s.step},
		{pattern: "POST /apply/{id}/{step}", roles: filing, page: s.saveStep, upload: true},
		{pattern: "POST /apply/{id}/certificate", roles: filing, page: s.checkCertificate},
		{pattern: "POST /apply/{id}/signature", roles: filing, page: s.sign, upload: true},
	}...)
}

// plain is a page of words alone.
func (s *site) plain(name string) func(*request) error {
	return func(q *request) error { return q.render(200, name, q.view(name+".title")) }
}
