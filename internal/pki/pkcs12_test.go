// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"rastau/internal/pki"
)

// chain makes a root, an issuer and a leaf; the leaf's key is the signer.
func chain(t testing.TB, signer crypto.Signer) (leaf, issuer, root *x509.Certificate) {
	t.Helper()
	sign := func(cn string, public crypto.PublicKey, parent *x509.Certificate, key crypto.Signer) *x509.Certificate {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), RawSubject: subject(t, attribute{pki.OIDCommonName, cn}), IsCA: true, BasicConstraintsValid: true,
			NotBefore: judged, NotAfter: judged.AddDate(1, 0, 0),
		}
		if parent == nil {
			parent = template
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	top, middle := key("P-384"), key("P-521")
	root = sign("Тамыр", top.Public(), nil, top)
	issuer = sign("Орта", middle.Public(), root, top)
	return sign("Үлгі", signer.Public(), issuer, middle), issuer, root
}

func TestReadPKCS12(t *testing.T) {
	for encoder, e := range map[string]*pkcs12.Encoder{"modern": pkcs12.Modern, "legacy DES": pkcs12.LegacyDES, "legacy RC2": pkcs12.LegacyRC2} {
		for _, name := range []string{"RSA", "P-256", "Ed25519"} {
			t.Run(encoder+" "+name, func(t *testing.T) {
				leaf, issuer, root := chain(t, key(name))
				data, err := e.Encode(key(name), leaf, []*x509.Certificate{root, issuer}, "Құпия сөз")
				if err != nil {
					t.Fatal(err)
				}
				k, err := pki.ReadPKCS12(data, "Құпия сөз")
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(k.Certificate.Raw, leaf.Raw) || len(k.Chain) != 2 || !bytes.Equal(k.Chain[0].Raw, issuer.Raw) || !bytes.Equal(k.Chain[1].Raw, root.Raw) {
					t.Error("the chain is not in order")
				}
				for _, wrong := range []string{"", "құпия сөз", "Құпия сөз "} {
					if _, err := pki.ReadPKCS12(data, wrong); !errors.Is(err, pki.ErrPassword) {
						t.Errorf("%q: %v", wrong, err)
					}
				}
			})
		}
	}
}

func TestReadPKCS12Refuses(t *testing.T) {
	leaf, issuer, root := chain(t, key("RSA"))
	encode := func(e *pkcs12.Encoder, key crypto.Signer, leaf *x509.Certificate, others ...*x509.Certificate) []byte {
		data, err := e.Encode(key, leaf, others, "password")
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	good := encode(pkcs12.Modern, key("RSA"), leaf, issuer)
	trust, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{root}, "password")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":                 {nil, pki.ErrNotPKCS12},
		"text":                    {[]byte("-----BEGIN"), pki.ErrNotPKCS12},
		"a certificate":           {leaf.Raw, pki.ErrNotPKCS12},
		"cut":                     {good[:len(good)-1], pki.ErrNotPKCS12},
		"byte behind":             {append(bytes.Clone(good), 0), pki.ErrNotPKCS12},
		"too large":               {append(bytes.Clone(good), make([]byte, pki.MaxPKCS12)...), pki.ErrNotPKCS12},
		"no key":                  {trust, pki.ErrNoKey},
		"another's key":           {encode(pkcs12.Modern, key("P-256"), issuer, root), pki.ErrNoKey},
		"count of the MAC":        {recount(t, good, 2048, 1_000_001, false), pki.ErrNotPKCS12},
		"count of the encryption": {recount(t, good, 2048, 1_000_001, true), pki.ErrNotPKCS12},
		"count of nothing":        {recount(t, good, 2048, 0, true), pki.ErrNotPKCS12},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if k, err := pki.ReadPKCS12(test.data, "password"); !errors.Is(err, test.want) || k != nil {
				t.Errorf("%v, want %v", err, test.want)
			}
			if spent := time.Since(start); spent > 5*time.Second {
				t.Errorf("took %v", spent)
			}
		})
	}
}

// recount replaces an iteration count by another of any size: the last one in the file (the MAC's), or the first.
func recount(t *testing.T, data []byte, from, to int, first bool) []byte {
	t.Helper()
	old, _ := asn1.Marshal(from)
	was := pfx{}
	if _, err := asn1.Unmarshal(data, &was); err != nil {
		t.Fatal(err)
	}
	if !first {
		was.Mac.Iterations = to
	} else {
		var content []byte
		if _, err := asn1.Unmarshal(was.AuthSafe.Content.Bytes, &content); err != nil {
			t.Fatal(err)
		}
		// The new count takes the place of as many octets: 0x02 0x02 hi lo becomes a count of two octets, or the salt gives one.
		at := bytes.Index(content, old)
		if at < 0 {
			t.Fatal("no count")
		}
		grown, _ := asn1.Marshal(to)
		content = regrow(t, content, at, len(old), grown)
		inner, _ := asn1.Marshal(content)
		was.AuthSafe.Content = asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: inner}
	}
	out, err := asn1.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

type pfx struct {
	Version  int
	AuthSafe struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}
	Mac struct {
		Digest     asn1.RawValue
		Salt       []byte
		Iterations int
	}
}

// regrow replaces octets inside nested definite lengths and mends every length around them.
func regrow(t *testing.T, der []byte, at, size int, new []byte) []byte {
	t.Helper()
	var rest asn1.RawValue
	var out []byte
	for offset := 0; offset < len(der); {
		if _, err := asn1.Unmarshal(der[offset:], &rest); err != nil {
			t.Fatal(err)
		}
		end, start := offset+len(rest.FullBytes), offset+len(rest.FullBytes)-len(rest.Bytes)
		switch {
		case offset == at && end == at+size:
			out = append(out, new...)
		case at >= start && at < end && (rest.IsCompound || rest.Tag == 4):
			body := regrow(t, rest.Bytes, at-start, size, new)
			again, err := asn1.Marshal(asn1.RawValue{Class: rest.Class, Tag: rest.Tag, IsCompound: rest.IsCompound, Bytes: body})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, again...)
		default:
			out = append(out, rest.FullBytes...)
		}
		offset = end
	}
	return out
}
