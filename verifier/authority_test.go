// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/verifier"
)

// What a verifier remembers of an authority serves the next signer only while a new verifier would find the very same.
func TestAuthorityRememberedWhileItHolds(t *testing.T) {
	type state struct {
		h *house
		b *board
		k *pki.Key // the next signer, never seen
		q verifier.Question
	}
	caList := func(s *state) string { return s.h.ca.Certificate.DistributionPoints[0].FullNames[0].Text }
	show := func(t *testing.T, s *state, until time.Duration) {
		s.b.lists[caList(s)] = list(t, s.h.pki.Root(), testpki.CRLOptions{NextUpdate: day0.Add(until)})
	}
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, s *state)
		want   verifier.Indication
		sub    verifier.SubIndication
	}{
		{"nothing", func(*testing.T, *state) {}, passed, ""},
		{"a minute later", func(_ *testing.T, s *state) { s.h.pass(time.Minute) }, passed, ""},
		{"its list says revoked", func(t *testing.T, s *state) {
			s.h.pki.Root().Revoke(s.h.ca.Certificate, day0.Add(-time.Minute), 1)
			show(t, s, 20*time.Minute)
		}, indeterminate, verifier.RevokedCANoPOE},
		{"its list is new and says good", func(t *testing.T, s *state) { show(t, s, 30*time.Minute) }, passed, ""},
		{"its list is gone", func(_ *testing.T, s *state) { delete(s.b.lists, caList(s)) }, indeterminate, verifier.TryLater},
		{"its list has grown stale", func(t *testing.T, s *state) {
			for url := range s.b.lists {
				if url != caList(s) {
					s.b.lists[url] = list(t, s.h.ca, testpki.CRLOptions{NextUpdate: day0.Add(time.Hour)})
				}
			}
			s.h.pass(21 * time.Minute)
		}, indeterminate, verifier.TryLater},
		{"its list is by somebody else", func(t *testing.T, s *state) {
			s.b.lists[caList(s)] = list(t, newHouse(t).pki.Root(), testpki.CRLOptions{NextUpdate: day0.Add(20 * time.Minute)})
		}, indeterminate, verifier.TryLater},
		{"a greatest age", func(_ *testing.T, s *state) {
			s.h.pass(time.Minute)
			s.q.MaxAge = time.Second
		}, indeterminate, verifier.TryLater},
		{"another time", func(_ *testing.T, s *state) { s.q.At = day0.Add(-time.Hour) }, indeterminate, ""},
		{"the same time, given", func(_ *testing.T, s *state) { s.q.At = day0 }, passed, ""},
		{"other algorithms", func(_ *testing.T, s *state) { s.q.Algorithms = pki.LegacyAlgorithms }, passed, ""},
		{"no network", func(_ *testing.T, s *state) { s.q.Offline = true }, indeterminate, verifier.TryLater},
		{"other anchors", func(t *testing.T, s *state) { s.q.Anchors = newHouse(t).trust() }, indeterminate, verifier.NoCertificateChainFound},
		{"one anchor more", func(t *testing.T, s *state) { s.q.Anchors = append(slices.Clone(s.q.Anchors), newHouse(t).trust()...) }, passed, ""},
		{"the authority itself an anchor", func(_ *testing.T, s *state) {
			s.q.Anchors = append(slices.Clone(s.q.Anchors), trust.AnchorOf(s.h.ca.Certificate))
		}, passed, ""},
		{"another certificate of the list's issuer", func(t *testing.T, s *state) {
			s.q.Certs = []*pki.Certificate{newHouse(t).pki.Root().Certificate}
		}, passed, ""},
		{"given a list that says revoked", func(t *testing.T, s *state) {
			s.h.pki.Root().Revoke(s.h.ca.Certificate, day0.Add(-time.Minute), 1)
			s.q.Lists = []*crl.List{list(t, s.h.pki.Root(), testpki.CRLOptions{NextUpdate: day0.Add(20 * time.Minute)})}
		}, indeterminate, verifier.RevokedCANoPOE},
		{"with the record", func(_ *testing.T, s *state) { s.q.KeepRecord = true }, passed, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &state{}
			s.h, s.b, s.k = memoryHouse(t)
			s.q = s.h.ask()
			first := s.h.person(t, func(l *testpki.Leaf) { l.NoOCSP = true })
			expect(t, s.h.v.Document(t.Context(), sign(t, first), s.q), passed, "", "")
			tt.change(t, s)
			der := sign(t, s.k)
			want := verifier.New(s.h.o).Document(t.Context(), der, s.q)
			for range 2 {
				got := s.h.v.Document(t.Context(), der, s.q)
				if got.Indication != tt.want || tt.sub != "" && got.SubIndication != tt.sub {
					t.Errorf("%s/%s, want %s/%s", got.Indication, got.SubIndication, tt.want, tt.sub)
				}
				if g, w := marshal(t, got), marshal(t, want); !bytes.Equal(g, w) {
					t.Errorf("a verifier with a memory reports\n%s\na new one\n%s", g, w)
				}
			}
		})
	}
}

// A list may say of a certificate that it is revoked from a time to come. Until then it is good, and not a moment longer:
// neither of the signer nor of an authority is such an answer remembered.
func TestRevocationToCome(t *testing.T) {
	for _, tt := range []struct {
		name string
		of   func(h *house, k *pki.Key) (*testpki.CA, *pki.Certificate)
		sub  verifier.SubIndication
	}{
		{"signer", func(h *house, k *pki.Key) (*testpki.CA, *pki.Certificate) { return h.ca, k.Certificate }, verifier.RevokedNoPOE},
		{"authority", func(h *house, _ *pki.Key) (*testpki.CA, *pki.Certificate) { return h.pki.Root(), h.ca.Certificate }, verifier.RevokedCANoPOE},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, b, k := memoryHouse(t)
			by, c := tt.of(h, k)
			by.Revoke(c, day0.Add(5*time.Minute), 0)
			b.lists[c.DistributionPoints[0].FullNames[0].Text] = list(t, by, testpki.CRLOptions{NextUpdate: day0.Add(20 * time.Minute)})
			der, next := sign(t, k), sign(t, h.person(t, func(l *testpki.Leaf) { l.NoOCSP = true }))
			r := h.v.Document(t.Context(), der, h.ask())
			expect(t, r, passed, "", "")
			if said := marshal(t, r); !bytes.Contains(said, []byte("was revoked at 2026-03-02 09:05:00 UTC, after the time that counts")) {
				t.Errorf("the report does not say what is to come: %s", said)
			}
			h.pass(6 * time.Minute)
			expect(t, h.v.Document(t.Context(), der, h.ask()), indeterminate, tt.sub, "cert.revocation")
			if tt.name == "authority" {
				expect(t, h.v.Document(t.Context(), next, h.ask()), indeterminate, tt.sub, "cert.revocation")
			}
		})
	}
}
