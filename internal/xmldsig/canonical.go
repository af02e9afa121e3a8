// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"io"
	"slices"
	"strings"
)

// method is a canonicalisation algorithm.
type method struct {
	exclusive bool // Exclusive XML Canonicalization 1.0, else inclusive
	eleven    bool // Canonical XML 1.1
	comments  bool
	prefixes  []string // InclusiveNamespaces PrefixList
}

// The canonicalisation algorithms (XMLDSig 1.1 §6.5).
const (
	c14n10         = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	c14n10Comments = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"
	c14n11         = "http://www.w3.org/2006/12/xml-c14n11"
	c14n11Comments = "http://www.w3.org/2006/12/xml-c14n11#WithComments"
	exclusive      = "http://www.w3.org/2001/10/xml-exc-c14n#"
	excComments    = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
)

var methods = map[string]method{
	c14n10:         {},
	c14n10Comments: {comments: true},
	c14n11:         {eleven: true},
	c14n11Comments: {eleven: true, comments: true},
	exclusive:      {exclusive: true},
	excComments:    {exclusive: true, comments: true},
}

// span is a part of the document: the nodes from a start tag to its end tag. The whole document has whole set.
type span struct {
	from, to uint32
	whole    bool
}

func (d *Document) span(element uint32) span {
	return span{from: element, to: d.nodes[element].link}
}

func (s span) holds(n uint32) bool { return s.whole || s.from <= n && n <= s.to }

// writer makes canonical form. Where source and canonical form agree it hands on ranges of the source.
type writer struct {
	*Document
	m      method
	out    io.Writer
	line   *line // where the octets go instead of out
	buf    []byte
	run    [2]uint32 // a range of the source that is due
	err    error
	cur    []uint32 // the namespace name of each prefix in scope
	ren    []uint32 // and the one written last, on the way down to here
	force  []uint16 // prefixes of the PrefixList
	undo   []written
	frame  []frame
	attrs  []attribute
	sort   []sortable
	decls  []binding
	texts  []declarationText // of each prefix, what was written last
	next   int               // of the hollows
	joined bool              // the first element's xml:base was joined to those around it
}

type written struct {
	prefix   uint16
	cur, ren uint32
}

// frame says up to which node changes of scope last.
type frame struct {
	end  uint32
	undo int
}

type sortable struct {
	uri, local []byte
	attr       int // of attrs; -1: inherited
	value      []byte
	name       []byte
}

type binding struct {
	prefix uint16
	uri    uint32
}

const bufferSize = 32 << 10

// canonical writes the canonical form of a part of the document to out, without the nodes of the spans in omit, which
// ascend and do not overlap. The error is [ErrCanonical].
func (d *Document) canonical(out io.Writer, part span, omit []span, m method) error {
	w := &writer{Document: d, m: m, out: out}
	if l, ok := out.(*line); ok {
		w.line, w.buf = l, <-l.empty
	} else {
		w.buf = make([]byte, 0, bufferSize)
	}
	w.cur, w.ren = make([]uint32, len(d.prefixes)), make([]uint32, len(d.prefixes))
	w.cur[prefixXML], w.ren[prefixXML] = uriXML, uriXML
	for _, name := range m.prefixes {
		if name == "#default" {
			name = ""
		}
		if p, ok := d.known[name]; ok && p != prefixXML {
			w.force = append(w.force, p)
		}
	}
	if part.whole {
		w.document(omit)
	} else {
		w.element(part, omit, d.ancestors(part.from))
	}
	w.flush()
	return w.err
}

// document writes everything, with the comments and instructions around the root (Canonical XML 1.0 §2.3).
func (w *writer) document(omit []span) {
	last := w.nodes[w.root].link
	for i := range w.root {
		if w.outside(i) {
			w.put("\n")
		}
	}
	w.element(span{from: w.root, to: last}, omit, nil)
	for i := last + 1; int(i) < len(w.nodes); i++ {
		if k := w.nodes[i].kind; k == comment && !w.m.comments {
			continue
		}
		w.put("\n")
		w.outside(i)
	}
}

