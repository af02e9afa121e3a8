// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"strings"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

const point = "http://crl.example.kz/1.crl"

// ask is Judge for a leaf of a CA that is itself the anchor.
func ask(ca *authority, c *pki.Certificate, lists ...*crl.List) crl.Answer {
	return crl.Judge(context.Background(), crl.Query{Certificate: c, Issuer: ca.anchor(), IssuerCert: ca.cert, Anchor: ca.anchor(), Lists: lists, At: at})
}

func TestJudge(t *testing.T) {
	ca := newRoot(t, "CA")
	leaf := ca.leaf(t, certOptions{})
	user := ca.leaf(t, certOptions{extra: []pkix.Extension{cdp(fullName(uri(point)))}})
	relativeUser := ca.leaf(t, certOptions{extra: []pkix.Extension{cdp(relativeName("Shard 1"))}})
	some := ca.leaf(t, certOptions{extra: []pkix.Extension{cdp(fullName(uri(point)), someReasons(1, 0x60))}})
	sub := ca.below(t, "Sub", certOptions{ca: true})
	young := ca.leaf(t, certOptions{notBefore: at.Add(-time.Minute)})
	dead := ca.leaf(t, certOptions{notAfter: at.Add(-48 * time.Hour)})
	past := at.Add(-100 * time.Hour)

	for _, tc := range []struct {
		name  string
		cert  *pki.Certificate
		lists []listOptions
		want  crl.Status
		why   string
	}{
		{"no list", leaf, nil, crl.Unknown, "at hand"},
		{"not listed", leaf, []listOptions{{}}, crl.Good, ""},
		{"listed", leaf, []listOptions{{entries: []x509.RevocationListEntry{entry(leaf, past, 1)}}}, crl.Revoked, ""},
		{"another listed", leaf, []listOptions{{entries: []x509.RevocationListEntry{entry(user, past, 1)}}}, crl.Good, ""},
		{"on hold", leaf, []listOptions{{entries: []x509.RevocationListEntry{entry(leaf, past, 6)}}}, crl.Hold, ""},
		{"on hold, then revoked in another list", leaf, []listOptions{
			{entries: []x509.RevocationListEntry{entry(leaf, past, 6)}, extra: []pkix.Extension{idp(someReasons(someReason, 0x02))}},
			{this: past, entries: []x509.RevocationListEntry{entry(leaf, past, 1)}},
		}, crl.Revoked, ""},
		{"revoked after the time judged", leaf, []listOptions{{entries: []x509.RevocationListEntry{entry(leaf, at.Add(time.Second), 1)}}}, crl.Good, "after the time judged"},
		{"revoked at the very second", leaf, []listOptions{{entries: []x509.RevocationListEntry{entry(leaf, at, 1)}}}, crl.Revoked, ""},
		{"removeFromCRL in a complete list", leaf, []listOptions{{entries: []x509.RevocationListEntry{entry(leaf, past, 8)}}}, crl.Unknown, "removeFromCRL"},
		{"the newer of two decides", leaf, []listOptions{{this: past, entries: []x509.RevocationListEntry{entry(leaf, past, 6)}}, {number: 2}}, crl.Good, ""},

		{"stale", leaf, []listOptions{{this: past, next: at.Add(-time.Second)}}, crl.Unknown, "stale"},
		{"stale, and listed", leaf, []listOptions{{this: past, next: at.Add(-time.Second), entries: []x509.RevocationListEntry{entry(leaf, past, 1)}}}, crl.Unknown, "lists the certificate as revoked"},
		{"nextUpdate this second", leaf, []listOptions{{this: past, next: at}}, crl.Good, ""},
		{"of the future", leaf, []listOptions{{this: at.Add(time.Second)}}, crl.Unknown, "after the time judged"},
		{"older than the certificate", young, []listOptions{{}}, crl.Unknown, "older than the certificate"},
		{"older than the certificate, listed", young, []listOptions{{entries: []x509.RevocationListEntry{entry(young, at.Add(-time.Minute), 1)}}}, crl.Revoked, ""},
		{"certificate expired before", dead, []listOptions{{}}, crl.Unknown, "had expired"},
		{"certificate expired before, expired ones kept", dead, []listOptions{{extra: []pkix.Extension{ext(oid(2, 5, 29, 60), false, []byte("\x18\x0f20200101000000Z"))}}}, crl.Good, ""},

		{"critical extension unknown", leaf, []listOptions{{extra: []pkix.Extension{unknown(true)}}}, crl.Unknown, "critical extension"},
		{"critical extension unknown, listed", leaf, []listOptions{{extra: []pkix.Extension{unknown(true)}, entries: []x509.RevocationListEntry{entry(leaf, past, 1)}}}, crl.Unknown, "lists the certificate as revoked"},
		{"critical entry extension unknown", leaf, []listOptions{{entries: []x509.RevocationListEntry{entry(user, past, 1, unknown(true))}}}, crl.Unknown, "critical extension"},
		{"other extensions unknown", leaf, []listOptions{{extra: []pkix.Extension{unknown(false)}, entries: []x509.RevocationListEntry{entry(user, past, 1, unknown(false))}}}, crl.Good, ""},

		{"users only, a user", leaf, []listOptions{{extra: []pkix.Extension{idp(flag(onlyUser))}}}, crl.Good, ""},
		{"users only, a CA", sub.cert, []listOptions{{extra: []pkix.Extension{idp(flag(onlyUser))}}}, crl.Unknown, "users' certificates only"},
		{"CAs only, a CA", sub.cert, []listOptions{{extra: []pkix.Extension{idp(flag(onlyCA))}}}, crl.Good, ""},
		{"CAs only, a user", leaf, []listOptions{{extra: []pkix.Extension{idp(flag(onlyCA))}}}, crl.Unknown, "CAs' certificates only"},
		{"attribute certificates only", leaf, []listOptions{{extra: []pkix.Extension{idp(flag(onlyAttribute))}}}, crl.Unknown, "attribute"},
		{"out of scope, listed", leaf, []listOptions{{extra: []pkix.Extension{idp(flag(onlyCA))}, entries: []x509.RevocationListEntry{entry(leaf, past, 1)}}}, crl.Unknown, "CAs' certificates only"},

		{"same point", user, []listOptions{{extra: []pkix.Extension{idp(fullName(uri("http://mirror.example.kz/"), uri("HTTP://CRL.example.kz/1.crl")))}}}, crl.Good, ""},
		{"another point", user, []listOptions{{extra: []pkix.Extension{idp(fullName(uri("http://crl.example.kz/2.crl")))}}}, crl.Unknown, "another distribution point"},
		{"another path by case", user, []listOptions{{extra: []pkix.Extension{idp(fullName(uri("http://crl.example.kz/1.CRL")))}}}, crl.Unknown, "another distribution point"},
		{"a point, certificate without", leaf, []listOptions{{extra: []pkix.Extension{idp(fullName(uri(point)))}}}, crl.Unknown, "another distribution point"},
		{"list without point", user, []listOptions{{}}, crl.Good, ""},
		{"relative name", relativeUser, []listOptions{{extra: []pkix.Extension{idp(relativeName("shard  1"))}}}, crl.Good, ""},
		{"relative name of another", relativeUser, []listOptions{{extra: []pkix.Extension{idp(relativeName("Shard 2"))}}}, crl.Unknown, "another distribution point"},
		{"relative and full name", relativeUser, []listOptions{{extra: []pkix.Extension{idp(fullName(tlv(0xa4, tlv(0x30, tlv(0x31, relative("CA")), tlv(0x31, relative("Shard 1"))))))}}}, crl.Good, ""},

		{"some reasons only", leaf, []listOptions{{extra: []pkix.Extension{idp(someReasons(someReason, 0x60))}}}, crl.Unknown, "some reasons"},
		{"some reasons, revoked", leaf, []listOptions{{extra: []pkix.Extension{idp(someReasons(someReason, 0x60))}, entries: []x509.RevocationListEntry{entry(leaf, past, 1)}}}, crl.Revoked, ""},
		{"reasons together all", leaf, []listOptions{
			{extra: []pkix.Extension{idp(someReasons(someReason, 0x60))}},
			{extra: []pkix.Extension{idp([]byte{0x83, 3, 7, 0x1e, 0x80})}}, // the other six, reasonFlags 3 to 8
		}, crl.Unknown, "some reasons"},
		{"point of some reasons, issuer's list for the rest", some, []listOptions{{}}, crl.Good, ""},
		{"point of some reasons, no list for the rest", some, []listOptions{{extra: []pkix.Extension{idp(fullName(uri(point)))}}}, crl.Unknown, "some reasons"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var lists []*crl.List
			for _, o := range tc.lists {
				lists = append(lists, ca.list(t, o))
			}
			got := ask(ca, tc.cert, lists...)
			if got.Status != tc.want || !strings.Contains(got.Why, tc.why) {
				t.Fatalf("want %s (%q), got %s (%q)", tc.want, tc.why, got.Status, got.Why)
			}
			if got.Status == crl.Unknown && (got.Why == "" || got.Citation == "") {
				t.Errorf("unknown without a reason: %+v", got)
			}
			if got.Status != crl.Unknown && (got.List == nil || len(got.Used) == 0) {
				t.Error("decided by no list")
			}
			if got.Status == crl.Hold && !got.RetryAfter.Equal(at.Add(24*time.Hour)) {
				t.Errorf("hold: ask again at %s", got.RetryAfter)
			}
			if strings.Contains(got.Why, "stale") && got.RetryAfter.IsZero() {
				t.Error("stale without a time to ask again")
			}
		})
	}
}

