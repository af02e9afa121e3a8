// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"strings"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/verifier"
)

// A delegate without nocheck is itself asked about, by lists alone.
func TestResponderWithoutNoCheck(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	delegate, err := h.ca.Issue(testpki.Leaf{CommonName: "Жауап беруші", OCSPSigning: true})
	if err != nil {
		t.Fatal(err)
	}
	q := h.ask()
	q.Offline = true
	q.Certs = []*pki.Certificate{h.ca.Certificate}
	q.OCSPs = [][]byte{answer(t, h.ca, k.Certificate, testpki.OCSPOptions{Signer: delegate})}
	root := list(t, h.pki.Root(), testpki.CRLOptions{})
	q.Lists = []*crl.List{root}
	expect(t, h.v.Certificate(t.Context(), k.Certificate, q), indeterminate, verifier.TryLater, "cert.revocation")
	// A list that speaks of the delegate, but is not asked about the person: its
	// silence would decide too, so the person's own entry must come from OCSP.
	q.Lists = []*crl.List{root, list(t, h.ca, testpki.CRLOptions{})}
	expect(t, h.v.Certificate(t.Context(), k.Certificate, q), passed, "", "")
	h.ca.RevokeCRLOnly(delegate.Certificate, day0.Add(-time.Minute), 1)
	h.ca.RevokeCRLOnly(k.Certificate, day0.Add(-time.Minute), 6)
	q.Lists = []*crl.List{root, list(t, h.ca, testpki.CRLOptions{})}
	// The answer "good" of a revoked delegate does not lift the hold.
	expect(t, h.v.Certificate(t.Context(), k.Certificate, q), indeterminate, verifier.TryLater, "cert.revocation")
}

// How old revocation data may be is the asker's to say.
func TestMaxAge(t *testing.T) {
	h := newHouse(t)
	k := h.person(t, func(l *testpki.Leaf) { l.NotBefore = day0.Add(-24 * time.Hour) })
	old := testpki.CRLOptions{ThisUpdate: day0.Add(-3 * time.Hour), NextUpdate: day0.Add(time.Hour)}
	q := h.ask()
	q.Offline = true
	q.Certs = []*pki.Certificate{h.ca.Certificate}
	q.Lists = []*crl.List{list(t, h.ca, old), list(t, h.pki.Root(), old)}
	expect(t, h.v.Certificate(t.Context(), k.Certificate, q), passed, "", "")
	q.MaxAge = 2 * time.Hour
	expect(t, h.v.Certificate(t.Context(), k.Certificate, q), indeterminate, verifier.TryLater, "cert.revocation")
	q.MaxAge = 4 * time.Hour
	expect(t, h.v.Certificate(t.Context(), k.Certificate, q), passed, "", "")
}

// Of several candidate paths the one on which every certificate is good wins.
func TestAnotherPathIsGood(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	k := h.person(t)
	cross := h.cross(t, other.pki.Root())
	h.pki.Root().Revoke(h.ca.Certificate, day0.Add(-10*time.Minute), 2)
	q := h.ask()
	q.Offline = true
	q.Lists = []*crl.List{list(t, h.ca, testpki.CRLOptions{}), list(t, h.pki.Root(), testpki.CRLOptions{}), list(t, other.pki.Root(), testpki.CRLOptions{})}
	der := sign(t, k)
	expect(t, h.v.Document(t.Context(), der, q), indeterminate, verifier.RevokedCANoPOE, "cert.revocation")
	q.Certs = []*pki.Certificate{cross}
	q.Anchors = append(q.Anchors, other.trust()...)
	expect(t, h.v.Document(t.Context(), der, q), passed, "", "")
}

