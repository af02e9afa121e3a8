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
	if len(e.children) == 0 || len(e.children) > maxTransforms {
		return structure("Transforms holds %d of them", len(e.children))
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
	var text []byte
	i, end := r.target.from, d.nodes[r.target.from].link
	at := d.nodes[i].to
	for i++; i <= end; i++ {
		n := &d.nodes[i]
		text = append(text, d.decoded(at, n.from, false)...)
		if len(omit) > 0 && omit[0].from == i {
			i, omit = omit[0].to, omit[1:]
		}
		if at = d.nodes[i].to; d.nodes[i].kind == cdata {
			text = append(text, d.src[n.from+9:n.to-3]...)
		}
	}
	packed := slices.DeleteFunc(text, func(c byte) bool { return class[c]&isSpace != 0 })
	plain := make([]byte, base64.StdEncoding.DecodedLen(len(packed)))
	n, err := base64.StdEncoding.Strict().Decode(plain, packed)
	if err != nil {
		return fmt.Errorf("%w: no base64", ErrTransform)
	}
	_, err = out.Write(plain[:n])
	return err
}

// Verify digests what the reference selects and compares. Errors: the Problem, [ErrDigest], [ErrCanonical].
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
		h := newHash()
		if err := s.write(h, r, omit); err != nil {
			return nil, err
		}
		if bytes.Equal(sum(h), r.want) {
			return omit, nil
		}
		if len(omit) == len(s.omitted(r, false)) {
			break
		}
	}
	return nil, ErrDigest
}

func sum(h hash.Hash) []byte { return h.Sum(nil) }

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
