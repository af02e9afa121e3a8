// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"rastau/internal/pki"
)

func errTransform(uri string) error { return fmt.Errorf("%w: %.120q", ErrTransform, uri) }

func fields(s string) []string { return strings.Fields(s) }

// readTransforms takes the transforms that are computed here, in the orders that make sense: signatures out, then either
// canonical form or base64.
func (r *Reference) readTransforms(e *element) error {
	if len(e.children) == 0 {
		return structure("Transforms holds none of them")
	}
	if len(e.children) > maxTransforms {
		r.problem(fmt.Errorf("%w: %d of them, and %d are computed", ErrTransform, len(e.children), maxTransforms))
		return nil
	}
	for _, t := range e.children {
		if !is(t, "Transform") {
			return structure("Transforms holds %s", t.local)
		}
		uri, _ := t.attr("Algorithm")
		if r.canonical != nil || r.decode {
			// After that there are octets, no nodes.
			r.problem(fmt.Errorf("%w: %.120q behind another that ends in octets", ErrTransform, uri))
			continue
		}
		switch _, c14n := methods[uri]; {
		case uri == enveloped && !r.own:
			r.own = true
		case uri == xpathURI && !r.all && withoutSignatures(t):
			r.all = true
		case uri == base64URI:
			r.decode = true
		case c14n:
			m, err := readMethod(t)
			if err != nil {
				return err
			}
			r.canonical = &m
		default:
			r.problem(errTransform(uri))
		}
	}
	return nil
}

func (r *Reference) problem(err error) {
	if r.Problem == nil {
		r.Problem = err
	}
}

// withoutSignatures knows the one XPath expression that is computed here: everything but signatures. Its prefix must mean
// XML Signature where it stands; that is looked at when the reference is resolved.
func withoutSignatures(t *element) bool {
	if len(t.children) != 1 || !is(t.children[0], "XPath") {
		return false
	}
	text, err := t.children[0].simple()
	if err != nil {
		return false
	}
	prefix, ok := strings.CutPrefix(string(text), "not(ancestor-or-self::")
	if !ok {
		return false
	}
	prefix, ok = strings.CutSuffix(prefix, ":Signature)")
	// The expression's element is in that namespace itself; another prefix could mean something else.
	return ok && prefix == t.children[0].prefix
}

// settle resolves the references, once everything else is known.
func (s *Signature) settle() error {
	for _, r := range s.References {
		if r.Problem != nil {
			continue
		}
		s.resolve(r)
	}
	if p := s.Properties; p != nil {
		// EN 319 132-1 §4.4.2: Target "shall refer to the Id attribute of the corresponding ds:Signature".
		if target, ok := strings.CutPrefix(p.target, "#"); !ok || target != s.ID || s.ID == "" {
			return structure("QualifyingProperties is of another signature")
		}
		if at, err := s.doc.byID(s.ID); err != nil || at != s.at.from {
			return fmt.Errorf("%w: the signature's own Id %.60q", ErrAmbiguous, s.ID)
		}
		for _, r := range s.References {
			if r.Problem != nil || p.signed == 0 || r.target.whole || r.target.from != p.signed {
				continue
			}
			r.Properties, p.Signed = true, true
		}
		if !p.Signed {
			// What nobody signed says nothing (EN 319 132-1 §4.4.2).
			p.unsign()
		}
	}
	for _, r := range s.References {
		if r.Type == typeProperties && !r.Properties && r.Problem == nil {
			r.Problem = structure("a reference to SignedProperties leads elsewhere")
		}
	}
	return nil
}

// resolve finds what a reference selects (XMLDSig 1.1 §4.4.3.2, §4.4.3.3): same-document references leave comments out,
// unless they are written as XPointer.
func (s *Signature) resolve(r *Reference) {
	d := s.doc
	id := ""
	switch {
	case r.URI == "":
		r.target = span{from: d.root, to: d.nodes[d.root].link, whole: true}
	case r.URI == "#xpointer(/)":
		r.target, r.comments = span{from: d.root, to: d.nodes[d.root].link, whole: true}, true
	case strings.HasPrefix(r.URI, "#xpointer(id('") && strings.HasSuffix(r.URI, "'))"):
		id, r.comments = r.URI[len("#xpointer(id('"):len(r.URI)-len("'))")], true
	case strings.HasPrefix(r.URI, "#") && !strings.ContainsAny(r.URI, "()"):
		id = r.URI[1:]
	case strings.HasPrefix(r.URI, "#"):
		r.Problem = fmt.Errorf("%w: the pointer %.120q", ErrTransform, r.URI)
		return
	default:
		r.Problem = fmt.Errorf("%w: %.120q", ErrExternal, r.URI)
		return
	}
	if !r.target.whole {
		at, err := d.byID(id)
		if err != nil {
			r.Problem = fmt.Errorf("%w: %.60q", err, id)
			return
		}
		r.target = d.span(at)
	}
	if r.own && !(r.target.holds(s.at.from) && r.target.from != s.at.from) {
		// XMLDSig 1.1 §6.6.4: the transform takes the signature out of what contains it.
		r.Problem = fmt.Errorf("%w: enveloped-signature over something that does not contain the signature", ErrTransform)
	}
}