// A timestamp that is not valid proves nothing and takes nothing away.
func TestTimestampsThatProveNothing(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, h *house, k *pki.Key, q *verifier.Question) []byte
		says string
	}{
		{"over other data", func(t *testing.T, h *house, k *pki.Key, q *verifier.Question) []byte {
			return sign(t, k, func(o *cms.SignOptions) { o.Stamp = stampOther(h) })
		}, "over other data"},
		{"from the future", func(t *testing.T, h *house, k *pki.Key, q *verifier.Question) []byte {
			return sign(t, k, h.stamped(day0.Add(time.Hour)))
		}, "after the time judged"},
		{"of a service that nobody trusts", func(t *testing.T, h *house, k *pki.Key, q *verifier.Question) []byte {
			q.TSAAnchors = newHouse(t).trust()
			return sign(t, k, h.stamped(day0.Add(-time.Minute)))
		}, "could not be trusted"},
		{"of a revoked service", func(t *testing.T, h *house, k *pki.Key, q *verifier.Question) []byte {
			tsa, err := h.pki.NewTSA(h.ca)
			if err != nil {
				t.Fatal(err)
			}
			h.ca.Revoke(tsa.Certificate, day0.Add(-2*time.Minute), 1)
			return sign(t, k, h.stamped(day0.Add(-time.Minute)))
		}, "could not be trusted"},
		{"with no service anchored", func(t *testing.T, h *house, k *pki.Key, q *verifier.Question) []byte {
			q.TSAAnchors = []trust.Anchor{}
			return sign(t, k, h.stamped(day0.Add(-time.Minute)))
		}, "could not be trusted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			q := h.ask()
			der := tt.make(t, h, h.person(t), &q)
			r := h.v.Document(t.Context(), der, q)
			expect(t, r, passed, "", "")
			s := r.Signatures[0]
			if s.SigningTime != nil || s.Level != "B" {
				t.Errorf("signing time %v, level %s", s.SigningTime, s.Level)
			}
			said := false
			for _, f := range s.Findings {
				said = said || f.Key == "signature.timestamp" && f.Outcome == verifier.Warn && strings.Contains(f.Texts().EN, tt.says)
			}
			if !said {
				t.Errorf("no warning says %q", tt.says)
			}
		})
	}
}

// A timestamp of a service that has since been revoked still proves its time.
func TestServiceRevokedLater(t *testing.T) {
	h := newHouse(t)
	tsa, err := h.pki.NewTSA(h.ca)
	if err != nil {
		t.Fatal(err)
	}
	h.ca.Revoke(tsa.Certificate, day0.Add(-time.Minute), 4)
	r := h.v.Document(t.Context(), sign(t, h.person(t), h.stamped(day0.Add(-2*time.Minute))), h.ask())
	expect(t, r, passed, "", "")
	if r.Signatures[0].SigningTime == nil {
		t.Error("the time is not proven")
	}
}

// One that may have been in foreign hands proves nothing: whoever held its key could
// state any time (RFC 3161 §4). Neither does one that states a time before its own.
func TestServiceRevokedForGood(t *testing.T) {
	for _, reason := range []int{0, 1} { // x509 leaves a reason of 0 out
		h := newHouse(t)
		tsa, err := h.pki.NewTSA(h.ca)
		if err != nil {
			t.Fatal(err)
		}
		h.ca.Revoke(tsa.Certificate, day0.Add(-time.Minute), reason)
		h.pki.SetDown(false, true, false)
		r := h.v.Document(t.Context(), sign(t, h.person(t), h.stamped(day0.Add(-2*time.Minute))), h.ask())
		expect(t, r, passed, "", "")
		if r.Signatures[0].SigningTime != nil {
			t.Errorf("reason %d: a time is proven", reason)
		}
	}
	h := newHouse(t)
	tsa, err := h.ca.Issue(testpki.Leaf{CommonName: "Уақыт белгісі", NotBefore: day0.Add(-time.Minute), ExtKeyUsage: []pki.OID{pki.OIDTimeStamping}})
	if err != nil {
		t.Fatal(err)
	}
	h.pki.UseTSA(tsa)
	r := h.v.Document(t.Context(), sign(t, h.person(t), h.stamped(day0.Add(-2*time.Minute))), h.ask())
	expect(t, r, passed, "", "")
	if r.Signatures[0].SigningTime != nil {
		t.Error("a time before the service's own is proven")
	}
}
