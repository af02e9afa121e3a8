// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"rastau/internal/journal"
)

// Kinds of entries in the register's log. Entries hold digests and numbers,
// no personal data: the log is for everybody.
const (
	entryApplication = "application"
	entryRefusal     = "refusal"
	entryLicence     = "licence"
	entryAppendix    = "appendix"
	entryMove        = "move"
	entryAmendment   = "amendment"
	entryRenewal     = "renewal"
)

type applicationEntry struct {
	Kind      string `json:"kind"`
	Number    string `json:"number"`
	Service   string `json:"service"`
	At        string `json:"at"`
	Package   string `json:"packageSHA256"`
	Signature string `json:"signatureSHA256"`
	Stamped   string `json:"stampedSHA256"`
	Receipt   string `json:"receiptSHA256"`
	Report    string `json:"reportSHA256"`
}

type refusalEntry struct {
	Kind        string `json:"kind"`
	Application string `json:"application"` // number
	At          string `json:"at"`
	Refusal     string `json:"refusalSHA256"` // of the signed document
}

type licenceEntry struct {
	Kind        string       `json:"kind"`
	Number      string       `json:"number"`
	State       LicenceState `json:"state"`
	Application string       `json:"application"` // number
	Predecessor string       `json:"predecessor,omitempty"`
	At          string       `json:"at"`
	Document    string       `json:"documentSHA256"`
	Signed      string       `json:"signedSHA256"`
	PDF         string       `json:"pdfSHA256"`
	Decision    string       `json:"decisionSHA256"` // of the signed document
}

// ErrRegister: the register and its log do not agree.
var ErrRegister = errors.New("the register does not agree with its log")

// LogHead is the log of the register: size and root for proofs.
func (s *Service) LogHead(ctx context.Context) (size int64, root string, err error) {
	var h journal.Head
	err = s.o.Store.View(ctx, func(tx Tx) error {
		h, err = journal.Now(tx)
		return err
	})
	if err != nil {
		return 0, "", fmt.Errorf("head of the log: %w", err)
	}
	return h.Size, h.Root.String(), nil
}

// CheckRegister proves a whole register again: every hash of the log from its
// entries, every document against the digests of its entry, and that nothing
// stands in the register without an entry. journal.ErrBroken or ErrRegister
// says what does not hold. It reads everything once.
func CheckRegister(ctx context.Context, store Store) (journal.Head, error) {
	var head journal.Head
	err := store.View(ctx, func(tx Tx) error {
		var seen Counts
		var err error
		head, err = journal.Check(tx, func(n int64, entry []byte) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return checkEntry(tx, n, entry, &seen)
		})
		if err != nil {
			return err
		}
		have, err := tx.Counts()
		if err != nil {
			return err
		}
		if have != seen {
			return fmt.Errorf("%w: the log knows %+v, the register holds %+v", ErrRegister, seen, have)
		}
		return nil
	})
	return head, err
}

func checkEntry(tx Tx, n int64, entry []byte, seen *Counts) error {
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(entry, &kind); err != nil {
		return err
	}
	switch kind.Kind {
	case entryApplication:
		seen.Registrations++
		return checkApplicationEntry(tx, n, entry)
	case entryRefusal:
		seen.Rulings++
		return checkRefusalEntry(tx, n, entry)
	case entryLicence:
		seen.Rulings++
		seen.Licences++
		return checkLicenceEntry(tx, n, entry)
	case entryAppendix:
		seen.Rulings++
		seen.Appendices++
		return checkAppendixEntry(tx, n, entry)
	case entryAmendment:
		seen.Amendments++
		return checkAmendmentEntry(tx, n, entry)
	case entryRenewal:
		seen.Renewals++
		return checkRenewalEntry(tx, n, entry)
	case entryMove:
		seen.Moves++
		return checkMoveEntry(tx, n, entry)
	}
	return fmt.Errorf("%w: an entry of unknown kind", ErrRegister)
}

