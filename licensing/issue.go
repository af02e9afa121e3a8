// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rastau/internal/page"
	"rastau/internal/phrase"
	"rastau/internal/pki"
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
	FirstIssued string          `json:"firstIssued,omitempty"`
	Reissued    []string        `json:"reissued,omitempty"`
	Predecessor string          `json:"predecessor,omitempty"`
	Duplicate   bool            `json:"duplicate,omitempty"`
	ValidUntil  *string         `json:"validUntil"`
	Conditions  phrase.Text     `json:"conditions"`
	Note        *phrase.Text    `json:"note,omitempty"` // of a licence deemed issued
	Fields      json.RawMessage `json:"fields"`
}

// hand is whose hand signs: an officer's with the licensor's key, or, where the
// licensor was silent, the system's own with its seal.
type hand struct {
	officer string // actor ID
	line    Authority
	key     docSigner
	by      *pki.Certificate // of the key, so that all documents of one decision bear the same; nil where the officer's own key is elsewhere
	at      time.Time        // of the decision, where its documents are signed one by one; zero: now
	deemed  bool
}

// hand is an officer's, with the key that the line of the authority names.
func (s *Service) hand(a Actor, line Authority) (hand, error) {
	by := s.signer.Certificate()
	if !strings.EqualFold(by.SHA256Hex(), line.Certificate) {
		// The keys changed since the authority was looked up; asked again, the line of the new key is found.
		return hand{}, fmt.Errorf("%w: the licensor's key has just changed", ErrLater)
	}
	return hand{officer: a.ID, line: line, key: s.signer, by: by}, nil
}

// when is the time of what the hand signs.
func (s *Service) when(h hand) time.Time {
	if !h.at.IsZero() {
		return h.at
	}
	return s.now()
}

func (h hand) sign(ctx context.Context, content []byte, level signer.Level) ([]byte, error) {
	return h.key.JSON(ctx, content, signer.JSONOptions{Level: level, Certificate: h.by})
}

// unsigned turns what keeps a signature from being made now into ErrLater.
func unsigned(err error) error {
	if errors.Is(err, signer.ErrStamp) || errors.Is(err, signer.ErrUndecided) {
		return fmt.Errorf("%w: %w", ErrLater, err)
	}
	for _, refused := range []error{signer.ErrRefused, signer.ErrExpired, signer.ErrNotYetValid, signer.ErrKey} {
		if errors.Is(err, refused) {
			return fmt.Errorf("%w: %w", ErrSigningKey, err)
		}
	}
	return err
}

// issuing is everything that a licence is made of.
type issuing struct {
	regulation *Regulation
	app        *Application
	hand       hand
	number     string
	state      LicenceState
	before     *LicenceRecord  // whose place it takes; nil for a first licence
	covered    json.RawMessage // what that one covers with its appendices
	now        time.Time
}

// issue writes and signs the licence in both forms.
func (s *Service) issue(ctx context.Context, i issuing) (*LicenceRecord, error) {
	r, app := i.regulation, i.app
	fields, err := r.licenceFields(app.Fields)
	if err != nil {
		return nil, err
	}
	l := Licence{
		Number: i.number, State: i.state, Service: app.Service, Operation: app.Operation, Application: app.Number, Holder: app.Applicant,
		Activity: r.Activity, Licensor: r.Licensor.Name, LicensorBIN: r.Licensor.BIN, Issued: i.now.Truncate(time.Second),
		Fields: fields, SignedBy: strings.ToLower(i.hand.line.Certificate), Deemed: i.hand.deemed,
	}
	if r.Licence.Years > 0 {
		until := l.Issued.AddDate(r.Licence.Years, 0, 0)
		l.ValidUntil = &until
	}
	if i.before != nil {
		if err := l.inherit(app.Operation, &i.before.Licence, i.covered); err != nil {
			return nil, err
		}
	}
	// The licence is shown to anybody: contacts are not part of it.
	l.Holder.Email, l.Holder.Phone = "", ""
	rec := &LicenceRecord{ApplicationID: app.ID, Born: i.state}
	if rec.Document, err = canonical(s.licenceDocument(i, l)); err != nil {
		return nil, err
	}
	if l.Signed, err = i.hand.sign(ctx, rec.Document, s.o.Levels.Licence); err != nil {
		return nil, fmt.Errorf("signing the licence: %w", err)
	}
	sheet, err := s.sheet(r, app, l, i.hand)
	if err != nil {
		return nil, err
	}
	sheet.Attachment, sheet.AttachmentName = rec.Document, licenceFile
	if own, err := r.appendixPage(firstAppendix, l.Fields); err != nil {
		return nil, err
	} else if own != nil {
		sheet.Appendices = []page.Appendix{*own}
	}
	if l.PDF, err = s.signPage(ctx, i.hand, r, sheet); err != nil {
		return nil, err
	}
	l.PDFSHA256 = digest(l.PDF)
	rec.Licence = l
	return rec, nil
}

