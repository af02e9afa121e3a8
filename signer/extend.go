// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
)

// Material is what a verdict rests on, each piece once, DER.
type Material struct{ Certificates, Lists, Responses [][]byte }

// Examiner judges documents, so that only what passes is preserved and with it all that it passes by. content is the detached
// content of a CAdES signature, nil otherwise. It must be safe for concurrent use.
type Examiner interface {
	// Material judges a document by all that can be had now, the network too, and gives the certificates, lists and OCSP
	// responses that the verdict rests on: of the signers, of the time-stamping authorities, and of their issuers.
	// [ErrUndecided], wrapped with why, where a source does not answer; any other error where the document does not pass.
	Material(ctx context.Context, document, content []byte) (Material, error)
	// CheckExtended is nil where the document passes by itself, without any network, and every signature has reached level.
	CheckExtended(ctx context.Context, document, content []byte, level Level) error
}

// ExtenderOptions of an Extender.
type ExtenderOptions struct {
	Stamper  Stamper  // Required.
	Examiner Examiner // Required from level LT.
	Hash     pki.OID  // Optional. That the Stamper's imprints are made by; if empty, SHA-256.
}

// Extender brings signatures that are there, whoever made them, to a higher level, and renews those that have it. It needs no
// key. Safe for concurrent use.
type Extender struct {
	o      ExtenderOptions
	widest atomic.Int64 // bytes of the largest token so far
}

// NewExtender makes an Extender.
func NewExtender(o ExtenderOptions) (*Extender, error) {
	if o.Stamper == nil || o.Examiner == nil {
		return nil, errors.New("signer: ExtenderOptions.Stamper and Examiner are required")
	}
	return newExtender(o), nil
}

func newExtender(o ExtenderOptions) *Extender {
	if o.Hash == "" {
		o.Hash = pki.OIDSHA256
	}
	return &Extender{o: o}
}

// Extend returns the document, a PDF or CAdES, with what every signature in it lacks for the level. What is there is kept
// byte for byte. Level T adds time-stamps where there are none, LT certificates, lists and OCSP responses that are not there yet.
// LTA always adds a time-stamp over everything: that is how one that is about to end is renewed, after what the last one was
// judged by has been put beside it (EN 319 102-1 §5.6.3). A document that does not pass today is not extended. content is the
// detached content of CAdES, nil otherwise.
// Errors: [ErrExtend], [ErrUndecided], [ErrStamp], [ErrUnchecked], those of internal/pdf and internal/cms.
func (e *Extender) Extend(ctx context.Context, document, content []byte, to Level) ([]byte, error) {
	if to < LevelT || to > LevelLTA {
		return nil, fmt.Errorf("%w: a signature is extended to T, LT or LTA", ErrLevel)
	}
	if pdf.Is(document) {
		return e.pdf(ctx, document, to)
	}
	der, err := cms.Decode(document)
	if err != nil {
		return nil, fmt.Errorf("%w: it is neither PDF nor CMS: %w", ErrExtend, err)
	}
	return e.cms(ctx, der, content, to)
}

// examined is the material of a document that passes.
func (e *Extender) examined(ctx context.Context, document, content []byte) (Material, error) {
	m, err := e.o.Examiner.Material(ctx, document, content)
	if err != nil && !errors.Is(err, ErrUndecided) {
		err = fmt.Errorf("%w: %w", ErrExtend, err)
	}
	return m, err
}

// checked lets nothing out that does not pass by itself at its level.
func (e *Extender) checked(ctx context.Context, document, content []byte, level Level) ([]byte, error) {
	if level < LevelLT && e.o.Examiner == nil {
		return document, nil
	}
	if err := e.o.Examiner.CheckExtended(ctx, document, content, level); err != nil {
		return nil, fmt.Errorf("%w: at level %s: %w", ErrUnchecked, level, err)
	}
	return document, nil
}

// tokenRoom is how many bytes to leave for the next token where none has been seen yet.
const tokenRoom = 8 << 10

// room is how many bytes to leave for the next token: those of one authority are about as large as each other, and what is left
// empty stands in the file twice, as digits.
func (e *Extender) room() int {
	if n := int(e.widest.Load()); n > 0 {
		return n + 512
	}
	return tokenRoom
}

