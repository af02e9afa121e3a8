// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
)

// A delta says nothing yet of what it dates after the time judged: what the complete list says stands until then.
func TestDeltaOfLater(t *testing.T) {
	ca := newRoot(t, "CA")
	leaf := ca.leaf(t, certOptions{})
	past, soon := at.Add(-100*time.Hour), at.Add(time.Second)
	for _, tc := range []struct {
		name        string
		base, delta []x509.RevocationListEntry
		want        crl.Status
	}{
		{"a hold lifted later", []x509.RevocationListEntry{entry(leaf, past, 6)}, []x509.RevocationListEntry{entry(leaf, soon, 8)}, crl.Hold},
		{"a hold lifted now", []x509.RevocationListEntry{entry(leaf, past, 6)}, []x509.RevocationListEntry{entry(leaf, at, 8)}, crl.Good},
		{"revoked, and again later", []x509.RevocationListEntry{entry(leaf, past, 1)}, []x509.RevocationListEntry{entry(leaf, soon, 4)}, crl.Revoked},
		{"on hold, revoked later", []x509.RevocationListEntry{entry(leaf, past, 6)}, []x509.RevocationListEntry{entry(leaf, soon, 1)}, crl.Hold},
		{"revoked later alone", nil, []x509.RevocationListEntry{entry(leaf, soon, 1)}, crl.Good},
		{"removed, never listed", nil, []x509.RevocationListEntry{entry(leaf, past, 8)}, crl.Good},
	} {
		base := ca.list(t, listOptions{number: 10, this: past, entries: tc.base})
		delta := ca.list(t, listOptions{number: 11, entries: tc.delta, extra: []pkix.Extension{deltaOf(10)}})
		if got := ask(ca, leaf, base, delta); got.Status != tc.want {
			t.Errorf("%s: want %s, got %s (%s)", tc.name, tc.want, got.Status, got.Why)
		}
	}
}

// Lists of some reasons answer together where they leave none out (RFC 5280 §6.3.3 (l)).
func TestReasonsTogether(t *testing.T) {
	ca := newRoot(t, "CA")
	leaf := ca.leaf(t, certOptions{})
	keys := ca.list(t, listOptions{extra: []pkix.Extension{idp(someReasons(someReason, 0x60))}})                               // 1 and 2
	rest := ca.list(t, listOptions{extra: []pkix.Extension{idp([]byte{0x83, 3, 7, 0x1f, 0x80})}})                              // 3 to 8
	but7 := ca.list(t, listOptions{extra: []pkix.Extension{idp([]byte{0x83, 3, 7, 0x1e, 0x80})}})                              // 3 to 6 and 8
	stale := ca.list(t, listOptions{next: at.Add(-time.Minute), extra: []pkix.Extension{idp([]byte{0x83, 3, 7, 0x1f, 0x80})}}) // 3 to 8
	for name, tc := range map[string]struct {
		lists []*crl.List
		want  crl.Status
	}{
		"all":             {[]*crl.List{keys, rest}, crl.Good},
		"one left out":    {[]*crl.List{keys, but7}, crl.Unknown},
		"one list stale":  {[]*crl.List{keys, stale}, crl.Unknown},
		"the same twice":  {[]*crl.List{keys, keys}, crl.Unknown},
		"the second half": {[]*crl.List{rest}, crl.Unknown},
	} {
		if got := ask(ca, leaf, tc.lists...); got.Status != tc.want {
			t.Errorf("%s: want %s, got %s (%s)", name, tc.want, got.Status, got.Why)
		}
	}
}

// certificateIssuer holds for the entries after it until the next one (RFC 5280 §5.3.3).
func TestCertificateIssuerIsCarried(t *testing.T) {
	root := newRoot(t, "Root")
	ca := root.below(t, "CA", certOptions{ca: true})
	lister := root.below(t, "Lister", certOptions{usage: x509.KeyUsageCRLSign})
	leaf := ca.leaf(t, certOptions{serial: bigInt(4711), extra: []pkix.Extension{cdp(crlIssuer(dirName(lister.cert.Subject)))}})
	past := at.Add(-time.Hour)
	of := func(name string, serial int64) x509.RevocationListEntry {
		e := x509.RevocationListEntry{SerialNumber: bigInt(serial), RevocationTime: past, ReasonCode: 1}
		if name != "" {
			e.ExtraExtensions = []pkix.Extension{certificateIssuer(cn(name))}
		}
		return e
	}
	for name, tc := range map[string]struct {
		entries []x509.RevocationListEntry
		want    crl.Status
	}{
		"carried over three":          {[]x509.RevocationListEntry{of("CA", 1), of("", 2), of("", 3), of("", 4711)}, crl.Revoked},
		"changed before":              {[]x509.RevocationListEntry{of("CA", 1), of("", 2), of("Other", 3), of("", 4711)}, crl.Good},
		"changed after":               {[]x509.RevocationListEntry{of("CA", 1), of("", 4711), of("Other", 3), of("", 4)}, crl.Revoked},
		"changed and back":            {[]x509.RevocationListEntry{of("Other", 1), of("", 4711), of("ca ", 3), of("", 4711)}, crl.Revoked},
		"before any: the list's own":  {[]x509.RevocationListEntry{of("", 4711), of("CA", 1)}, crl.Good},
		"back to the list's own name": {[]x509.RevocationListEntry{of("CA", 1), of("Lister", 2), of("", 4711)}, crl.Good},
	} {
		got := crl.Judge(context.Background(), crl.Query{
			Certificate: leaf, Issuer: ca.anchor(), IssuerCert: ca.cert, Anchor: root.anchor(), Candidates: []*pki.Certificate{lister.cert}, At: at,
			Lists: []*crl.List{root.list(t, listOptions{}), lister.list(t, listOptions{entries: tc.entries, extra: []pkix.Extension{idp(flag(indirect))}})},
		})
		if got.Status != tc.want {
			t.Errorf("%s: want %s, got %s (%s)", name, tc.want, got.Status, got.Why)
		}
	}
}

// An authority that has changed its key signs one list for the certificates of both, whichever key its list's identifier names.
func TestListOfRekeyedAuthority(t *testing.T) {
	root := newRoot(t, "Root")
	old := root.below(t, "CA", certOptions{ca: true})
	renewed := root.below(t, "CA", certOptions{ca: true})
	leaf := old.leaf(t, certOptions{})
	above := root.list(t, listOptions{})
	for name, tc := range map[string]struct {
		issuer *authority
		signer *authority
		listed bool
		want   crl.Status
	}{
		"the new key":                    {renewed, nil, false, crl.Good},
		"the new key, listed":            {renewed, nil, true, crl.Revoked},
		"the old key, under new numbers": {old, renewed, false, crl.Good},
	} {
		o := listOptions{signer: tc.signer}
		if tc.listed {
			o.entries = []x509.RevocationListEntry{entry(leaf, at.Add(-time.Hour), 1)}
		}
		got := crl.Judge(context.Background(), crl.Query{
			Certificate: leaf, Issuer: old.anchor(), IssuerCert: old.cert, Anchor: root.anchor(), At: at,
			Candidates: []*pki.Certificate{renewed.cert, old.cert}, Lists: []*crl.List{above, tc.issuer.list(t, o)},
		})
		if got.Status != tc.want {
			t.Errorf("%s: want %s, got %s (%s)", name, tc.want, got.Status, got.Why)
		}
	}
}
