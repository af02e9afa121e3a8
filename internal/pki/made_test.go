// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"sync"
	"testing"
	"time"

	"rastau/internal/gost"
	"rastau/internal/identity"
	"rastau/internal/pki"
)

var (
	born       = time.Date(1987, 6, 5, 0, 0, 0, 0, time.UTC)
	registered = time.Date(2019, 3, 1, 0, 0, 0, 0, time.UTC)
	judged     = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
)

// makers make a key of every supported kind, each once: RSA takes seconds under the fuzzer's instrumentation.
var makers = map[string]func() crypto.Signer{
	"RSA":       once(func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) }),
	"P-224":     once(func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P224(), rand.Reader) }),
	"P-256":     once(func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }),
	"P-384":     once(func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) }),
	"P-521":     once(func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P521(), rand.Reader) }),
	"GOST 512":  once(func() (crypto.Signer, error) { return gost.GenerateKey(gost.TC26512A(), rand.Reader) }),
	"GOST 256":  once(func() (crypto.Signer, error) { return gost.GenerateKey(gost.TC26256A(), rand.Reader) }),
	"GOST 2004": once(func() (crypto.Signer, error) { return gost.GenerateKey(gost.CryptoProA(), rand.Reader) }),
	"Ed25519":   once(func() (crypto.Signer, error) { _, k, err := ed25519.GenerateKey(rand.Reader); return k, err }),
}

func once(generate func() (crypto.Signer, error)) func() crypto.Signer {
	return sync.OnceValue(func() crypto.Signer {
		k, err := generate()
		if err != nil {
			panic(err)
		}
		return k
	})
}

func key(name string) crypto.Signer { return makers[name]() }

// attribute is one attribute of a subject to be made; raw stands for its value where it is not nil.
type attribute struct {
	typ   pki.OID
	value any
}

// subject encodes one attribute an RDN.
func subject(t testing.TB, attributes ...attribute) []byte {
	t.Helper()
	var rdns pkix.RDNSequence
	for _, a := range attributes {
		rdns = append(rdns, pkix.RelativeDistinguishedNameSET{{Type: a.typ.ASN1(), Value: a.value}})
	}
	der, err := asn1.Marshal(rdns)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// str is a string of a stated ASN.1 type.
func str(tag int, s string) asn1.RawValue { return asn1.RawValue{Tag: tag, Bytes: []byte(s)} }

// made signs a certificate over the subject with the key; change may be nil.
func made(t testing.TB, key crypto.Signer, rawSubject []byte, change func(*x509.Certificate)) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(77), RawSubject: rawSubject, NotBefore: judged.AddDate(-1, 0, 0), NotAfter: judged.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment, BasicConstraintsValid: true,
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func person(t testing.TB) []byte {
	t.Helper()
	return subject(t,
		attribute{pki.OIDCommonName, "ҮЛГІЛІ ҚАРАҒОЗ"}, attribute{pki.OIDSurname, "ҮЛГІЛІ"},
		attribute{pki.OIDSerialNumber, "IIN" + identity.NewIIN(born, false, 42)}, attribute{pki.OIDCountry, "KZ"},
		attribute{pki.OIDGivenName, "ҒАЛЫМҚЫЗЫ"}, attribute{pki.OIDOrganization, "«Үлгі» ЖШС"},
		attribute{pki.OIDOrganizationalUnit, "BIN" + identity.NewBIN(registered, 42)})
}

func parsed(t testing.TB, der []byte) *pki.Certificate {
	t.Helper()
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.Raw, der) {
		t.Fatal("Raw differs from the input")
	}
	return c
}
