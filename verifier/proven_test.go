// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/verifier"
)

// board shows a list for each address, and counts how often it is asked.
type board struct {
	lists map[string]*crl.List
	asked int
}

func (b *board) List(_ context.Context, url string, check func(*crl.List) error) (*crl.List, error) {
	b.asked++
	l := b.lists[url]
	if l == nil {
		return nil, &crl.UnavailableError{URL: url}
	}
	if err := check(l); err != nil {
		return nil, err
	}
	return l, nil
}

// memoryHouse judges by lists alone, which a board shows.
func memoryHouse(t *testing.T) (*house, *board, *pki.Key) {
	t.Helper()
	h := newHouse(t)
	k := h.person(t, func(l *testpki.Leaf) { l.NoOCSP = true })
	b := &board{lists: map[string]*crl.List{}}
	h.o.Lists, h.o.Web = b, nil
	h.v = verifier.New(h.o)
	show := func(c *pki.Certificate, by *testpki.CA) {
		for _, p := range c.DistributionPoints {
			b.lists[p.FullNames[0].Text] = list(t, by, testpki.CRLOptions{NextUpdate: day0.Add(20 * time.Minute)})
		}
	}
	show(k.Certificate, h.ca)
	show(h.ca.Certificate, h.pki.Root())
	return h, b, k
}

// A verifier that has judged before gives the report that a new one gives, whatever
// happened in between: what is remembered never outlives what proved it, and never
// serves another question.
func TestProvenGivesTheSameReport(t *testing.T) {
	type state struct {
		h *house
		b *board
		k *pki.Key
		q verifier.Question
	}
	leafList := func(s *state) string { return s.k.Certificate.DistributionPoints[0].FullNames[0].Text }
	revoke := func(t *testing.T, s *state, at time.Time) {
		s.h.ca.Revoke(s.k.Certificate, at, 1)
		s.b.lists[leafList(s)] = list(t, s.h.ca, testpki.CRLOptions{NextUpdate: day0.Add(20 * time.Minute)})
	}
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, s *state)
		want   verifier.Indication
		sub    verifier.SubIndication
	}{
		{"nothing", func(*testing.T, *state) {}, passed, ""},
		{"a minute later", func(_ *testing.T, s *state) { s.h.pass(time.Minute) }, passed, ""},
		{"in Kazakh", func(_ *testing.T, s *state) { s.q.Lang = phrase.KK }, passed, ""},
		{"a new list that says revoked", func(t *testing.T, s *state) { revoke(t, s, day0.Add(-time.Minute)) }, indeterminate, verifier.RevokedNoPOE},
		{"a new list that says good", func(t *testing.T, s *state) {
			s.b.lists[leafList(s)] = list(t, s.h.ca, testpki.CRLOptions{NextUpdate: day0.Add(20 * time.Minute)})
		}, passed, ""},
		{"a list by somebody else", func(t *testing.T, s *state) {
			other := newHouse(t)
			s.b.lists[leafList(s)] = list(t, other.ca, testpki.CRLOptions{NextUpdate: day0.Add(20 * time.Minute)})
		}, indeterminate, verifier.TryLater},
		{"the list is gone", func(_ *testing.T, s *state) { delete(s.b.lists, leafList(s)) }, indeterminate, verifier.TryLater},
		{"the list has grown stale", func(_ *testing.T, s *state) { s.h.pass(21 * time.Minute) }, indeterminate, verifier.TryLater},
		{"the list is too old for this question", func(_ *testing.T, s *state) {
			s.h.pass(time.Minute)
			s.q.MaxAge = time.Second
		}, indeterminate, verifier.TryLater},
		{"the certificate has ended", func(_ *testing.T, s *state) { s.h.pass(366 * 24 * time.Hour) }, indeterminate, ""},
		{"another time", func(_ *testing.T, s *state) { s.q.At = day0.AddDate(-3, 0, 0) }, indeterminate, ""},
		{"the same time, given", func(_ *testing.T, s *state) { s.q.At = day0 }, passed, ""},
		{"other anchors", func(t *testing.T, s *state) { s.q.Anchors = newHouse(t).trust() }, indeterminate, verifier.NoCertificateChainFound},
		{"no anchors", func(_ *testing.T, s *state) { s.q.Anchors = nil }, indeterminate, verifier.NoCertificateChainFound},
		{"an anchor of the same name with another key", func(t *testing.T, s *state) {
			other := newHouse(t)
			a := s.q.Anchors[0]
			a.Key = other.trust()[0].Key
			s.q.Anchors = []trust.Anchor{a}
		}, indeterminate, ""},
		{"a policy that nobody gave", func(_ *testing.T, s *state) {
			s.q.Policies, s.q.RequireExplicitPolicy = []pki.OID{"1.2.3.4"}, true
		}, indeterminate, verifier.ChainConstraintsFailure},
		{"another purpose", func(_ *testing.T, s *state) { s.q.Purpose = verifier.PurposeAuth }, indeterminate, verifier.ChainConstraintsFailure},
		{"another holder", func(_ *testing.T, s *state) { s.q.IIN = "000000000000" }, indeterminate, verifier.ChainConstraintsFailure},
		{"a capacity", func(_ *testing.T, s *state) { s.q.Applicant = verifier.Applicants()[0] }, indeterminate, verifier.ChainConstraintsFailure},
		{"other algorithms", func(_ *testing.T, s *state) { s.q.Algorithms = pki.LegacyAlgorithms }, passed, ""},
		{"revocation not asked", func(_ *testing.T, s *state) { s.q.NoRevocation = true }, passed, ""},
		{"no network", func(_ *testing.T, s *state) { s.q.Offline = true }, indeterminate, verifier.TryLater},
		{"given a list that says revoked", func(t *testing.T, s *state) {
			s.h.ca.Revoke(s.k.Certificate, day0.Add(-time.Minute), 1)
			s.q.Lists = []*crl.List{list(t, s.h.ca, testpki.CRLOptions{NextUpdate: day0.Add(20 * time.Minute)})}
		}, indeterminate, verifier.RevokedNoPOE},
		{"given an answer that says revoked", func(t *testing.T, s *state) {
			s.h.ca.Revoke(s.k.Certificate, day0.Add(-time.Minute), 1)
			s.q.OCSPs = [][]byte{answer(t, s.h.ca, s.k.Certificate, testpki.OCSPOptions{})}
		}, indeterminate, verifier.RevokedNoPOE},
		{"with the record", func(_ *testing.T, s *state) { s.q.KeepRecord = true }, passed, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &state{}
			s.h, s.b, s.k = memoryHouse(t)
			s.q = s.h.ask()
			der := sign(t, s.k)
			for range 2 {
				expect(t, s.h.v.Document(t.Context(), der, s.q), passed, "", "")
			}
			tt.change(t, s)
			want := verifier.New(s.h.o).Document(t.Context(), der, s.q)
			for range 2 {
				got := s.h.v.Document(t.Context(), der, s.q)
				if got.Indication != tt.want || tt.sub != "" && got.SubIndication != tt.sub {
					t.Errorf("%s/%s, want %s/%s", got.Indication, got.SubIndication, tt.want, tt.sub)
				}
				if g, w := marshal(t, got), marshal(t, want); !bytes.Equal(g, w) {
					t.Errorf("a verifier with a memory reports\n%s\na new one\n%s", g, w)
				}
				if (got.Record == nil) != (want.Record == nil) || got.Record != nil && len(got.Record.Pieces) != len(want.Record.Pieces) {
					t.Errorf("the record of a verifier with a memory is not complete: %+v, want %+v", got.Record, want.Record)
				}
			}
		})
	}
}

