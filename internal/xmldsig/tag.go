// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// start reads a start tag or an empty element, and the text behind it.
func (p *parser) start(i int, flags uint8) (next int, plain bool, err error) {
	if p.done {
		return i, false, p.fail(i, "a second root element")
	}
	if len(p.open) >= p.limits.Depth {
		return i, false, xmlError(ErrLimit, i, "elements deeper than %d", p.limits.Depth)
	}
	src, from := p.src, uint32(i)
	begin := i + 1
	end := begin
	for end < len(src) && class[src[end]]&isName != 0 {
		end++
	}
	if end == len(src) || src[end] >= utf8.RuneSelf || class[src[begin]]&isStart == 0 {
		end = name(src, begin)
	}
	local := begin
	if end < len(src) && src[end] == ':' && end > begin {
		local = end + 1
		end = name(src, local)
	}
	if end == local || end == len(src) {
		return i, false, p.fail(i, "a tag without a name")
	}
	o := opened{node: uint32(p.count), name: uint32(begin), size: uint32(end - begin), undo: uint32(len(p.undo)), inside: apart}
	i = end
	flags |= plainTag
	if src[i] != '>' {
		if i, flags, err = p.attributes(i, flags); err != nil {
			return i, false, err
		}
	}
	k := startTag
	if src[i] == '/' {
		if i+1 >= len(src) || src[i+1] != '>' {
			return i, false, p.fail(i, "a tag that does not end")
		}
		k = emptyTag
		i++
	}
	i++
	prefix := prefixNone
	if local > begin {
		if prefix, err = p.prefix(src[begin : local-1]); err != nil {
			return i, false, err
		}
		if int(prefix) >= len(p.cur) || p.cur[prefix] == uriNone {
			return i, false, p.fail(i, "the prefix %.40q is not declared", src[begin:local-1])
		}
	}
	if flags&(declares|prefixed) != 0 {
		if err := p.checkAttributes(i, o.node); err != nil {
			return i, false, err
		}
	}
	inner := len(p.open) > 0
	if !inner {
		p.root, p.content = o.node, true
	}
	if end-local == len("Signature") && p.cur[prefix] == uriDSig && string(src[local:end]) == "Signature" {
		if err := p.signature(i, o.node); err != nil {
			return i, false, err
		}
	}
	if k == emptyTag {
		p.add(from, uint32(i), k, flags, prefix)
		p.restore(int(o.undo))
		if !inner {
			p.content, p.done = false, true
		}
		return p.text(i)
	}
	p.add(from, uint32(i), k, flags, prefix)
	o.prefix = prefix
	p.open = append(p.open, o)
	return p.text(i)
}

// signature notes a signature, and the elements around it.
func (p *parser) signature(i int, at uint32) error {
	if len(p.signatures) >= p.limits.Signatures {
		return xmlError(ErrLimit, i, "more than %d signatures", p.limits.Signatures)
	}
	p.signatures = append(p.signatures, at)
	around := make([]uint32, len(p.open))
	for k := range p.open {
		around[k] = p.open[k].node
	}
	p.above = append(p.above, around)
	return nil
}

// attributes reads what stands between the element's name and the tag's end; namespace declarations take effect.
func (p *parser) attributes(i int, flags uint8) (int, uint8, error) {
	var plain, sorted bool
	var err error
	if p.attrs, i, plain, sorted, err = p.scan(p.attrs[:0], p.limits.Attributes, i); err != nil {
		return i, flags, err
	}
	for k := range p.attrs {
		a := &p.attrs[k]
		word := p.src[a.name:a.nameEnd]
		switch {
		case isDeclaration(word):
			flags |= declares
			if len(word) > 5 && (len(p.declaring) == 0 || p.declaring[len(p.declaring)-1] != uint32(p.count)) {
				p.declaring = append(p.declaring, uint32(p.count))
			}
			if err := p.declare(i, word, a); err != nil {
				return i, flags, err
			}
		case a.colon != a.name:
			flags |= prefixed
		default:
			flags |= attributed
			if isID(word) {
				p.identify(identifier{uint32(p.count), a.value, a.end})
			}
		}
	}
	if !plain || !sorted {
		flags &^= plainTag
	}
	// Names that ascend are different names, unless two prefixes mean the same.
	if len(p.attrs) > 1 && !sorted && flags&(declares|prefixed) == 0 {
		return i, flags, p.checkDoubles(i)
	}
	return i, flags, nil
}

