// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"fmt"
	"slices"
)

// Namespaces of SOAP 1.1 and 1.2.
var soap = []string{"http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"}

// maxListed bounds the names that a scope lists.
const maxListed = 8

// Scope tells what of the document a signature covers. A verdict on a signature is a verdict on what it covers, and on the
// document only where that is all there is to see.
type Scope struct {
	Whole    bool     // everything but signatures
	Body     bool     // the body of a SOAP message, whole
	Signed   []string // what was signed: "the document", or paths of elements with the identifier that selected them
	Unsigned []string // what else stands there that is no signature
	Around   []string // the elements that hold what was signed, and what they carry that is no content; nobody signed them
	// Prefixes are declared in what was signed and used by no name there: exclusive form leaves their declarations out, so
	// nobody signed what they mean in a text or a value (xsi:type).
	Prefixes []string
	// Wrapped says why what was signed is not what the document shows; "" where nothing speaks for that. The signature may
	// have been moved around something else, or content around the signature.
	Wrapped string
	// Split names an element whose text holds a comment that was not signed: programs read such a text in different ways.
	Split string
}

// Scope looks at everything that the signature does not cover.
func (s *Signature) Scope() Scope {
	w := &survey{Signature: s, names: map[string]bool{}}
	for _, r := range s.References {
		if r.Problem != nil || r.Properties || s.inside(r.target) {
			continue
		}
		w.covered = append(w.covered, r.target)
		if r.decode {
			w.plainOnly(r.target)
		}
		if r.canonical != nil && r.canonical.exclusive {
			w.prefixes(r)
		}
		w.out.Signed = append(w.out.Signed, w.path(r))
		w.bare = w.bare || r.canonical != nil && r.canonical.exclusive
		w.out.Whole = w.out.Whole || r.target.whole || r.target.from == s.doc.root
		shown := r.target.from
		if r.target.whole {
			shown = s.doc.root
		}
		w.names[string(s.doc.local(shown))] = true
		if w.out.Split == "" && !(r.comments && r.canonical != nil && r.canonical.comments) {
			w.out.Split = w.split(r)
		}
	}
	w.look()
	return w.out
}

// inside says whether a reference selects a part of the signature that is no content: KeyInfo, a property.
func (s *Signature) inside(t span) bool {
	if t.whole || !s.at.holds(t.from) {
		return false
	}
	for _, o := range s.objects {
		if o != s.properties && s.doc.span(o).holds(t.from) {
			return false
		}
	}
	return t.from != s.at.from
}

// survey walks over a document to see what a signature leaves out.
type survey struct {
	*Signature
	covered []span
	names   map[string]bool // local names of the elements that were signed
	out     Scope
	soap    bool
	bare    bool // something was signed without what it inherits from the elements around it
	bodies  int
	inside  bool // content that was not signed stands in the signature itself
}

func (w *survey) look() {
	d := w.doc
	root := d.head(d.root, d.scopeAround(d.root))
	w.soap = root.local == "Envelope" && slices.Contains(soap, root.uri)
	if w.soap {
		w.message()
	}
	if len(w.covered) == 0 {
		return
	}
	// The transform that takes a signature out of what it signs takes its objects out too: whatever was put into them later
	// was not signed, and programs that look for elements by name find it there.
	w.objectsLeft()
	w.inside = len(w.out.Unsigned) > 0
	w.instructions()
	if w.out.Whole {
		return
	}
	w.walk(d.root, d.scopeAround(d.root))
	switch {
	case w.out.Wrapped != "":
	case w.soap && !w.out.Body && w.hasBody():
		w.out.Wrapped = "the body of the message was not signed"
	case len(w.out.Unsigned) > 0 && w.hidden():
		w.out.Wrapped = "what was signed is hidden inside a signature, and something else is shown"
	case w.inside:
		w.out.Body = false // a header may hold what nobody signed; a signature may not
	}
}

func (w *survey) hasBody() bool {
	return slices.ContainsFunc(w.covered, func(c span) bool { return string(w.doc.local(c.from)) == "Body" })
}

