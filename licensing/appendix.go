// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"rastau/internal/page"
	"rastau/internal/phrase"
)

// firstAppendix is the number of the appendix that a licence is issued with;
// where it has none, later ones begin here too.
const firstAppendix = "001"

// objects is what the register holds of a licensee besides the sub-types
// (R151), by the form's field names. A regulation uses those that it needs.
type objects struct {
	Branches        []place   `json:"branches"`
	Representations []place   `json:"representations"`
	Objects         []place   `json:"objects"`
	Points          []place   `json:"points"`
	Sites           []place   `json:"sites"`
	Vehicles        []vehicle `json:"vehicles"`
}

type place struct {
	Name    string `json:"name"`
	BIN     string `json:"bin"`
	Address string `json:"address"`
}

type vehicle struct {
	Make  string `json:"make"`
	Year  int    `json:"year"`
	Plate string `json:"plate"`
}

// appendixPage draws the objects among a licence's or appendix's fields; nil
// where there is none and no sub-type stands apart.
func (r *Regulation) appendixPage(number string, fields json.RawMessage) (*page.Appendix, error) {
	var o objects
	if err := json.Unmarshal(fields, &o); err != nil {
		return nil, badInput("fields", "branches, objects and vehicles cannot be read: %v", err)
	}
	out := &page.Appendix{Number: number}
	for _, b := range append(o.Branches, o.Representations...) {
		out.Branches = append(out.Branches, page.Branch{Name: b.Name, BIN: b.BIN, Address: b.Address})
	}
	for _, list := range [][]place{o.Objects, o.Points, o.Sites} {
		for _, x := range list {
			out.Objects = append(out.Objects, page.Object{Name: phrase.Text{KK: x.Name, RU: x.Name, EN: x.Name}, Address: x.Address})
		}
	}
	for _, v := range o.Vehicles {
		out.Vehicles = append(out.Vehicles, page.Vehicle{Make: v.Make, Year: v.Year, Plate: v.Plate})
	}
	if len(out.Branches)+len(out.Objects)+len(out.Vehicles) == 0 {
		return nil, nil
	}
	return out, nil
}

// append makes and signs an appendix to a licence.
func (s *Service) appendix(ctx context.Context, r *Regulation, app *Application, h hand, to *LicenceRecord, number string, now time.Time) (*AppendixRecord, error) {
	fields, err := r.licenceFields(app.Fields)
	if err != nil {
		return nil, err
	}
	a := Appendix{
		Number: number, Licence: to.Licence.Number, Application: app.Number, Issued: now.Truncate(time.Second), Fields: fields,
		SignedBy: strings.ToLower(h.line.Certificate),
	}
	rec := &AppendixRecord{ApplicationID: app.ID}
	doc := appendixDocument{
		Schema: schemaAppendix, Demo: s.o.Demo, Number: a.Licence, Appendix: number, LicenceSHA: digest(to.Document), Service: app.Service,
		Application: app.Number, Package: digest(app.Package), Holder: to.Licence.Holder, LicensorBIN: r.Licensor.BIN,
		Officer: officerLine{h.line.Name, h.line.Position}, Issued: a.Issued.Format(time.RFC3339), Fields: fields,
	}
	doc.Note = s.silence(app, h)
	if rec.Document, err = canonical(doc); err != nil {
		return nil, err
	}
	if a.Signed, err = h.sign(ctx, rec.Document, s.o.Levels.Licence); err != nil {
		return nil, fmt.Errorf("signing the appendix: %w", err)
	}
	sheet, err := s.sheet(r, app, to.Licence, h)
	if err != nil {
		return nil, err
	}
	sheet.Attachment, sheet.AttachmentName = rec.Document, licenceFile
	drawn, err := r.appendixPage(number, fields)
	if err != nil {
		return nil, err
	}
	if drawn == nil {
		drawn = &page.Appendix{Number: number}
	}
	if drawn.Subtypes, err = r.subtypes(fields); err != nil {
		return nil, err
	}
	drawn.Issued, drawn.Basis = a.Issued, s.basis(r, app)
	sheet.Appendices = []page.Appendix{*drawn}
	if a.PDF, err = s.signPage(ctx, h, r, sheet); err != nil {
		return nil, err
	}
	a.PDFSHA256 = digest(a.PDF)
	rec.Appendix = a
	return rec, nil
}