// stamp asks for a token and remembers how large it is.
func (e *Extender) stamp(ctx context.Context, data []byte) ([]byte, error) {
	token, err := e.o.Stamper.Stamp(ctx, data)
	if err == nil && len(token) == 0 {
		err = errors.New("the answer is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStamp, err)
	}
	for n := int64(len(token)); ; {
		if was := e.widest.Load(); n <= was || e.widest.CompareAndSwap(was, n) {
			return token, nil
		}
	}
}

// covering asks for a token and holds it to what it was asked over: a token of something else would lie unnoticed for years.
func (e *Extender) covering(ctx context.Context, data []byte) ([]byte, *timestamp.Token, error) {
	raw, err := e.stamp(ctx, data)
	if err != nil {
		return nil, nil, err
	}
	t, err := timestamp.Parse(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrStamp, err)
	}
	if ok, err := t.Covers(data); err != nil || !ok {
		return nil, nil, fmt.Errorf("%w: the token covers other bytes (%v)", ErrStamp, err)
	}
	return raw, t, nil
}

// cms extends CAdES: signature time-stamps, then validation data in SignedData.certificates and crls, then archive time-stamps
// of version 3 on each signature (EN 319 122-1 §5.3, §5.5.3).
func (e *Extender) cms(ctx context.Context, der, content []byte, to Level) ([]byte, error) {
	sd, err := parse(der)
	if err != nil {
		return nil, err
	}
	for i := range sd.Signers {
		if len(sd.Signers[i].TimestampTokens()) > 0 {
			continue
		}
		token, _, err := e.covering(ctx, sd.Signers[i].Signature)
		if err != nil {
			return nil, err
		}
		if der, err = sd.AddUnsigned(i, cms.Attribute{Type: pki.OIDSignatureTimeStamp, Values: [][]byte{token}}); err != nil {
			return nil, err
		}
		if sd, err = parse(der); err != nil {
			return nil, err
		}
	}
	if to >= LevelLT {
		if sd, err = e.enrich(ctx, sd, content); err != nil {
			return nil, err
		}
	}
	if to == LevelLTA {
		for i := range sd.Signers {
			if sd, err = e.archive(ctx, sd, i, content); err != nil {
				return nil, err
			}
		}
		// Where the new time-stamps come from another service than the ones before, what they are judged by has to stand beside
		// them, until the next ones cover it.
		if done, err := e.checked(ctx, sd.Raw, content, to); err == nil {
			return done, nil
		}
		if sd, err = e.enrich(ctx, sd, content); err != nil {
			return nil, err
		}
	}
	return e.checked(ctx, sd.Raw, content, to)
}

func parse(der []byte) (*cms.SignedData, error) {
	sd, err := cms.Parse(der, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExtend, err)
	}
	if len(sd.Signers) == 0 {
		return nil, fmt.Errorf("%w: nobody has signed it", ErrExtend)
	}
	return sd, nil
}

func (e *Extender) enrich(ctx context.Context, sd *cms.SignedData, content []byte) (*cms.SignedData, error) {
	m, err := e.examined(ctx, sd.Raw, content)
	if err != nil {
		return nil, err
	}
	der, err := sd.AddMaterial(m.Certificates, m.Lists, m.Responses)
	if err != nil {
		return nil, err
	}
	return parse(der)
}

func (e *Extender) archive(ctx context.Context, sd *cms.SignedData, i int, content []byte) (*cms.SignedData, error) {
	shown := cms.Digests{}
	if content != nil {
		var err error
		if shown, err = cms.DigestContent(bytes.NewReader(content), []pki.OID{e.o.Hash}); err != nil {
			return nil, err
		}
	}
	input, index, err := sd.NewArchiveInput(i, e.o.Hash, shown)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExtend, err)
	}
	token, t, err := e.covering(ctx, input)
	if err != nil {
		return nil, err
	}
	if t.HashAlgorithm != e.o.Hash {
		// The content's digest inside the input is made by the token's own hash function (EN 319 122-1 §5.5.3).
		return nil, fmt.Errorf("%w: the authority stamped by %s instead of %s", ErrStamp, pki.HashName(t.HashAlgorithm), pki.HashName(e.o.Hash))
	}
	der, err := sd.AddArchiveTimestamp(i, token, index)
	if err != nil {
		return nil, err
	}
	return parse(der)
}