func (w *writer) outside(i uint32) bool {
	n := &w.nodes[i]
	if n.kind == comment && !w.m.comments {
		return false
	}
	w.other(n)
	return true
}

// ancestors lists the elements around a node, the root first.
func (d *Document) ancestors(at uint32) []uint32 {
	var out []uint32
	i := d.root
	// Most questions are about signatures, and those stand at the end of what may be a million siblings.
	for k := len(d.signatures) - 1; k >= 0 && d.above != nil; k-- {
		if s := d.signatures[k]; s <= at && at <= d.nodes[s].link {
			out, i = append(out, d.above[k]...), s
			break
		}
	}
	for i < at {
		n := &d.nodes[i]
		switch {
		case n.kind == startTag && n.link >= at:
			out = append(out, i)
			i++
		case n.kind == startTag:
			i = n.link + 1
		default:
			i++
		}
	}
	return out
}

// element writes the element at part.from with all that is in it.
func (w *writer) element(part span, omit []span, above []uint32) {
	for _, a := range above {
		w.enter(&w.nodes[a])
	}
	first := part.from
	if len(above) > 0 {
		w.apex(&w.nodes[first], above)
	} else {
		w.tag(&w.nodes[first], nil, false)
	}
	if w.nodes[first].kind == emptyTag {
		w.leave(first)
		return
	}
	if n := &w.nodes[first]; n.kind == piece {
		inside, _ := w.content(n)
		w.piece(n, inside)
		w.leave(first)
		return
	}
	end := part.to
	w.frameAt(end)
	nodes, src := w.nodes, w.src
	text := nodes[first].to
	for i := first + 1; i <= end && w.err == nil; i++ {
		n := &nodes[i]
		for len(omit) > 0 && omit[0].to < i {
			omit = omit[1:]
		}
		// The text before the node.
		switch {
		case n.flags&plainText != 0:
			w.source(text, n.from)
		default:
			w.escapeText(src[text:n.from], false)
		}
		if len(omit) > 0 && omit[0].from == i {
			i = omit[0].to
			text = nodes[i].to
			continue
		}
		text = n.to
		switch n.kind {
		case startTag, emptyTag:
			if n.flags&(declares|prefixed) == 0 && (!w.m.exclusive || w.ren[n.prefix] == w.cur[n.prefix]) {
				if n.flags&plainTag != 0 {
					if n.kind == startTag {
						w.source(n.from, n.to)
						continue
					}
					w.source(n.from, n.to-2)
					w.opened(w.src[n.from+1 : w.nameEnd(n.from+1)])
					continue
				}
			}
			if n.flags&(declares|prefixed|plainTag) == plainTag && n.kind == startTag {
				// Exclusive form, and only the prefix of the name itself has to be declared here.
				w.decls = w.decls[:0]
				w.need(n.prefix)
				end := w.nameEnd(n.from + 1)
				w.source(n.from, end)
				w.declarations()
				w.source(end, n.to)
				w.frameAt(n.link)
				continue
			}
			w.tag(n, nil, false)
			if n.kind == startTag {
				w.frameAt(n.link)
			} else {
				w.leave(i)
			}
		case piece:
			from := n.from
			if w.m.exclusive && w.ren[n.prefix] != w.cur[n.prefix] {
				// Only the prefix of the name has to be declared here; what stands inside has the same.
				end := w.nameEnd(from + 1)
				w.source(from, end)
				w.declare(binding{n.prefix, w.cur[n.prefix]})
				from = end
			}
			w.piece(n, from)
		case endTag:
			if n.flags&plainTag != 0 {
				w.source(n.from, n.to)
			} else {
				w.put("</")
				w.name(n)
				w.put(">")
			}
			if len(w.frame) > 0 && w.frame[len(w.frame)-1].end == i {
				w.leave(i)
			}
		case cdata:
			w.escapeText(src[n.from+9:n.to-3], true)
		case comment:
			if w.m.comments {
				w.other(n)
			}
		default:
			w.other(n)
		}
	}
}

