// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"fmt"
	"testing"
	"time"

	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// scroll is a PDF that is kept for decades: signed once, then extended again and again.
type scroll struct {
	*archive
	t        testing.TB
	document []byte
	services []*testpki.CA // of the timestamps so far
}

func newScroll(t testing.TB) *scroll {
	s := &scroll{archive: newArchive(t), t: t}
	s.document = signPDF(t, page(t), s.k, s.stamped(s.signed))
	s.services = []*testpki.CA{s.ca}
	s.store(s.signed.Add(time.Second), s.ca)
	return s
}

// store adds lists of the root and of the authorities, issued at a stated time and good
// for an hour, and their certificates.
func (s *scroll) store(at time.Time, authorities ...*testpki.CA) {
	s.t.Helper()
	o := testpki.CRLOptions{ThisUpdate: at, NextUpdate: at.Add(time.Hour)}
	add := &pdf.DSS{Material: pdf.Material{CRLs: []pdf.Item{{DER: list(s.t, s.archive.house.pki.Root(), o).Raw}}}}
	for _, ca := range authorities {
		add.CRLs = append(add.CRLs, pdf.Item{DER: list(s.t, ca, o).Raw})
		add.Certificates = append(add.Certificates, pdf.Item{DER: ca.Certificate.Raw})
	}
	var err error
	if s.document, err = pdf.AppendDSS(s.document, add); err != nil {
		s.t.Fatal(err)
	}
}

