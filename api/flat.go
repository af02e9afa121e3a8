// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"encoding/base64"
	"slices"
)

// flatQuestion reads what nearly every question about a signature looks like: one object
// of known names, each once, with plain ASCII strings. It is decodeJSON for those, at a
// tenth of the cost. ok is false for everything else, right or wrong, which decodeJSON
// then judges: nothing is taken here that it would refuse, or would read otherwise.
func flatQuestion(body []byte) (q signatureQuestion, ok bool) {
	fields := []struct {
		name string
		file **[]byte
		text **string
	}{
		{"document", &q.Document, nil}, {"content", &q.Content, nil}, {"contentDigest", nil, &q.ContentDigest},
		{"at", nil, &q.At}, {"iin", nil, &q.IIN}, {"bin", nil, &q.BIN}, {"applicant", nil, &q.Applicant},
		{"purpose", nil, &q.Purpose}, {"revocation", nil, &q.Revocation}, {"maxAge", nil, &q.MaxAge},
		{"lang", nil, &q.Lang}, {"algorithms", nil, &q.Algorithms},
	}
	var seen [12]bool
	in := flat(body)
	if !in.take('{') {
		return q, false
	}
	for {
		name, good := in.quoted()
		if !good || !in.take(':') {
			return q, false
		}
		value, good := in.quoted()
		i := slices.IndexFunc(fields, func(f struct {
			name string
			file **[]byte
			text **string
		}) bool {
			return f.name == string(name)
		})
		if !good || i < 0 || seen[i] {
			return q, false
		}
		seen[i] = true
		if f := fields[i]; f.file == nil {
			if !plain(value) {
				return q, false
			}
			text := string(value)
			*f.text = &text
		} else {
			// The decoder passes over line ends, which no JSON string contains; every other
			// octet outside its alphabet, the backslash among them, is an error to it.
			if bytes.IndexByte(value, '\n') >= 0 || bytes.IndexByte(value, '\r') >= 0 {
				return q, false
			}
			data := make([]byte, base64.StdEncoding.DecodedLen(len(value)))
			n, err := base64.StdEncoding.Decode(data, value)
			if err != nil {
				return q, false
			}
			data = data[:n]
			*f.file = &data
		}
		if in.take(',') {
			continue
		}
		return q, in.take('}') && len(bytes.TrimLeft(in, " \t\r\n")) == 0
	}
}

// flat is the rest of a JSON text.
type flat []byte

// take takes one octet, after white space.
func (f *flat) take(c byte) bool {
	rest := bytes.TrimLeft(*f, " \t\r\n")
	if len(rest) == 0 || rest[0] != c {
		return false
	}
	*f = rest[1:]
	return true
}

// quoted takes what stands between two quotation marks; whether it is plain is the
// caller's to see.
func (f *flat) quoted() ([]byte, bool) {
	if !f.take('"') {
		return nil, false
	}
	end := bytes.IndexByte(*f, '"')
	if end < 0 {
		return nil, false
	}
	s := (*f)[:end]
	*f = (*f)[end+1:]
	return s, true
}

// plain reports printable ASCII without escapes.
func plain(s []byte) bool {
	return !slices.ContainsFunc(s, func(c byte) bool { return c < ' ' || c > '~' || c == '\\' })
}
