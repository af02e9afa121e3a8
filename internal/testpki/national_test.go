// SPDX-License-Identifier: Apache-2.0

package testpki_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/crl"
	"rastau/internal/gost"
	"rastau/internal/ocsp"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/timestamp"
	"rastau/internal/trust"
)

func newNational(t *testing.T) (*testpki.PKI, *testpki.CA, *pki.Key) {
	t.Helper()
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return noon }, GOST: true})
	if err != nil {
		t.Fatal(err)
	}
	ca, err := p.NewCA("")
	if err != nil {
		t.Fatal(err)
	}
	k, err := ca.Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	return p, ca, k
}

// Everything that a national authority issues is its own, and of its algorithm alone.
func TestNationalAuthority(t *testing.T) {
	p, ca, k := newNational(t)
	for _, link := range []struct{ c, by *pki.Certificate }{{p.Root().Certificate, p.Root().Certificate}, {ca.Certificate, p.Root().Certificate}, {k.Certificate, ca.Certificate}} {
		if link.c.Algorithm.OID != pki.OIDGOST2015Sign512 || link.c.PublicKey.Algorithm.OID != pki.OIDGOST2015Key512 {
			t.Errorf("%s is of %s", link.c.Subject, pki.AlgorithmName(link.c.Algorithm))
		}
		if err := link.c.CheckSignatureFrom(&link.by.PublicKey); err != nil {
			t.Errorf("%s: %v", link.c.Subject, err)
		}
	}
	if err := k.Certificate.CheckSignatureFrom(&p.Root().Certificate.PublicKey); !errors.Is(err, pki.ErrSignature) {
		t.Errorf("under the root: %v", err)
	}
	if want := pki.DigitalSignature | pki.NonRepudiation | pki.KeyAgreement; k.Certificate.KeyUsage != want {
		t.Errorf("key usage %b", k.Certificate.KeyUsage)
	}

	ca.Revoke(k.Certificate, noon.Add(-time.Hour), 1)
	der, err := ca.CRL(testpki.CRLOptions{Extra: 3})
	if err != nil {
		t.Fatal(err)
	}
	list, err := crl.Parse(der, crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	q := crl.Query{Certificate: k.Certificate, Issuer: trust.AnchorOf(ca.Certificate), IssuerCert: ca.Certificate, Anchor: trust.AnchorOf(p.Root().Certificate), Lists: []*crl.List{list}, At: noon}
	if a := crl.Judge(t.Context(), q); a.Status != crl.Revoked {
		t.Errorf("the list: %s %s", a.Status, a.Why)
	}
	var big bytes.Buffer
	if err := ca.WriteBigList(&big, testpki.BigList{Entries: 100, ThisUpdate: noon.Add(-time.Minute), NextUpdate: noon.Add(time.Hour), Number: 9}); err != nil {
		t.Fatal(err)
	}
	if list, err = crl.Parse(big.Bytes(), crl.Limits{}); err != nil {
		t.Fatal(err)
	}
	q.Lists = []*crl.List{list}
	if a := crl.Judge(t.Context(), q); a.Status != crl.Good {
		t.Errorf("the big list, which does not name it: %s %s", a.Status, a.Why)
	}
	stranger, err := testpki.New(testpki.Options{Now: func() time.Time { return noon }, GOST: true})
	if err != nil {
		t.Fatal(err)
	}
	if der, err = ca.CRL(testpki.CRLOptions{Signer: &pki.Key{Signer: stranger.Root().Key}}); err != nil {
		t.Fatal(err)
	}
	if list, err = crl.Parse(der, crl.Limits{}); err != nil {
		t.Fatal(err)
	}
	q.Lists = []*crl.List{list}
	if a := crl.Judge(t.Context(), q); a.Status != crl.Unknown {
		t.Errorf("a list that somebody else signed: %s %s", a.Status, a.Why)
	}

	answer, err := ca.OCSP(k.Certificate, testpki.OCSPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	oq := ocsp.Query{Certificate: k.Certificate, Issuer: trust.AnchorOf(ca.Certificate), At: noon}
	if a := ocsp.Judge(answer, oq); a.Usable != ocsp.Yes || a.Status != ocsp.StatusRevoked {
		t.Errorf("the answer: %v %s %s", a.Usable, a.Status, a.Why)
	}

	if _, err := p.NewTSA(ca); err != nil {
		t.Fatal(err)
	}
	for _, hash := range []pki.OID{pki.OIDGOST512Hash, pki.OIDGOST95Hash, pki.OIDSHA256} {
		der, err := p.TimestampTokenBy(hash, []byte("құжат"), noon)
		if err != nil {
			t.Fatal(err)
		}
		token, err := timestamp.Parse(der)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := token.Covers([]byte("құжат")); !ok || err != nil || token.HashAlgorithm != hash {
			t.Errorf("covers: %v, %v", ok, err)
		}
		if _, check := token.Verify(nil); check.Intact() == nil || !*check.Intact() {
			t.Errorf("token: %+v", check)
		}
	}
}

// Authorities of both kinds certify one another's keys.
func TestNationalUnderRSA(t *testing.T) {
	_, _, k := newNational(t)
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return noon }, EC: true})
	if err != nil {
		t.Fatal(err)
	}
	parent := std(t, p.Root().Certificate)
	der, err := testpki.CreateCertificate(std(t, k.Certificate), parent, k.Signer.Public(), p.Root().Key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckSignatureFrom(&p.Root().Certificate.PublicKey); err != nil {
		t.Error(err)
	}
	if !c.PublicKey.Equal(&k.Certificate.PublicKey) {
		t.Error("another key stands in it")
	}
}

