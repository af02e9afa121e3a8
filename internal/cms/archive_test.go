// SPDX-License-Identifier: Apache-2.0

package cms_test

import (
	"bytes"
	"crypto"
	"errors"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

const hashIndexV3 pki.OID = "0.4.0.19122.1.5"

// hashIndex writes ATSHashIndexV3 over the elements given.
func hashIndex(certificates, lists, values [][]byte) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(algorithm(pki.OIDSHA256, nil))
			for _, part := range [][][]byte{certificates, lists, values} {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					for _, e := range part {
						b.AddASN1OctetString(sum(crypto.SHA256, e))
					}
				})
			}
		})
	})
}

// token is a signer in the place of a time-stamp token's, with these indexes.
func token(t testing.TB, p party, indexes ...[]byte) *cms.Signer {
	t.Helper()
	m := honest(t, p, []byte("token"))
	if len(indexes) > 0 {
		m.signers[0].unsigned = [][]byte{attribute(hashIndexV3, indexes...)}
	}
	return mustParse(t, m.der()).Signers[0]
}

func TestArchiveInput(t *testing.T) {
	p := newParty(t, "P256")
	m := honest(t, p, content)
	m.signers[0].unsigned = [][]byte{attribute("1.2.3", []byte{5, 0})}
	sd := mustParse(t, m.der())
	value := []byte{6, 2, 0x2a, 3, 5, 0} // attrType 1.2.3 and its value, together
	all := hashIndex([][]byte{p.cert.Raw}, nil, [][]byte{value})
	none := hashIndex(nil, nil, nil)
	tests := []struct {
		name    string
		indexes [][]byte
		covered int // elements; -1: refused
	}{
		{"all that is there", [][]byte{all}, 2},
		{"less than is there", [][]byte{none}, 0},
		{"a certificate that is not there", [][]byte{hashIndex([][]byte{p.cert.Raw, []byte("gone")}, nil, nil)}, -1},
		{"a list that is not there", [][]byte{hashIndex(nil, [][]byte{[]byte("gone")}, nil)}, -1},
		{"a value without its type", [][]byte{hashIndex(nil, nil, [][]byte{{5, 0}})}, -1},
		{"none", nil, -1},
		{"two", [][]byte{all, none}, -1},
		{"no sequence", [][]byte{{5, 0}}, -1},
		{"cut", [][]byte{{0x30, 0}}, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			input, covered, err := sd.ArchiveInput(sd.Signers[0], token(t, p, tt.indexes...), pki.OIDSHA256, nil)
			if tt.covered < 0 {
				if !errors.Is(err, cms.ErrHashIndex) {
					t.Errorf("%v, want ErrHashIndex", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if n := len(covered.Certificates) + len(covered.Revocation) + len(covered.Attributes); n != tt.covered {
				t.Errorf("%d elements covered, want %d", n, tt.covered)
			}
			if !bytes.HasPrefix(input, append(oidValue(pki.OIDData), sum(crypto.SHA256, content)...)) || !bytes.HasSuffix(input, tt.indexes[0]) {
				t.Errorf("the input is %x", input)
			}
		})
	}
	t.Run("detached", func(t *testing.T) {
		m := honest(t, p, content)
		m.content = nil
		sd := mustParse(t, m.der())
		if _, _, err := sd.ArchiveInput(sd.Signers[0], token(t, p, none), pki.OIDSHA256, nil); !errors.Is(err, cms.ErrNoContent) {
			t.Errorf("%v, want ErrNoContent", err)
		}
		d := cms.Digests{pki.OIDSHA256: sum(crypto.SHA256, content)}
		if _, _, err := sd.ArchiveInput(sd.Signers[0], token(t, p, none), pki.OIDSHA256, d); err != nil {
			t.Error(err)
		}
	})
}

// FuzzArchiveInput: whatever stands in the index, nothing panics, and nothing that is
// not in the message is covered.
func FuzzArchiveInput(f *testing.F) {
	p := newParty(f, "P256")
	m := honest(f, p, content)
	m.signers[0].unsigned = [][]byte{attribute("1.2.3", []byte{5, 0})}
	sd := mustParse(f, m.der())
	for _, seed := range [][]byte{
		hashIndex(nil, nil, nil), hashIndex([][]byte{p.cert.Raw}, nil, [][]byte{{6, 2, 0x2a, 3, 5, 0}}), {0x30, 0}, {5, 0},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, index []byte) {
		in := cryptobyte.String(index)
		var e cryptobyte.String
		var tag asn1.Tag
		if !in.ReadAnyASN1Element(&e, &tag) || !in.Empty() {
			return // no attribute value
		}
		m := honest(t, p, []byte("token"))
		m.signers[0].unsigned = [][]byte{attribute(hashIndexV3, index)}
		other, err := cms.Parse(m.der(), cms.Limits{})
		if err != nil {
			return
		}
		_, covered, err := sd.ArchiveInput(sd.Signers[0], other.Signers[0], pki.OIDSHA256, nil)
		if err == nil && len(covered.Certificates)+len(covered.Attributes) > 2 {
			t.Errorf("covered %+v", covered)
		}
	})
}
