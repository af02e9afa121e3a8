// SPDX-License-Identifier: Apache-2.0

package cms_test

import (
	"bytes"
	"crypto"
	"reflect"
	"testing"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

// corpus is one message of each kind that the other tests make.
func corpus(f *testing.F) [][]byte {
	f.Helper()
	p, q := newParty(f, "RSA"), newParty(f, "P256")
	plain := honest(f, p, content)
	detached := honest(f, q, content)
	detached.content = nil
	chunked := honest(f, p, content)
	chunked.chunks = [][]byte{content[:5], content[5:]}
	bare := honest(f, q, content)
	bare.signers[0].attrs = nil
	keyID := honest(f, q, content)
	keyID.signers[0].keyID = true
	countered := honest(f, q, content)
	countered.signers[0].unsigned = [][]byte{attribute("1.2.840.113549.1.9.6", counterInfo(q))}
	var out [][]byte
	for _, m := range []message{plain, detached, chunked, bare, keyID, countered, {contentType: pki.OIDData}} {
		out = append(out, m.der())
	}
	signed, err := cms.Sign(f.Context(), cms.SignOptions{Content: content, Key: q.key, Certificate: q.cert, SigningTime: notBefore})
	if err != nil {
		f.Fatal(err)
	}
	return append(out, signed, pemOf("CMS", signed), []byte("30 80"), bytes.Repeat([]byte{0x30, 0x80}, 100))
}

// counterInfo is a countersignature of no value, for its shape.
func counterInfo(q party) []byte {
	return signer{by: q, digest: pki.OIDSHA256, sigAlg: pki.OIDECDSAWithSHA256,
		attrs:     [][]byte{attribute(pki.OIDMessageDigest, octetValue(sum(crypto.SHA256, nil)))},
		signature: []byte{0x30, 0}}.info()
}

// FuzzParse: what parses parses again from Raw to the same, and judging it never panics.
func FuzzParse(f *testing.F) {
	seeds := corpus(f)
	if len(seeds) == 0 {
		f.Fatal("the corpus is empty")
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		raw, err := cms.Decode(data)
		if err != nil {
			raw = data
		}
		sd, err := cms.Parse(raw, cms.Limits{})
		if err != nil {
			if sd != nil {
				t.Fatal("a result beside an error")
			}
			return
		}
		again, err := cms.Parse(sd.Raw, cms.Limits{})
		if err != nil {
			t.Fatalf("Raw does not parse: %v", err)
		}
		if !bytes.Equal(again.Raw, sd.Raw) {
			t.Fatal("Raw is not stable")
		}
		// Only what BER attributes looked like is lost on the way.
		sameSigners(t, sd.Signers, again.Signers)
		if again.ContentType != sd.ContentType || !bytes.Equal(again.Content, sd.Content) || again.Detached != sd.Detached ||
			len(again.Certificates) != len(sd.Certificates) || !reflect.DeepEqual(again.CRLs, sd.CRLs) {
			t.Fatal("Raw says something else")
		}
		judgeMessage(t, sd, []byte("other"), nil)
		for i, s := range sd.Signers {
			s.ESS()
			s.SigningTime()
			s.Claims()
			out, err := sd.AddUnsigned(i, cms.Attribute{Type: "1.2.3", Values: [][]byte{{5, 0}}})
			if err != nil {
				t.Fatal(err)
			}
			if more, err := cms.Parse(out, cms.Limits{}); err == nil && len(more.Signers) != len(sd.Signers) {
				t.Fatal("adding an attribute changed the signers")
			}
		}
	})
}

func sameSigners(t *testing.T, a, b []*cms.Signer) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatal("another number of signers")
	}
	for i := range a {
		x, y := a[i], b[i]
		if !reflect.DeepEqual(x.SignedAttrs, y.SignedAttrs) || !reflect.DeepEqual(x.UnsignedAttrs, y.UnsignedAttrs) ||
			!bytes.Equal(x.Signature, y.Signature) || !bytes.Equal(x.SerialBytes, y.SerialBytes) ||
			!bytes.Equal(x.SubjectKeyID, y.SubjectKeyID) || x.DigestAlgorithm.OID != y.DigestAlgorithm.OID {
			t.Fatalf("signer %d says something else", i)
		}
		if x.SignedAttrsDER && !y.SignedAttrsDER {
			t.Fatalf("signer %d lost its DER", i)
		}
		sameSigners(t, x.CounterSigners(), y.CounterSigners())
	}
}

// FuzzDecode: what any armour or mail gives can be handed on without a panic.
func FuzzDecode(f *testing.F) {
	for _, s := range corpus(f) {
		f.Add(s)
	}
	f.Add([]byte("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n" +
		"Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\nMIA=\r\n--b--\r\n"))
	f.Add([]byte("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\nMIAGCSqGSIb3DQEHAg==\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, ok := cms.DecodeMIME(data); ok && !cms.IsCMS(m.Message) {
			t.Fatal("a mail without a message")
		}
		out, err := cms.Decode(data)
		if err != nil && out != nil {
			t.Fatal("a result beside an error")
		}
		if err == nil && len(out) > len(data) {
			t.Fatal("decoding made more of it")
		}
	})
}