// message looks at a SOAP message: one Body, directly in the Envelope (SOAP 1.1 §4, SOAP 1.2 §5.1).
func (w *survey) message() {
	d := w.doc
	for _, at := range d.children(d.root) {
		if string(d.local(at)) != "Body" {
			continue
		}
		w.bodies++
		for _, c := range w.covered {
			if c.from == at || c.whole {
				w.out.Body = true
			}
		}
	}
	if w.bodies != 1 {
		w.out.Wrapped = fmt.Sprintf("the message has %d bodies", w.bodies)
		return
	}
	// Only the header may hold what was not signed: SOAP 1.2 §5.1 lets nothing else stand in the Envelope.
	around := d.scopeIn(d.root, d.scopeAround(d.root))
	for _, at := range d.children(d.root) {
		h := d.head(at, around)
		if slices.Contains(soap, h.uri) && (h.local == "Header" || h.local == "Body") || w.isCovered(at) {
			continue
		}
		w.out.Wrapped = "something that was not signed stands beside the header and the body of the message"
	}
	if d.loose(d.root) && !w.out.Whole {
		w.out.Wrapped = "something that was not signed stands beside the header and the body of the message"
	}
}

// plainOnly looks for what base64 leaves out (XMLDSig 1.1 §6.6.2): tags and attributes inside what was signed.
func (w *survey) plainOnly(t span) {
	d := w.doc
	if t.whole {
		t.from, t.to = d.root, d.nodes[d.root].link
	}
	e := d.head(t.from, d.scopeAround(t.from))
	w.note(&w.out.Around, e.local)
	for _, a := range e.attrs {
		if !isID([]byte(a.local)) && !(is(e, "Object") && (a.local == "Encoding" || a.local == "MimeType")) {
			w.leave(a.local + " of " + e.local)
		}
	}
	for i := t.from + 1; i < t.to; i++ {
		if slices.Contains(d.signatures, i) { // judged by itself
			i = d.nodes[i].link
		} else if d.nodes[i].isElement() {
			w.leave(string(d.local(i)))
			return
		}
	}
	n, first := &d.nodes[t.from], true
	for name := range d.names(n) {
		if !first {
			w.leave(string(name))
			return
		}
		first = false
	}
}

// prefixes looks for those that exclusive form leaves out (Exclusive XML Canonicalization §3: "visibly utilized").
func (w *survey) prefixes(r *Reference) {
	d, t := w.doc, r.target
	if t.whole {
		t.from, t.to = d.root, d.nodes[d.root].link
	}
	if !slices.ContainsFunc(d.declaring, func(at uint32) bool { return t.holds(at) && !w.at.holds(at) }) {
		return
	}
	used := make([]bool, len(d.prefixes))
	for _, name := range r.canonical.prefixes {
		used[d.known[name]] = true
	}
	var declared []uint16
	var attrs []attribute
	for i := t.from; i <= t.to; i++ {
		if w.at.from == i {
			i = w.at.to
			continue
		}
		n := &d.nodes[i]
		used[n.prefix] = true
		if n.flags&(declares|prefixed) == 0 || !n.isElement() {
			continue
		}
		attrs = d.read(n, attrs)
		for k := range attrs {
			a := &attrs[k]
			if prefix, _, ok := d.declaration(a); ok {
				if len(declared) < maxNames && !slices.Contains(declared, prefix) {
					declared = append(declared, prefix)
				}
			} else if a.colon != a.name {
				used[d.known[string(d.src[a.name:a.colon])]] = true
			}
		}
	}
	for _, p := range declared {
		if !used[p] && p != prefixNone {
			w.note(&w.out.Prefixes, d.prefixes[p])
		}
	}
}

