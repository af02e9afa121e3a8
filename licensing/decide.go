// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rastau/internal/journal"
	"rastau/internal/phrase"
)

// maxGrounds bounds the grounds of a refusal, in characters.
const maxGrounds = 4000

// decisionDocument is what the licensor signs about an officer's decision.
type decisionDocument struct {
	Schema      string          `json:"schema"`
	Application string          `json:"application"` // number
	Package     string          `json:"packageSHA256"`
	Approve     bool            `json:"approve"`
	Grounds     string          `json:"grounds,omitempty"`
	Checklist   map[string]bool `json:"checklist"`
	Officer     officerLine     `json:"officer"`
	Licensor    string          `json:"licensorBIN"`
	Time        string          `json:"time"`
	Message     *Message        `json:"message,omitempty"` // of a refusal
	Licence     *licenceRef     `json:"licence,omitempty"` // of an approval
	Note        *phrase.Text    `json:"note,omitempty"`    // of a licence deemed issued
}

type officerLine struct {
	Name     string      `json:"name"`
	Position phrase.Text `json:"position"`
}

type licenceRef struct {
	Number   string `json:"number"`
	Appendix string `json:"appendix,omitempty"`
	Document string `json:"documentSHA256"`
	PDF      string `json:"pdfSHA256"`
}

// Decide approves (licence numbered, signed as JSON and PDF, registered, durable) or refuses with a signed reasoned refusal. Repeating a finished approval answers the same licence.
// Errors: ErrNotAuthority; ErrState; *InputError; ErrLater where the time-stamp authority cannot be reached.
func (s *Service) Decide(ctx context.Context, a Actor, id string, d Decision) (*Application, error) {
	return s.conclude(ctx, a, id, d, func(r *Regulation) (hand, error) {
		line, err := s.authority(ctx, a, r.Licensor.BIN, s.now())
		if err != nil {
			return hand{}, err
		}
		return s.hand(a, line)
	})
}