func TestMaxAge(t *testing.T) {
	ca := newRoot(t, "CA")
	leaf := ca.leaf(t, certOptions{})
	l := ca.list(t, listOptions{this: at.Add(-10 * time.Hour)})
	q := crl.Query{Certificate: leaf, Issuer: ca.anchor(), Anchor: ca.anchor(), Lists: []*crl.List{l}, At: at}
	for age, want := range map[time.Duration]crl.Status{0: crl.Good, 9 * time.Hour: crl.Unknown, 10 * time.Hour: crl.Good} {
		q.MaxAge = age
		if a := crl.Judge(context.Background(), q); a.Status != want {
			t.Errorf("%s: want %s, got %s %s", age, want, a.Status, a.Why)
		}
	}
	if a := crl.Judge(context.Background(), crl.Query{Certificate: leaf}); a.Status != crl.Unknown {
		t.Errorf("no time given: %s", a.Status)
	}
}

func TestDelta(t *testing.T) {
	ca := newRoot(t, "CA")
	leaf := ca.leaf(t, certOptions{})
	past := at.Add(-100 * time.Hour)
	revoked := []x509.RevocationListEntry{entry(leaf, past, 1)}
	held := []x509.RevocationListEntry{entry(leaf, past, 6)}
	removed := []x509.RevocationListEntry{entry(leaf, past, 8)}
	base := func(o listOptions) listOptions { o.number, o.this = 10, past; return o }
	delta := func(of, number int64, o listOptions) listOptions {
		o.number = number
		o.extra = append(o.extra, deltaOf(of))
		return o
	}
	stale := base(listOptions{})
	stale.next = at.Add(-time.Minute)
	scope := idp(flag(onlyUser))
	for _, tc := range []struct {
		name  string
		lists []listOptions
		want  crl.Status
	}{
		{"delta alone", []listOptions{delta(10, 11, listOptions{})}, crl.Unknown},
		{"delta alone, listed", []listOptions{delta(10, 11, listOptions{entries: revoked})}, crl.Unknown},
		{"delta revokes", []listOptions{base(listOptions{}), delta(10, 11, listOptions{entries: revoked})}, crl.Revoked},
		{"delta says nothing, base revokes", []listOptions{base(listOptions{entries: revoked}), delta(10, 11, listOptions{})}, crl.Revoked},
		{"delta removes a hold", []listOptions{base(listOptions{entries: held}), delta(10, 11, listOptions{entries: removed})}, crl.Good},
		{"delta freshens a stale base", []listOptions{stale, delta(10, 11, listOptions{})}, crl.Good},
		{"delta of a later base", []listOptions{stale, delta(11, 12, listOptions{})}, crl.Unknown},
		{"delta not newer than base", []listOptions{base(listOptions{}), delta(9, 10, listOptions{entries: revoked})}, crl.Good},
		{"stale delta", []listOptions{base(listOptions{}), delta(10, 11, listOptions{entries: revoked, this: past, next: at.Add(-time.Second)})}, crl.Good},
		{"delta of another scope", []listOptions{base(listOptions{}), delta(10, 11, listOptions{entries: revoked, extra: []pkix.Extension{scope}})}, crl.Good},
		{"delta of the same scope", []listOptions{base(listOptions{extra: []pkix.Extension{scope}}), delta(10, 11, listOptions{entries: revoked, extra: []pkix.Extension{scope}})}, crl.Revoked},
		{"delta with an unknown critical extension", []listOptions{stale, delta(10, 11, listOptions{extra: []pkix.Extension{unknown(true)}})}, crl.Unknown},
		{"the newest of two deltas", []listOptions{base(listOptions{entries: held}), delta(10, 11, listOptions{entries: held}), delta(10, 12, listOptions{entries: removed})}, crl.Good},
		{"delta signed by another key", []listOptions{stale, delta(10, 11, listOptions{signer: newRoot(t, "CA")})}, crl.Unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var lists []*crl.List
			for _, o := range tc.lists {
				lists = append(lists, ca.list(t, o))
			}
			if got := ask(ca, leaf, lists...); got.Status != tc.want {
				t.Fatalf("want %s, got %s (%s)", tc.want, got.Status, got.Why)
			}
		})
	}
}