// instructions looks for processing instructions that were not signed: one may have another program show the document, or
// show another. SOAP 1.1 §3: "A SOAP message MUST NOT contain Processing Instructions".
func (w *survey) instructions() {
	d := w.doc
	for _, at := range d.orders {
		if w.isCovered(at) || w.inOther(at) || d.span(w.info).holds(at) || w.Properties != nil && w.Properties.Signed && d.span(w.Properties.signed).holds(at) {
			continue
		}
		n := &d.nodes[at]
		w.leave("<?" + string(d.src[n.from+2:name(d.src, int(n.from)+2)]) + "?>")
		if w.soap {
			w.out.Wrapped = "a processing instruction that was not signed stands in the message"
		}
	}
}

// inOther says whether a node stands inside another signature, which is judged by itself.
func (w *survey) inOther(at uint32) bool {
	return !w.at.holds(at) && slices.ContainsFunc(w.doc.signatures, func(s uint32) bool { return w.doc.span(s).holds(at) })
}

// hidden says whether something that was signed stands inside a signature that is not the document itself.
func (w *survey) hidden() bool {
	for _, c := range w.covered {
		for _, at := range w.doc.signatures {
			if at != w.doc.root && w.doc.span(at).holds(c.from) {
				return true
			}
		}
	}
	return false
}

// walk visits what is not covered, from an element that is around something covered or is not covered at all.
func (w *survey) walk(at uint32, around []uint32) {
	d := w.doc
	n := &d.nodes[at]
	cur := d.scopeIn(at, around)
	if w.same(at) {
		return
	}
	if at == d.root && at == w.at.from {
		return // only its objects show something
	}
	w.around(at, around)
	text := n.to
	for i := at + 1; i <= n.link; i++ {
		c := &d.nodes[i]
		if !blank(d.src[text:c.from]) {
			w.leave("text in " + string(d.local(at)))
		}
		text = c.to
		if c.kind == cdata {
			w.leave("text in " + string(d.local(at)))
		}
		if !c.isElement() {
			continue
		}
		switch {
		case w.isCovered(i):
		case slices.Contains(d.signatures, i):
			// Judged by itself; what was signed inside it is found by hidden.
		case w.leadsToCovered(i):
			w.walk(i, cur)
		default:
			w.whole(i, cur)
		}
		i = c.link
		text = d.nodes[i].to
	}
}

// objectsLeft looks for content in the signature itself that it does not cover: in its objects beside the properties of
// XAdES, and elements of others in its key information.
func (w *survey) objectsLeft() {
	d := w.doc
	for _, o := range append([]uint32{w.keyInfo}, w.objects...) {
		if o == 0 || w.isCovered(o) {
			continue
		}
		if o != w.keyInfo && d.loose(o) {
			w.leave("text in " + string(d.local(o)))
		}
		around := d.scopeIn(o, d.scopeAround(o))
		for _, c := range d.children(o) {
			uri := d.head(c, around).uri
			switch {
			case w.isCovered(c) || slices.Contains(d.signatures, c):
			case o == w.keyInfo && slices.Contains([]string{namespaceDSig, xmldsig11, namespaceWSSE}, uri):
			case o == w.properties && uri == namespaceXAdES:
			default:
				w.whole(c, around)
			}
		}
	}
}

// same notes an element around or beside what was signed that looks like it.
func (w *survey) same(at uint32) bool {
	for name := range w.doc.names(&w.doc.nodes[at]) {
		if w.names[string(name)] && w.out.Wrapped == "" {
			w.out.Wrapped = "another element “" + string(name) + "” stands in the document, and was not signed"
			return true
		}
	}
	return false
}

// whole notes an element that is not covered at all.
func (w *survey) whole(at uint32, around []uint32) {
	d := w.doc
	h := d.head(at, around)
	switch {
	case w.soap && h.uri == namespaceWSSE && h.local == "Security":
	case w.soap && h.local == "Header" && slices.Contains(soap, h.uri):
		in := d.scopeIn(at, around)
		for _, c := range d.children(at) {
			if b := d.head(c, in); b.uri != namespaceWSSE || b.local != "Security" {
				w.leave(b.local)
				continue
			}
			w.security(c, in)
		}
	default:
		w.leave(h.local)
	}
	for i := at; i <= d.nodes[at].link; i++ {
		n := &d.nodes[i]
		if !n.isElement() {
			continue
		}
		if w.isCovered(i) || slices.Contains(d.signatures, i) {
			i = n.link
			continue
		}
		if w.same(i) {
			return
		}
	}
}