func (s *Service) licenceDocument(i issuing, l Licence) licenceDocument {
	doc := licenceDocument{
		Schema: schemaLicence, Demo: s.o.Demo, Number: l.Number, Service: l.Service, Operation: l.Operation,
		Application: l.Application, Package: digest(i.app.Package), Holder: l.Holder, Activity: l.Activity,
		Licensor: l.Licensor, LicensorBIN: l.LicensorBIN, Officer: officerLine{i.hand.line.Name, i.hand.line.Position},
		Issued: l.Issued.Format(time.RFC3339), Predecessor: l.Predecessor, Duplicate: l.Duplicate,
		Conditions: s.conditions(i.regulation, i.app), Fields: l.Fields,
	}
	doc.dates(l)
	doc.Note = s.silence(i.app, i.hand)
	return doc
}

// silence is the note on what was deemed issued; nil on what somebody decided.
func (s *Service) silence(app *Application, h hand) *phrase.Text {
	if !h.deemed {
		return nil
	}
	note := phrase.Get("workflow.deemed.note", map[string]string{"deadline": app.Deadline.In(s.o.Calendar.zone).Format("02.01.2006")})
	return &note
}

// dates writes those that a licence may lack.
func (d *licenceDocument) dates(l Licence) {
	d.FirstIssued, d.Reissued, d.ValidUntil = "", nil, nil
	if l.FirstIssued != nil {
		d.FirstIssued = l.FirstIssued.UTC().Format(time.RFC3339)
	}
	for _, t := range l.Reissued {
		d.Reissued = append(d.Reissued, t.UTC().Format(time.RFC3339))
	}
	if l.ValidUntil != nil {
		text := l.ValidUntil.UTC().Format(time.RFC3339)
		d.ValidUntil = &text
	}
}

// signPage draws and signs.
func (s *Service) signPage(ctx context.Context, h hand, r *Regulation, sheet page.Licence) ([]byte, error) {
	drawn, err := page.Compose(sheet)
	if err != nil {
		// What cannot be drawn came from the form: a name too long or in letters
		// that no font has.
		return nil, badInput("application", "the licence cannot be drawn: %v", err)
	}
	out, err := h.key.Document(ctx, drawn, signer.PDFOptions{
		Field: "Licensor", Reason: phrase.Get("workflow.sign.reason", nil).KK, Name: h.line.Name,
		Location: r.Licensor.Place.KK, Rect: page.SignatureBox(), Level: s.o.Levels.Licence, Certificate: h.by,
	})
	if err != nil {
		return nil, fmt.Errorf("signing the licence's page: %w", err)
	}
	return out, nil
}

