// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rastau/internal/cms"
	"rastau/internal/journal"
	"rastau/internal/outbox"
	"rastau/internal/pki"
	"rastau/signer"
)

// JobRenew is the kind of the outbox messages by which the time-stamps on what was signed are renewed.
const JobRenew = "renew"

// renewLead is how long before a time-stamp ends it is renewed: an authority that does not answer for weeks does no harm.
const renewLead = 90 * 24 * time.Hour

// renewAgain is when a renewal is tried again that would gain nothing, because the authority's own certificate ends too soon.
const renewAgain = 24 * time.Hour

// Extender renews what was signed (signer.Extender).
type Extender interface {
	Extend(ctx context.Context, document, content []byte, to signer.Level) ([]byte, error)
}

// Prefixes of the subjects of renewals that have no page: with the number of an application, with that and the correction's, or with the
// number of a licence and its move.
const (
	receiptOf    = "receipt:"
	decisionOf   = "decision:"
	moveOf       = "move:"
	signatureOf  = "signature:"  // the applicant's own
	correctionOf = "correction:" // the same over a correction
)

var withoutPage = []string{receiptOf, decisionOf, moveOf, signatureOf, correctionOf}

// Renewal is one more time-stamp over what was signed and all that it is judged by. What was signed stays as it is inside.
type Renewal struct {
	// Subject is a licence's number, or number/appendix; "receipt:", "decision:" or "signature:" and an application's number;
	// "correction:" and that number/seq; "move:" and a licence's number/seq.
	Subject string
	Seq     int // counted from 1
	At      time.Time
	Until   time.Time // the first end among what the renewed documents rest on
	Signed  string    // SHA-256 of the renewed CAdES, a blob
	PDF     string    // SHA-256 of the renewed PDF, a blob; that of Signed again where there is no page
	Entry   int64     // of the log
}

// RenewalTx is what renewing needs of a transaction.
type RenewalTx interface {
	// AddRenewal keeps it; its documents must be there as blobs. ErrState where one of that Seq is there already.
	AddRenewal(r *Renewal) error
	// Renewals of a subject, oldest first.
	Renewals(subject string) ([]Renewal, error)
}

type renewalEntry struct {
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
	Seq     int    `json:"seq"`
	At      string `json:"at"`
	Signed  string `json:"signedSHA256"`
	PDF     string `json:"pdfSHA256"`
}

func (r *Renewal) entry() renewalEntry {
	return renewalEntry{entryRenewal, r.Subject, r.Seq, r.At.UTC().Format(time.RFC3339Nano), r.Signed, r.PDF}
}

// renewalDue enqueues the next renewal of a subject.
func (s *Service) renewalDue(tx Tx, subject string, seq int, until time.Time) error {
	return tx.Enqueue(Outgoing{Kind: JobRenew, Key: fmt.Sprintf("%s#%d", subject, seq), Body: []byte(subject), Due: until.Add(-renewLead)})
}

// preserve begins the care for documents just signed, in the transaction that writes them. Without an Extender it does nothing.
func (s *Service) preserve(subject string, signed, pdf []byte) (func(Tx) error, error) {
	if s.o.Extender == nil {
		return func(Tx) error { return nil }, nil
	}
	until, err := horizon(signed, pdf)
	if err != nil {
		return nil, fmt.Errorf("until when %s can be judged: %w", subject, err)
	}
	return func(tx Tx) error { return s.renewalDue(tx, subject, 1, until) }, nil
}

// preserveApplicants is preserve for an applicant's signature with the time-stamp that it got here. One in XML has none that could be
// renewed: the token stands beside it.
func (s *Service) preserveApplicants(subject string, stamped []byte, sd *cms.SignedData) (func(Tx) error, error) {
	if sd == nil || stamped == nil {
		return func(Tx) error { return nil }, nil
	}
	return s.preserve(subject, stamped, nil)
}