// isID says whether a name is one of those of identifiers: Id, ID, id.
func isID(local []byte) bool { return len(local) == 2 && local[0]|0x20 == 'i' && local[1]|0x20 == 'd' }

func (p *parser) identify(id identifier) {
	if len(p.ids) == cap(p.ids) { // twice as many: append would copy a long list five times over
		p.ids = slices.Grow(p.ids, max(64, len(p.ids)))
	}
	p.ids = append(p.ids, id)
}

func isDeclaration(word []byte) bool {
	return len(word) >= 5 && string(word[:5]) == "xmlns" && (len(word) == 5 || word[5] == ':')
}

// scan reads attributes at i up to ">" or "/>"; plain says that they stand as canonical form writes them,
// sorted that unprefixed names ascend. Declarations and prefixed names make it neither.
func (d *Document) scan(out []attribute, limit, i int) (attrs []attribute, next int, plain, sorted bool, err error) {
	src := d.src
	plain, sorted = true, true
	var before []byte
	for {
		if i < len(src) && src[i] == '>' {
			return out, i, plain, sorted, nil
		}
		// What is usual: one space, a name of ASCII without a prefix, double quotes, nothing in them to be looked at.
		if i+1 < len(src) && src[i] == ' ' && class[src[i+1]]&isStart != 0 && len(out) < limit {
			end := i + 2
			for end < len(src) && class[src[end]]&isName != 0 {
				end++
			}
			if end+1 < len(src) && src[end] == '=' && src[end+1] == '"' {
				close := end + 2
				for close < len(src) && class[src[close]]&inValue == 0 {
					close++
				}
				if close < len(src) && src[close] == '"' {
					word := src[i+1 : end]
					if before != nil && bytes.Compare(before, word) >= 0 {
						sorted = false
					}
					before = word
					out = append(out, attribute{})
					a := &out[len(out)-1]
					a.name, a.colon, a.nameEnd, a.value, a.end = uint32(i+1), uint32(i+1), uint32(end), uint32(end+2), uint32(close)
					a.quote, a.plain = '"', true
					i = close + 1
					continue
				}
			}
		}
		gap := i
		for i < len(src) && class[src[i]]&isSpace != 0 {
			i++
		}
		if i == len(src) {
			return nil, i, false, false, xmlError(ErrXML, i, "the document ends inside a tag")
		}
		if src[i] == '>' || src[i] == '/' {
			if i > gap {
				plain = false
			}
			return out, i, plain, sorted, nil
		}
		if i == gap {
			return nil, i, false, false, xmlError(ErrXML, i, "no space before an attribute")
		}
		if i > gap+1 || src[gap] != ' ' {
			plain = false
		}
		if len(out) >= limit {
			return nil, i, false, false, xmlError(ErrLimit, i, "more than %d attributes", limit)
		}
		out = append(out, attribute{})
		a := &out[len(out)-1]
		a.name, a.colon = uint32(i), uint32(i)
		end := name(src, i)
		if end < len(src) && src[end] == ':' && end > i {
			a.colon = uint32(end)
			local := end + 1
			if end = name(src, local); end == local {
				return nil, i, false, false, xmlError(ErrXML, i, "an attribute without a name")
			}
		}
		if end == i {
			return nil, i, false, false, xmlError(ErrXML, i, "an attribute without a name")
		}
		a.nameEnd = uint32(end)
		word := src[i:end]
		if before != nil && bytes.Compare(before, word) >= 0 {
			sorted = false
		}
		before = word
		i = end
		for i < len(src) && class[src[i]]&isSpace != 0 {
			i++
			plain = false
		}
		if i == len(src) || src[i] != '=' {
			return nil, i, false, false, xmlError(ErrXML, i, "an attribute without a value")
		}
		i++
		for i < len(src) && class[src[i]]&isSpace != 0 {
			i++
			plain = false
		}
		if i == len(src) || src[i] != '"' && src[i] != '\'' {
			return nil, i, false, false, xmlError(ErrXML, i, "an attribute's value without quotes")
		}
		a.quote, a.plain = src[i], src[i] == '"'
		i++
		a.value = uint32(i)
		for {
			for i < len(src) && class[src[i]]&inValue == 0 {
				i++
			}
			if i == len(src) {
				return nil, i, false, false, xmlError(ErrXML, i, "the document ends inside an attribute")
			}
			c := src[i]
			if c == a.quote {
				break
			}
			switch {
			case c == '<':
				return nil, i, false, false, xmlError(ErrXML, i, "“<” in an attribute")
			case c == '&':
				size, _, canonical := reference(src, i, true)
				if size == 0 {
					return nil, i, false, false, xmlError(ErrXML, i, "a reference to no character, or to an entity that is not predefined")
				}
				a.plain = a.plain && canonical
				i += size
			case class[c]&isSpace != 0:
				a.plain = false
				i++
			default: // the other quote
				i++
			}
		}
		a.end = uint32(i)
		plain = plain && a.plain
		i++
	}
}