// sheet is the licence as the page draws it.
func (s *Service) sheet(r *Regulation, app *Application, l Licence, h hand) (page.Licence, error) {
	subtypes, err := r.subtypes(l.Fields)
	if err != nil {
		return page.Licence{}, err
	}
	sheet := page.Licence{
		Number: l.Number, Issued: l.Issued, Reissued: l.Reissued, Duplicate: l.Duplicate,
		HolderName: l.Holder.Name, HolderNumberKind: "IIN", HolderNumber: l.Holder.IIN, HolderAddress: l.Holder.Address,
		Activity: l.Activity, Subtypes: subtypes, Conditions: s.conditions(r, app), Licensor: l.Licensor,
		SignerName: h.line.Name, SignerPosition: h.line.Position, Place: r.Licensor.Place,
		VerifyURL: s.o.VerifyURL(l.Number), Demo: s.o.Demo,
	}
	if note := s.silence(app, h); note != nil {
		sheet.Conditions = sentences(sheet.Conditions, *note)
	}
	if l.Holder.BIN != "" {
		sheet.HolderNumberKind, sheet.HolderNumber = "BIN", l.Holder.BIN
	}
	if l.FirstIssued != nil {
		sheet.FirstIssued = *l.FirstIssued
	}
	if l.ValidUntil != nil {
		sheet.ValidUntil = *l.ValidUntil
	}
	if l.State == StateReissued {
		sheet.State = page.Reissued
	}
	sheet.Basis = s.basis(r, app)
	return sheet, nil
}

// conditions are the regulation's. Where it was no longer in force when the application was registered, which only the operator's
// override lets happen, they say so: whoever holds the licence must see it.
func (s *Service) conditions(r *Regulation, app *Application) phrase.Text {
	c := r.Licence.Conditions
	if r.InForce.Holds(s.o.Calendar.Day(*app.Registered)) {
		return c
	}
	said := phrase.Get("workflow.not_in_force", map[string]string{"act": r.Act.Number, "from": written(r.InForce.From), "until": written(r.InForce.Until)})
	return sentences(c, said)
}

// sentences puts one text behind another.
func sentences(a, b phrase.Text) phrase.Text {
	join := func(a, b string) string { return strings.TrimSuffix(a, ".") + ". " + b }
	return phrase.Text{KK: join(a.KK, b.KK), RU: join(a.RU, b.RU), EN: join(a.EN, b.EN)}
}

// written is a day as people write it.
func written(d Day) string { return d.time().Format("02.01.2006") }

func (s *Service) basis(r *Regulation, app *Application) phrase.Text {
	basis := strings.NewReplacer("{number}", app.Number, "{date}", app.Registered.In(s.o.Calendar.zone).Format("02.01.2006"))
	return phrase.Text{KK: basis.Replace(r.Licence.Basis.KK), RU: basis.Replace(r.Licence.Basis.RU), EN: basis.Replace(r.Licence.Basis.EN)}
}

func applicationNumber(r *Regulation, serial int64) string {
	return fmt.Sprintf("%s-%0*d", r.Numbering.Prefix, r.Numbering.Digits, serial)
}

// licenceFields picks from the form what stands in the licence.
func (r *Regulation) licenceFields(form json.RawMessage) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(form, &all); err != nil {
		return nil, fmt.Errorf("reading the form: %w", err)
	}
	picked := make(map[string]json.RawMessage)
	for _, name := range r.Licence.Fields {
		if v, ok := all[name]; ok {
			picked[name] = v
		}
	}
	return canonical(picked)
}

// subtypes are the names of the sub-types in a licence's fields.
func (r *Regulation) subtypes(fields json.RawMessage) ([]phrase.Text, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(fields, &all); err != nil {
		return nil, fmt.Errorf("reading the licence's fields: %w", err)
	}
	if r.Licence.Subtypes == "" || all[r.Licence.Subtypes] == nil {
		return nil, nil
	}
	var codes []string
	if err := json.Unmarshal(all[r.Licence.Subtypes], &codes); err != nil {
		return nil, fmt.Errorf("reading the sub-types: %w", err)
	}
	names := r.subtypeNames()
	var subtypes []phrase.Text
	for _, code := range codes {
		t, ok := names[code]
		if !ok {
			return nil, fmt.Errorf("the regulation has no name for the sub-type %q", code)
		}
		subtypes = append(subtypes, t)
	}
	return subtypes, nil
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