// horizon is when the first of both forms ends; pdf is nil where there is no page.
func horizon(signed, pdf []byte) (time.Time, error) {
	a, err := signer.Horizon(signed, pki.DefaultAlgorithms)
	if err != nil || pdf == nil {
		return a, err
	}
	b, err := signer.Horizon(pdf, pki.DefaultAlgorithms)
	if err != nil || a.Before(b) {
		return a, err
	}
	return b, nil
}

// newest reads both forms of a subject as they stand now, pdf being nil where there is no page, and how often they were renewed.
func newest(tx Tx, subject string) (signed, pdf []byte, seq int, err error) {
	all, err := tx.Renewals(subject)
	if err != nil {
		return nil, nil, 0, err
	}
	if n := len(all); n > 0 {
		if signed, err = tx.Blob(all[n-1].Signed); err == nil && all[n-1].PDF != all[n-1].Signed {
			pdf, err = tx.Blob(all[n-1].PDF)
		}
		return signed, pdf, n, err
	}
	for _, kind := range withoutPage {
		if number, ok := strings.CutPrefix(subject, kind); ok {
			signed, err = firstOf(tx, kind, number)
			return signed, nil, 0, err
		}
	}
	number, appendix, isAppendix := strings.Cut(subject, "/")
	sum := ""
	if isAppendix {
		list, err := tx.Appendices(number)
		if err != nil {
			return nil, nil, 0, err
		}
		for _, a := range list {
			if a.Number == appendix {
				signed, sum = a.Signed, a.PDFSHA256
			}
		}
	} else {
		l, err := tx.Licence(number)
		if err != nil {
			return nil, nil, 0, err
		}
		signed, sum = l.Licence.Signed, l.Licence.PDFSHA256
	}
	if sum == "" {
		return nil, nil, 0, ErrNotFound
	}
	pdf, err = tx.Blob(sum)
	return signed, pdf, 0, err
}

// firstOf is the receipt of an application, the decision on it, the applicant's signatures, or a move of a licence, as it was signed.
func firstOf(tx Tx, kind, number string) ([]byte, error) {
	switch kind {
	case correctionOf:
		m, err := correctionNumbered(tx, number)
		if err != nil {
			return nil, err
		}
		return m.Stamped, nil
	case moveOf:
		licence, seq, _ := strings.Cut(number, "/")
		all, err := tx.Moves(licence)
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			if strconv.Itoa(m.Seq) == seq {
				return m.Signed, nil
			}
		}
		return nil, ErrNotFound
	}
	app, err := tx.ApplicationNumbered(number)
	if err != nil {
		return nil, err
	}
	if kind == receiptOf || kind == signatureOf {
		reg, err := tx.Registration(app.ID)
		if err != nil {
			return nil, err
		}
		if kind == signatureOf {
			return reg.Stamped, nil
		}
		return reg.Receipt, nil
	}
	ruling, err := tx.Ruling(app.ID)
	if err != nil {
		return nil, err
	}
	return ruling.Signed, nil
}

// correctionNumbered reads one by the application's number and its own: number/seq.
func correctionNumbered(tx Tx, number string) (*AmendmentRecord, error) {
	of, seq, _ := strings.Cut(number, "/")
	n, err := strconv.Atoi(seq)
	if err != nil {
		return nil, ErrNotFound
	}
	app, err := tx.ApplicationNumbered(of)
	if err != nil {
		return nil, err
	}
	return tx.AmendmentNumbered(app.ID, n)
}

// contentOf is what a detached signature of a subject was made over; nil where the content stands inside, as in all that is signed here.
func contentOf(tx Tx, subject string, signed []byte) ([]byte, error) {
	kind, number, _ := strings.Cut(subject, ":")
	if kind += ":"; kind != signatureOf && kind != correctionOf {
		return nil, nil
	}
	if sd, err := cms.Parse(signed, cms.Limits{}); err != nil || !sd.Detached {
		return nil, err
	}
	if kind == correctionOf {
		m, err := correctionNumbered(tx, number)
		if err != nil {
			return nil, err
		}
		return m.Package, nil
	}
	app, err := tx.ApplicationNumbered(number)
	if err != nil {
		return nil, err
	}
	return app.Package, nil
}