// A path over a certificate that one message brought serves no message that lacks it.
func TestProvenPathNeedsItsCertificates(t *testing.T) {
	h, _, k := memoryHouse(t)
	expect(t, h.v.Document(t.Context(), sign(t, k), h.ask()), passed, "", "")
	k.Chain = nil
	expect(t, h.v.Document(t.Context(), sign(t, k), h.ask()), indeterminate, verifier.NoCertificateChainFound, "cert.path")
}

// Another signature by the same certificate is judged by its own mathematics.
func TestProvenSignerForged(t *testing.T) {
	h, _, k := memoryHouse(t)
	der := sign(t, k)
	expect(t, h.v.Document(t.Context(), der, h.ask()), passed, "", "")
	forged := bytes.Clone(der)
	forged[len(forged)-1] ^= 1
	expect(t, h.v.Document(t.Context(), forged, h.ask()), refuted, verifier.SigCryptoFailure, "signature.value")
	// The same name, number and validity in other bytes are another certificate.
	altered := bytes.Clone(der)
	i := bytes.Index(altered, k.Certificate.Raw)
	altered[i+len(k.Certificate.Raw)-1] ^= 1
	if r := h.v.Document(t.Context(), altered, h.ask()); r.Indication == passed {
		t.Error("a certificate with a broken signature passed for the proven one")
	}
}

// A revocation that OCSP knows counts at once: its answers are not remembered.
func TestProvenForgetsAnswers(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	der := sign(t, k)
	for range 2 {
		expect(t, h.v.Document(t.Context(), der, h.ask()), passed, "", "")
	}
	h.ca.Revoke(k.Certificate, day0.Add(-time.Minute), 1)
	expect(t, h.v.Document(t.Context(), der, h.ask()), indeterminate, verifier.RevokedNoPOE, "cert.revocation")
}

// Reports belong to their askers: what one does to his changes nobody else's.
func TestProvenReportsAreApart(t *testing.T) {
	h, b, k := memoryHouse(t)
	der := sign(t, k)
	first := h.v.Document(t.Context(), der, h.ask())
	want := marshal(t, first)
	asked := b.asked
	for range 2 {
		r := h.v.Document(t.Context(), der, h.ask())
		for i := range r.Signatures[0].Findings {
			f := &r.Signatures[0].Findings[i]
			f.Outcome, f.Lang, f.Evidence = verifier.Fail, phrase.KK, append(f.Evidence, "more")
		}
		*r.Signatures[0].Signer = verifier.Person{}
		r.Signatures[0].Findings = slices.Delete(r.Signatures[0].Findings, 0, 1)
	}
	if got := marshal(t, h.v.Document(t.Context(), der, h.ask())); !bytes.Equal(got, want) {
		t.Errorf("%s\n%s", got, want)
	}
	if b.asked != 4*asked {
		t.Errorf("addresses asked %d times for four judgements, want %d: each must be asked whether its list is still the same", b.asked, 4*asked)
	}
}
