// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"math"
	"slices"
	"sync"
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
	piece // an element with all that is in it, its own canonical form but for "<a/>", with nothing to declare and one prefix
)

// What is known of a node and of the character data in front of it.
const (
	plainText  uint8 = 1 << iota // the text before the node is its own canonical form
	plainTag                     // so is the node itself, wherever its namespaces need nothing
	declares                     // it has namespace declarations
	prefixed                     // it has attributes with a prefix
	attributed                   // it has attributes that are no declarations
	nested                       // a piece in which elements stand
	apart                        // an element that is no piece, because something in it needs a node
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
	hollows    []uint32 // "/>" of the empty elements that may be inside pieces, in their order
	signatures []uint32
	above      [][]uint32 // the elements around each signature
	comments   bool       // there are any
	orders     []uint32   // processing instructions
	declaring  []uint32   // elements with namespace declarations, but for what declares the default alone
	limits     Limits

	bound map[string]uint32 // of uris
	known map[string]uint16 // of prefixes
}

// Namespaces and prefixes that have fixed places in the tables.
const (
	uriNone uint32 = iota
	uriXML
	uriDSig
	uriOther = uint32(len(reserved)) // from here on those of the document

	prefixNone uint16 = 0
	prefixXML  uint16 = 1
)

const (
	namespaceXML  = "http://www.w3.org/XML/1998/namespace"
	namespaceXNS  = "http://www.w3.org/2000/xmlns/"
	namespaceDSig = "http://www.w3.org/2000/09/xmldsig#"
	namespaceXSI  = "http://www.w3.org/2001/XMLSchema-instance"
	namespaceWSU  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
)

// reserved are the namespaces that this package reads: their elements always have nodes.
var reserved = [...]string{"", namespaceXML, namespaceDSig, xmldsig11, more2007, exclusive, namespaceXAdES, namespaceXAdES141,
	namespaceWSSE, namespaceWSU, soap[0], soap[1]}

// maxInstructions bounds the processing instructions of one document; who needs any needs one or two.
const maxInstructions = 1024

// maxNames bounds the prefixes and the namespace names of one document.
const maxNames = 4096

// parser holds what is needed while reading only. Its methods take the place where they begin to read, and give the one
// where the next begins: what stands in a register costs nothing.
type parser struct {
	*Document
	table   []node // one for each "<" of the document
	count   int    // how many of them are nodes by now
	open    []opened
	cur     []uint32 // the namespace name of each prefix in scope
	undo    []change
	attrs   []attribute
	near    [16]uint16 // prefixes met lately, by their length and first letter
	content bool       // inside the root element
	done    bool       // behind it
}

