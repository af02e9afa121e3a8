// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

var (
	// ErrMessage: the bytes are no SOAP message with one body.
	ErrMessage = errors.New("no SOAP message with one body")
	// ErrSigned: the message has a signature in its header; the gateway knows one signer.
	ErrSigned = errors.New("the message is signed already, and has one signer")
)

// SignSecurity signs the body of a SOAP 1.1 or 1.2 message as Kazakhstan's gateway has it (WSS SOAP Message Security 1.1
// §8): wsu:Id on the Body, exclusive canonicalisation, and in wsse:Security one signature whose KeyIdentifier carries the
// certificate. Header and Security are made where they are not there. Of the options Key and Certificate count. Errors are
// those of [Parse] and of the key, [ErrMessage] and [ErrSigned].
func SignSecurity(ctx context.Context, message []byte, o SignOptions) ([]byte, error) {
	o = SignOptions{Key: o.Key, Certificate: o.Certificate, Canonical: exclusive}
	d, err := Parse(message, Limits{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := d.asWritten(message); err != nil {
		return nil, err
	}
	root := d.head(d.root, d.scopeAround(d.root))
	if root.local != "Envelope" || !slices.Contains(soap, root.uri) {
		return nil, ErrMessage
	}
	cur := d.scopeIn(d.root, d.scopeAround(d.root))
	var body, header uint32
	for _, c := range d.children(d.root) {
		switch h := d.head(c, cur); {
		case h.uri == root.uri && h.local == "Body":
			if body != 0 {
				return nil, ErrMessage
			}
			body = c
		case h.uri == root.uri && h.local == "Header":
			header = c
		}
	}
	if body == 0 {
		return nil, ErrMessage
	}
	if header != 0 && slices.ContainsFunc(d.signatures, d.span(header).holds) {
		return nil, ErrSigned
	}
	id, marked := bodyID(d.head(body, cur))
	if !marked {
		id = "id-" + fresh()
		return SignSecurity(ctx, d.insert(d.nameEnd(d.nodes[body].from+1), fmt.Sprintf(` xmlns:wsu="%s" wsu:Id="%s"`, namespaceWSU, id)), o)
	}
	prefix := ""
	if p := d.prefixes[d.nodes[d.root].prefix]; p != "" {
		prefix = p + ":"
	}
	if header == 0 {
		return SignSecurity(ctx, d.insert(d.nodes[body].from, "<"+prefix+"Header></"+prefix+"Header>"), o)
	}
	if n := d.nodes[header]; n.kind == emptyTag {
		name := string(d.src[n.from+1 : d.nameEnd(n.from+1)])
		opened := append(append(append([]byte{}, d.src[:n.to-2]...), "></"+name+">"...), d.src[n.to:]...)
		return SignSecurity(ctx, opened, o)
	}
	security := uint32(0)
	in := d.scopeIn(header, cur)
	for _, c := range d.children(header) {
		if h := d.head(c, in); h.uri == namespaceWSSE && h.local == "Security" && d.nodes[c].kind != emptyTag {
			security = c
		}
	}
	if security == 0 {
		must := ""
		if prefix != "" {
			must = " " + prefix + `mustUnderstand="1"`
		}
		open := fmt.Sprintf(`<wsse:Security xmlns:wsse="%s"%s></wsse:Security>`, namespaceWSSE, must)
		return SignSecurity(ctx, d.insert(d.contentEnd(header), open), o)
	}
	b := builder{SignOptions: o, doc: d, id: "SIG-" + fresh(), info: exclusive, what: exclusive, uri: "#" + id, token: true}
	if err := b.prepare(); err != nil {
		return nil, err
	}
	at, err := d.byID(id)
	if err != nil {
		return nil, fmt.Errorf("%w: %.60q", err, id)
	}
	h := b.scheme.hash()
	if err := d.canonical(h, d.span(at), nil, methods[exclusive]); err != nil {
		return nil, err
	}
	return b.finish(ctx, h.Sum(nil), d.contentEnd(security))
}

func bodyID(e *element) (string, bool) {
	for _, a := range e.attrs {
		if a.uri == namespaceWSU && a.local == "Id" {
			return a.text, true
		}
	}
	return "", false
}

// insert gives the source with text put in at a byte.
func (d *Document) insert(at uint32, text string) []byte {
	out := make([]byte, 0, len(d.src)+len(text))
	out = append(out, d.src[:at]...)
	out = append(out, text...)
	return append(out, d.src[at:]...)
}

// contentEnd is where the end tag of an element begins.
func (d *Document) contentEnd(at uint32) uint32 {
	if n := &d.nodes[at]; n.kind == piece {
		_, end := d.content(n)
		return end
	}
	return d.nodes[d.nodes[at].link].from
}

// Message gives what the body of a signed message carries: the text of the one element of that name in it. It is read from
// the octets that were digested for the one signature in the security header, and from nothing else. Errors: those of the
// digest, [ErrMessage], [ErrOther]. Whose signature it is, and whether its value holds, is not asked.
func (d *Document) Message(uri, local string) ([]byte, error) {
	all := d.Signatures()
	if len(all) != 1 || all[0].Problem != nil || !all[0].Security || !all[0].Scope().Body {
		return nil, ErrMessage
	}
	s := all[0]
	for _, r := range s.References {
		if r.Problem != nil || r.target.whole || string(d.local(r.target.from)) != "Body" {
			continue
		}
		octets, err := s.Content(r)
		if err != nil {
			return nil, err
		}
		body, err := Parse(octets, Limits{})
		if err != nil {
			return nil, err
		}
		defer body.Close()
		inside := body.children(body.root)
		if len(inside) != 1 || body.loose(body.root) {
			return nil, ErrOther
		}
		budget := 1 // the element alone: nothing inside it
		e, err := body.tree(inside[0], body.scopeIn(body.root, body.scopeAround(body.root)), &budget)
		if err != nil || e.uri != uri || e.local != local || e.broken {
			return nil, ErrOther
		}
		return append([]byte{}, e.text...), nil
	}
	return nil, ErrMessage
}