// omitted lists the signatures that are left out of what a reference digests. Kazakhstan's programs sign a document that was
// signed before together with the earlier signatures, so those made later, which stand behind, are taken out first
// (later); the standard takes out no more than the transforms say.
func (s *Signature) omitted(r *Reference, later bool) []span {
	var out []span
	for i, at := range s.doc.signatures {
		other := s.doc.span(at)
		if !r.target.holds(at) || r.target.from == at && !r.target.whole || len(out) > 0 && out[len(out)-1].holds(at) {
			continue
		}
		switch {
		case r.all, r.own && i == s.index:
		case later && i > s.index && !s.at.holds(at):
		default:
			continue
		}
		out = append(out, other)
	}
	return out
}

// write writes what a reference digests.
func (s *Signature) write(out io.Writer, r *Reference, omit []span) error {
	if r.decode {
		return s.decoded(out, r, omit)
	}
	m := method{}
	if r.canonical != nil {
		m = *r.canonical
	}
	m.comments = m.comments && r.comments
	return s.doc.canonical(out, r.target, omit, m)
}

// decoded writes the octets that stand in base64 (XMLDSig 1.1 §6.6.2): comments and tags do not count.
func (s *Signature) decoded(out io.Writer, r *Reference, omit []span) error {
	d := s.doc
	packed := slices.DeleteFunc(d.stringOf(r.target.from, omit), func(c byte) bool { return class[c]&isSpace != 0 })
	plain := make([]byte, base64.StdEncoding.DecodedLen(len(packed)))
	n, err := base64.StdEncoding.Strict().Decode(plain, packed)
	if err != nil {
		return fmt.Errorf("%w: no base64", ErrTransform)
	}
	_, err = out.Write(plain[:n])
	return err
}

// stringOf is the text of an element and of those in it, without the signatures left out.
func (d *Document) stringOf(at uint32, omit []span) []byte {
	var out []byte
	if n := &d.nodes[at]; n.kind == piece {
		return d.textOf(n)
	}
	text := d.nodes[at].to
	for i := at + 1; i <= d.nodes[at].link; i++ {
		n := &d.nodes[i]
		out = append(out, d.decoded(text, n.from, false)...)
		if len(omit) > 0 && omit[0].from == i {
			i, omit = omit[0].to, omit[1:]
			n = &d.nodes[i]
		}
		text = n.to
		switch n.kind {
		case cdata:
			out = append(out, d.decodedLines(n.from+9, n.to-3)...)
		case piece:
			out = append(out, d.textOf(n)...)
		}
	}
	return out
}

// verifyReference digests what the reference selects and compares. Errors: the Problem, [ErrDigest], [ErrCanonical].
func (s *Signature) verifyReference(r *Reference) error {
	_, err := s.matching(r)
	return err
}

// matching finds with which signatures left out the digest is the one that was signed.
func (s *Signature) matching(r *Reference) ([]span, error) {
	if r.Problem != nil {
		return nil, r.Problem
	}
	newHash, err := pki.NewHash(r.Hash)
	if err != nil {
		return nil, err
	}
	first := s.omitted(r, true)
	for _, omit := range [][]span{first, s.omitted(r, false)} {
		have, err := s.digest(newHash(), r, omit)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(have, r.want) {
			return omit, nil
		}
		if len(omit) == len(s.omitted(r, false)) {
			break
		}
	}
	return nil, ErrDigest
}

// digest hashes what a reference selects; of a large part the hash function runs beside the canonicalisation.
func (s *Signature) digest(h hash.Hash, r *Reference, omit []span) ([]byte, error) {
	if s.doc.nodes[r.target.to].to-s.doc.nodes[r.target.from].from < beside {
		err := s.write(h, r, omit)
		return h.Sum(nil), err
	}
	l := newLine(h)
	err := s.write(l, r, omit)
	l.close()
	return h.Sum(nil), err
}

// beside is from how many octets on a goroutine of its own is worth while.
const beside = 1 << 20

// line hands octets to a hash function in another goroutine, in order.
type line struct {
	full  chan portion
	empty chan []byte
}

// portion is what is hashed at once: a buffer of the line, or a part of the document.
type portion struct {
	octets []byte
	buffer bool
}

// Few and large, because each hand-over may have to wake the other side.
const (
	lineBuffers = 3
	lineBuffer  = 256 << 10
)

func newLine(h hash.Hash) *line {
	l := &line{make(chan portion, lineBuffers), make(chan []byte, lineBuffers+1)}
	for range lineBuffers {
		l.empty <- make([]byte, 0, lineBuffer)
	}
	go func() {
		for p := range l.full {
			h.Write(p.octets)
			if p.buffer {
				l.empty <- p.octets[:0]
			}
		}
		l.empty <- nil // done
	}()
	return l
}

// swap takes a full buffer and gives an empty one.
func (l *line) swap(full []byte) []byte {
	l.full <- portion{full, true}
	return <-l.empty
}

// Write takes octets that are not changed before close.
func (l *line) Write(p []byte) (int, error) {
	l.full <- portion{octets: p}
	return len(p), nil
}

// close waits until everything was hashed.
func (l *line) close() {
	close(l.full)
	for b := range l.empty {
		if b == nil {
			return
		}
	}
}

// Content gives the octets that were digested for a reference: exactly what was signed, nothing else. Errors are those of
// the digest; a reference whose digest does not hold has no content.
func (s *Signature) Content(r *Reference) ([]byte, error) {
	omit, err := s.matching(r)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := s.write(&out, r, omit); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
