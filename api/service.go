// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/json"

	"github.com/labstack/echo/v4"

	"rastau/internal/phrase"
	"rastau/licensing"
)

// serviceLine is one service in the list.
type serviceLine struct {
	Key        string             `json:"key"`
	Name       phrase.Text        `json:"name"`
	Licensor   licensing.Licensor `json:"licensor"`
	InForce    licensing.Period   `json:"inForce"`
	Operations []operationLine    `json:"operations"`
}

type operationLine struct {
	Key    string      `json:"key"`
	Name   phrase.Text `json:"name"`
	Fee    *int64      `json:"fee"`    // tiyn, today; null where it cannot be told
	Served bool        `json:"served"` // applications are taken here
}

// servicePage is the whole regulation with what the portal needs to show a form.
type servicePage struct {
	*licensing.Regulation
	Operations []operationPage                                        `json:"operations"`
	Forms      map[licensing.ApplicantKind]map[string]json.RawMessage `json:"forms"` // by kind and operation: JSON Schema of an application's fields
	SHA256     string                                                 `json:"sha256"`
}

type operationPage struct {
	licensing.Operation
	Amount *int64 `json:"amount"` // of the fee in tiyn, today; null where it cannot be told
	Served bool   `json:"served"`
}

func (s *server) services(c echo.Context) error {
	list := []serviceLine{}
	for _, r := range s.o.Service.Regulations() {
		line := serviceLine{Key: r.Key, Name: r.Name, Licensor: r.Licensor, InForce: r.InForce, Operations: []operationLine{}}
		for _, op := range r.Operations {
			line.Operations = append(line.Operations, operationLine{op.Key, op.Name, s.fee(r.Key, op.Key), len(op.Paths) > 0})
		}
		list = append(list, line)
	}
	return ok(c, map[string]any{"services": list})
}

func (s *server) service(c echo.Context) error {
	for _, r := range s.o.Service.Regulations() {
		if r.Key != c.Param("key") {
			continue
		}
		page := servicePage{Regulation: r, Forms: map[licensing.ApplicantKind]map[string]json.RawMessage{}, SHA256: r.Digest()}
		for _, op := range r.Operations {
			page.Operations = append(page.Operations, operationPage{op, s.fee(r.Key, op.Key), len(op.Paths) > 0})
		}
		for _, a := range r.Applicants {
			page.Forms[a.Kind] = map[string]json.RawMessage{}
			for _, op := range r.Operations {
				page.Forms[a.Kind][op.Key] = r.FormSchema(a.Kind, op.Key)
			}
		}
		return ok(c, page)
	}
	return errNoSuch
}

// fee is nil where the table of rates does not reach: a regulation can be read all the same.
func (s *server) fee(service, operation string) *int64 {
	tiyn, err := s.o.Service.Fee(service, operation)
	if err != nil {
		return nil
	}
	return &tiyn
}