// security notes what stands in a security header and is not of its vocabulary (WSS SOAP Message Security 1.1 §5).
func (w *survey) security(at uint32, around []uint32) {
	d := w.doc
	in := d.scopeIn(at, around)
	for _, c := range d.children(at) {
		if h := d.head(c, in); !slices.Contains([]string{namespaceDSig, namespaceWSSE, namespaceWSU}, h.uri) {
			w.leave(h.local)
		}
	}
}

func (w *survey) leave(name string) { w.note(&w.out.Unsigned, name) }

func (w *survey) note(in *[]string, name string) {
	if len(*in) < maxListed && !slices.Contains(*in, name) {
		*in = append(*in, name)
	}
}

// around notes an element around what was signed, and its attributes. Identifiers say nothing; nor does the xml namespace,
// but for a base, which leads every address in the content elsewhere.
func (w *survey) around(at uint32, around []uint32) {
	e := w.doc.head(at, around)
	w.note(&w.out.Around, e.local)
	if n := &w.doc.nodes[at]; w.bare && !w.soap && n.flags&declares != 0 {
		// Exclusive form has of these only what names use; a prefix in a text or value may mean something else tomorrow.
		for _, a := range w.doc.read(n, nil) {
			if word := w.doc.src[a.name:a.nameEnd]; isDeclaration(word) {
				w.note(&w.out.Around, string(word)+" of "+e.local)
			}
		}
	}
	for _, a := range e.attrs {
		switch {
		case w.soap && (a.uri != "" || isID([]byte(a.local))): // SOAP 1.1 §4.1.1, SOAP 1.2 §5.1.1: attributes have a namespace
		case a.uri == namespaceXML && a.local != "id" && !w.bare: // inherited, and so signed
		case a.uri == namespaceXML && a.local != "base", isID([]byte(a.local)):
			w.note(&w.out.Around, a.local+" of "+e.local)
		default:
			w.leave(a.local + " of " + e.local)
		}
	}
}

// isCovered says whether an element was digested. What contains the signature was digested without it.
func (w *survey) isCovered(at uint32) bool {
	inside := w.at.holds(at)
	return slices.ContainsFunc(w.covered, func(c span) bool { return c.holds(at) && (!inside || w.at.holds(c.from) && c.from != w.at.from) })
}

func (w *survey) leadsToCovered(at uint32) bool {
	s := w.doc.span(at)
	return slices.ContainsFunc(w.covered, func(c span) bool { return s.holds(c.from) })
}

// path names what a reference selects for people.
func (w *survey) path(r *Reference) string {
	t := r.target
	if t.whole {
		return "the document"
	}
	var out []byte
	for _, a := range append(w.doc.ancestors(t.from), t.from) {
		out = append(append(out, '/'), w.doc.local(a)...)
		if len(out) > 200 {
			out = append(out[:200], "…"...)
			break
		}
	}
	if id := r.URI[min(1, len(r.URI)):]; len(id) <= 100 {
		out = append(append(append(out, " (#"...), id...), ')')
	}
	return string(bytes.ToValidUTF8(out, []byte("?")))
}

// split finds a comment inside text that was signed without it.
func (w *survey) split(r *Reference) string {
	d := w.doc
	for i := r.target.from; i <= r.target.to && !r.decode && d.comments; i++ {
		n := &d.nodes[i]
		if n.kind != comment || i == 0 || int(i)+1 >= len(d.nodes) {
			continue
		}
		before, after := &d.nodes[i-1], &d.nodes[i+1]
		if before.kind == cdata || after.kind == cdata || !blank(d.src[before.to:n.from]) || !blank(d.src[n.to:after.from]) {
			above := d.ancestors(i)
			if len(above) > 0 {
				return string(d.local(above[len(above)-1]))
			}
		}
	}
	return ""
}