// name writes the name of an element's start or end tag.
func (w *writer) name(n *node) {
	from := n.from + 1
	if n.kind == endTag {
		from++
	}
	w.source(from, w.nameEnd(from))
}

// nameEnd is the end of the qualified name at from.
func (d *Document) nameEnd(from uint32) uint32 {
	end := name(d.src, int(from))
	if end < len(d.src) && d.src[end] == ':' {
		end = name(d.src, end+1)
	}
	return uint32(end)
}

// frameAt keeps the changes of scope that the start tag just written made until its end tag.
func (w *writer) frameAt(end uint32) {
	mark := 0
	if len(w.frame) > 0 {
		mark = w.frame[len(w.frame)-1].undo
	}
	if len(w.undo) > mark {
		w.frame = append(w.frame, frame{end, len(w.undo)})
	}
}

// leave takes back the changes of the innermost element.
func (w *writer) leave(end uint32) {
	mark := 0
	if n := len(w.frame); n > 0 && w.frame[n-1].end == end {
		w.frame = w.frame[:n-1]
	}
	if n := len(w.frame); n > 0 {
		mark = w.frame[n-1].undo
	}
	for len(w.undo) > mark {
		u := w.undo[len(w.undo)-1]
		w.cur[u.prefix], w.ren[u.prefix] = u.cur, u.ren
		w.undo = w.undo[:len(w.undo)-1]
	}
}

func (w *writer) set(prefix uint16, cur, ren uint32) {
	w.undo = append(w.undo, written{prefix, w.cur[prefix], w.ren[prefix]})
	w.cur[prefix], w.ren[prefix] = cur, ren
}

// read scans the attributes of a start tag again; they were found well-formed before.
func (d *Document) read(n *node, into []attribute) []attribute {
	attrs, _, _, _, err := d.scan(into[:0], 1<<16, int(d.nameEnd(n.from+1)))
	if err != nil { // cannot be
		return into[:0]
	}
	return attrs
}

// enter takes the declarations of an element around the part into scope; nothing is written.
func (w *writer) enter(n *node) {
	if n.flags&declares == 0 {
		return
	}
	w.attrs = w.read(n, w.attrs)
	for i := range w.attrs {
		if prefix, uri, ok := w.declaration(&w.attrs[i]); ok {
			w.cur[prefix] = uri
		}
	}
}

// declaration reads an attribute as a namespace declaration.
func (d *Document) declaration(a *attribute) (prefix uint16, uri uint32, ok bool) {
	word := d.src[a.name:a.nameEnd]
	if !isDeclaration(word) {
		return 0, 0, false
	}
	if len(word) > 5 {
		prefix = d.known[string(word[6:])]
	}
	return prefix, d.bound[string(d.value(a))], true
}

// apex writes the first tag of a part: what it inherits from the elements around it is written too.
func (w *writer) apex(n *node, above []uint32) {
	var inherited []sortable
	if !w.m.exclusive {
		inherited = w.inherited(n, above)
	}
	w.tag(n, inherited, true)
}