type opened struct {
	node   uint32
	name   uint32 // where its name stands
	size   uint32 // octets of its name
	undo   uint32 // entries of undo before it
	prefix uint16
	inside uint8 // nested, apart
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
		uris:     slices.Clone(reserved[:]),
		limits:   l,
		bound:    make(map[string]uint32, len(reserved)),
		known:    map[string]uint16{"": prefixNone, "xml": prefixXML},
	}
	for i, uri := range reserved {
		d.bound[uri] = uint32(i)
	}
	// Every node begins with one "<".
	t := tablesFor(bytes.Count(src, []byte("<")))
	d.hollows = t.hollows
	p := &parser{Document: d, table: t.nodes, cur: []uint32{uriNone, uriXML}, open: make([]opened, 0, 32)}
	// Of a large document the characters are looked at beside the markup.
	found := make(chan int, 1)
	look := func() { found <- stray(src) }
	if len(src) < beside {
		look()
	} else {
		go look()
	}
	err = p.document()
	d.nodes = p.table[:p.count]
	at := <-found // whatever was found: data is the caller's again
	if err == nil && at >= 0 {
		err = xmlError(ErrXML, at, "an octet that is no character of XML")
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Tables are used again: a third of the time of reading a large document would else go into memory never touched before.
// What is not used for a while goes back to the system.
const (
	pooledFrom = 1 << 14 // nodes
	pooledTo   = 1 << 23
)

type tables struct {
	nodes   []node
	hollows []uint32
}

var pool sync.Pool // of *tables

// tablesFor gives tables for so many nodes, whatever stands in those.
func tablesFor(n int) tables {
	if n >= pooledFrom {
		if old, ok := pool.Get().(*tables); ok && cap(old.nodes) >= n {
			return tables{old.nodes[:n], old.hollows[:0]}
		}
	}
	return tables{nodes: make([]node, n)}
}

// Close gives the document's memory back. The document, and what was taken from it, must not be used afterwards, but
// for the bytes handed out. Not closing it costs nothing but time.
func (d *Document) Close() {
	if c := cap(d.nodes); c >= pooledFrom && c <= pooledTo {
		pool.Put(&tables{d.nodes, d.hollows})
	}
	d.nodes, d.hollows = nil, nil
}

func (p *parser) fail(i int, format string, args ...any) error {
	return xmlError(ErrXML, i, format, args...)
}

func (p *parser) document() error {
	src := p.src
	i := 0
	if bytes.HasPrefix(src, []byte("<?xml")) && len(src) > 5 && class[src[5]]&isSpace != 0 {
		end := bytes.Index(src, []byte("?>"))
		if end < 0 {
			return p.fail(i, "the XML declaration does not end")
		}
		if err := onlyVersion10(src[:end]); err != nil {
			return err
		}
		i = end + 2
	}
	i, plain, err := p.text(i)
	for err == nil && i < len(src) {
		flags := uint8(0)
		if plain {
			flags = plainText
		}
		if p.content {
			if i, flags, err = p.pieces(i, flags); err != nil || i == len(src) {
				break
			}
			p.open[len(p.open)-1].inside |= apart
		}
		if i+1 == len(src) {
			return p.fail(i, "the document ends inside markup")
		}
		switch src[i+1] {
		case '/':
			i, plain, err = p.end(i, flags)
		case '!':
			i, plain, err = p.declaration(i, flags)
		case '?':
			i, plain, err = p.instruction(i, flags)
		default:
			i, plain, err = p.start(i, flags)
		}
	}
	if err == nil && !p.done {
		return p.fail(i, "the document ends inside an element, or has none")
	}
	return err
}

// onlyVersion10: other versions know other names, characters and line ends (XML 1.1 §1.3); read as 1.0 they would say
// something else than their programs see.
func onlyVersion10(declaration []byte) error {
	after, found := bytes.CutPrefix(bytes.TrimLeft(declaration[len("<?xml"):], " \t\r\n"), []byte("version"))
	after = bytes.TrimLeft(after, " \t\r\n=")
	if !found || len(after) == 0 || after[0] != '"' && after[0] != '\'' {
		return xmlError(ErrXML, 0, "an XML declaration without a version")
	}
	if word, _, _ := bytes.Cut(after[1:], after[:1]); string(word) != "1.0" {
		return xmlError(ErrUnsafe, 0, "XML of version %.20q; 1.0 is read", word)
	}
	return nil
}

// text reads character data up to the next "<" or the end, and says whether it is its own canonical form.
func (p *parser) text(i int) (next int, plain bool, err error) {
	src, begin := p.src, i
	if i < len(src) && src[i] == '<' {
		return i, true, nil
	}
	plain = true
	for {
		if i = special(src, i); i == len(src) || src[i] == '<' {
			break
		}
		switch src[i] {
		case '&':
			size, _, canonical := reference(src, i, false)
			if size == 0 {
				return i, false, p.fail(i, "a reference to no character, or to an entity that is not predefined")
			}
			plain = plain && canonical
			i += size
		case '>':
			if i-2 >= begin && src[i-1] == ']' && src[i-2] == ']' {
				return i, false, p.fail(i, "“]]>” in text")
			}
			plain = false
			i++
		default: // a carriage return
			plain = false
			i++
		}
	}
	if !p.content && !blank(src[begin:i]) {
		return i, false, p.fail(begin, "text outside the root element")
	}
	return i, plain, nil
}

func (p *parser) declaration(i int, flags uint8) (next int, plain bool, err error) {
	rest := p.src[i:]
	from := uint32(i)
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		end := bytes.Index(rest[4:], []byte("--"))
		// XML 1.0 §2.5: "--" MUST NOT occur within comments.
		if end < 0 || !bytes.HasPrefix(rest[4+end:], []byte("-->")) {
			return i, false, p.fail(i, "a comment that is not well-formed")
		}
		p.comments = true
		i += 4 + end + 3
		p.add(from, uint32(i), comment, flags|oneLine(rest[4:4+end]), prefixNone)
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		end := bytes.Index(rest, []byte("]]>"))
		if end < 0 || !p.content {
			return i, false, p.fail(i, "a CDATA section that does not end, or stands outside the root element")
		}
		i += end + 3
		p.add(from, uint32(i), cdata, flags, prefixNone)
	case bytes.HasPrefix(rest, []byte("<!DOCTYPE")):
		return i, false, xmlError(ErrUnsafe, i, "a document type declaration")
	default:
		return i, false, p.fail(i, "markup that is not known")
	}
	return p.text(i)
}

