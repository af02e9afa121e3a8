// SPDX-License-Identifier: Apache-2.0

package testpki_test

import (
	"context"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
)

// A PKI that a later process loads is the same one: its old certificates still chain, its lists grow newer, its TSA stamps.
func TestSavedPKIGoesOn(t *testing.T) {
	folder := t.TempDir()
	o := testpki.Options{Now: time.Now, EC: true, BaseURL: "http://127.0.0.1:1"}
	first, err := testpki.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := first.NewCA("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.NewTSA(ca); err != nil {
		t.Fatal(err)
	}
	old, err := ca.Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	before := parsed(t, ca)
	if err := first.Save(folder); err != nil {
		t.Fatal(err)
	}

	second, err := testpki.Load(folder, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(second.CAs()) != 1 || second.CAs()[0].ID() != ca.ID() {
		t.Fatalf("got %d authorities, want the one that was saved", len(second.CAs()))
	}
	again := second.CAs()[0]
	young, err := again.Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]*pki.Key{"old": old, "young": young} {
		paths, hint := trust.Find(context.Background(), trust.Query{Leaf: key.Certificate, Candidates: key.Chain,
			Anchors: []trust.Anchor{trust.AnchorOf(second.Root().Certificate)}, At: time.Now()})
		if len(paths) == 0 || len(paths[0].Failures) > 0 {
			t.Errorf("%s certificate: no path to the loaded root: %s", name, hint)
		}
	}
	if after := parsed(t, again); after.Number.Cmp(before.Number) <= 0 {
		t.Errorf("list number %v after loading is not above %v", after.Number, before.Number)
	}
	if _, err := second.TimestampToken([]byte("x"), time.Now()); err != nil {
		t.Errorf("the loaded TSA: %v", err)
	}
	der, err := again.OCSP(old.Certificate, testpki.OCSPOptions{})
	if err != nil || len(der) == 0 {
		t.Errorf("an answer about a certificate of the first process: %v", err)
	}
}

func TestLoadRefusesWhatIsNoPKI(t *testing.T) {
	folder := t.TempDir()
	if _, err := testpki.Load(folder, testpki.Options{Now: time.Now}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("empty folder: got %v", err)
	}
	for _, content := range []string{"", "{}", "[]", `{"Authorities":[{"PKCS8":"AAAA"}]}`} {
		if err := os.WriteFile(filepath.Join(folder, "pki.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := testpki.Load(folder, testpki.Options{Now: time.Now}); err == nil {
			t.Errorf("%q was loaded", content)
		}
	}
}

func parsed(t *testing.T, ca *testpki.CA) *crl.List {
	t.Helper()
	der, err := ca.CRL(testpki.CRLOptions{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := crl.Parse(der, crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if list.Number == nil {
		list.Number = new(big.Int)
	}
	return list
}

func TestDefectsOfSignedData(t *testing.T) {
	p, err := testpki.New(testpki.Options{Now: time.Now, EC: true})
	if err != nil {
		t.Fatal(err)
	}
	key, err := p.Root().Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := cms.Sign(context.Background(), cms.SignOptions{Content: []byte("content"), Key: key.Signer, Certificate: key.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name                  string
		spoil                 func([]byte) ([]byte, error)
		certificates, signers int
	}{
		{"without certificates", testpki.WithoutCertificates, 0, 1},
		{"without signers", testpki.WithoutSigners, 1, 0},
	} {
		der, err := c.spoil(signed)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		sd, err := cms.Parse(der, cms.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if len(sd.Certificates) != c.certificates || len(sd.Signers) != c.signers {
			t.Errorf("%s: %d certificates and %d signers, want %d and %d", c.name, len(sd.Certificates), len(sd.Signers), c.certificates, c.signers)
		}
		if _, err := c.spoil(der[:len(der)-1]); !errors.Is(err, testpki.ErrNotSigned) {
			t.Errorf("%s: a cut file gives %v", c.name, err)
		}
	}
}