// tag writes a start tag in canonical form (Canonical XML 1.0 §2.3, Exclusive XML Canonicalization §3).
func (w *writer) tag(n *node, inherited []sortable, apex bool) {
	w.attrs = w.attrs[:0]
	if n.flags&(declares|prefixed|attributed) != 0 {
		w.attrs = w.read(n, w.attrs)
	}
	w.sort, w.decls = append(w.sort[:0], inherited...), w.decls[:0]
	if n.flags&declares != 0 {
		for i := range w.attrs {
			if prefix, uri, ok := w.declaration(&w.attrs[i]); ok && prefix != prefixXML {
				w.set(prefix, uri, w.ren[prefix])
				if !w.m.exclusive {
					w.need(prefix)
				}
			}
		}
	}
	switch {
	case !w.m.exclusive && apex:
		for p := range w.cur {
			w.need(uint16(p))
		}
	case w.m.exclusive:
		w.need(n.prefix)
		if apex || n.flags&declares != 0 {
			for _, p := range w.force {
				w.need(p)
			}
		}
	}
	for i := range w.attrs {
		a := &w.attrs[i]
		word := w.src[a.name:a.nameEnd]
		if isDeclaration(word) {
			continue
		}
		s := sortable{local: word, attr: i, name: word}
		if a.colon != a.name {
			p := w.known[string(w.src[a.name:a.colon])]
			s.uri, s.local = []byte(w.uris[w.cur[p]]), w.src[a.colon+1:a.nameEnd]
			if apex && w.joined && p == prefixXML && string(s.local) == "base" {
				continue
			}
			if w.m.exclusive && p != prefixXML {
				w.need(p)
			}
		}
		w.sort = append(w.sort, s)
	}
	w.source(n.from, w.nameEnd(n.from+1))
	w.declarations()
	if len(w.sort) > 1 {
		slices.SortFunc(w.sort, func(a, b sortable) int {
			if c := bytes.Compare(a.uri, b.uri); c != 0 {
				return c
			}
			return bytes.Compare(a.local, b.local)
		})
	}
	for i := range w.sort {
		s := &w.sort[i]
		w.put(" ")
		w.bytes(s.name)
		w.put("=\"")
		switch {
		case s.attr < 0:
			w.escapeValue(s.value)
		case w.attrs[s.attr].plain:
			w.source(w.attrs[s.attr].value, w.attrs[s.attr].end)
		default:
			w.escapeValue(w.value(&w.attrs[s.attr]))
		}
		w.put("\"")
	}
	w.put(">")
	if n.kind == emptyTag {
		w.put("</")
		w.name(n)
		w.put(">")
	}
}

// need has a prefix declared here where what was declared on the way down is another.
func (w *writer) need(prefix uint16) {
	uri := w.cur[prefix]
	if uri == w.ren[prefix] {
		return
	}
	if prefix != prefixNone && uri == uriNone { // not in scope
		return
	}
	w.set(prefix, uri, uri)
	w.decls = append(w.decls, binding{prefix, uri})
}

func (w *writer) declarations() {
	if len(w.decls) > 1 {
		slices.SortFunc(w.decls, func(a, b binding) int {
			return strings.Compare(w.prefixes[a.prefix], w.prefixes[b.prefix])
		})
	}
	for _, d := range w.decls {
		w.declare(d)
	}
}

// declare writes a namespace declaration; most are written again and again.
func (w *writer) declare(d binding) {
	if w.texts == nil {
		w.texts = make([]declarationText, len(w.prefixes))
	}
	t := &w.texts[d.prefix]
	if t.text == nil || t.uri != d.uri {
		uri := w.uris[d.uri]
		// Canonical XML 1.0 §1.3: "implementations of XML canonicalization MUST report an operation failure on
		// documents containing relative namespace URIs".
		if uri != "" && !absolute(uri) {
			w.stop("the namespace name is relative: " + uri)
			return
		}
		name := "xmlns"
		if d.prefix != prefixNone {
			name += ":" + w.prefixes[d.prefix]
		}
		*t = declarationText{d.uri, []byte(" " + name + "=\"" + valueEscaper.Replace(uri) + "\"")}
	}
	w.bytes(t.text)
}

// declarationText is a namespace declaration as it is written.
type declarationText struct {
	uri  uint32
	text []byte
}

// absolute says whether a namespace name begins with a scheme (RFC 3986 §3.1).
func absolute(uri string) bool {
	for i := range len(uri) {
		c := uri[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
		case i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return i > 0 && c == ':'
		}
	}
	return false
}

// Canonical gives a whole document in Canonical XML 1.0 without comments. Errors are those of [Parse], and [ErrCanonical].
func Canonical(data []byte) ([]byte, error) {
	d, err := Parse(data, Limits{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var out bytes.Buffer
	err = d.canonical(&out, span{from: d.root, to: d.nodes[d.root].link, whole: true}, nil, method{})
	return out.Bytes(), err
}
