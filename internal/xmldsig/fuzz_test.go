// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"testing"
)

// FuzzParse: no input panics; canonical form is a fixed point of itself; what is read here and by encoding/xml has the same
// elements and text; whatever verifies has content.
func FuzzParse(f *testing.F) {
	k := keyOf(f, ecKey)
	for _, doc := range []string{`<a/>`, `<a b='1'><!-- c --><?p i?><![CDATA[<]]>&amp;&#13;</a>`, `<x:a xmlns:x="urn:x" x:id="ы"/>`} {
		f.Add([]byte(doc))
		signed, err := Sign(context.Background(), []byte(doc), SignOptions{Key: k.Signer, Certificate: k.Certificate, XAdES: true, SigningTime: day0})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(signed)
	}
	message, err := SignSecurity(context.Background(), []byte(envelope), SignOptions{Key: k.Signer, Certificate: k.Certificate})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(message)
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data, Limits{Bytes: 1 << 20, Depth: 64})
		if err != nil {
			return
		}
		for _, s := range d.Signatures() {
			cert := s.Certificate(nil)
			c := s.Verify(cert)
			s.Scope()
			for i, r := range s.References {
				if i < len(c.Digests) && c.Digests[i] == nil {
					if _, err := s.Content(r); err != nil {
						t.Fatalf("a digest holds and has no content: %v", err)
					}
				}
			}
			if p := s.Properties; p != nil && s.Problem == nil {
				for _, token := range p.Archive {
					p.Before(token)
					_, _ = s.ArchiveInput(token)
				}
			}
		}
		for _, m := range methods {
			m.comments = true
			var once bytes.Buffer
			if err := d.canonical(&once, span{whole: true}, nil, m); err != nil {
				if errors.Is(err, ErrCanonical) {
					continue
				}
				t.Fatal(err)
			}
			again, err := Parse(once.Bytes(), Limits{Bytes: 8 << 20, Depth: 64, Attributes: 1 << 12})
			if err != nil {
				t.Fatalf("canonical form is not read: %v\n%s", err, once.Bytes())
			}
			var twice bytes.Buffer
			if err := again.canonical(&twice, span{whole: true}, nil, m); err != nil || !bytes.Equal(once.Bytes(), twice.Bytes()) {
				t.Fatalf("%v\nonce  %s\ntwice %s", err, once.Bytes(), twice.Bytes())
			}
			if mine, theirs := digestText(once.Bytes()), tokens(once.Bytes()); theirs != "" && mine != theirs {
				t.Fatalf("read as %q, and by encoding/xml as %q", mine, theirs)
			}
			return
		}
	})
}

// tokens is the local names and the text as encoding/xml sees them; "" where it refuses.
func tokens(doc []byte) string {
	var out bytes.Buffer
	dec := xml.NewDecoder(bytes.NewReader(doc))
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return out.String()
		}
		if err != nil {
			return ""
		}
		switch x := token.(type) {
		case xml.StartElement:
			out.WriteString("<" + x.Name.Local + ">")
		case xml.EndElement:
			out.WriteString("</" + x.Name.Local + ">")
		case xml.CharData:
			out.Write(x)
		}
	}
}

// digestText is the same by the reader under test.
func digestText(doc []byte) string {
	d, err := Parse(doc, Limits{Bytes: 8 << 20, Depth: 64, Attributes: 1 << 12})
	if err != nil {
		return ""
	}
	var out bytes.Buffer
	text := uint32(0)
	for i := range d.nodes {
		n := &d.nodes[i]
		if n.kind != piece {
			out.Write(d.decoded(text, n.from, false))
			text = n.to
		}
		switch n.kind {
		case startTag, emptyTag:
			out.WriteString("<" + string(d.local(uint32(i))) + ">")
		case endTag:
			out.WriteString("</" + string(d.local(n.link)) + ">")
		case piece:
			for from, to := range d.tags(n) {
				out.Write(d.decoded(text, from, false))
				text = to
				if d.src[from+1] == '/' {
					out.WriteString("</" + string(d.localAt(from+2)) + ">")
					continue
				}
				out.WriteString("<" + string(d.localAt(from+1)) + ">")
				if d.src[to-2] == '/' {
					out.WriteString("</" + string(d.localAt(from+1)) + ">")
				}
			}
		}
		if n.kind == emptyTag {
			out.WriteString("</" + string(d.local(uint32(i))) + ">")
		}
	}
	out.Write(d.decoded(text, uint32(len(d.src)), false))
	return out.String()
}

const envelope = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><ask xmlns="urn:kz:gbd">Сұрау</ask></soap:Body></soap:Envelope>`
