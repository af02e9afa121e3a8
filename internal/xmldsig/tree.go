// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"encoding/base64"
	"slices"
)

// maxTree bounds the elements of one signature that are read one by one; a signature for the long term has some hundred.
const maxTree = 1 << 14

// element is an element of a signature's own structure.
type element struct {
	uri, local string
	prefix     string // as written
	node       uint32
	attrs      []value
	children   []*element
	text       []byte // character data directly in it, joined
	broken     bool   // comments or instructions stand in it
}

type value struct{ uri, local, text string }

// attr gives an attribute without a namespace.
func (e *element) attr(local string) (string, bool) {
	for _, a := range e.attrs {
		if a.uri == "" && a.local == local {
			return a.text, true
		}
	}
	return "", false
}

// child is the first child of that name, nil where there is none.
func (e *element) child(uri, local string) *element {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.uri == uri && c.local == local {
			return c
		}
	}
	return nil
}

// simple gives the text of an element that must hold nothing but text: a comment in it would let two readers read two texts.
func (e *element) simple() ([]byte, error) {
	switch {
	case e == nil:
		return nil, structure("an element is missing")
	case len(e.children) > 0 || e.broken:
		return nil, structure("%s holds more than text", e.local)
	}
	return bytes.TrimSpace(e.text), nil
}

// binary decodes the base64 in an element (XML Schema base64Binary: white space may stand anywhere).
func (e *element) binary() ([]byte, error) {
	text, err := e.simple()
	if err != nil {
		return nil, err
	}
	packed := slices.DeleteFunc(slices.Clone(text), func(c byte) bool { return class[c]&isSpace != 0 })
	out := make([]byte, base64.StdEncoding.DecodedLen(len(packed)))
	n, err := base64.StdEncoding.Strict().Decode(out, packed)
	if err != nil || n == 0 {
		return nil, structure("%s is no base64", e.local)
	}
	return out[:n], nil
}

// scopeAround gives the namespaces in scope outside an element.
func (d *Document) scopeAround(at uint32) []uint32 {
	cur := make([]uint32, len(d.prefixes))
	cur[prefixXML] = uriXML
	for _, a := range d.ancestors(at) {
		cur = d.scopeIn(a, cur)
	}
	return cur
}

// scopeIn gives the namespaces in scope inside an element.
func (d *Document) scopeIn(at uint32, around []uint32) []uint32 {
	n := &d.nodes[at]
	if n.flags&declares == 0 {
		return around
	}
	in := slices.Clone(around)
	for _, a := range d.read(n, nil) {
		if prefix, uri, ok := d.declaration(&a); ok {
			in[prefix] = uri
		}
	}
	return in
}

// local is the local name of an element.
func (d *Document) local(at uint32) []byte { return d.localAt(d.nodes[at].from + 1) }

// localAt is the local name of the qualified one at from.
func (d *Document) localAt(from uint32) []byte {
	word := d.src[from:d.nameEnd(from)]
	if _, after, found := bytes.Cut(word, []byte(":")); found {
		return after
	}
	return word
}

// isElement says whether an element begins at the node.
func (n *node) isElement() bool { return n.kind == startTag || n.kind == emptyTag || n.kind == piece }

// children lists the elements directly inside one.
func (d *Document) children(at uint32) []uint32 {
	var out []uint32
	end := d.nodes[at].link
	for i := at + 1; i < end; i++ {
		if n := &d.nodes[i]; n.isElement() {
			out = append(out, i)
			i = n.link
		}
	}
	return out
}

// tree reads an element whole. budget bounds the elements of all that belong together.
func (d *Document) tree(at uint32, around []uint32, budget *int) (*element, error) {
	if *budget--; *budget < 0 {
		return nil, xmlError(ErrLimit, int(d.nodes[at].from), "more than %d elements in one signature", maxTree)
	}
	n := &d.nodes[at]
	e := d.head(at, around)
	switch n.kind {
	case emptyTag:
		return e, nil
	case piece:
		e.text = d.textOf(n)
		e.broken = n.flags&nested != 0 // what is read here is of other vocabularies
		return e, nil
	}
	cur := d.scopeIn(at, around)
	text := n.to
	for i := at + 1; i <= n.link; i++ {
		c := &d.nodes[i]
		e.text = append(e.text, d.decoded(text, c.from, false)...)
		text = c.to
		switch c.kind {
		case startTag, emptyTag, piece:
			child, err := d.tree(i, cur, budget)
			if err != nil {
				return nil, err
			}
			e.children = append(e.children, child)
			i = c.link
			text = d.nodes[i].to
		case cdata:
			e.text = append(e.text, d.decodedLines(c.from+9, c.to-3)...)
		case comment, instruction:
			e.broken = true
		}
	}
	return e, nil
}

// head reads an element's name and attributes alone.
func (d *Document) head(at uint32, around []uint32) *element {
	n := &d.nodes[at]
	cur := d.scopeIn(at, around)
	e := &element{uri: d.uris[cur[n.prefix]], local: string(d.local(at)), prefix: d.prefixes[n.prefix], node: at}
	if n.flags&(prefixed|attributed) != 0 {
		for _, a := range d.read(n, nil) {
			word := d.src[a.name:a.nameEnd]
			if isDeclaration(word) {
				continue
			}
			v := value{local: string(word), text: string(d.value(&a))}
			if a.colon != a.name {
				v.uri = d.uris[cur[d.known[string(d.src[a.name:a.colon])]]]
				v.local = string(d.src[a.colon+1 : a.nameEnd])
			}
			e.attrs = append(e.attrs, v)
		}
	}
	return e
}

// byID finds the one element with that identifier. Errors: [ErrNotFound], [ErrAmbiguous].
func (d *Document) byID(id string) (uint32, error) {
	var found []uint32
	for _, x := range d.ids {
		raw := d.src[x.from:x.to]
		// Programs that know a schema take white space around an identifier away (XML Schema, xs:ID).
		if string(raw) != id && (!needsCare(raw) || string(bytes.TrimSpace(d.decoded(x.from, x.to, true))) != id) {
			continue
		}
		if len(found) > 0 {
			return 0, ErrAmbiguous
		}
		found = append(found, x.node)
	}
	if len(found) == 0 {
		return 0, ErrNotFound
	}
	return found[0], nil
}

// needsCare says whether an identifier may be another than its octets say.
func needsCare(raw []byte) bool {
	return bytes.IndexByte(raw, '&') >= 0 || len(raw) > 0 && (class[raw[0]]&isSpace != 0 || class[raw[len(raw)-1]]&isSpace != 0)
}

// loose says whether text stands directly in an element.
func (d *Document) loose(at uint32) bool {
	if n := &d.nodes[at]; n.kind == piece {
		return d.looseIn(n)
	}
	end, text := d.nodes[at].link, d.nodes[at].to
	for i := at + 1; i <= end; i++ {
		n := &d.nodes[i]
		if !blank(d.src[text:n.from]) || n.kind == cdata {
			return true
		}
		if n.kind == startTag {
			i = n.link
		}
		text = d.nodes[i].to
	}
	return false
}