func TestSigner(t *testing.T) {
	root := newRoot(t, "Root")
	ca := root.below(t, "CA", certOptions{ca: true})
	neighbour := root.below(t, "Neighbour", certOptions{ca: true})
	noSign := root.below(t, "CA", certOptions{ca: true, usage: x509.KeyUsageCertSign, key: ca.key})
	listKey := root.below(t, "CA", certOptions{usage: x509.KeyUsageCRLSign})
	noListKey := root.below(t, "CA", certOptions{usage: x509.KeyUsageDigitalSignature})
	ownListKey := ca.below(t, "CA", certOptions{usage: x509.KeyUsageCRLSign})
	forgedListKey := neighbour.below(t, "CA", certOptions{usage: x509.KeyUsageCRLSign})
	strange := newRoot(t, "CA")
	leaf := ca.leaf(t, certOptions{})
	rootList := root.list(t, listOptions{})
	past := at.Add(-time.Hour)

	for _, tc := range []struct {
		name       string
		issuerCert *pki.Certificate
		signer     *authority
		candidates []*authority
		others     []*crl.List
		want       crl.Status
		why        string
	}{
		{"the issuer", ca.cert, nil, nil, nil, crl.Good, ""},
		{"the issuer without cRLSign", noSign.cert, nil, nil, nil, crl.Unknown, "cRLSign"},
		{"the issuer without cRLSign, another certificate for its key among the candidates", noSign.cert, nil, []*authority{ca}, []*crl.List{rootList}, crl.Unknown, "cRLSign"},
		{"an unknown key", ca.cert, strange, []*authority{strange}, []*crl.List{rootList}, crl.Unknown, "no valid path"},
		{"an unknown key, nothing at hand", ca.cert, strange, nil, nil, crl.Unknown, "does not verify"},
		{"a key for lists by the same root", ca.cert, listKey, []*authority{listKey}, []*crl.List{rootList}, crl.Good, ""},
		{"that key, its own status unknown", ca.cert, listKey, []*authority{listKey}, nil, crl.Unknown, "not known"},
		{"that key, revoked", ca.cert, listKey, []*authority{listKey}, []*crl.List{root.list(t, listOptions{entries: []x509.RevocationListEntry{entry(listKey.cert, past, 1)}})}, crl.Unknown, "is revoked"},
		{"that key, on hold", ca.cert, listKey, []*authority{listKey}, []*crl.List{root.list(t, listOptions{entries: []x509.RevocationListEntry{entry(listKey.cert, past, 6)}})}, crl.Unknown, "on hold"},
		{"a certificate of that name that may not sign lists", ca.cert, noListKey, []*authority{noListKey}, []*crl.List{rootList}, crl.Unknown, "cRLSign"},
		{"a key for lists by the CA itself", ca.cert, ownListKey, []*authority{ownListKey, ca}, []*crl.List{rootList}, crl.Good, ""},
		{"a key of that name by a neighbour", ca.cert, forgedListKey, []*authority{forgedListKey, neighbour, ca}, []*crl.List{rootList, neighbour.list(t, listOptions{})}, crl.Unknown, "bears the issuer's name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var bag []*pki.Certificate
			for _, c := range tc.candidates {
				bag = append(bag, c.cert)
			}
			l := ca.list(t, listOptions{signer: tc.signer})
			got := crl.Judge(context.Background(), crl.Query{
				Certificate: leaf, Issuer: trust.AnchorOf(tc.issuerCert), IssuerCert: tc.issuerCert, Anchor: root.anchor(),
				Lists: append([]*crl.List{l}, tc.others...), Candidates: bag, At: at,
			})
			if got.Status != tc.want || !strings.Contains(got.Why, tc.why) {
				t.Fatalf("want %s (%q), got %s (%q)", tc.want, tc.why, got.Status, got.Why)
			}
		})
	}
}