// conclude is Decide by whatever hand signs.
func (s *Service) conclude(ctx context.Context, a Actor, id string, d Decision, choose func(*Regulation) (hand, error)) (*Application, error) {
	if !a.Officer {
		return nil, fmt.Errorf("%w: only officers decide", ErrNotAuthority)
	}
	unlock, err := s.running.lock(ctx, id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	app, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.mayDecide(ctx, a, app); err != nil {
		return nil, err
	}
	if app.Status != Registered {
		return decided(app, d)
	}
	r, ok := s.regulations[app.Service]
	if !ok {
		return nil, fmt.Errorf("%w: the service %q is no longer offered", ErrState, app.Service)
	}
	if err := r.checkDecision(d); err != nil {
		return nil, err
	}
	h, err := choose(r)
	if err != nil {
		return nil, err
	}
	var done *Application
	if d.Approve {
		if err := s.mayApprove(ctx, a, r, app); err != nil {
			return nil, err
		}
		done, err = s.approve(ctx, r, app, h, d)
	} else {
		if err := s.o.Store.View(ctx, func(tx Tx) error { return heldBy(tx, a, app.ID) }); err != nil {
			return nil, err
		}
		done, err = s.refuse(ctx, r, app, h, d)
	}
	if errors.Is(err, ErrOvertaken) {
		if app, err = s.load(ctx, id); err != nil {
			return nil, err
		}
		return decided(app, d)
	}
	if err != nil {
		return nil, unsigned(err)
	}
	s.o.Log.InfoContext(ctx, "application decided", "application", app.ID, "number", app.Number, "status", string(done.Status), "officer", a.ID)
	return done, nil
}

// decided answers a decision on an application that is no longer waiting: the
// same again is the same, another one is not possible.
func decided(app *Application, d Decision) (*Application, error) {
	if app.Status == Registered {
		// Overtaken by a decision that broke and gave the reserved serial back.
		return nil, ErrLater
	}
	if app.Status == Approved && d.Approve || app.Status == Refused && !d.Approve {
		return app, nil
	}
	return nil, fmt.Errorf("%w: the application is %s", ErrState, app.Status)
}

func (r *Regulation) checkDecision(d Decision) error {
	for key, good := range d.Checklist {
		known := slices.ContainsFunc(r.Review, func(i ReviewItem) bool { return i.Key == key }) ||
			slices.ContainsFunc(r.Documents, func(x Document) bool { return x.Key == key })
		if !known {
			return badInput("checklist", "has a question that this regulation does not ask")
		}
		if d.Approve && !good {
			return badInput("checklist."+key, "is answered with no: an application cannot be approved with it")
		}
	}
	if d.Approve {
		for _, i := range r.Review {
			if !d.Checklist[i.Key] {
				return badInput("checklist."+i.Key, "must be answered before an application is approved: %s", i.Name.EN)
			}
		}
		return nil
	}
	if strings.TrimSpace(d.Grounds) == "" {
		return badInput("grounds", "a refusal must be reasoned: say what does not meet the requirements")
	}
	if !utf8.ValidString(d.Grounds) || utf8.RuneCountInString(d.Grounds) > maxGrounds {
		return badInput("grounds", "must be UTF-8 and not longer than %d characters", maxGrounds)
	}
	return checkSeen("grounds", d.Grounds)
}

func (s *Service) licenceSeries() string { return "licence/" + s.o.LicenceCode }

// approve makes the licence or the appendix. Its serial is reserved before
// anything is signed, so that a crash and a new try use the same number; nothing
// signed leaves before the last transaction has made it part of the register.
func (s *Service) approve(ctx context.Context, r *Regulation, app *Application, h hand, d Decision) (*Application, error) {
	var before *LicenceRecord
	var have json.RawMessage
	err := s.o.Store.View(ctx, func(tx Tx) (err error) {
		if before, err = s.aboutLicence(tx, app); err != nil || before == nil {
			return err
		}
		have, err = covered(tx, before)
		return err
	})
	if err != nil {
		return nil, err
	}
	if app.Operation == OperationAppendix {
		return s.approveAppendix(ctx, r, app, h, d, before)
	}
	move, ok := births[app.Operation]
	if !ok {
		return nil, fmt.Errorf("%w: nothing is issued for the operation %q", ErrState, app.Operation)
	}
	if app.Operation == OperationCorrection {
		// An appendix may have come since the form was filled in.
		form, err := r.licenceFields(app.Fields)
		if err == nil {
			err = leavesNothingOut(have, form)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: the licence has changed since the application: ask for a correction of it", ErrState)
		}
	}
	i := issuing{regulation: r, app: app, hand: h, before: before, covered: have, now: s.when(h)}
	if i.state, err = StateNone.After(move); err != nil {
		return nil, err
	}
	serial, err := s.reserveWaiting(ctx, s.licenceSeries(), app.ID)
	if err != nil {
		return nil, err
	}
	if i.number, err = licenceNumber(s.o.LicenceCode, serial); err != nil {
		return nil, err
	}
	rec, err := s.issue(ctx, i)
	if err != nil {
		return nil, err
	}
	l := &rec.Licence
	doc := h.decision(app, d, &licenceRef{Number: l.Number, Document: digest(rec.Document), PDF: l.PDFSHA256})
	ruling, err := s.rule(ctx, app, h, doc, i.now)
	if err != nil {
		return nil, err
	}
	var replaced *MoveRecord
	if before != nil {
		ground, _ := s.o.Grounds.of(MoveReplace, app.Operation)
		if replaced, err = s.signMove(ctx, h, before, MoveRequest{Move: MoveReplace}, ground, l.Number); err != nil {
			return nil, err
		}
	}
	done := *app
	done.Status, done.Decided, done.Licence = Approved, &i.now, l.Number
	entry, err := canonical(licenceEntry{
		Kind: entryLicence, Number: l.Number, State: l.State, Application: app.Number, At: i.now.Format(time.RFC3339Nano), Predecessor: l.Predecessor,
		Document: digest(rec.Document), Signed: digest(l.Signed), PDF: l.PDFSHA256, Decision: digest(ruling.Signed),
	})
	if err != nil {
		return nil, err
	}
	preserve, err := s.preserve(l.Number, l.Signed, l.PDF)
	if err != nil {
		return nil, err
	}
	if err := s.o.Store.Keep(ctx, l.PDF); err != nil {
		return nil, fmt.Errorf("keeping the page: %w", err)
	}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		if err := s.stillWaiting(tx, app.ID, s.licenceSeries(), serial); err != nil {
			return err
		}
		if replaced != nil {
			current, err := tx.Licence(before.Licence.Number)
			if err != nil {
				return err
			}
			now, err := covered(tx, current)
			if err != nil {
				return err
			}
			if current.Moves != before.Moves || !bytes.Equal(now, have) {
				return ErrOvertaken
			}
		}
		if l.Entry, err = journal.Append(tx, entry); err != nil {
			return err
		}
		ruling.Entry = l.Entry
		if _, err := tx.PutBlob(l.PDF); err != nil {
			return err
		}
		if err := tx.AddLicence(rec); err != nil {
			return err
		}
		if replaced != nil {
			if err := enterMove(tx, replaced); err != nil {
				return err
			}
			if err := s.termsOfMove(tx, replaced); err != nil {
				return err
			}
		}
		if err := errors.Join(s.termsOfLicence(tx, l), preserve(tx)); err != nil {
			return err
		}
		return s.closeCase(tx, ruling, &done)
	})
	if err != nil {
		return nil, fmt.Errorf("registering the licence: %w", err)
	}
	return &done, nil
}

