// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"slices"
)

// start reads a start tag or an empty element at p.i.
func (p *parser) start(n node) error {
	if p.done {
		return p.fail("a second root element")
	}
	if len(p.open) >= p.limits.Depth {
		return xmlError(ErrLimit, p.i, "elements deeper than %d", p.limits.Depth)
	}
	src := p.src
	begin := p.i + 1
	end := name(src, begin)
	local := begin
	if end < len(src) && src[end] == ':' && end > begin {
		local = end + 1
		end = name(src, local)
	}
	if end == local || end == len(src) {
		return p.fail("a tag without a name")
	}
	o := opened{node: uint32(len(p.nodes)), name: uint32(end - begin), undo: len(p.undo)}
	p.i = end
	n.flags |= plainTag
	if src[end] != '>' {
		if err := p.attributes(&n); err != nil {
			return err
		}
	} else {
		p.attrs = p.attrs[:0]
	}
	if src[p.i] == '/' {
		if p.i+1 >= len(src) || src[p.i+1] != '>' {
			return p.fail("a tag that does not end")
		}
		n.kind = emptyTag
		p.i++
	}
	p.i++
	if local > begin {
		prefix, err := p.prefix(src[begin : local-1])
		if err != nil {
			return err
		}
		if prefix >= uint16(len(p.cur)) || p.cur[prefix] == uriNone {
			return p.fail("the prefix %.40q is not declared", src[begin:local-1])
		}
		n.prefix = prefix
	}
	if n.flags&(prefixed|attributed) != 0 {
		if err := p.checkAttributes(o.node); err != nil {
			return err
		}
	}
	if len(p.open) == 0 {
		p.root, p.content = o.node, true
	}
	if p.cur[n.prefix] == uriDSig && string(src[local:end]) == "Signature" {
		if len(p.signatures) >= p.limits.Signatures {
			return xmlError(ErrLimit, p.i, "more than %d signatures", p.limits.Signatures)
		}
		p.signatures = append(p.signatures, o.node)
		around := make([]uint32, len(p.open))
		for i := range p.open {
			around[i] = p.open[i].node
		}
		p.above = append(p.above, around)
	}
	if n.kind == startTag && n.flags&(plainTag|declares|prefixed) == plainTag && len(p.open) > 0 {
		plain := false
		p.begin = p.i
		var err error
		if plain, err = p.text(); err != nil {
			return err
		}
		// An end tag of the same name and nothing else: most elements of most documents.
		want := src[begin : begin+int(o.name)]
		if close := p.i + 2 + len(want); plain && close < len(src) && src[p.i+1] == '/' && src[close] == '>' && string(src[p.i+2:close]) == string(want) {
			n.kind = leaf
			p.i = close + 1
			p.add(n)
			return nil
		}
		p.ahead, p.plain = true, plain
		n.to = uint32(p.begin)
		n.link = uint32(len(p.nodes))
		p.nodes = append(p.nodes, n)
		p.open = append(p.open, o)
		return nil
	}
	p.add(n)
	if n.kind == emptyTag {
		p.restore(o.undo)
		if len(p.open) == 0 {
			p.content, p.done = false, true
		}
		return nil
	}
	p.open = append(p.open, o)
	return nil
}

// attributes reads what stands between the element's name and the tag's end; namespace declarations take effect.
func (p *parser) attributes(n *node) error {
	var plain, sorted bool
	var err error
	if p.attrs, plain, sorted, err = p.scan(p.attrs[:0], p.limits.Attributes, &p.i); err != nil {
		return err
	}
	for i := range p.attrs {
		a := &p.attrs[i]
		word := p.src[a.name:a.nameEnd]
		switch {
		case isDeclaration(word):
			n.flags |= declares
			if err := p.declare(word, a); err != nil {
				return err
			}
		case a.colon != a.name:
			n.flags |= prefixed
		default:
			n.flags |= attributed
		}
	}
	if !plain || !sorted {
		n.flags &^= plainTag
	}
	return nil
}

