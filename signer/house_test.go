// SPDX-License-Identifier: Apache-2.0

package signer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/signer"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func clock() time.Time { return now }

// house is an authority with a time-stamping authority.
type house struct {
	pki *testpki.PKI
	ca  *testpki.CA
}

func newHouse(tb testing.TB, ec bool) house { return newHouseOf(tb, testpki.Options{EC: ec}) }

func newHouseOf(tb testing.TB, o testpki.Options) house {
	tb.Helper()
	o.Now = clock
	p, err := testpki.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	ca, err := p.NewCA("")
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := p.NewTSA(ca); err != nil {
		tb.Fatal(err)
	}
	return house{p, ca}
}

func (h house) issue(tb testing.TB, l testpki.Leaf) *pki.Key {
	tb.Helper()
	k, err := h.ca.Issue(l)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// Stamp makes a token as the authority would.
func (h house) Stamp(_ context.Context, data []byte) ([]byte, error) {
	return h.pki.TimestampToken(data, now)
}

// trusting is a Judge who accepts every certificate.
type trusting struct{}

func (trusting) JudgeKey(context.Context, *pki.Key) error { return nil }

func ring(tb testing.TB, keys ...*pki.Key) *signer.Ring {
	tb.Helper()
	r, err := signer.NewRing(keys...)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// checker looks at bytes and mathematics only.
type checker struct{}

func (checker) CheckSigned(_ context.Context, kind string, signed, content []byte, want *pki.Certificate) error {
	if kind == "pades" {
		d, err := pdf.Open(signed, pdf.Limits{})
		if err != nil {
			return err
		}
		sigs := d.Signatures()
		if len(sigs) == 0 {
			return errors.New("no signature")
		}
		s := sigs[len(sigs)-1]
		if s.Problem != nil || !s.CoversAll || s.SubFilter != "ETSI.CAdES.detached" {
			return fmt.Errorf("not whole: %v", s.Problem)
		}
		sd, err := cms.Parse(s.Contents, cms.Limits{})
		if err != nil {
			return err
		}
		if _, claimed := sd.Signers[0].SigningTime(); claimed {
			return errors.New("PAdES forbids signing-time")
		}
		digests, err := cms.DigestContent(d.Signed(s), sd.NeededDigests())
		if err != nil {
			return err
		}
		return intact(sd, digests, want)
	}
	sd, err := cms.Parse(signed, cms.Limits{})
	if err != nil {
		return err
	}
	if detached := kind == "cades-detached"; detached != sd.Detached {
		return fmt.Errorf("%s, yet detached is %v", kind, sd.Detached)
	} else if !detached {
		content = sd.Content
	}
	digests, err := cms.DigestContent(bytes.NewReader(content), sd.NeededDigests())
	if err != nil {
		return err
	}
	return intact(sd, digests, want)
}

func intact(sd *cms.SignedData, d cms.Digests, want *pki.Certificate) error {
	if len(sd.Signers) != 1 {
		return fmt.Errorf("%d signers", len(sd.Signers))
	}
	g := sd.Signers[0]
	cert := sd.SignerCertificate(g, nil)
	if cert == nil || cert.SHA256 != want.SHA256 {
		return errors.New("another certificate")
	}
	if e := g.ESS(); !e.Valid || !e.V2 {
		return errors.New("no signing-certificate-v2")
	}
	if !g.SignedAttrsDER {
		return errors.New("attributes are not DER")
	}
	c := sd.Verify(g, cert, d)
	if ok := c.Intact(); ok == nil || !*ok || c.Reference != nil {
		return fmt.Errorf("not intact: %+v", c)
	}
	return nil
}

func newSigner(tb testing.TB, k *pki.Key, st signer.Stamper) *signer.Signer {
	tb.Helper()
	s, err := signer.New(signer.Options{Keys: ring(tb, k), Stamper: st, Judge: trusting{}, Checker: checker{}, Now: clock})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func licencePage(tb testing.TB) []byte {
	tb.Helper()
	f := fpdf.New("P", "mm", "A4", "")
	f.SetFont("Helvetica", "", 14)
	f.AddPage()
	f.Text(20, 30, "Licence ZZZ-1")
	var out bytes.Buffer
	if err := f.Output(&out); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}
