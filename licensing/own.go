// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/signer"
)

// ownLasts is how long a decision may be signed piece by piece: all of its documents name the time at which it was begun.
const ownLasts = 30 * time.Minute

// OwnSigning is a decision that an officer signs with a key of their own, in a card or in NCALayer: its documents name each other, so
// that they are made and signed one after another. Nothing of it stands in the register before the last.
type OwnSigning struct {
	Application string      `json:"application"` // id
	Officer     string      `json:"officer"`
	Decision    Decision    `json:"decision"`
	Began       time.Time   `json:"began"`
	Signed      []OwnSigned `json:"signed"`
	Next        OwnPiece    `json:"next"`

	// Of several applications that get the same decision, one after another: those that wait, and those that could not be decided.
	Then    []string     `json:"then,omitempty"`
	Skipped []OwnSkipped `json:"skipped,omitempty"`
}

// OwnSkipped is an application of several that could not be decided with the others, and stays as it was.
type OwnSkipped struct {
	Application string `json:"application"`
	Why         string `json:"why"` // English
}

// OwnSigned is a document that has its signature.
type OwnSigned struct {
	Of     string `json:"of"` // SHA-256 of what was given to be signed
	Result []byte `json:"result"`
}

// OwnPiece is the document whose signature is waited for.
type OwnPiece struct {
	Of      string        `json:"of"`
	Content []byte        `json:"content"`         // the bytes to be signed
	Draft   *signer.Draft `json:"draft,omitempty"` // of a page: its signature is detached
	Level   signer.Level  `json:"level"`
}

// OwnTx keeps what is signed piece by piece.
type OwnTx interface {
	PutOwnSigning(o *OwnSigning) error
	OwnSigning(application string) (*OwnSigning, error)
	DropOwnSigning(application string) error
}

// errPiece: the next document waits for its signature.
var errPiece = errors.New("the next document waits for its signature")

// ownKey stands in for a key that is elsewhere: it gives what has been signed already, and stops at what has not.
type ownKey struct {
	service *Service
	signing *OwnSigning
	n       int
}

// Certificate is not known: the line of the authority names it.
func (k *ownKey) Certificate() *pki.Certificate { return nil }

func (k *ownKey) JSON(_ context.Context, content []byte, o signer.JSONOptions) ([]byte, error) {
	if done, err := k.done(digest(content)); done != nil || err != nil {
		return done, err
	}
	k.signing.Next = OwnPiece{Of: digest(content), Content: content, Level: o.Level}
	return nil, errPiece
}

func (k *ownKey) Document(ctx context.Context, page *pdf.Document, o signer.PDFOptions) ([]byte, error) {
	drawn := page.Bytes()
	if done, err := k.done(digest(drawn)); done != nil || err != nil {
		return done, err
	}
	d, err := k.service.o.Signer.Begin(ctx, drawn, o)
	if err != nil {
		return nil, err
	}
	k.signing.Next = OwnPiece{Of: digest(drawn), Content: d.Content, Draft: d, Level: o.Level}
	return nil, errPiece
}

// done is the next document that has its signature, nil where there is none yet.
func (k *ownKey) done(of string) ([]byte, error) {
	if k.n == len(k.signing.Signed) {
		return nil, nil
	}
	d := k.signing.Signed[k.n]
	k.n++
	if d.Of != of {
		return nil, fmt.Errorf("%w: the application has changed since: begin the signature anew", ErrState)
	}
	return d.Result, nil
}

// ownLine is the line of the table that lists a key of the officer's own.
func (s *Service) ownLine(ctx context.Context, a Actor, licensorBIN string, at time.Time) (Authority, error) {
	table, err := s.authorities(ctx)
	if err != nil {
		return Authority{}, err
	}
	licensors := s.signer.Certificate().SHA256Hex()
	for _, line := range table {
		if a.ID != System && line.Officer == a.ID && line.Licensor == licensorBIN && line.holds(at) && !strings.EqualFold(line.Certificate, licensors) {
			return line, nil
		}
	}
	return Authority{}, ErrNotAuthority
}

// HasOwnKey reports whether the table lists a key of the officer's own for a service.
func (s *Service) HasOwnKey(ctx context.Context, a Actor, service string) (bool, error) {
	r, ok := s.regulations[service]
	if !ok || !a.Officer {
		return false, nil
	}
	_, err := s.ownLine(ctx, a, r.Licensor.BIN, s.now())
	if errors.Is(err, ErrNotAuthority) {
		return false, nil
	}
	return err == nil, err
}

// DecideOwn begins a decision under the officer's own key in place of one that was begun before. It answers what is to be signed first.
// The same decision on further applications is begun when the one before has its last signature. The errors are those of
// [Service.Decide], for the first.
func (s *Service) DecideOwn(ctx context.Context, a Actor, id string, d Decision, then ...string) (*OwnSigning, error) {
	if len(then) >= maxBatch {
		return nil, badInput("applications", "must be 1 to %d", maxBatch)
	}
	return s.beginOwn(ctx, a, &OwnSigning{Application: id, Officer: a.ID, Decision: d, Began: s.now(), Then: then})
}

