// SPDX-License-Identifier: Apache-2.0

// Package licensing answers one question: what happens to an application for
// a licence, from the form that a person fills in to the signed licence in
// the register, as the regulation of that service says.
//
// A regulation (passport, form, documents, fee, deadlines, paths) is data in
// regulations/*.yaml. The applicant signs the canonical application package
// (RFC 8785); the package is judged by a Judge and only TOTAL-PASSED
// registers it. The licensor signs the receipt, the decision, the refusal and
// the licence. Whatever is registered stands in the same transaction in an
// append-only log (internal/journal).
//
// Left out: how a signature is judged (verifier), how one is made (signer),
// where things are kept (internal/store), who may call (internal/account).
package licensing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/signer"
	"rastau/verifier"
)

// Judge is the verifier as the workflow sees it: the package's detached or attached signature judged for its applicant, and the
// certificate before it signs. It must be safe for concurrent use.
type Judge interface {
	Document(ctx context.Context, data []byte, q verifier.Question) *verifier.Report
	Certificate(ctx context.Context, cert *pki.Certificate, q verifier.Question) *verifier.Report
}

// Options of a Service.
type Options struct {
	Regulations    []*Regulation              // Required.
	Store          Store                      // Required.
	Judge          Judge                      // Required.
	Question       func() verifier.Question   // Required. Anchors and policy for judging applicants (Purpose sign; IIN/BIN and content are set by the workflow).
	Signer         *signer.Signer             // Required. Licensor's key.
	Levels         Levels                     // Optional. If zero, the Signer's own.
	Extender       Extender                   // Optional. Renews licences before their time-stamps end; if nil, nobody does.
	Stamper        signer.Stamper             // Optional. RFC 3161 stamp on the applicant's accepted signature; if nil, none is made.
	Registers      Registers                  // Optional. State registers of persons and bodies; if nil, they are not asked.
	Payments       Payments                   // Optional. Payment gateway; if nil, the portal answers for the reference that it gives.
	Notices        bool                       // Optional. Whether people are told of events by e-mail and SMS: somebody delivers the outbox.
	Seal           *signer.Signer             // Optional. The system's own key: seals what the licensor's silence decides. If nil, overdue applications are only escalated.
	LogKey         note.Signer                // Optional. Signs the checkpoints of the register's log; if nil, there are none.
	Authorities    []Authority                // Required.
	Grounds        *Grounds                   // Optional. If nil, the embedded table of grounds for moves.
	Calendar       *Calendar                  // Required.
	Rates          *Rates                     // Optional. If nil, the embedded table of MRP rates.
	AcceptRepealed bool                       // Optional. The marked override: a repealed regulation still takes applications (demo).
	Demo           bool                       // Optional. Licences carry a clear mark.
	LicenceCode    string                     // Required. Three letters; "ZZZ" in the demo.
	VerifyURL      func(number string) string // Required. Goes into the licence's QR code.
	Now            func() time.Time           // Required.
	Rand           io.Reader                  // Required. Application ids and nonces.
	Log            *slog.Logger               // Optional. If nil, nothing is logged. Never personal data.
}

// Levels at which the licensor's documents are signed; a zero one is the Signer's own.
type Levels struct{ Licence, Receipt, Decision signer.Level }

// Service is safe for concurrent use. Several of them may share one Store.
type Service struct {
	o           Options
	regulations map[string]*Regulation
	signer      docSigner
	seal        docSigner // nil without a Seal
	running     keyedMutex
	random      sync.Mutex // Options.Rand need not be safe for concurrent use
}

// docSigner is what the workflow needs of the licensor's key (signer.Signer has it).
type docSigner interface {
	Certificate() *pki.Certificate
	JSON(ctx context.Context, content []byte, o signer.JSONOptions) ([]byte, error)
	Document(ctx context.Context, d *pdf.Document, o signer.PDFOptions) ([]byte, error)
}

// New checks that nothing required is missing.
func New(o Options) (*Service, error) {
	if o.Signer == nil {
		return nil, errors.New("licensing: the licensor's key (Signer) is missing")
	}
	return newService(o, o.Signer)
}

func newService(o Options, key docSigner) (*Service, error) {
	switch {
	case len(o.Regulations) == 0:
		return nil, errors.New("licensing: no regulation was given")
	case o.Store == nil || o.Judge == nil || o.Question == nil || o.Calendar == nil || o.VerifyURL == nil || o.Now == nil || o.Rand == nil:
		return nil, errors.New("licensing: Store, Judge, Question, Calendar, VerifyURL, Now and Rand are required")
	case len(o.Authorities) == 0:
		return nil, errors.New("licensing: the table of authorities is empty, so nobody could decide")
	}
	if err := checkCode(o.LicenceCode); err != nil {
		return nil, err
	}
	if o.Rates == nil {
		rates, err := EmbeddedRates()
		if err != nil {
			return nil, err
		}
		o.Rates = rates
	}
	if o.Grounds == nil {
		grounds, err := EmbeddedGrounds()
		if err != nil {
			return nil, err
		}
		o.Grounds = grounds
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{o: o, signer: key, regulations: make(map[string]*Regulation, len(o.Regulations))}
	if o.Seal != nil {
		s.seal = o.Seal
	}
	for _, r := range o.Regulations {
		if _, twice := s.regulations[r.Key]; twice {
			return nil, fmt.Errorf("licensing: regulation %q was given twice", r.Key)
		}
		s.regulations[r.Key] = r
	}
	return s, nil
}

// Regulations lists the services for the portal, in the order they were given.
// They are shared: do not change them.
func (s *Service) Regulations() []*Regulation { return append([]*Regulation(nil), s.o.Regulations...) }

// now is the clock in UTC, to the millisecond: that is what is stored.
func (s *Service) now() time.Time { return s.o.Now().UTC().Truncate(time.Millisecond) }

// keyedMutex lets one goroutine at a time work on one application, so that two
// requests for the same do not both sign. The store's transactions, not this,
// keep two processes apart.
type keyedMutex struct {
	mu   sync.Mutex
	held map[string]*waiting
}

type waiting struct {
	turn chan struct{}
	n    int
}

// lock waits for its turn or for the context. Call unlock when err is nil.
func (k *keyedMutex) lock(ctx context.Context, key string) (unlock func(), err error) {
	k.mu.Lock()
	if k.held == nil {
		k.held = make(map[string]*waiting)
	}
	w := k.held[key]
	if w == nil {
		w = &waiting{turn: make(chan struct{}, 1)}
		k.held[key] = w
	}
	w.n++
	k.mu.Unlock()
	leave := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if w.n--; w.n == 0 {
			delete(k.held, key)
		}
	}
	select {
	case w.turn <- struct{}{}:
		return func() { <-w.turn; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// Takes reports whether a service takes applications today: its regulation is in force, or the marked override is set.
func (s *Service) Takes(r *Regulation) bool { return s.inForce(r, s.o.Calendar.Day(s.now())) == nil }
