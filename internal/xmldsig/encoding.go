// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// utf8Text gives the document in UTF-8 without a byte order mark. What is signed is canonical form, which is UTF-8
// whatever the document is written in.
func utf8Text(data []byte) ([]byte, error) {
	var bigEndian bool
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		bigEndian = true
		fallthrough
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		text, ok := fromUTF16(data[2:], bigEndian)
		if !ok {
			return nil, xmlError(ErrXML, 0, "text that is not UTF-16")
		}
		if e := declared(text); e != "" && e != "utf-16" && e != "utf-16le" && e != "utf-16be" {
			return nil, xmlError(ErrUnsafe, 0, "UTF-16 that calls itself %.40q", e)
		}
		return text, nil
	}
	switch e := declared(data); e {
	case "", "utf-8", "utf8", "us-ascii":
		return data, nil
	case "windows-1251":
		text, err := charmap.Windows1251.NewDecoder().Bytes(data)
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			return nil, xmlError(ErrXML, 0, "text that is not windows-1251")
		}
		return text, nil
	default:
		return nil, xmlError(ErrUnsafe, 0, "the encoding %.40q; UTF-8, UTF-16 and windows-1251 are read", e)
	}
}

// declared is the encoding that the XML declaration names, in small letters; "" where it names none.
func declared(data []byte) string {
	if !bytes.HasPrefix(data, []byte("<?xml")) {
		return ""
	}
	head, _, found := bytes.Cut(data[:min(len(data), 512)], []byte("?>"))
	if !found {
		return ""
	}
	_, after, found := bytes.Cut(head, []byte("encoding"))
	if !found {
		return ""
	}
	after = bytes.TrimLeft(after, " \t\r\n=")
	if len(after) == 0 || after[0] != '"' && after[0] != '\'' {
		return ""
	}
	word, _, _ := bytes.Cut(after[1:], after[:1])
	return strings.ToLower(string(word))
}

func fromUTF16(data []byte, bigEndian bool) ([]byte, bool) {
	if len(data)%2 != 0 {
		return nil, false
	}
	unit := func(i int) rune {
		if bigEndian {
			return rune(data[i])<<8 | rune(data[i+1])
		}
		return rune(data[i+1])<<8 | rune(data[i])
	}
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i += 2 {
		r := unit(i)
		if utf16.IsSurrogate(r) {
			if i+3 >= len(data) {
				return nil, false
			}
			i += 2
			if r = utf16.DecodeRune(r, unit(i)); r == utf8.RuneError {
				return nil, false
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out, true
}
