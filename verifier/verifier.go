// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"sync"
	"time"

	"rastau/crl"
	"rastau/internal/ocsp"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

// ListSource fetches lists (crl.Source). check is asked before a list from
// anywhere is kept or used.
type ListSource interface {
	List(ctx context.Context, url string, check func(*crl.List) error) (*crl.List, error)
}

// Web is what asking OCSP needs (internal/fetch.Client). It guards every address
// and bounds every answer at max bytes.
type Web interface {
	Get(ctx context.Context, url string, max int64) ([]byte, error)
	Post(ctx context.Context, url, contentType string, body []byte, max int64) ([]byte, error)
}

// Responders asks OCSP responders, once for all questions about one certificate
// (internal/ocsp.Source). What it answers is judged here.
type Responders interface {
	Ask(ctx context.Context, url string, q ocsp.Query) (der, nonce []byte, err error)
}

// Options of a Verifier.
type Options struct {
	Now   func() time.Time // Required.
	Lists ListSource       // Optional. If nil, no list is fetched.
	Web   Web              // Optional. If nil, no OCSP is asked.
	OCSP  Responders       // Optional. If nil, responders are asked through Web at each question.
	// FetchIssuers fetches missing issuers' certificates from the addresses that a
	// certificate names (caIssuers), when no path is found without them. Optional.
	// If false, nobody is troubled on the word of a certificate not yet trusted.
	FetchIssuers bool
	Rand         io.Reader    // Optional. If nil, crypto/rand: nonces of OCSP requests.
	Log          *slog.Logger // Optional. If nil, silent. Never personal data.
	// Observe is told how long each group of checks took, on one signature or one candidate path of a certificate. Optional. It
	// is called by whoever judges, so it must be quick and safe for concurrent use.
	Observe func(Group, time.Duration)
	Limits  Limits
}

// Limits before and while judging. Zero = default.
type Limits struct {
	Document   int64         // bytes, 64 MiB
	Signatures int           // in one document, 64
	Network    time.Duration // waiting for the network in one question, 30 s
}

// Verifier judges. All that it keeps is what it has proven (proven.go), which changes no
// report. It is safe for concurrent use.
type Verifier struct {
	o      Options
	memory *memory
}

// New makes a Verifier. It panics where Options.Now is missing: a verifier
// without a clock would judge some other time than asked.
func New(o Options) *Verifier {
	if o.Now == nil {
		panic("verifier: Options.Now is required")
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Limits.Document <= 0 {
		o.Limits.Document = 64 << 20
	}
	if o.Limits.Signatures <= 0 {
		o.Limits.Signatures = 64
	}
	if o.Limits.Network <= 0 {
		o.Limits.Network = 30 * time.Second
	}
	return &Verifier{o: o, memory: newMemory()}
}

// sourceClock of the time judged: nobody gave another.
const sourceClock = "clock"

// inquiry is one question under way: what all signatures of a file share. It
// belongs to one goroutine.
type inquiry struct {
	v      *Verifier
	q      Question
	source string // of q.At: sourceClock or "given"
	given  evidence
	asked  []asked         // memo of the network's answers
	vetted map[string]bool // memo: is this list signed by whoever may sign it

	online *waiting
	room   [1]Finding // see one
	spoken struct {   // memo of moment: nearly every finding speaks of one time
		at   time.Time
		text string
	}

	keeper *keeper          // nil: nobody asked for the record
	own    *pki.Certificate // of the key that has just signed; nil otherwise
}

// ask fixes the time judged, the algorithms and the anchors, once. The caller
// ends the waiting.
func (v *Verifier) ask(ctx context.Context, q Question, purpose Purpose) *inquiry {
	in := &inquiry{v: v, q: q, source: "given", online: &waiting{Context: ctx, limit: v.o.Limits.Network}}
	if in.q.At.IsZero() {
		in.q.At, in.source = v.o.Now(), sourceClock
	}
	in.q.At = in.q.At.UTC()
	if in.q.Algorithms == nil {
		in.q.Algorithms = pki.DefaultAlgorithms
	}
	if in.q.TSAAnchors == nil {
		in.q.TSAAnchors = in.q.Anchors
	}
	if in.q.Purpose == "" {
		in.q.Purpose = purpose
	}
	in.replay()
	if in.q.KeepRecord {
		in.keeper = newKeeper(in)
	}
	in.given.keeper = in.keeper
	in.given.addLists(given, in.q.Lists)
	in.given.addResponses(given, in.q.OCSPs)
	return in
}

// waiting bounds all waiting for the network together: sixty signers, each with servers
// that hang, must not hold a question for half an hour. Judging itself goes on under the
// caller's context. The time runs from when somebody first waits: most questions wait for
// nothing, and a clock of their own would cost them more than their lists.
type waiting struct {
	context.Context // the caller's
	limit           time.Duration

	mu     sync.Mutex
	timed  context.Context
	cancel context.CancelFunc
	over   bool
}

func (w *waiting) started() context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timed == nil {
		w.timed, w.cancel = context.WithTimeout(w.Context, w.limit)
		if w.over {
			w.cancel()
		}
	}
	return w.timed
}

// Done, Err and Deadline are those of the time that runs.
func (w *waiting) Done() <-chan struct{} { return w.started().Done() }

func (w *waiting) Deadline() (time.Time, bool) { return w.started().Deadline() }

func (w *waiting) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timed == nil {
		return w.Context.Err()
	}
	return w.timed.Err()
}

func (w *waiting) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if w.cancel != nil {
		w.cancel()
	}
}

// report starts the answer: the time judged, the algorithms, the broken inputs.
func (in *inquiry) report(document bool, format string) *Report {
	r := &Report{
		Document:   document,
		Format:     format,
		Time:       JudgedTime{Value: in.q.At, Source: in.source},
		Algorithms: in.q.Algorithms.Name,
		keeper:     in.keeper,
	}
	for _, f := range in.q.Broken {
		// What could not be read takes no part; the question goes on without it.
		if f.Outcome != Pass && f.Outcome != NotApplicable {
			f.Outcome = Warn
		}
		f.Lang = in.q.Lang
		if f.Text != nil { // it names a file
			f.Text = &phrase.Text{KK: printable(f.Text.KK), RU: printable(f.Text.RU), EN: printable(f.Text.EN)}
		}
		r.Findings = append(r.Findings, f)
	}
	return r
}

// anchorCertificates adds the certificates that trusted keys came from: an anchor given for
// signers may also have issued a responder or a list signer.
func anchorCertificates(out []*pki.Certificate, anchors []trust.Anchor) []*pki.Certificate {
	for _, a := range anchors {
		if a.Certificate != nil {
			out = append(out, a.Certificate)
		}
	}
	return out
}