func isDeclaration(word []byte) bool {
	return len(word) >= 5 && string(word[:5]) == "xmlns" && (len(word) == 5 || word[5] == ':')
}

// scan reads attributes at *at up to ">" or "/>"; plain says that they stand as canonical form writes them,
// sorted that unprefixed names ascend. Declarations and prefixed names make it neither.
func (d *Document) scan(out []attribute, limit int, at *int) (attrs []attribute, plain, sorted bool, err error) {
	src, i := d.src, *at
	plain, sorted = true, true
	fail := func(format string, args ...any) ([]attribute, bool, bool, error) {
		return nil, false, false, xmlError(ErrXML, i, format, args...)
	}
	var before []byte
	for {
		gap := i
		for i < len(src) && class[src[i]]&isSpace != 0 {
			i++
		}
		if i == len(src) {
			return fail("the document ends inside a tag")
		}
		if src[i] == '>' || src[i] == '/' {
			if i > gap {
				plain = false
			}
			*at = i
			return out, plain, sorted, nil
		}
		if i == gap {
			return fail("no space before an attribute")
		}
		if i > gap+1 || src[gap] != ' ' {
			plain = false
		}
		if len(out) >= limit {
			return nil, false, false, xmlError(ErrLimit, i, "more than %d attributes", limit)
		}
		a := attribute{name: uint32(i), colon: uint32(i)}
		end := name(src, i)
		if end < len(src) && src[end] == ':' && end > i {
			a.colon = uint32(end)
			local := end + 1
			if end = name(src, local); end == local {
				return fail("an attribute without a name")
			}
		}
		if end == i {
			return fail("an attribute without a name")
		}
		a.nameEnd = uint32(end)
		word := src[i:end]
		if bytes.Compare(before, word) >= 0 {
			sorted = false
		}
		before = word
		i = end
		for i < len(src) && class[src[i]]&isSpace != 0 {
			i++
			plain = false
		}
		if i == len(src) || src[i] != '=' {
			return fail("an attribute without a value")
		}
		i++
		for i < len(src) && class[src[i]]&isSpace != 0 {
			i++
			plain = false
		}
		if i == len(src) || src[i] != '"' && src[i] != '\'' {
			return fail("an attribute's value without quotes")
		}
		a.quote, a.plain = src[i], src[i] == '"'
		i++
		a.value = uint32(i)
		for {
			for i < len(src) && class[src[i]]&inValue == 0 {
				i++
			}
			if i == len(src) {
				return fail("the document ends inside an attribute")
			}
			c := src[i]
			if c == a.quote {
				break
			}
			switch {
			case c == '<':
				return fail("“<” in an attribute")
			case c == '&':
				size, _, canonical := reference(src, i, true)
				if size == 0 {
					return fail("a reference to no character, or to an entity that is not predefined")
				}
				a.plain = a.plain && canonical
				i += size
			case class[c]&isSpace != 0:
				a.plain = false
				i++
			case c == '"' || c == '\'':
				i++
			default:
				size := 0
				if c >= 0x80 {
					size = rest(src, i)
				}
				if size == 0 {
					return fail("an octet that is no character of XML")
				}
				i += size
			}
		}
		a.end = uint32(i)
		plain = plain && a.plain
		i++
		out = append(out, a)
	}
}

// declare takes a namespace declaration into the scope (Namespaces in XML 1.0 §3).
func (p *parser) declare(word []byte, a *attribute) error {
	var bare []byte
	if len(word) > 5 {
		bare = word[6:]
	}
	prefix, err := p.prefix(bare)
	if err != nil {
		return err
	}
	value := p.value(a)
	var uri uint32
	switch {
	case string(bare) == "xmlns", string(value) == namespaceXNS:
		return p.fail("the prefix xmlns is declared")
	case (prefix == prefixXML) != (string(value) == namespaceXML):
		return p.fail("the prefix xml is bound to something else")
	case len(value) == 0 && prefix != prefixNone:
		return p.fail("a prefix is bound to nothing")
	default:
		var ok bool
		if uri, ok = p.bound[string(value)]; !ok {
			if len(p.uris) >= maxNames {
				return xmlError(ErrLimit, p.i, "more than %d namespaces", maxNames)
			}
			uri = uint32(len(p.uris))
			p.uris = append(p.uris, string(value))
			p.bound[string(value)] = uri
		}
	}
	for int(prefix) >= len(p.cur) {
		p.cur = append(p.cur, uriNone)
	}
	p.undo = append(p.undo, change{prefix, p.cur[prefix]})
	p.cur[prefix] = uri
	return nil
}

