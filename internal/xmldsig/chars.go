// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Classes of bytes. In text a byte of class 0 stands for itself in canonical form; whether it may stand there at all is
// looked at once for the whole document (stray).
const (
	inText  = 1 << iota // must be looked at in character data
	inValue             // must be looked at in an attribute value
	isName              // of an ASCII name (XML 1.0 §2.3), the colon not among them
	isStart             // may begin an ASCII name
	isSpace             // S
	inTag               // must be looked at in an attribute value, or ends the tag
)

var class = func() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c == '\t' || c == '\n':
			t[c] = inValue | inTag | isSpace
		case c == '\r':
			t[c] = inText | inValue | inTag | isSpace
		case c == ' ':
			t[c] = isSpace
		case c == '<' || c == '&':
			t[c] = inText | inValue | inTag
		case c == '>':
			t[c] = inText | inTag
		case c == '"':
			t[c] = inValue | inTag
		case c == '\'':
			t[c] = inValue
		case c == '_' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z':
			t[c] = isName | isStart
		case c == '-' || c == '.' || '0' <= c && c <= '9':
			t[c] = isName
		}
	}
	return t
}()

// isChar is Char of XML 1.0 §2.2.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || ' ' <= r && r <= 0xD7FF || 0xE000 <= r && r <= 0xFFFD || 0x10000 <= r && r <= 0x10FFFF
}

// rest moves over one character above ASCII at i; 0 where it is none that XML knows.
func rest(src []byte, i int) int {
	// Two octets, the letters of Kazakh and Russian, need no table: all of them are characters.
	if c := src[i]; c >= 0xC2 && c <= 0xDF && i+1 < len(src) && src[i+1]&0xC0 == 0x80 {
		return 2
	}
	r, size := utf8.DecodeRune(src[i:])
	if r == utf8.RuneError && size == 1 || !isChar(r) {
		return 0
	}
	return size
}

// Eight octets at once: ones times n has n in each, and tops marks the octets of x-ones*n that fell below nought.
const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// Four letters of two octets each: the first of every two is a lead (110xxxxx), the second a tail (10xxxxxx).
const (
	pairMask = 0xC0E0C0E0C0E0C0E0
	pairForm = 0x80C080C080C080C0
	pairLead = 0x001E001E001E001E // none of it set: C0 or C1, which begin no letter
	pairOnes = 0x0001000100010001
	pairTops = 0x8000800080008000
)

// stray gives the place of the first octet that is no character of XML; -1 where there is none.
func stray(src []byte) int {
	for i := 0; i < len(src); {
		if i+8 <= len(src) {
			x := binary.LittleEndian.Uint64(src[i:])
			odd := (x | (x-ones*' ')&^x) & tops // above ASCII, or below the space
			if odd == 0 {
				i += 8
				continue
			}
			lead := x & pairLead
			if x&pairMask == pairForm && (lead-pairOnes)&^lead&pairTops == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(odd) >> 3
		}
		switch c := src[i]; {
		case c >= utf8.RuneSelf:
			size := rest(src, i)
			if size == 0 {
				return i
			}
			i += size
		case c < ' ' && class[c]&isSpace == 0:
			return i
		default:
			i++
		}
	}
	return -1
}

// special finds the next of "<", ">", "&" and carriage return at i or behind it; the end where there is none.
func special(src []byte, i int) int {
	for i+8 <= len(src) {
		x := binary.LittleEndian.Uint64(src[i:])
		angle := x&^(ones*2) ^ ones*'<' // "<" and ">" differ in one bit
		amp, cr := x^ones*'&', x^ones*'\r'
		if found := ((angle-ones)&^angle | (amp-ones)&^amp | (cr-ones)&^cr) & tops; found != 0 {
			// The lowest mark is true; those above it may come of its borrow.
			return i + bits.TrailingZeros64(found)>>3
		}
		i += 8
	}
	for i < len(src) && class[src[i]]&inText == 0 {
		i++
	}
	return i
}

// isNameStart and isNameRune are NameStartChar and NameChar above ASCII (XML 1.0 §2.3).
func isNameStart(r rune) bool {
	return 0xC0 <= r && r <= 0x2FF && r != 0xD7 && r != 0xF7 || 0x370 <= r && r <= 0x1FFF && r != 0x37E ||
		r == 0x200C || r == 0x200D || 0x2070 <= r && r <= 0x218F || 0x2C00 <= r && r <= 0x2FEF || 0x3001 <= r && r <= 0xD7FF ||
		0xF900 <= r && r <= 0xFDCF || 0xFDF0 <= r && r <= 0xFFFD || 0x10000 <= r && r <= 0xEFFFF
}

func isNameRune(r rune) bool {
	return isNameStart(r) || r == 0xB7 || 0x300 <= r && r <= 0x36F || r == 0x203F || r == 0x2040
}

// name reads an NCName at i and gives its end; i where there is none.
func name(src []byte, i int) int {
	begin := i
	if i < len(src) && class[src[i]]&isStart != 0 {
		for i++; i < len(src) && class[src[i]]&isName != 0; i++ {
		}
		if i == len(src) || src[i] < utf8.RuneSelf {
			return i
		}
	}
	for i < len(src) {
		c := src[i]
		switch {
		case c < utf8.RuneSelf:
			if class[c]&isName == 0 || i == begin && class[c]&isStart == 0 {
				return i
			}
			i++
		default:
			r, size := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && size == 1 || !isNameRune(r) || i == begin && !isNameStart(r) {
				return i
			}
			i += size
		}
	}
	return i
}

// blank says whether b is white space alone.
func blank(b []byte) bool {
	for _, c := range b {
		if class[c]&isSpace == 0 {
			return false
		}
	}
	return true
}