// Renew puts a new time-stamp over what was signed before the one on it ends: the body is that of a JobRenew
// message. It may run several times and on several machines at once, and may be cut off anywhere: one renewal is kept for
// each time. An error means that it is to be tried again.
func (s *Service) Renew(ctx context.Context, subject string) error {
	if s.o.Extender == nil {
		return ErrLater // another machine may be able to
	}
	var signed, pdf, content []byte
	var seq int
	err := s.o.Store.View(ctx, func(tx Tx) (err error) {
		if signed, pdf, seq, err = newest(tx, subject); err != nil {
			return err
		}
		content, err = contentOf(tx, subject, signed)
		return err
	})
	if err != nil {
		return err
	}
	until, err := horizon(signed, pdf)
	if err != nil {
		return err
	}
	now := s.now()
	if now.Before(until.Add(-renewLead)) { // renewed meanwhile
		return s.o.Store.Update(ctx, func(tx Tx) error { return s.renewalDue(tx, subject, seq+1, until) })
	}
	if signed, err = s.o.Extender.Extend(ctx, signed, content, signer.LevelLTA); err != nil {
		return unsigned(fmt.Errorf("renewing %s: %w", subject, err))
	}
	page := signed
	if pdf != nil {
		if pdf, err = s.o.Extender.Extend(ctx, pdf, nil, signer.LevelLTA); err != nil {
			return unsigned(fmt.Errorf("renewing the page of %s: %w", subject, err))
		}
		page = pdf
	}
	next, err := horizon(signed, pdf)
	if err != nil {
		return err
	}
	if !next.After(until) || next.Add(-renewLead).Before(now) {
		s.o.Log.ErrorContext(ctx, "a time-stamp cannot be renewed: the authority's certificate or algorithm ends too soon; configure another tsa",
			"subject", subject, "ends", until.Format(time.RFC3339), "renewed", next.Format(time.RFC3339))
		return outbox.Postpone(now.Add(renewAgain))
	}
	r := &Renewal{Subject: subject, Seq: seq + 1, At: now, Until: next, Signed: digest(signed), PDF: digest(page)}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		_, _, have, err := newest(tx, subject)
		if err != nil {
			return err
		}
		if have != seq {
			return ErrOvertaken
		}
		entry, err := canonical(r.entry())
		if err != nil {
			return err
		}
		if r.Entry, err = journal.Append(tx, entry); err != nil {
			return err
		}
		for _, blob := range [][]byte{signed, page} {
			if _, err := tx.PutBlob(blob); err != nil {
				return err
			}
		}
		if err := tx.AddRenewal(r); err != nil {
			return err
		}
		return s.renewalDue(tx, subject, r.Seq+1, next)
	})
	if errors.Is(err, ErrOvertaken) {
		return nil // whoever was faster has begun the next one too
	}
	if err != nil {
		return fmt.Errorf("keeping the renewal of %s: %w", subject, err)
	}
	s.o.Log.InfoContext(ctx, "renewed", "subject", subject, "seq", r.Seq, "until", next.Format(time.RFC3339))
	return nil
}

// checkRenewalEntry holds a renewal and its documents to the entry.
func checkRenewalEntry(tx Tx, n int64, entry []byte) error {
	var e renewalEntry
	if err := json.Unmarshal(entry, &e); err != nil {
		return err
	}
	all, err := tx.Renewals(e.Subject)
	if err != nil {
		return err
	}
	if e.Seq < 1 || e.Seq > len(all) || all[e.Seq-1].Seq != e.Seq {
		return fmt.Errorf("%w: renewal %d of %s: %w", ErrRegister, e.Seq, e.Subject, ErrNotFound)
	}
	r := all[e.Seq-1]
	for _, sum := range []string{r.Signed, r.PDF} {
		if _, err := tx.Blob(sum); err != nil {
			return fmt.Errorf("%w: renewal %d of %s: %w", ErrRegister, e.Seq, e.Subject, err)
		}
	}
	if r.entry() != e || r.Entry != n {
		return fmt.Errorf("%w: renewal %d of %s was changed", ErrRegister, e.Seq, e.Subject)
	}
	return nil
}