// Who may sign a list is asked before it is kept, without asking whether that one was
// revoked: the list that says so may not have come yet.
func TestAuthorised(t *testing.T) {
	root := newRoot(t, "Root")
	ca := root.below(t, "CA", certOptions{ca: true})
	neighbour := root.below(t, "Neighbour", certOptions{ca: true})
	listKey := root.below(t, "CA", certOptions{usage: x509.KeyUsageCRLSign})
	for _, tc := range []struct {
		name   string
		signer *authority
		why    string // of the refusal; "" where it may
	}{
		{"the issuer", nil, ""},
		{"a key for lists by the same root", listKey, ""},
		{"a certificate of that name that may not sign lists", root.below(t, "CA", certOptions{usage: x509.KeyUsageDigitalSignature}), "cRLSign"},
		{"a certificate of that name by a neighbour", neighbour.below(t, "CA", certOptions{usage: x509.KeyUsageCRLSign}), "bears the issuer's name"},
		{"a self-made certificate of that name", newRoot(t, "CA"), "no valid path"},
		{"an expired key for lists", root.below(t, "CA", certOptions{usage: x509.KeyUsageCRLSign, notAfter: at.Add(-time.Hour)}), "no valid path"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bag := []*pki.Certificate{ca.cert, neighbour.cert}
			if tc.signer != nil {
				bag = append(bag, tc.signer.cert)
			}
			err := ca.list(t, listOptions{signer: tc.signer}).Authorised(context.Background(), crl.Query{
				Certificate: ca.leaf(t, certOptions{}), Issuer: ca.anchor(), IssuerCert: ca.cert, Anchor: root.anchor(), Candidates: bag, At: at,
			})
			if (err == nil) != (tc.why == "") || err != nil && !strings.Contains(err.Error(), tc.why) {
				t.Errorf("%v, want %q", err, tc.why)
			}
		})
	}
	if err := ca.list(t, listOptions{}).Authorised(context.Background(), crl.Query{}); err == nil {
		t.Error("a question without certificate or time is answered")
	}
}

