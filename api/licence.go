// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rastau/internal/account"
	"rastau/licensing"
)

// readLicence finds a licence for those who may see it: officers, auditors and
// administrators all, an applicant their own. Another's is not found.
func (s *server) readLicence(c echo.Context) (*licensing.Licence, error) {
	return s.licenceFor(c, c.Param("number"))
}

func (s *server) licenceFor(c echo.Context, number string) (*licensing.Licence, error) {
	if licensing.ParseNumber(number) != nil {
		return nil, licensing.ErrNotFound
	}
	a := caller(c)
	if !a.Has(account.Officer) && !a.Has(account.Auditor) && !a.Has(account.Admin) {
		if err := s.o.Service.OwnLicence(c.Request().Context(), actor(c), number); err != nil {
			return nil, err
		}
	}
	return s.o.Service.Licence(c.Request().Context(), number)
}

func (s *server) licence(c echo.Context) error {
	l, err := s.readLicence(c)
	if err != nil {
		return err
	}
	return ok(c, l)
}

func (s *server) licencePDF(c echo.Context) error {
	l, err := s.readLicence(c)
	if err != nil {
		return err
	}
	return file(c, "application/pdf", l.Number+".pdf", l.PDF)
}

func (s *server) licenceSigned(c echo.Context) error {
	l, err := s.readLicence(c)
	if err != nil {
		return err
	}
	return file(c, typeCMS, l.Number+".p7m", l.Signed)
}

func file(c echo.Context, kind, name string, data []byte) error {
	c.Response().Header().Set(echo.HeaderContentDisposition, fmt.Sprintf("attachment; filename=%q", name))
	return c.Blob(http.StatusOK, kind, data)
}
