// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"rastau/internal/phrase"
)

// births is how an operation brings a licence into the register. An appendix
// is not among them: it is added to a licence whose state it does not touch.
var births = map[string]Move{
	OperationIssue:      MoveIssue,
	OperationReissue:    MoveReissue,
	OperationDuplicate:  MoveDuplicate,
	OperationCorrection: MoveCorrect,
}

// aboutLicence is the licence that an application is about, held to what its
// operation needs: of the same service, the applicant's own, in force. It asks
// with the number, not the name, because a change of name is a ground for
// re-issue. nil for a first issue.
func (s *Service) aboutLicence(tx Tx, app *Application) (*LicenceRecord, error) {
	if app.Operation == OperationIssue {
		return nil, nil
	}
	rec, err := tx.Licence(app.About)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	// Whose a licence is that is not the applicant's is not told.
	if err != nil || rec.Licence.Service != app.Service || rec.Licence.Holder.IIN != app.Applicant.IIN || rec.Licence.Holder.BIN != app.Applicant.BIN {
		return nil, badInput("about", "the applicant has no licence of this service under this number: check it in the public register; a licence of another holder is changed by that holder alone")
	}
	l := rec.Licence
	if l.ValidUntil != nil && !s.now().Before(*l.ValidUntil) {
		return nil, fmt.Errorf("%w: the licence %s ended on %s: apply for a new one (issue)", ErrState, l.Number, s.o.Calendar.Day(*l.ValidUntil))
	}
	if app.Operation == OperationAppendix {
		if !l.State.InForce() {
			return nil, fmt.Errorf("%w: the licence %s is %s and takes no appendix: %s", ErrState, l.Number, l.State, remedy(l))
		}
		return rec, nil
	}
	if _, err := l.State.After(MoveReplace); err != nil {
		return nil, fmt.Errorf("%w (%s): %s", err, l.Number, remedy(l))
	}
	return rec, nil
}

// remedy says what the holder of a licence can do that its state does not allow to be changed.
func remedy(l Licence) string {
	switch {
	case l.Successor != "":
		return "the licence " + l.Successor + " took its place: name that one"
	case l.State == StateSuspended:
		return "have it resumed first"
	}
	return "apply for a new one (issue)"
}

// aboutDraft is aboutLicence at the step where the licence is named, as soon as the applicant's number stands there: a form that can
// lead nowhere is not filled in and paid for.
func (s *Service) aboutDraft(ctx context.Context, app *Application) error {
	if app.About == "" || app.Operation == OperationIssue || app.Applicant.IIN+app.Applicant.BIN == "" {
		return nil
	}
	if err := ParseNumber(app.About); err != nil {
		return badInput("about", "must be the number of the licence, such as KZ12ABC00000001")
	}
	return s.o.Store.Look(ctx, func(tx Tx) error {
		_, err := s.aboutLicence(tx, app)
		return err
	})
}

// covered is what a licence covers with its appendices.
func covered(tx Tx, rec *LicenceRecord) (json.RawMessage, error) {
	appendices, err := tx.Appendices(rec.Licence.Number)
	if err != nil {
		return nil, err
	}
	return whole(rec.Licence.Fields, appendices)
}

// checkAgainst holds the form of an operation to the licence that it is about: an appendix adds something to what the licence covers,
// and a correction leaves none of it out, because what its form says takes the place of what stood there.
func (s *Service) checkAgainst(ctx context.Context, r *Regulation, app *Application) error {
	if app.Operation != OperationAppendix && app.Operation != OperationCorrection {
		return nil
	}
	form, err := r.licenceFields(app.Fields)
	if err != nil {
		return err
	}
	return s.o.Store.View(ctx, func(tx Tx) error {
		rec, err := s.aboutLicence(tx, app)
		if err != nil {
			return err
		}
		have, err := covered(tx, rec)
		if err != nil {
			return err
		}
		if app.Operation == OperationCorrection {
			return leavesNothingOut(have, form)
		}
		with, err := whole(have, []AppendixRecord{{Appendix: Appendix{Fields: form}}})
		if err != nil {
			return err
		}
		if same, err := sameJSON(have, with); err != nil || same {
			return errors.Join(err, badInput("fields", "nothing is added that the licence and its appendices do not cover already"))
		}
		return nil
	})
}

func leavesNothingOut(have, form json.RawMessage) error {
	var before, now map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(have, &before), json.Unmarshal(form, &now)); err != nil {
		return fmt.Errorf("fields of a licence: %w", err)
	}
	for _, k := range slices.Sorted(maps.Keys(now)) {
		var old, new []json.RawMessage
		if json.Unmarshal(before[k], &old) == nil && json.Unmarshal(now[k], &new) == nil && len(new) < len(old) {
			return badInput("fields."+k, "has %d of the %d entries that the licence and its appendices have: a correction leaves none out", len(new), len(old))
		}
	}
	return nil
}