func (s *Service) approveAppendix(ctx context.Context, r *Regulation, app *Application, h hand, d Decision, to *LicenceRecord) (*Application, error) {
	series := appendixSeries(to.Licence.Number)
	serial, err := s.reserveWaiting(ctx, series, app.ID)
	if err != nil {
		return nil, err
	}
	first, err := r.appendixPage(firstAppendix, to.Licence.Fields)
	if err != nil {
		return nil, err
	}
	if first != nil {
		serial++ // 001 came with the licence
	}
	now := s.when(h)
	rec, err := s.appendix(ctx, r, app, h, to, appendixNumber(serial), now)
	if err != nil {
		return nil, err
	}
	doc := h.decision(app, d, &licenceRef{Number: rec.Licence, Appendix: rec.Number, Document: digest(rec.Document), PDF: rec.PDFSHA256})
	ruling, err := s.rule(ctx, app, h, doc, now)
	if err != nil {
		return nil, err
	}
	done := *app
	done.Status, done.Decided, done.Licence = Approved, &now, rec.ID()
	entry, err := canonical(appendixEntry{
		Kind: entryAppendix, Number: rec.Licence, Appendix: rec.Number, Application: app.Number, At: now.Format(time.RFC3339Nano),
		Document: digest(rec.Document), Signed: digest(rec.Signed), PDF: rec.PDFSHA256, Decision: digest(ruling.Signed),
	})
	if err != nil {
		return nil, err
	}
	preserve, err := s.preserve(rec.ID(), rec.Signed, rec.PDF)
	if err != nil {
		return nil, err
	}
	if err := s.o.Store.Keep(ctx, rec.PDF); err != nil {
		return nil, fmt.Errorf("keeping the page: %w", err)
	}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		held := serial
		if first != nil {
			held--
		}
		if err := s.stillWaiting(tx, app.ID, series, held); err != nil {
			return err
		}
		current, err := tx.Licence(rec.Licence)
		if err != nil {
			return err
		}
		if current.Moves != to.Moves {
			return ErrOvertaken
		}
		if rec.Entry, err = journal.Append(tx, entry); err != nil {
			return err
		}
		ruling.Entry = rec.Entry
		if _, err := tx.PutBlob(rec.PDF); err != nil {
			return err
		}
		if err := errors.Join(tx.AddAppendix(rec), preserve(tx)); err != nil {
			return err
		}
		return s.closeCase(tx, ruling, &done)
	})
	if err != nil {
		return nil, fmt.Errorf("registering the appendix: %w", err)
	}
	return &done, nil
}

// reserveWaiting takes a serial for an application that nobody has decided on
// yet: one that was refused meanwhile would keep it for ever.
func (s *Service) reserveWaiting(ctx context.Context, series, id string) (serial int64, err error) {
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		current, err := tx.Application(id)
		if err != nil {
			return err
		}
		if current.Status != Registered {
			return ErrOvertaken
		}
		return tx.Reserve(series, id, &serial)
	})
	if err != nil {
		return 0, fmt.Errorf("reserving a number: %w", err)
	}
	return serial, nil
}

