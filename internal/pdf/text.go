// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"strings"
	"unicode/utf16"
)

// textString reads a text string (ISO 32000-1 §7.9.2.2): UTF-16BE or UTF-8 behind a byte order mark, else one byte a letter.
func textString(b []byte) string {
	if rest, ok := bytes.CutPrefix(b, []byte{0xfe, 0xff}); ok {
		u := make([]uint16, len(rest)/2)
		for i := range u {
			u[i] = uint16(rest[2*i])<<8 | uint16(rest[2*i+1])
		}
		return string(utf16.Decode(u))
	}
	if rest, ok := bytes.CutPrefix(b, []byte{0xef, 0xbb, 0xbf}); ok {
		return strings.ToValidUTF8(string(rest), "\uFFFD")
	}
	var out strings.Builder
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// textBytes writes s as a text string: plain ASCII where it is, else UTF-16BE.
func textBytes(s string) []byte {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] >= ' ' && s[i] < 127
	}
	if ascii {
		return []byte(s)
	}
	out := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}