// A key file of the national algorithms: what opens it, and what each mistake is called.
func TestNationalKeyFile(t *testing.T) {
	p, ca, k := newNational(t)
	file, err := testpki.PKCS12(k, "Құпия сөз")
	if err != nil {
		t.Fatal(err)
	}
	again, err := pki.ReadPKCS12(file, "Құпия сөз")
	if err != nil {
		t.Fatal(err)
	}
	private, ok := again.Signer.(*gost.PrivateKey)
	if !ok || !private.Equal(k.Signer) || again.Certificate.SHA256 != k.Certificate.SHA256 || len(again.Chain) != 1 || again.Chain[0].SHA256 != ca.Certificate.SHA256 {
		t.Error("another key, certificate or chain")
	}
	other, err := ca.Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := testpki.PKCS12(&pki.Key{Signer: other.Signer, Certificate: k.Certificate}, "Құпия сөз")
	if err != nil {
		t.Fatal(err)
	}
	var empty cryptobyte.Builder // an authenticated safe without a bag, in a file without a MAC
	empty.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			pki.AddOID(b, pki.OIDData)
			b.AddASN1(casn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				b.AddASN1(casn1.OCTET_STRING, func(b *cryptobyte.Builder) {
					b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
							pki.AddOID(b, pki.OIDData)
							b.AddASN1(casn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
								b.AddASN1(casn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1(casn1.SEQUENCE, func(*cryptobyte.Builder) {}) })
							})
						})
					})
				})
			})
		})
	})
	for name, test := range map[string]struct {
		data     []byte
		password string
		want     error
	}{
		"wrong password":        {file, "құпия сөз", pki.ErrPassword},
		"no password":           {file, "", pki.ErrPassword},
		"a certificate":         {k.Certificate.Raw, "Құпия сөз", pki.ErrNotPKCS12},
		"cut":                   {file[:len(file)-1], "Құпия сөз", pki.ErrNotPKCS12},
		"byte behind":           {append(bytes.Clone(file), 0), "Құпия сөз", pki.ErrNotPKCS12},
		"another's certificate": {foreign, "Құпия сөз", pki.ErrNoKey},
		"nothing in it":         {empty.BytesOrPanic(), "", pki.ErrNoKey},
	} {
		if got, err := pki.ReadPKCS12(test.data, test.password); !errors.Is(err, test.want) || got != nil {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}

	folder := t.TempDir()
	if _, err := p.NewTSA(ca); err != nil {
		t.Fatal(err)
	}
	if err := p.Save(folder); err != nil {
		t.Fatal(err)
	}
	loaded, err := testpki.Load(folder, testpki.Options{Now: func() time.Time { return noon }, GOST: true})
	if err != nil {
		t.Fatal(err)
	}
	if !loaded.Root().Key.(*gost.PrivateKey).Equal(p.Root().Key) {
		t.Error("the root's key was not kept")
	}
	if _, err := loaded.TimestampToken([]byte("құжат"), noon); err != nil {
		t.Error(err)
	}
}