// renew stamps with a service of a new authority that lasts as long as said.
func (s *scroll) renew(d time.Duration) {
	s.t.Helper()
	ca, err := s.archive.house.pki.NewCA(fmt.Sprintf("УАҚЫТ БЕЛГІСІ ОРТАЛЫҒЫ %d", len(s.services)))
	if err != nil {
		s.t.Fatal(err)
	}
	k, err := ca.Issue(testpki.Leaf{
		CommonName: "Уақыт белгісі", NotBefore: s.clock().Add(-time.Hour), NotAfter: s.clock().Add(d),
		KeyUsage: pki.DigitalSignature, ExtKeyUsage: []pki.OID{pki.OIDTimeStamping},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.archive.house.pki.UseTSA(k)
	s.document = stampPDF(s.t, s.house, s.document, s.clock())
	s.services = append(s.services, ca)
}

// extend is what has to be done before a service ends: what it is judged by, and the
// next timestamp over that.
func (s *scroll) extend(d time.Duration) {
	s.store(s.clock(), s.services[len(s.services)-1])
	s.renew(d)
}

// alone asks about the file when nothing else is left.
func (s *scroll) alone() verifier.Question {
	q := s.ask()
	q.Offline = true
	return q
}

// A licence signed today, judged twenty years on from the file alone.
func TestPDFKeptForDecades(t *testing.T) {
	tests := []struct {
		name       string
		keep       func(s *scroll) verifier.Question
		indication verifier.Indication
		sub        verifier.SubIndication
		level      string
	}{
		{"renewed in time", func(s *scroll) verifier.Question {
			s.pass(10 * time.Minute)
			s.renew(8 * year)
			s.pass(7 * year)
			s.extend(8 * year)
			s.pass(7 * year)
			s.extend(8 * year)
			s.store(s.clock().Add(time.Second), s.services[len(s.services)-1])
			s.pass(6 * year)
			return s.alone()
		}, passed, "", "LTA"},
		{"the signer was revoked meanwhile", func(s *scroll) verifier.Question {
			s.pass(10 * time.Minute)
			s.renew(8 * year)
			s.ca.Revoke(s.k.Certificate, s.clock().Add(time.Hour), 1)
			s.pass(7 * year)
			s.extend(8 * year)
			s.store(s.clock().Add(time.Second), s.services[len(s.services)-1])
			s.pass(6 * year)
			return s.alone()
		}, passed, "", "LTA"},
		{"not renewed in time", func(s *scroll) verifier.Question {
			s.pass(10 * time.Minute)
			s.renew(8 * year)
			s.pass(9 * year)
			s.extend(8 * year)
			s.store(s.clock().Add(time.Second), s.services[len(s.services)-1])
			s.pass(year)
			return s.alone()
		}, indeterminate, verifier.OutOfBoundsNoPOE, "T"},
		{"renewed without what the older timestamp is judged by", func(s *scroll) verifier.Question {
			s.pass(10 * time.Minute)
			s.renew(8 * year)
			s.pass(7 * year)
			s.renew(8 * year)
			s.store(s.clock().Add(time.Second), s.services[len(s.services)-1])
			s.pass(6 * year)
			return s.alone()
		}, indeterminate, verifier.OutOfBoundsNoPOE, "T"},
		{"nothing says how the last service stands", func(s *scroll) verifier.Question {
			s.pass(10 * time.Minute)
			s.renew(8 * year)
			s.pass(7 * year)
			return s.alone()
		}, indeterminate, verifier.OutOfBoundsNoPOE, "B"},
		{"the last service was revoked, says a list that was given", func(s *scroll) verifier.Question {
			s.pass(10 * time.Minute)
			s.renew(8 * year)
			s.store(s.clock().Add(time.Second), s.services[len(s.services)-1])
			s.pass(year)
			last := s.services[len(s.services)-1]
			last.Revoke(s.stampedBy(), s.clock(), 1)
			q := s.alone()
			q.Lists = append(q.Lists, list(t, last, testpki.CRLOptions{}))
			return q
		}, indeterminate, verifier.TryLater, "LT"},
		{"the last service was revoked, and the file says so", func(s *scroll) verifier.Question {
			s.pass(10 * time.Minute)
			s.renew(8 * year)
			s.pass(year)
			last := s.services[len(s.services)-1]
			last.Revoke(s.stampedBy(), s.clock(), 1)
			s.store(s.clock().Add(time.Second), last)
			s.pass(year)
			return s.alone()
		}, indeterminate, verifier.OutOfBoundsNoPOE, "B"},
		{"lists for the signer that nothing covers, from when their authority had ended", func(s *scroll) verifier.Question {
			s.document = signPDF(s.t, page(s.t), s.k, s.stamped(s.signed))
			s.pass(10 * time.Minute)
			s.renew(8 * year)
			s.pass(7 * year)
			s.extend(9 * year)
			s.store(s.clock().Add(time.Second), s.services[len(s.services)-1])
			s.pass(8*year + 10*24*time.Hour) // the signer's authority has ended, its key may be anybody's
			s.store(s.signed.Add(time.Minute), s.ca)
			return s.alone()
		}, indeterminate, verifier.RevocationOutOfBoundsNoPOE, "T"},
		{"and the same, stored in time", func(s *scroll) verifier.Question {
			s.pass(10 * time.Minute)
			s.renew(30 * year)
			s.store(s.clock().Add(time.Second), s.services[len(s.services)-1])
			s.pass(14 * year)
			return s.alone()
		}, passed, "", "LTA"},
		{"LT: stored, not yet stamped again", func(s *scroll) verifier.Question {
			s.pass(10 * time.Minute)
			return s.alone()
		}, passed, "", "LT"},
		{"a timestamp that claims to be older than what it covers", func(s *scroll) verifier.Question {
			s.document = stampPDF(s.t, s.house, s.document, s.signed.Add(-time.Minute))
			s.pass(10 * time.Minute)
			return s.ask()
		}, indeterminate, verifier.TimestampOrderFailure, "T"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScroll(t)
			s.t = t
			q := tt.keep(s)
			if q.Offline {
				s.archive.house.pki.SetDown(true, true, true)
			}
			r := s.v.Document(t.Context(), s.document, q)
			if r.Indication != tt.indication || r.SubIndication != tt.sub || r.Signatures[0].Level != tt.level {
				t.Errorf("%v/%s at level %s, want %v/%s at %s", r.Indication, r.SubIndication, r.Signatures[0].Level, tt.indication, tt.sub, tt.level)
			}
			checkReport(t, r)
			for _, f := range append(r.Findings, r.Signatures[0].Findings...) {
				if t.Failed() {
					t.Log(f.Key, f.Outcome, f.Detail())
				}
			}
		})
	}
}

// stampedBy is the certificate of the service that stamped last.
func (s *scroll) stampedBy() *pki.Certificate {
	s.t.Helper()
	doc, err := pdf.Open(s.document, pdf.Limits{})
	if err != nil {
		s.t.Fatal(err)
	}
	all := doc.Signatures()
	sd := parsed(s.t, all[len(all)-1].Contents)
	return sd.SignerCertificate(sd.Signers[0], nil)
}