// prefix gives the place of a prefix in the table.
func (p *parser) prefix(word []byte) (uint16, error) {
	if string(word) == p.prefixes[p.last] {
		return p.last, nil
	}
	at, ok := p.known[string(word)]
	if !ok {
		if len(p.prefixes) >= maxNames {
			return 0, xmlError(ErrLimit, p.i, "more than %d prefixes", maxNames)
		}
		at = uint16(len(p.prefixes))
		p.prefixes = append(p.prefixes, string(word))
		p.known[string(word)] = at
	}
	p.last = at
	return at, nil
}

// checkAttributes refuses the same attribute twice (XML 1.0 §3.1, Namespaces in XML 1.0 §6.3), and notes identifiers.
func (p *parser) checkAttributes(at uint32) error {
	for i := range p.attrs {
		a := &p.attrs[i]
		uri, word := uriNone, p.src[a.name:a.nameEnd]
		if isDeclaration(word) {
			continue
		}
		local := word
		if a.colon != a.name {
			prefix, err := p.prefix(p.src[a.name:a.colon])
			if err != nil {
				return err
			}
			if int(prefix) >= len(p.cur) || p.cur[prefix] == uriNone {
				return p.fail("the prefix %.40q is not declared", p.src[a.name:a.colon])
			}
			uri, local = p.cur[prefix], p.src[a.colon+1:a.nameEnd]
		}
		if len(local) == 2 && local[0]|0x20 == 'i' && local[1]|0x20 == 'd' && (uri == uriNone || uri == uriXML || p.uris[uri] == namespaceWSU) {
			if len(p.ids) == cap(p.ids) { // twice as many: append would copy a long list five times over
				p.ids = slices.Grow(p.ids, max(64, len(p.ids)))
			}
			p.ids = append(p.ids, identifier{at, a.value, a.end})
		}
	}
	if len(p.attrs) < 2 {
		return nil
	}
	return p.checkDoubles()
}

func (p *parser) checkDoubles() error {
	if len(p.attrs) <= 8 {
		for i := range p.attrs {
			for j := range i {
				if p.sameName(&p.attrs[i], &p.attrs[j]) {
					return p.fail("the attribute %.40q stands twice", p.src[p.attrs[i].name:p.attrs[i].nameEnd])
				}
			}
		}
		return nil
	}
	names := make([]string, len(p.attrs))
	for i := range p.attrs {
		a := &p.attrs[i]
		uri, local := p.resolve(a)
		names[i] = p.uris[uri] + "\x00" + string(local)
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return p.fail("an attribute stands twice")
		}
	}
	return nil
}

func (p *parser) sameName(a, b *attribute) bool {
	if bytes.Equal(p.src[a.name:a.nameEnd], p.src[b.name:b.nameEnd]) {
		return true
	}
	if a.colon == a.name || b.colon == b.name {
		return false
	}
	ua, la := p.resolve(a)
	ub, lb := p.resolve(b)
	return ua == ub && bytes.Equal(la, lb)
}

// resolve gives the namespace and local name of an attribute; declarations are told apart by their own words.
func (p *parser) resolve(a *attribute) (uint32, []byte) {
	word := p.src[a.name:a.nameEnd]
	if a.colon == a.name || isDeclaration(word) {
		return uriNone, word
	}
	return p.cur[p.known[string(p.src[a.name:a.colon])]], p.src[a.colon+1 : a.nameEnd]
}