func (s *Service) beginOwn(ctx context.Context, a Actor, o *OwnSigning) (*OwnSigning, error) {
	if _, err := s.settleOwn(ctx, a, o); !errors.Is(err, errPiece) {
		if err == nil {
			err = fmt.Errorf("%w: the application has been decided", ErrState)
		}
		return nil, err
	}
	return o, s.o.Store.Update(ctx, func(tx Tx) error { return tx.PutOwnSigning(o) })
}

// nextOwn begins the next of several that can be decided; where none is left it answers nil and those that could not.
func (s *Service) nextOwn(ctx context.Context, a Actor, o *OwnSigning) (*OwnSigning, []OwnSkipped, error) {
	skipped := o.Skipped
	for i, id := range o.Then {
		next, err := s.beginOwn(ctx, a, &OwnSigning{Application: id, Officer: a.ID, Decision: o.Decision, Began: s.now(), Then: o.Then[i+1:], Skipped: skipped})
		if err == nil {
			return next, nil, nil
		}
		if ctx.Err() != nil {
			return nil, nil, err
		}
		skipped = append(skipped, OwnSkipped{id, err.Error()})
	}
	return nil, skipped, nil
}

// Piece is what the officer is to sign now. ErrNotFound where nothing was begun.
func (s *Service) Piece(ctx context.Context, a Actor, id string) (o *OwnSigning, err error) {
	err = s.o.Store.View(ctx, func(tx Tx) error {
		o, err = tx.OwnSigning(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	if o.Officer != a.ID || s.now().Sub(o.Began) > ownLasts {
		return nil, ErrNotFound
	}
	return o, nil
}

// OwnResult is what a signature led to.
type OwnResult struct {
	Decided *Application // after the last signature of an application; nil while another is waited for, and where it was decided otherwise meanwhile
	Next    string       // the application whose document is to be signed now; empty: none is
	Skipped []OwnSkipped // of several, where none is left
}

// SignOwn takes the signature of the piece that waits: a CMS, attached, or detached over a page. A signature by another key than
// the table lists is *InputError.
func (s *Service) SignOwn(ctx context.Context, a Actor, id string, answer []byte) (*OwnResult, error) {
	if len(answer) == 0 || len(answer) > maxSignature {
		return nil, badInput("signature", "must have 1 to %d bytes", maxSignature)
	}
	o, err := s.Piece(ctx, a, id)
	if err != nil {
		return nil, err
	}
	app, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	r, ok := s.regulations[app.Service]
	if !ok {
		return nil, fmt.Errorf("%w: the service %q is no longer offered", ErrState, app.Service)
	}
	line, err := s.ownLine(ctx, a, r.Licensor.BIN, s.now())
	if err != nil {
		return nil, err
	}
	if by, err := signedBy(answer); err != nil || !strings.EqualFold(by, line.Certificate) {
		return nil, badInput("signature", "must be made with the key that the table of authorities lists for you")
	}
	var result []byte
	if o.Next.Draft != nil {
		result, err = s.o.Signer.Finish(ctx, o.Next.Draft, answer)
	} else {
		result, err = s.o.Signer.Accept(ctx, o.Next.Content, answer, signer.JSONOptions{Level: o.Next.Level})
	}
	if errors.Is(err, signer.ErrUnchecked) {
		return nil, badInput("signature", "is not one over what was shown")
	}
	if err != nil {
		return nil, unsigned(err)
	}
	o.Signed = append(o.Signed, OwnSigned{Of: o.Next.Of, Result: result})
	done, err := s.settleOwn(ctx, a, o)
	if errors.Is(err, ErrState) && len(o.Then) > 0 {
		// Decided otherwise meanwhile: the others still wait for their turn.
		o.Skipped, err = append(o.Skipped, OwnSkipped{id, err.Error()}), nil
	}
	if errors.Is(err, errPiece) {
		return &OwnResult{Next: id}, s.o.Store.Update(ctx, func(tx Tx) error { return tx.PutOwnSigning(o) })
	}
	if err != nil {
		return nil, err
	}
	if err := s.o.Store.Update(ctx, func(tx Tx) error { return tx.DropOwnSigning(id) }); err != nil {
		return nil, err
	}
	next, skipped, err := s.nextOwn(ctx, a, o)
	out := &OwnResult{Decided: done, Skipped: skipped}
	if next != nil {
		out.Next = next.Application
	}
	return out, err
}

// settleOwn decides as far as there are signatures; errPiece where another is needed.
func (s *Service) settleOwn(ctx context.Context, a Actor, o *OwnSigning) (*Application, error) {
	return s.conclude(ctx, a, o.Application, o.Decision, func(r *Regulation) (hand, error) {
		line, err := s.ownLine(ctx, a, r.Licensor.BIN, s.now())
		if err != nil {
			return hand{}, err
		}
		return hand{officer: a.ID, line: line, key: &ownKey{service: s, signing: o}, at: o.Began}, nil
	})
}

// signedBy is the SHA-256 of the certificate of a CMS's only signer, hex.
func signedBy(answer []byte) (string, error) {
	der, err := cms.Decode(answer)
	if err != nil {
		return "", err
	}
	sd, err := cms.Parse(der, cms.Limits{})
	if err != nil {
		return "", err
	}
	if len(sd.Signers) != 1 {
		return "", errors.New("one signer is expected")
	}
	c := sd.SignerCertificate(sd.Signers[0], nil)
	if c == nil {
		return "", errors.New("the signer's certificate is missing")
	}
	return c.SHA256Hex(), nil
}