func checkApplicationEntry(tx Tx, n int64, entry []byte) error {
	var e applicationEntry
	if err := json.Unmarshal(entry, &e); err != nil {
		return err
	}
	app, err := tx.ApplicationNumbered(e.Number)
	if err != nil {
		return fmt.Errorf("%w: application %s: %w", ErrRegister, e.Number, err)
	}
	reg, err := tx.Registration(app.ID)
	if err != nil {
		return fmt.Errorf("%w: registration of %s: %w", ErrRegister, e.Number, err)
	}
	same, err := app.agrees()
	if err != nil || !same || app.Status == Draft || reg.Entry != n || reg.Number != e.Number ||
		digest(app.Package) != e.Package || digest(reg.Signature) != e.Signature || digest(reg.Stamped) != e.Stamped ||
		digest(reg.Receipt) != e.Receipt || digest(reg.Report) != e.Report {
		return fmt.Errorf("%w: application %s was changed", ErrRegister, e.Number)
	}
	return nil
}

// agrees holds what is shown of an application to the package that was signed.
func (a *Application) agrees() (bool, error) {
	var p applicationPackage
	if err := json.Unmarshal(a.Package, &p); err != nil {
		return false, err
	}
	shown := p
	shown.Service, shown.Operation, shown.Applicant, shown.Fields = a.Service, a.Operation, a.Applicant, a.Fields
	shown.Attachments, shown.Payment, shown.Draft, shown.Text.Lang = a.Attachments, a.Payment, a.ID, a.Lang
	return sameJSON(p, shown)
}

// agrees holds what is shown of a licence to the document that was signed.
func (l *LicenceRecord) agrees() (bool, error) {
	var d licenceDocument
	if err := json.Unmarshal(l.Document, &d); err != nil {
		return false, err
	}
	shown, x := d, l.Licence
	shown.Number, shown.Service, shown.Application, shown.Holder = x.Number, x.Service, x.Application, x.Holder
	shown.Activity, shown.Licensor, shown.LicensorBIN, shown.Fields = x.Activity, x.Licensor, x.LicensorBIN, x.Fields
	shown.Operation, shown.Predecessor, shown.Duplicate = x.Operation, x.Predecessor, x.Duplicate
	if x.Operation == "" {
		shown.Operation = OperationIssue // written before there were others
	}
	shown.Issued = x.Issued.UTC().Format(time.RFC3339)
	shown.dates(x)
	if x.Deemed != (d.Note != nil) {
		return false, nil
	}
	return sameJSON(d, shown)
}

func sameJSON(a, b any) (bool, error) {
	x, err := canonical(a)
	if err != nil {
		return false, err
	}
	y, err := canonical(b)
	return bytes.Equal(x, y), err
}

func checkRefusalEntry(tx Tx, n int64, entry []byte) error {
	var e refusalEntry
	if err := json.Unmarshal(entry, &e); err != nil {
		return err
	}
	app, err := tx.ApplicationNumbered(e.Application)
	if err != nil {
		return fmt.Errorf("%w: application %s: %w", ErrRegister, e.Application, err)
	}
	ruling, err := tx.Ruling(app.ID)
	if err != nil {
		return fmt.Errorf("%w: refusal of %s: %w", ErrRegister, e.Application, err)
	}
	if ruling.Entry != n || ruling.Approve || app.Status != Refused || digest(ruling.Signed) != e.Refusal {
		return fmt.Errorf("%w: the refusal of %s was changed", ErrRegister, e.Application)
	}
	return nil
}

func checkLicenceEntry(tx Tx, n int64, entry []byte) error {
	var e licenceEntry
	if err := json.Unmarshal(entry, &e); err != nil {
		return err
	}
	l, err := tx.Licence(e.Number)
	if err != nil {
		return fmt.Errorf("%w: licence %s: %w", ErrRegister, e.Number, err)
	}
	pdf, err := tx.Blob(l.Licence.PDFSHA256)
	if err != nil {
		return fmt.Errorf("%w: PDF of licence %s: %w", ErrRegister, e.Number, err)
	}
	ruling, err := tx.Ruling(l.ApplicationID)
	if err != nil {
		return fmt.Errorf("%w: decision on licence %s: %w", ErrRegister, e.Number, err)
	}
	app, err := tx.Application(l.ApplicationID)
	if err != nil {
		return fmt.Errorf("%w: application of licence %s: %w", ErrRegister, e.Number, err)
	}
	same, err := l.agrees()
	if err != nil || !same || app.Status != Approved || app.Licence != e.Number || app.Number != e.Application ||
		l.Licence.Entry != n || l.Born != e.State || l.Moves == 0 && l.Licence.State != l.Born || l.Licence.Predecessor != e.Predecessor || l.Licence.Application != e.Application ||
		digest(l.Document) != e.Document || digest(l.Licence.Signed) != e.Signed || digest(pdf) != e.PDF ||
		ruling.Entry != n || !ruling.Approve || digest(ruling.Signed) != e.Decision {
		return fmt.Errorf("%w: licence %s was changed", ErrRegister, e.Number)
	}
	return nil
}