// stillWaiting: nobody has decided meanwhile, and the serial is still this application's.
func (s *Service) stillWaiting(tx Tx, id, series string, serial int64) error {
	current, err := tx.Application(id)
	if err != nil {
		return err
	}
	held, err := tx.Serial(series, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if current.Status != Registered || held != serial {
		return ErrOvertaken
	}
	return nil
}

// decision begins the document of an approval.
func (h hand) decision(app *Application, d Decision, ref *licenceRef) decisionDocument {
	doc := decisionDocument{Schema: schemaDecision, Approve: true, Checklist: d.Checklist, Licence: ref}
	if h.deemed {
		note := phrase.Get("workflow.deemed.decision", map[string]string{"number": app.Number})
		doc.Note = &note
	}
	return doc
}

// refuse signs the reasoned refusal (M4). A licence serial that an interrupted
// approval had reserved goes back, so that the numbers keep no gap.
func (s *Service) refuse(ctx context.Context, r *Regulation, app *Application, h hand, d Decision) (*Application, error) {
	code, err := r.refusal(app.Channel, onReview)
	if err != nil {
		return nil, err
	}
	args := map[string]string{"number": app.Number, "grounds": d.Grounds}
	message := Message{
		Code: code, Reason: "review",
		Text: phrase.Get("workflow.refused", args), Next: phrase.Get("workflow.refused.next", args),
	}
	now := s.when(h)
	ruling, err := s.rule(ctx, app, h, decisionDocument{Schema: schemaRefusal, Grounds: d.Grounds, Checklist: d.Checklist, Message: &message}, now)
	if err != nil {
		return nil, err
	}
	done := *app
	done.Status, done.Decided, done.Refusal = Refused, &now, &message
	entry, err := canonical(refusalEntry{
		Kind: entryRefusal, Application: app.Number, At: now.Format(time.RFC3339Nano), Refusal: digest(ruling.Signed),
	})
	if err != nil {
		return nil, err
	}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		current, err := tx.Application(app.ID)
		if err != nil {
			return err
		}
		if current.Status != Registered {
			return ErrOvertaken
		}
		for _, series := range []string{s.licenceSeries(), appendixSeries(app.About)} {
			if err := tx.Release(series, app.ID); err != nil {
				return err
			}
		}
		if ruling.Entry, err = journal.Append(tx, entry); err != nil {
			return err
		}
		return s.closeCase(tx, ruling, &done)
	})
	if err != nil {
		return nil, fmt.Errorf("registering the refusal: %w", err)
	}
	return &done, nil
}

// rule signs a decision's document.
func (s *Service) rule(ctx context.Context, app *Application, h hand, doc decisionDocument, now time.Time) (*Ruling, error) {
	doc.Application, doc.Package = app.Number, digest(app.Package)
	doc.Officer, doc.Licensor = officerLine{h.line.Name, h.line.Position}, h.line.Licensor
	doc.Time = now.Format(time.RFC3339Nano)
	if doc.Checklist == nil {
		doc.Checklist = map[string]bool{}
	}
	content, err := canonical(doc)
	if err != nil {
		return nil, err
	}
	signed, err := h.sign(ctx, content, s.o.Levels.Decision)
	if err != nil {
		return nil, fmt.Errorf("signing the decision: %w", err)
	}
	preserve, err := s.preserve(decisionOf+app.Number, signed, nil)
	if err != nil {
		return nil, err
	}
	return &Ruling{Application: app.ID, At: now, Officer: h.officer, Approve: doc.Approve, Document: content, Signed: signed, preserve: preserve}, nil
}

// Ruling shows the signed decision on an application (CAdES over its JSON) to
// those who may see the application, with the newest time-stamp on it. ErrNotFound where none was made yet.
func (s *Service) Ruling(ctx context.Context, a Actor, id string) (*Ruling, error) {
	app, err := s.Application(ctx, a, id)
	if err != nil {
		return nil, err
	}
	var ruling *Ruling
	err = s.o.Store.View(ctx, func(tx Tx) (err error) {
		if ruling, err = tx.Ruling(id); err == nil {
			ruling.Signed, _, _, err = newest(tx, decisionOf+app.Number)
		}
		return err
	})
	return ruling, err
}