// pdf extends PAdES: a document time-stamp where a signature has none of its own, then the document security store, then a
// document time-stamp over it (EN 319 142-1 §5.4, §6.3).
func (e *Extender) pdf(ctx context.Context, file []byte, to Level) ([]byte, error) {
	doc, err := pdf.Open(file, pdf.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrExtend, err)
	}
	all := doc.Signatures()
	if !slices.ContainsFunc(all, func(s pdf.Signature) bool { return !s.IsTimestamp() }) {
		return nil, fmt.Errorf("%w: nobody has signed it", ErrExtend)
	}
	if unstamped(all) {
		if file, err = e.documentStamp(ctx, file); err != nil {
			return nil, err
		}
	}
	if to >= LevelLT {
		if file, err = e.store(ctx, file); err != nil {
			return nil, err
		}
	}
	if to == LevelLTA {
		if file, err = e.documentStamp(ctx, file); err != nil {
			return nil, err
		}
		if done, err := e.checked(ctx, file, nil, to); err == nil { // then all that it passes by is covered by the time-stamp
			return done, nil
		}
		if file, err = e.store(ctx, file); err != nil {
			return nil, err
		}
	}
	return e.checked(ctx, file, nil, to)
}

// unstamped says whether a signature has neither a time-stamp of its own nor a document time-stamp after it.
func unstamped(all []pdf.Signature) bool {
	return slices.ContainsFunc(all, func(s pdf.Signature) bool {
		if s.IsTimestamp() || s.Problem != nil {
			return false
		}
		if slices.ContainsFunc(all, func(t pdf.Signature) bool { return t.IsTimestamp() && t.Problem == nil && t.End > s.End }) {
			return false
		}
		sd, err := cms.Parse(s.Contents, cms.Limits{})
		return err == nil && len(sd.Signers) == 1 && len(sd.Signers[0].TimestampTokens()) == 0
	})
}

// store puts into the document security store what the document passes by and does not hold yet.
func (e *Extender) store(ctx context.Context, file []byte) ([]byte, error) {
	m, err := e.examined(ctx, file, nil)
	if err != nil {
		return nil, err
	}
	doc, err := pdf.Open(file, pdf.Limits{})
	if err != nil {
		return nil, err
	}
	add := &pdf.DSS{Material: pdf.Material{Certificates: items(m.Certificates), CRLs: items(m.Lists), OCSPs: items(m.Responses)}, VRI: map[string]pdf.Material{}}
	have := doc.DSS()
	for _, s := range doc.Signatures() {
		if _, known := have.For(s); s.Problem == nil && !s.IsTimestamp() && !known {
			add.VRI[s.VRIKey()] = add.Material
		}
	}
	return pdf.AppendDSS(file, add)
}

func items(ders [][]byte) []pdf.Item {
	var out []pdf.Item
	for _, der := range ders {
		out = append(out, pdf.Item{DER: der})
	}
	return out
}

// documentStamp appends a revision with a document time-stamp (EN 319 142-1 §5.4.3).
func (e *Extender) documentStamp(ctx context.Context, file []byte) ([]byte, error) {
	o := pdf.PrepareOptions{SubFilter: "ETSI.RFC3161", Size: e.room()}
	stamped, need, err := e.documentStampOf(ctx, file, o)
	if errors.Is(err, pdf.ErrTooLarge) {
		o.Size = need + 2048
		stamped, _, err = e.documentStampOf(ctx, file, o)
	}
	return stamped, err
}

func (e *Extender) documentStampOf(ctx context.Context, file []byte, o pdf.PrepareOptions) ([]byte, int, error) {
	p, err := pdf.Prepare(file, o)
	if err != nil {
		return nil, 0, err
	}
	covered, err := io.ReadAll(p.Signed())
	if err != nil {
		return nil, 0, err
	}
	token, _, err := e.covering(ctx, covered)
	if err != nil {
		return nil, 0, err
	}
	stamped, err := p.Embed(token)
	return stamped, len(token), err
}