// prefill begins the form of a re-issue or a correction with what the licence and its appendices cover, so that nobody writes it all
// again and loses what was forgotten. Only an empty form is filled.
func (s *Service) prefill(ctx context.Context, app *Application) error {
	if len(app.Fields) > 0 || app.About == "" || app.Operation != OperationReissue && app.Operation != OperationCorrection || app.Applicant.IIN+app.Applicant.BIN == "" {
		return nil
	}
	return s.o.Store.View(ctx, func(tx Tx) error {
		rec, err := s.aboutLicence(tx, app)
		if err == nil {
			app.Fields, err = covered(tx, rec)
		}
		return err
	})
}

// inherit gives a licence what it keeps of the one whose place it takes. A
// duplicate is the same licence again, whatever the form says; a re-issue and a
// correction take from the form what it has.
func (l *Licence) inherit(operation string, before *Licence, fields json.RawMessage) error {
	l.Predecessor = before.Number
	first := before.Issued
	if before.FirstIssued != nil {
		first = *before.FirstIssued
	}
	l.FirstIssued = &first
	l.Reissued = slices.Clone(before.Reissued)
	l.ValidUntil = before.ValidUntil
	switch operation {
	case OperationDuplicate:
		l.Duplicate, l.Holder, l.Fields = true, before.Holder, fields
		return nil
	case OperationReissue:
		l.Reissued = append(l.Reissued, l.Issued)
	}
	l.Duplicate = before.Duplicate && operation == OperationCorrection
	merged, err := overlay(fields, l.Fields)
	l.Fields = merged
	return err
}

// overlay puts the members of one object over those of another.
func overlay(under, over json.RawMessage) (json.RawMessage, error) {
	var a, b map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(under, &a), json.Unmarshal(over, &b)); err != nil {
		return nil, fmt.Errorf("fields of a licence: %w", err)
	}
	if a == nil {
		a = map[string]json.RawMessage{}
	}
	for k, v := range b {
		a[k] = v
	}
	return canonical(a)
}

// whole is what a licence covers with its appendices: their lists go on where the licence's end.
func whole(fields json.RawMessage, appendices []AppendixRecord) (json.RawMessage, error) {
	for _, x := range appendices {
		var a, b map[string]json.RawMessage
		if err := errors.Join(json.Unmarshal(fields, &a), json.Unmarshal(x.Fields, &b)); err != nil {
			return nil, fmt.Errorf("fields of a licence: %w", err)
		}
		for k, v := range b {
			var have, more []json.RawMessage
			if a[k] == nil || json.Unmarshal(a[k], &have) != nil || json.Unmarshal(v, &more) != nil {
				a[k] = v
				continue
			}
			for _, m := range more {
				if !slices.ContainsFunc(have, func(h json.RawMessage) bool { return string(h) == string(m) }) {
					have = append(have, m)
				}
			}
			joined, err := canonical(have)
			if err != nil {
				return nil, err
			}
			a[k] = joined
		}
		out, err := canonical(a)
		if err != nil {
			return nil, err
		}
		fields = out
	}
	return fields, nil
}

// appendixNumber is written with three digits: 001.
func appendixNumber(n int64) string { return fmt.Sprintf("%03d", n) }

func appendixSeries(licence string) string { return "appendix/" + licence }

// Appendix to a licence, added later: a sub-type, an object, a branch, a vehicle.
type Appendix struct {
	Number      string          `json:"number"` // "002"
	Licence     string          `json:"licence"`
	Application string          `json:"application"` // number of the application
	Issued      time.Time       `json:"issued"`
	Fields      json.RawMessage `json:"fields"`
	Signed      []byte          `json:"-"` // CAdES over the canonical JSON
	PDF         []byte          `json:"-"`
	PDFSHA256   string          `json:"pdfSHA256"`
	SignedBy    string          `json:"signedBy"`
	Entry       int64           `json:"entry"`
}

// ID of an appendix: the licence's number and its own.
func (a Appendix) ID() string { return a.Licence + "/" + a.Number }

// AppendixRecord is an appendix as it stands in the register.
type AppendixRecord struct {
	Appendix
	ApplicationID string
	Document      []byte // RFC 8785 JSON that was signed
}

// appendixDocument is what is signed of an appendix.
type appendixDocument struct {
	Schema      string          `json:"schema"`
	Demo        bool            `json:"demo,omitempty"`
	Number      string          `json:"number"` // of the licence
	Appendix    string          `json:"appendix"`
	LicenceSHA  string          `json:"licenceSHA256"`
	Service     string          `json:"service"`
	Application string          `json:"application"`
	Package     string          `json:"packageSHA256"`
	Holder      Applicant       `json:"holder"`
	LicensorBIN string          `json:"licensorBIN"`
	Officer     officerLine     `json:"officer"`
	Issued      string          `json:"issued"`
	Fields      json.RawMessage `json:"fields"`
	Note        *phrase.Text    `json:"note,omitempty"`
}

type appendixEntry struct {
	Kind        string `json:"kind"`
	Number      string `json:"number"` // of the licence
	Appendix    string `json:"appendix"`
	Application string `json:"application"`
	At          string `json:"at"`
	Document    string `json:"documentSHA256"`
	Signed      string `json:"signedSHA256"`
	PDF         string `json:"pdfSHA256"`
	Decision    string `json:"decisionSHA256"`
}
