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
	"rastau/signer"
)

// licenceFile is the name of the canonical licence inside its PDF.
const licenceFile = "licence.json"

// licenceDocument is the licence as it is signed. What changes later (the
// state) is not in it: the register says that.
type licenceDocument struct {
	Schema      string          `json:"schema"`
	Demo        bool            `json:"demo,omitempty"`
	Number      string          `json:"number"`
	Service     string          `json:"service"`
	Operation   string          `json:"operation"`
	Application string          `json:"application"`
	Package     string          `json:"packageSHA256"`
	Holder      Applicant       `json:"holder"`
	Activity    phrase.Text     `json:"activity"`
	Licensor    phrase.Text     `json:"licensor"`
	LicensorBIN string          `json:"licensorBIN"`
	Officer     officerLine     `json:"officer"`
	Issued      string          `json:"issued"`
	ValidUntil  *string         `json:"validUntil"`
	Conditions  phrase.Text     `json:"conditions"`
	Fields      json.RawMessage `json:"fields"`
}

// issue writes and signs the licence in both forms.
func (s *Service) issue(ctx context.Context, r *Regulation, app *Application, line Authority, number string, state LicenceState, now time.Time) (*LicenceRecord, error) {
	fields, subtypes, err := r.licenceFields(app.Fields)
	if err != nil {
		return nil, err
	}
	by := s.signer.Certificate()
	if !strings.EqualFold(by.SHA256Hex(), line.Certificate) {
		// The keys changed since the authority was looked up; asked again, the line of the new key is found.
		return nil, fmt.Errorf("%w: the licensor's key has just changed", ErrLater)
	}
	holder := app.Applicant
	// The licence is shown to anybody: contacts are not part of it.
	holder.Email, holder.Phone = "", ""
	l := Licence{
		Number: number, State: state, Service: app.Service, Application: app.Number, Holder: holder,
		Activity: r.Activity, Licensor: r.Licensor.Name, LicensorBIN: r.Licensor.BIN, Issued: now.Truncate(time.Second),
		Fields: fields, SignedBy: by.SHA256Hex(),
	}
	doc := licenceDocument{
		Schema: schemaLicence, Demo: s.o.Demo, Number: number, Service: l.Service, Operation: app.Operation,
		Application: l.Application, Package: digest(app.Package), Holder: holder, Activity: l.Activity,
		Licensor: l.Licensor, LicensorBIN: l.LicensorBIN, Officer: officerLine{line.Name, line.Position},
		Issued: l.Issued.Format(time.RFC3339), Conditions: r.Licence.Conditions, Fields: fields,
	}
	if r.Licence.Years > 0 {
		until := l.Issued.AddDate(r.Licence.Years, 0, 0)
		text := until.Format(time.RFC3339)
		l.ValidUntil, doc.ValidUntil = &until, &text
	}
	rec := &LicenceRecord{ApplicationID: app.ID}
	if rec.Document, err = canonical(doc); err != nil {
		return nil, err
	}
	if l.Signed, err = s.signer.JSON(ctx, rec.Document, signer.JSONOptions{Level: s.o.Levels.Licence, Certificate: by}); err != nil {
		return nil, fmt.Errorf("signing the licence: %w", err)
	}
	drawn, err := page.Draw(s.sheet(r, app, l, line, subtypes, rec.Document))
	if err != nil {
		// What cannot be drawn came from the form: a name too long or in letters
		// that no font has.
		return nil, badInput("application", "the licence cannot be drawn: %v", err)
	}
	l.PDF, err = s.signer.PDF(ctx, drawn, signer.PDFOptions{
		Field: "Licensor", Reason: phrase.Get("workflow.sign.reason", nil).KK, Name: line.Name,
		Location: r.Licensor.Place.KK, Rect: page.SignatureBox(), Level: s.o.Levels.Licence, Certificate: by,
	})
	if err != nil {
		return nil, fmt.Errorf("signing the licence's page: %w", err)
	}
	l.PDFSHA256 = digest(l.PDF)
	rec.Licence = l
	return rec, nil
}

