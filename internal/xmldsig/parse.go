// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"math"
)

// Limits of a document. Zero = default.
type Limits struct {
	Bytes      int // 64 MiB
	Depth      int // elements inside each other, 256
	Attributes int // of one element, declarations included, 256
	Signatures int // 256
	References int // of one signature, 64
}

func (l Limits) filled() Limits {
	set := func(v *int, to int) {
		if *v <= 0 {
			*v = to
		}
	}
	set(&l.Bytes, 64<<20)
	set(&l.Depth, 256)
	set(&l.Attributes, 256)
	set(&l.Signatures, 256)
	set(&l.References, 64)
	return l
}

// kind of a node.
type kind uint8

const (
	startTag kind = iota
	emptyTag      // <a/>: start and end in one
	endTag
	comment
	instruction
	cdata
	leaf // <a>text</a>, a start tag, text and an end tag that all are their own canonical form, with nothing to declare
)

// What is known of a node and of the character data in front of it.
const (
	plainText  uint8 = 1 << iota // the text before the node is its own canonical form
	plainTag                     // so is the node itself, wherever its namespaces need nothing
	declares                     // it has namespace declarations
	prefixed                     // it has attributes with a prefix
	attributed                   // it has attributes that are no declarations
)

// node is one piece of markup; the character data between two of them need no node.
// Sixteen octets, because a document may have one for every four octets.
type node struct {
	from, to uint32 // in the source
	link     uint32 // of a start tag its end tag, of an end tag its start tag, else itself
	kind     kind
	flags    uint8
	prefix   uint16 // of the element's name, an index into Document.prefixes
}

// identifier is an attribute that may be referred to (Id, ID, id, xml:id, wsu:Id).
type identifier struct{ node, from, to uint32 }

// Document is a parsed document. It is immutable once parsed and safe for concurrent use; it keeps the source.
type Document struct {
	src        []byte
	nodes      []node
	root       uint32
	prefixes   []string
	uris       []string
	ids        []identifier
	signatures []uint32
	above      [][]uint32 // the elements around each signature
	comments   bool       // there are any
	limits     Limits

	bound map[string]uint32 // of uris
	known map[string]uint16 // of prefixes
}

// Namespaces and prefixes that have fixed places in the tables.
const (
	uriNone uint32 = iota
	uriXML
	uriDSig

	prefixNone uint16 = 0
	prefixXML  uint16 = 1
)

const (
	namespaceXML  = "http://www.w3.org/XML/1998/namespace"
	namespaceXNS  = "http://www.w3.org/2000/xmlns/"
	namespaceDSig = "http://www.w3.org/2000/09/xmldsig#"
	namespaceWSU  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
)

// maxNames bounds the prefixes and the namespace names of one document.
const maxNames = 4096

// parser holds what is needed while reading only.
type parser struct {
	*Document
	i       int
	open    []opened
	cur     []uint32 // the namespace name of each prefix in scope
	undo    []change
	attrs   []attribute
	last    uint16 // the prefix met last, which mostly is the next
	content bool   // inside the root element
	done    bool   // behind it
	ahead   bool   // the text up to p.i is read already: it begins at begin, and plain says what it is
	plain   bool
	begin   int
}

type opened struct {
	node uint32
	name uint32 // octets of its name
	undo int    // entries of undo before it
}

type change struct {
	prefix uint16
	was    uint32
}

// attribute as it stands in a start tag; offsets into the source.
type attribute struct {
	name, colon, value, end uint32 // colon: of the prefix's end, or name where there is none; value: first octet of it
	nameEnd                 uint32
	quote                   byte
	plain                   bool // the value is its own canonical form
}

