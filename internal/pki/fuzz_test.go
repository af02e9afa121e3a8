// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"rastau/internal/gost"
	"rastau/internal/pki"
	"rastau/internal/testpki"
)

// certificates of every kind of key, and one with what extensions the standard library writes.
func corpus(f *testing.F) [][]byte {
	f.Helper()
	var out [][]byte
	for _, kind := range []string{"P-224", "P-256", "P-384", "P-521", "Ed25519"} {
		out = append(out, made(f, key(kind), person(f), func(x *x509.Certificate) {
			x.OCSPServer, x.CRLDistributionPoints = []string{"http://a.test"}, []string{"http://b.test"}
			x.PermittedDNSDomains, x.DNSNames = []string{"a.test"}, []string{"b.test"}
		}))
	}
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return judged }, GOST: true})
	if err != nil {
		f.Fatal(err)
	}
	out = append(out, p.Root().Certificate.Raw)
	if len(out) == 0 {
		f.Fatal("the corpus is empty")
	}
	return out
}

func FuzzParseCertificate(f *testing.F) {
	for _, der := range corpus(f) {
		f.Add(der)
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := pki.ParseCertificate(data); err == nil {
			if !bytes.Equal(c.Raw, data) || !bytes.Contains(data, c.RawTBS) {
				t.Fatal("what was read is not what was given")
			}
			exercise(c)
			again, err := pki.ParseName(c.Subject.Raw)
			if err != nil || !again.Equal(c.Subject) || !c.Subject.Within(again) {
				t.Fatalf("the subject does not read back: %v", err)
			}
		}
		list, err := pki.ReadCertificates(data)
		if (err == nil) != (len(list) > 0) {
			t.Fatalf("%d certificates and %v", len(list), err)
		}
	})
}

func FuzzPKCS12(f *testing.F) {
	leaf, issuer, _ := chain(f, key("P-256"))
	count := 0
	for _, e := range []*pkcs12.Encoder{pkcs12.Modern.WithIterations(1), pkcs12.LegacyDES.WithIterations(1), pkcs12.LegacyRC2.WithIterations(1), pkcs12.Passwordless} {
		password := "password"
		if e == pkcs12.Passwordless {
			password = ""
		}
		data, err := e.Encode(key("P-256"), leaf, []*x509.Certificate{issuer}, password)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, password)
		count++
	}
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return judged }, GOST: true})
	if err != nil {
		f.Fatal(err)
	}
	national, err := testpki.PKCS12(&pki.Key{Signer: p.Root().Key, Certificate: p.Root().Certificate}, "password")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(national, "password")
	if count == 0 {
		f.Fatal("the corpus is empty")
	}
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		k, err := pki.ReadPKCS12(data, password)
		if (err == nil) != (k != nil) || (k != nil && (k.Signer == nil || k.Certificate == nil)) {
			t.Fatalf("%v and %v", k, err)
		}
	})
}

func FuzzParseNationalPrivateKey(f *testing.F) {
	for _, name := range []string{"GOST 512", "GOST 2004", "GOST 256"} {
		der, err := pki.MarshalNationalPrivateKey(key(name).(*gost.PrivateKey))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		k, err := pki.ParseNationalPrivateKey(der)
		if (err == nil) != (k != nil) {
			t.Fatalf("%v and %v", k, err)
		}
		if k == nil {
			return
		}
		again, err := pki.MarshalNationalPrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		if read, err := pki.ParseNationalPrivateKey(again); err != nil || !read.Equal(k) {
			t.Fatalf("what was written does not read back: %v", err)
		}
	})
}