// sheet is the licence as the page draws it.
func (s *Service) sheet(r *Regulation, app *Application, l Licence, line Authority, subtypes []phrase.Text, document []byte) page.Licence {
	sheet := page.Licence{
		Number: l.Number, Issued: l.Issued,
		HolderName: l.Holder.Name, HolderNumberKind: "IIN", HolderNumber: l.Holder.IIN, HolderAddress: l.Holder.Address,
		Activity: l.Activity, Subtypes: subtypes, Conditions: r.Licence.Conditions, Licensor: l.Licensor,
		SignerName: line.Name, SignerPosition: line.Position, Place: r.Licensor.Place,
		VerifyURL: s.o.VerifyURL(l.Number), Demo: s.o.Demo, Attachment: document, AttachmentName: licenceFile,
	}
	if l.Holder.BIN != "" {
		sheet.HolderNumberKind, sheet.HolderNumber = "BIN", l.Holder.BIN
	}
	if l.ValidUntil != nil {
		sheet.ValidUntil = *l.ValidUntil
	}
	basis := strings.NewReplacer("{number}", app.Number, "{date}", app.Registered.In(s.o.Calendar.zone).Format("02.01.2006"))
	sheet.Basis = phrase.Text{KK: basis.Replace(r.Licence.Basis.KK), RU: basis.Replace(r.Licence.Basis.RU), EN: basis.Replace(r.Licence.Basis.EN)}
	return sheet
}

func applicationNumber(r *Regulation, serial int64) string {
	return fmt.Sprintf("%s-%0*d", r.Numbering.Prefix, r.Numbering.Digits, serial)
}

// licenceFields picks from the form what stands in the licence, and the names
// of the sub-types.
func (r *Regulation) licenceFields(form json.RawMessage) (json.RawMessage, []phrase.Text, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(form, &all); err != nil {
		return nil, nil, fmt.Errorf("reading the form: %w", err)
	}
	picked := make(map[string]json.RawMessage)
	for _, name := range r.Licence.Fields {
		if v, ok := all[name]; ok {
			picked[name] = v
		}
	}
	out, err := canonical(picked)
	if err != nil {
		return nil, nil, err
	}
	if r.Licence.Subtypes == "" || all[r.Licence.Subtypes] == nil {
		return out, nil, nil
	}
	var codes []string
	if err := json.Unmarshal(all[r.Licence.Subtypes], &codes); err != nil {
		return nil, nil, fmt.Errorf("reading the sub-types: %w", err)
	}
	names := r.subtypeNames()
	var subtypes []phrase.Text
	for _, code := range codes {
		t, ok := names[code]
		if !ok {
			return nil, nil, fmt.Errorf("the regulation has no name for the sub-type %q", code)
		}
		subtypes = append(subtypes, t)
	}
	return out, subtypes, nil
}

// subtypeNames reads the labels of the codes that the form allows (items.oneOf).
func (r *Regulation) subtypeNames() map[string]phrase.Text {
	names := map[string]phrase.Text{}
	for _, f := range r.Form {
		props, _ := f.Schema["properties"].(map[string]any)
		field, _ := props[r.Licence.Subtypes].(map[string]any)
		items, _ := field["items"].(map[string]any)
		choices, _ := items["oneOf"].([]any)
		for _, c := range choices {
			choice, _ := c.(map[string]any)
			code, _ := choice["const"].(string)
			label, _ := choice["label"].(map[string]any)
			kk, _ := label["kk"].(string)
			ru, _ := label["ru"].(string)
			en, _ := label["en"].(string)
			if code != "" && en != "" {
				names[code] = phrase.Text{KK: kk, RU: ru, EN: en}
			}
		}
	}
	return names
}
