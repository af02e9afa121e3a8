// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"unicode/utf8"
)

// reference reads a character reference or one of the five predefined entities at i: how many octets it has (0: it is
// none), which character it is, and whether canonical form would write it just so in text or in an attribute's value.
func reference(src []byte, i int, inValue bool) (size int, r rune, canonical bool) {
	end := bytes.IndexByte(src[i:min(len(src), i+12)], ';')
	if end < 2 {
		return 0, 0, false
	}
	word := src[i+1 : i+end]
	size = end + 1
	switch string(word) {
	case "amp":
		return size, '&', true
	case "lt":
		return size, '<', true
	case "gt":
		return size, '>', !inValue
	case "quot":
		return size, '"', inValue
	case "apos":
		return size, '\'', false
	case "#xD":
		return size, '\r', true
	case "#xA":
		return size, '\n', inValue
	case "#x9":
		return size, '\t', inValue
	}
	if word[0] != '#' || len(word) < 2 {
		return 0, 0, false
	}
	base, digits := rune(10), word[1:]
	if digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	if len(digits) == 0 {
		return 0, 0, false
	}
	for _, c := range digits {
		v := rune(c - '0')
		if l := c | 0x20; base == 16 && l >= 'a' && l <= 'f' {
			v = rune(l-'a') + 10
		} else if c < '0' || c > '9' {
			return 0, 0, false
		}
		if r = r*base + v; r > utf8.MaxRune {
			return 0, 0, false
		}
	}
	if !isChar(r) {
		return 0, 0, false
	}
	return size, r, false
}

// value is an attribute's value as an application sees it: references resolved, white space normalised (XML 1.0 §3.3.3).
func (d *Document) value(a *attribute) []byte { return d.decoded(a.value, a.end, true) }

// decoded resolves references and line ends in a range of the source; of an attribute's value white space too.
func (d *Document) decoded(from, to uint32, inValue bool) []byte {
	raw := d.src[from:to]
	if bytes.IndexByte(raw, '&') < 0 && bytes.IndexByte(raw, '\r') < 0 && (!inValue || !bytes.ContainsAny(raw, "\t\n")) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '&':
			size, r, _ := reference(raw, i, inValue)
			if size == 0 { // cannot be: the document was parsed
				return out
			}
			out = utf8.AppendRune(out, r)
			i += size
		case c == '\r':
			// XML 1.0 §2.11: CR LF and CR are one line end.
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			i++
			out = append(out, lineEnd(inValue))
		case inValue && (c == '\n' || c == '\t'):
			out = append(out, ' ')
			i++
		default:
			out = append(out, c)
			i++
		}
	}
	return out
}

func lineEnd(inValue bool) byte {
	if inValue {
		return ' '
	}
	return '\n'
}