// declare takes a namespace declaration into the scope (Namespaces in XML 1.0 §3).
func (p *parser) declare(at int, word []byte, a *attribute) error {
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
		return p.fail(at, "the prefix xmlns is declared")
	case (prefix == prefixXML) != (string(value) == namespaceXML):
		return p.fail(at, "the prefix xml is bound to something else")
	case len(value) == 0 && prefix != prefixNone:
		return p.fail(at, "a prefix is bound to nothing")
	default:
		var ok bool
		if uri, ok = p.bound[string(value)]; !ok {
			if len(p.uris) >= maxNames {
				return xmlError(ErrLimit, at, "more than %d namespaces", maxNames)
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
	near := &p.near[0]
	if len(word) > 0 {
		near = &p.near[(len(word)*5+int(word[0]))%len(p.near)]
	}
	if string(word) == p.prefixes[*near] {
		return *near, nil
	}
	at, ok := p.known[string(word)]
	if !ok {
		if len(p.prefixes) >= maxNames {
			return 0, xmlError(ErrLimit, 0, "more than %d prefixes", maxNames)
		}
		at = uint16(len(p.prefixes))
		p.prefixes = append(p.prefixes, string(word))
		p.known[string(word)] = at
	}
	*near = at
	return at, nil
}

// checkAttributes refuses the same attribute twice (XML 1.0 §3.1, Namespaces in XML 1.0 §6.3), and notes identifiers with
// a prefix.
func (p *parser) checkAttributes(at int, node uint32) error {
	for i := range p.attrs {
		a := &p.attrs[i]
		if a.colon == a.name || isDeclaration(p.src[a.name:a.nameEnd]) {
			continue
		}
		prefix, err := p.prefix(p.src[a.name:a.colon])
		if err != nil {
			return err
		}
		if int(prefix) >= len(p.cur) || p.cur[prefix] == uriNone {
			return p.fail(at, "the prefix %.40q is not declared", p.src[a.name:a.colon])
		}
		if uri := p.cur[prefix]; isID(p.src[a.colon+1:a.nameEnd]) && (uri == uriXML || p.uris[uri] == namespaceWSU) {
			p.identify(identifier{node, a.value, a.end})
		}
	}
	if len(p.attrs) < 2 {
		return nil
	}
	return p.checkDoubles(at)
}

func (p *parser) checkDoubles(at int) error {
	if len(p.attrs) <= 8 {
		for i := range p.attrs {
			for j := range i {
				if p.sameName(&p.attrs[i], &p.attrs[j]) {
					return p.fail(at, "the attribute %.40q stands twice", p.src[p.attrs[i].name:p.attrs[i].nameEnd])
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
			return p.fail(at, "an attribute stands twice")
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