// Parse reads a document. Text in UTF-16 and windows-1251 is brought to UTF-8 first, as its own mark or declaration
// says. Errors: [ErrXML], [ErrUnsafe], [ErrLimit]. data must not be changed as long as the document is in use.
func Parse(data []byte, l Limits) (*Document, error) {
	l = l.filled()
	if len(data) > l.Bytes || len(data) > math.MaxUint32/2 {
		return nil, xmlError(ErrLimit, 0, "more than %d bytes", l.Bytes)
	}
	src, err := utf8Text(data)
	if err != nil {
		return nil, err
	}
	d := &Document{
		src:      src,
		prefixes: []string{"", "xml"},
		uris:     []string{"", namespaceXML, namespaceDSig},
		limits:   l,
		bound:    map[string]uint32{"": uriNone, namespaceXML: uriXML, namespaceDSig: uriDSig},
		known:    map[string]uint16{"": prefixNone, "xml": prefixXML},
	}
	// Every node begins with one "<".
	d.nodes = table(bytes.Count(src, []byte("<")) + 1)
	p := &parser{Document: d, cur: []uint32{uriNone, uriXML}, open: make([]opened, 0, 32)}
	if err := p.document(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// A table of nodes is used again: a third of the time of reading a large document would else go into memory never touched
// before. Two of at most 32 MiB are kept.
const (
	pooledFrom = 1 << 14 // nodes
	pooledTo   = 1 << 21
)

var tables = make(chan []node, 2)

// table gives an empty table with room for n nodes.
func table(n int) []node {
	if n >= pooledFrom {
		select {
		case old := <-tables:
			if cap(old) >= n {
				return old[:0]
			}
		default:
		}
	}
	return make([]node, 0, n)
}

// Close gives the document's memory back. The document, and what was taken from it, must not be used afterwards, but
// for the bytes handed out. Not closing it costs nothing but time.
func (d *Document) Close() {
	if c := cap(d.nodes); c >= pooledFrom && c <= pooledTo {
		select {
		case tables <- d.nodes[:0]:
		default:
		}
	}
	d.nodes = nil
}

func (p *parser) fail(format string, args ...any) error {
	return xmlError(ErrXML, p.i, format, args...)
}

func (p *parser) document() error {
	src := p.src
	if bytes.HasPrefix(src, []byte("<?xml")) && len(src) > 5 && class[src[5]]&isSpace != 0 {
		end := bytes.Index(src, []byte("?>"))
		if end < 0 {
			return p.fail("the XML declaration does not end")
		}
		p.i = end + 2
	}
	for {
		begin := p.i
		plain := p.plain
		if p.ahead { // read by the start tag before it
			p.ahead = false
			begin = p.begin
		} else {
			var err error
			if plain, err = p.text(); err != nil {
				return err
			}
		}
		if !p.content && !blank(src[begin:p.i]) {
			return p.fail("text outside the root element")
		}
		if p.i == len(src) {
			break
		}
		n := node{from: uint32(p.i)}
		if plain {
			n.flags = plainText
		}
		if err := p.markup(n); err != nil {
			return err
		}
	}
	if !p.done {
		return p.fail("the document ends inside an element, or has none")
	}
	return nil
}

// text moves to the next "<" or the end, and says whether the text is its own canonical form.
func (p *parser) text() (plain bool, err error) {
	src, i := p.src, p.i
	plain = true
	for i < len(src) {
		c := src[i]
		if class[c]&inText == 0 {
			i++
			continue
		}
		switch {
		case c == '<':
			p.i = i
			return plain, nil
		case c >= 0xC2 && c <= 0xDF && i+1 < len(src) && src[i+1]&0xC0 == 0x80:
			// Two octets, the letters of Kazakh and Russian: all of them are characters.
			i += 2
		case c == '&':
			size, _, canonical := reference(src, i, false)
			if size == 0 {
				p.i = i
				return false, p.fail("a reference to no character, or to an entity that is not predefined")
			}
			plain = plain && canonical
			i += size
		case c == '>':
			if i >= 2 && src[i-1] == ']' && src[i-2] == ']' && i-2 >= p.i {
				p.i = i
				return false, p.fail("“]]>” in text")
			}
			plain = false
			i++
		case c == '\r':
			plain = false
			i++
		default:
			size := 0
			if c >= 0x80 {
				size = rest(src, i)
			}
			if size == 0 {
				p.i = i
				return false, p.fail("an octet that is no character of XML")
			}
			i += size
		}
	}
	p.i = i
	return plain, nil
}

// markup reads one piece of markup at p.i.
func (p *parser) markup(n node) error {
	src := p.src
	if p.i+1 >= len(src) {
		return p.fail("the document ends inside markup")
	}
	switch src[p.i+1] {
	case '/':
		return p.end(n)
	case '!':
		return p.declaration(n)
	case '?':
		return p.instruction(n)
	}
	return p.start(n)
}

func (p *parser) declaration(n node) error {
	rest := p.src[p.i:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		end := bytes.Index(rest[4:], []byte("--"))
		// XML 1.0 §2.5: "--" MUST NOT occur within comments.
		if end < 0 || !bytes.HasPrefix(rest[4+end:], []byte("-->")) {
			return p.fail("a comment that is not well-formed")
		}
		n.kind = comment
		p.comments = true
		if err := p.inside(&n, 4, 4+end); err != nil {
			return err
		}
		p.i += 4 + end + 3
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		end := bytes.Index(rest, []byte("]]>"))
		if end < 0 || !p.content {
			return p.fail("a CDATA section that does not end, or stands outside the root element")
		}
		n.kind = cdata
		if err := p.inside(&n, 9, end); err != nil {
			return err
		}
		n.flags &^= plainTag
		p.i += end + 3
	case bytes.HasPrefix(rest, []byte("<!DOCTYPE")):
		return xmlError(ErrUnsafe, p.i, "a document type declaration")
	default:
		return p.fail("markup that is not known")
	}
	p.add(n)
	return nil
}

// inside looks at the characters of a comment, a section or an instruction.
func (p *parser) inside(n *node, from, to int) error {
	n.flags |= plainTag
	src := p.src[:p.i+to]
	for i := p.i + from; i < len(src); {
		c := src[i]
		switch {
		case c == '\r':
			n.flags &^= plainTag
			i++
		case c >= ' ' && c < 0x80 || c == '\t' || c == '\n':
			i++
		default:
			size := 0
			if c >= 0x80 {
				size = rest(src, i)
			}
			if size == 0 {
				p.i = i
				return p.fail("an octet that is no character of XML")
			}
			i += size
		}
	}
	return nil
}

func (p *parser) instruction(n node) error {
	n.kind = instruction
	end := bytes.Index(p.src[p.i:], []byte("?>"))
	if end < 0 {
		return p.fail("a processing instruction that does not end")
	}
	target := name(p.src, p.i+2)
	word := p.src[p.i+2 : target]
	switch {
	case len(word) == 0, target < p.i+end && class[p.src[target]]&isSpace == 0:
		return p.fail("a processing instruction without a name")
	case bytes.EqualFold(word, []byte("xml")):
		return p.fail("an XML declaration that is not at the start")
	}
	if err := p.inside(&n, 2, end); err != nil {
		return err
	}
	// Canonical form has one space between the name and the rest, and none where nothing follows.
	if at := target - p.i; at < end && (p.src[target] != ' ' || at+1 >= end || class[p.src[target+1]]&isSpace != 0) {
		n.flags &^= plainTag
	}
	p.i += end + 2
	p.add(n)
	return nil
}

// add appends a node that ends at p.i.
func (p *parser) add(n node) uint32 {
	n.to = uint32(p.i)
	at := uint32(len(p.nodes))
	if n.kind != endTag {
		n.link = at
	}
	p.nodes = append(p.nodes, n)
	return at
}

func (p *parser) end(n node) error {
	if len(p.open) == 0 {
		return p.fail("an end tag without its start tag")
	}
	o := p.open[len(p.open)-1]
	begin := &p.nodes[o.node]
	src, i := p.src, p.i+2
	want := src[begin.from+1 : begin.from+1+o.name]
	if len(src)-i <= len(want) || !bytes.Equal(src[i:i+len(want)], want) {
		return p.fail("an end tag that does not fit its start tag")
	}
	i += len(want)
	if src[i] == '>' {
		n.flags |= plainTag
	}
	for i < len(src) && class[src[i]]&isSpace != 0 {
		i++
	}
	if i == len(src) || src[i] != '>' {
		return p.fail("an end tag that does not fit its start tag")
	}
	p.i = i + 1
	n.kind, n.prefix, n.link = endTag, begin.prefix, o.node
	begin.link = p.add(n)
	p.restore(o.undo)
	p.open = p.open[:len(p.open)-1]
	if len(p.open) == 0 {
		p.content, p.done = false, true
	}
	return nil
}

func (p *parser) restore(mark int) {
	for len(p.undo) > mark {
		last := p.undo[len(p.undo)-1]
		p.cur[last.prefix] = last.was
		p.undo = p.undo[:len(p.undo)-1]
	}
}
