// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// maxXMP bounds the metadata that is compared.
const maxXMP = 1 << 20

// said are the statements of XMP metadata about what the document is (ISO 16684-1 §8.3), without dates and programs.
var said = []string{"title", "creator", "description", "subject", "rights", "publisher", "Keywords", "Author"}

// statements reads them; false where the stream is no readable XML.
func (v view) statements(o object, b *brush) (map[string]string, bool) {
	s, ok := v.get(o).(*stream)
	if !ok {
		return nil, v.get(o) == nil
	}
	data, err := decode(s, &b.inflate)
	if b.inflate -= 4 * len(data); err != nil || len(data) > maxXMP || b.inflate < 0 {
		return nil, false
	}
	out := map[string]string{}
	x := xml.NewDecoder(bytes.NewReader(data))
	x.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("another charset") }
	var path []string
	for {
		t, err := x.Token()
		if errors.Is(err, io.EOF) {
			return out, true
		}
		if b.tokens -= 10; err != nil || len(path) > 64 || b.tokens < 0 {
			return nil, false
		}
		switch t := t.(type) {
		case xml.StartElement:
			path = append(path, t.Name.Local)
			for _, a := range t.Attr {
				if slices.Contains(said, a.Name.Local) {
					out[a.Name.Local] += a.Value
				}
			}
		case xml.EndElement:
			path = path[:max(len(path)-1, 0)]
		case xml.CharData:
			words := strings.Join(strings.Fields(string(t)), " ")
			if i := slices.IndexFunc(path, func(s string) bool { return slices.Contains(said, s) }); i >= 0 && words != "" {
				out[path[i]] += words
			}
		}
	}
}

// metadata: programs write the date of a change and their name into the metadata. What it says about the document itself
// must stay; no page shows any of it.
func (s *step) metadata(was, now object) {
	before, ok1 := s.old.statements(was, &s.brush)
	after, ok2 := s.new.statements(now, &s.brush)
	if !ok1 || !ok2 {
		s.refuse(Metadata, "The document's metadata was changed and cannot be compared.")
		return
	}
	for _, k := range said {
		if before[k] != "" && before[k] != after[k] {
			s.refuse(Metadata, "The document's metadata says something else than what was signed: %s.", k)
			return
		}
	}
	s.allow(Metadata, "The document's metadata (date of the last change, program) was written anew.")
}