// A list's signer is judged when the list is proven to exist: one that ended since
// still speaks through it, one that had ended by then does not.
func TestProven(t *testing.T) {
	root := newRoot(t, "Root")
	ca := root.below(t, "CA", certOptions{ca: true})
	ended := root.below(t, "CA", certOptions{usage: x509.KeyUsageCRLSign, notAfter: at.Add(-time.Hour)})
	q := crl.Query{
		Certificate: ca.leaf(t, certOptions{}), Issuer: ca.anchor(), IssuerCert: ca.cert, Anchor: root.anchor(), Candidates: []*pki.Certificate{ended.cert},
		Lists: []*crl.List{ca.list(t, listOptions{signer: ended, this: at.Add(-3 * time.Hour)}), root.list(t, listOptions{this: at.Add(-3 * time.Hour)})}, At: at,
	}
	for proven, want := range map[time.Duration]crl.Status{0: crl.Unknown, -30 * time.Minute: crl.Unknown, -2 * time.Hour: crl.Good} {
		if q.Proven = at.Add(proven); proven == 0 {
			q.Proven = time.Time{}
		}
		if got := crl.Judge(context.Background(), q); got.Status != want {
			t.Errorf("proven %v before: %s (%s), want %s", -proven, got.Status, got.Why, want)
		}
	}
}