func checkAppendixEntry(tx Tx, n int64, entry []byte) error {
	var e appendixEntry
	if err := json.Unmarshal(entry, &e); err != nil {
		return err
	}
	all, err := tx.Appendices(e.Number)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(a AppendixRecord) bool { return a.Number == e.Appendix })
	if i < 0 {
		return fmt.Errorf("%w: appendix %s of licence %s: %w", ErrRegister, e.Appendix, e.Number, ErrNotFound)
	}
	a := all[i]
	pdf, err := tx.Blob(a.PDFSHA256)
	if err != nil {
		return fmt.Errorf("%w: PDF of appendix %s: %w", ErrRegister, a.ID(), err)
	}
	ruling, err := tx.Ruling(a.ApplicationID)
	if err != nil {
		return fmt.Errorf("%w: decision on appendix %s: %w", ErrRegister, a.ID(), err)
	}
	app, err := tx.Application(a.ApplicationID)
	if err != nil {
		return fmt.Errorf("%w: application of appendix %s: %w", ErrRegister, a.ID(), err)
	}
	var d appendixDocument
	if err := json.Unmarshal(a.Document, &d); err != nil {
		return fmt.Errorf("%w: appendix %s: %w", ErrRegister, a.ID(), err)
	}
	shown := d
	shown.Number, shown.Appendix, shown.Application, shown.Fields = a.Licence, a.Number, a.Application, a.Fields
	shown.Issued = a.Issued.UTC().Format(time.RFC3339)
	same, err := sameJSON(d, shown)
	if err != nil || !same || app.Status != Approved || app.Licence != a.ID() || app.Number != e.Application || a.Entry != n ||
		digest(a.Document) != e.Document || digest(a.Signed) != e.Signed || digest(pdf) != e.PDF ||
		ruling.Entry != n || !ruling.Approve || digest(ruling.Signed) != e.Decision {
		return fmt.Errorf("%w: appendix %s was changed", ErrRegister, a.ID())
	}
	return nil
}

// checkMoveEntry holds a move to its entry, to the table of moves, and to the
// move before it; the last one to the licence's state.
func checkMoveEntry(tx Tx, n int64, entry []byte) error {
	var e moveEntry
	if err := json.Unmarshal(entry, &e); err != nil {
		return err
	}
	l, err := tx.Licence(e.Licence)
	if err != nil {
		return fmt.Errorf("%w: licence %s: %w", ErrRegister, e.Licence, err)
	}
	all, err := tx.Moves(e.Licence)
	if err != nil {
		return err
	}
	if e.Seq < 1 || e.Seq > len(all) || len(all) != l.Moves {
		return fmt.Errorf("%w: move %d of licence %s: %w", ErrRegister, e.Seq, e.Licence, ErrNotFound)
	}
	m, before := all[e.Seq-1], l.Born
	if e.Seq > 1 {
		before = all[e.Seq-2].To
	}
	want, err := canonical(m.entry())
	if err != nil {
		return err
	}
	to, err := before.After(m.Move)
	if err != nil || to != m.To || before != m.From || m.Entry != n || !bytes.Equal(want, entry) {
		return fmt.Errorf("%w: move %d of licence %s was changed", ErrRegister, e.Seq, e.Licence)
	}
	if e.Seq == len(all) && (l.Licence.State != m.To || l.Licence.Successor != m.Successor) {
		return fmt.Errorf("%w: the state of licence %s is not that of its last move", ErrRegister, e.Licence)
	}
	return nil
}