// oneLine: the inside of a comment or an instruction stands as canonical form has it.
func oneLine(inside []byte) uint8 {
	if bytes.IndexByte(inside, '\r') >= 0 {
		return 0
	}
	return plainTag
}

func (p *parser) instruction(i int, flags uint8) (next int, plain bool, err error) {
	from := uint32(i)
	size := bytes.Index(p.src[i:], []byte("?>"))
	if size < 0 {
		return i, false, p.fail(i, "a processing instruction that does not end")
	}
	end, target := i+size, name(p.src, i+2)
	word := p.src[i+2 : target]
	switch {
	case len(word) == 0, target < end && class[p.src[target]]&isSpace == 0:
		return i, false, p.fail(i, "a processing instruction without a name")
	case bytes.EqualFold(word, []byte("xml")):
		return i, false, p.fail(i, "an XML declaration that is not at the start")
	}
	flags |= oneLine(p.src[i+2 : end])
	// Canonical form has one space between the name and the rest, and none where nothing follows.
	if target < end && (p.src[target] != ' ' || target+1 >= end || class[p.src[target+1]]&isSpace != 0) {
		flags &^= plainTag
	}
	if len(p.orders) >= maxInstructions {
		return i, false, xmlError(ErrLimit, i, "more than %d processing instructions", maxInstructions)
	}
	p.orders = append(p.orders, uint32(p.count))
	p.add(from, uint32(end+2), instruction, flags, prefixNone)
	return p.text(end + 2)
}

// add takes up a node. Field by field, because a node written at once would first be put together on the stack.
func (p *parser) add(from, to uint32, k kind, flags uint8, prefix uint16) {
	n := &p.table[p.count]
	n.from, n.to, n.link = from, to, uint32(p.count)
	n.kind, n.flags, n.prefix = k, flags, prefix
	p.count++
}

func (p *parser) end(i int, flags uint8) (next int, plain bool, err error) {
	if len(p.open) == 0 {
		return i, false, p.fail(i, "an end tag without its start tag")
	}
	o := p.open[len(p.open)-1]
	begin := &p.table[o.node]
	src, from := p.src, uint32(i)
	i += 2
	want := src[o.name : o.name+o.size]
	if len(src)-i <= len(want) || string(src[i:i+len(want)]) != string(want) {
		return i, false, p.fail(i, "an end tag that does not fit its start tag")
	}
	i += len(want)
	if src[i] == '>' {
		flags |= plainTag
	} else {
		for i < len(src) && class[src[i]]&isSpace != 0 {
			i++
		}
		if i == len(src) || src[i] != '>' {
			return i, false, p.fail(i, "an end tag that does not fit its start tag")
		}
	}
	i++
	begin.link = uint32(p.count)
	p.add(from, uint32(i), endTag, flags, begin.prefix)
	p.table[p.count-1].link = o.node
	p.restore(int(o.undo))
	if p.open = p.open[:len(p.open)-1]; len(p.open) == 0 {
		p.content, p.done = false, true
	} else {
		p.open[len(p.open)-1].inside |= apart
	}
	return p.text(i)
}

func (p *parser) restore(mark int) {
	for len(p.undo) > mark {
		last := p.undo[len(p.undo)-1]
		p.cur[last.prefix] = last.was
		p.undo = p.undo[:len(p.undo)-1]
	}
}