func TestIndirect(t *testing.T) {
	root := newRoot(t, "Root")
	ca := root.below(t, "CA", certOptions{ca: true})
	lister := root.below(t, "Lister", certOptions{usage: x509.KeyUsageCRLSign})
	sends := cdp(crlIssuer(dirName(lister.cert.Subject)))
	leaf := ca.leaf(t, certOptions{extra: []pkix.Extension{sends}})
	past := at.Add(-time.Hour)
	flagged := idp(flag(indirect))
	rootList := root.list(t, listOptions{})
	other := x509.RevocationListEntry{SerialNumber: leaf.Serial, RevocationTime: past, ReasonCode: 1}
	of := func(name []byte) x509.RevocationListEntry {
		e := other
		e.ExtraExtensions = []pkix.Extension{certificateIssuer(name)}
		return e
	}
	plain := func(serial int64) x509.RevocationListEntry {
		e := other
		e.SerialNumber = leaf.Serial
		return e
	}

	for _, tc := range []struct {
		name  string
		lists []*crl.List
		want  crl.Status
	}{
		{"not listed", []*crl.List{lister.list(t, listOptions{extra: []pkix.Extension{flagged}})}, crl.Good},
		{"not flagged indirect", []*crl.List{lister.list(t, listOptions{})}, crl.Unknown},
		{"the CA's own list does not count", []*crl.List{ca.list(t, listOptions{})}, crl.Unknown},
		{"same serial of the list's issuer", []*crl.List{lister.list(t, listOptions{extra: []pkix.Extension{flagged}, entries: []x509.RevocationListEntry{other}})}, crl.Good},
		{"listed under the CA", []*crl.List{lister.list(t, listOptions{extra: []pkix.Extension{flagged}, entries: []x509.RevocationListEntry{of(cn("CA"))}})}, crl.Revoked},
		{"listed under another CA", []*crl.List{lister.list(t, listOptions{extra: []pkix.Extension{flagged}, entries: []x509.RevocationListEntry{of(cn("Other"))}})}, crl.Good},
		{"under the CA because the entry before is", []*crl.List{lister.list(t, listOptions{extra: []pkix.Extension{flagged}, entries: []x509.RevocationListEntry{
			{SerialNumber: bigInt(777), RevocationTime: past, ExtraExtensions: []pkix.Extension{certificateIssuer(cn("CA"))}}, plain(0)}})}, crl.Revoked},
		{"certificateIssuer in a list that is not indirect", []*crl.List{lister.list(t, listOptions{entries: []x509.RevocationListEntry{of(cn("CA"))}})}, crl.Unknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := crl.Judge(context.Background(), crl.Query{
				Certificate: leaf, Issuer: ca.anchor(), IssuerCert: ca.cert, Anchor: root.anchor(),
				Lists: append([]*crl.List{rootList}, tc.lists...), Candidates: []*pki.Certificate{lister.cert}, At: at,
			})
			if got.Status != tc.want {
				t.Fatalf("want %s, got %s (%s)", tc.want, got.Status, got.Why)
			}
		})
	}
}

// Whoever can write lists and certificates into the bag must not buy more than a bounded number of signature checks.
func TestHostileBag(t *testing.T) {
	root := newRoot(t, "Root")
	ca := root.below(t, "CA", certOptions{ca: true})
	leaf := ca.leaf(t, certOptions{})
	var bag []*pki.Certificate
	for range 300 {
		bag = append(bag, root.below(t, "CA", certOptions{usage: x509.KeyUsageCRLSign, key: ca.key, serial: bigInt(int64(len(bag)) + 1000)}).cert)
	}
	strange := newRoot(t, "CA")
	for i := range 100 {
		bag = append(bag, root.below(t, "CA", certOptions{usage: x509.KeyUsageCRLSign, serial: bigInt(int64(i) + 5000)}).cert)
	}
	var lists []*crl.List
	for range 20 {
		lists = append(lists, ca.list(t, listOptions{signer: strange}))
	}
	began := time.Now()
	a := crl.Judge(context.Background(), crl.Query{Certificate: leaf, Issuer: ca.anchor(), IssuerCert: ca.cert, Anchor: root.anchor(), Lists: lists, Candidates: bag, At: at})
	if a.Status != crl.Unknown {
		t.Errorf("got %s", a.Status)
	}
	t.Logf("%s: %s", time.Since(began), a.Why)
}

func ExampleJudge() {
	t := new(testing.T)
	ca := newRoot(t, "CA")
	leaf := ca.leaf(t, certOptions{})
	good := ca.list(t, listOptions{})
	bad := ca.list(t, listOptions{number: 2, entries: []x509.RevocationListEntry{entry(leaf, at.Add(-time.Hour), 1)}})
	for _, lists := range [][]*crl.List{nil, {good}, {bad}} {
		a := crl.Judge(context.Background(), crl.Query{Certificate: leaf, Issuer: ca.anchor(), Anchor: ca.anchor(), Lists: lists, At: at})
		fmt.Printf("%s %q\n", a.Status, a.Why)
	}
	// Output:
	// unknown "no list of the certificate's issuer is at hand"
	// good ""
	// revoked ""
}
