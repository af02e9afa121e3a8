// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"bytes"
	"context"
	cryptorand "crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

func TestFind(t *testing.T) {
	root := issue(t, nil, "Root", nil, ca)
	other := issue(t, nil, "Other Root", nil, ca)
	middle := issue(t, root, "Middle", nil, ca)
	leaf := issue(t, middle, "Leaf", nil)
	anchors := []*party{root}

	// The key of root under the same name, certified by itself again.
	copyOfRoot := issue(t, root, "Root", root.key, ca)
	// Key rollover: the name of middle with a new key, signed by the old one.
	rolled := issue(t, middle, "Middle", nil, ca)
	underRolled := issue(t, rolled, "Leaf under the new key", nil)

	impostor := issue(t, nil, "Root", nil, ca)
	forged := issue(t, impostor, "Forged", nil)
	anonymousRoot := issue(t, nil, "Anonymous", nil, ca, func(c *x509.Certificate) { c.SubjectKeyId = []byte{1} })
	anonymousForger := issue(t, nil, "Anonymous", nil, ca, func(c *x509.Certificate) { c.SubjectKeyId = []byte{1} })
	anonymousForged := issue(t, anonymousForger, "Forged", nil)

	mislabelled := issue(t, root, "Mislabelled", nil, ca, func(c *x509.Certificate) { c.SubjectKeyId = []byte("one") })
	mislabelled.template.SubjectKeyId = []byte("a much longer key identifier that is another one")
	underMislabelled := issue(t, mislabelled, "Leaf", nil)

	expiredMiddle := issue(t, root, "Middle", middle.key, ca, expired)
	lateLeaf := issue(t, middle, "Leaf", nil, func(c *x509.Certificate) { c.NotBefore = at.AddDate(0, 1, 0) })
	notCA := issue(t, root, "Not a CA", nil)
	noUsage := issue(t, root, "No usage", nil, ca, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
	tight := issue(t, root, "Tight", nil, ca, func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true })
	tightChild := issue(t, tight, "Too many", nil, ca)
	selfIssued := issue(t, tight, "Tight", nil, ca)
	strange := issue(t, root, "Strange", nil, ca, extension("1.2.398.3.3.99", true, []byte{5, 0}))
	noRev := issue(t, root, "No revocation", nil, ca, extension(pki.OIDNoRevAvail, false, []byte{5, 0}))
	short := issue(t, root, "Short lived", nil, extension(pki.OIDNoRevAvail, false, []byte{5, 0}))

	for _, tt := range []struct {
		name    string
		query   trust.Query
		length  int // certificates on the best path, 0 = none
		reasons []trust.Reason
		hint    string // a part of it
	}{
		{"leaf under the anchor", ask(middle, anchors), 1, nil, ""},
		{"one certificate between", ask(leaf, anchors, middle), 2, nil, ""},
		{"the anchor's own certificate in the bag", ask(leaf, anchors, root, middle, copyOfRoot, leaf), 2, nil, ""},
		{"a copy of the anchor's certificate as leaf", ask(copyOfRoot, anchors, root), 1, nil, ""},
		{"the anchor as leaf", ask(root, anchors, copyOfRoot), 1, nil, ""},
		{"anchored in the middle", ask(leaf, []*party{middle}, root), 1, nil, ""},
		{"a CA as leaf", ask(tightChild, anchors, tight), 2, nil, ""},
		{"key rollover", ask(underRolled, anchors, middle, rolled), 3, nil, ""},
		{"identifiers that disagree prove nothing", ask(underMislabelled, anchors, mislabelled), 2, nil, ""},
		{"short-lived without revocation", ask(short, anchors), 1, nil, ""},

		{"certificate missing", ask(leaf, anchors), 0, nil, `is named "CN=Middle", the issuer of "CN=Leaf"`},
		{"unknown root", ask(leaf, []*party{other}, middle, root), 0, nil, `ends at "CN=Root", which names itself`},
		{"unknown root of the anchor's name", ask(forged, anchors, impostor), 0, nil, "none of them made the signature"},
		{"no anchors", ask(leaf, nil, middle), 0, nil, "No anchors"},
		{"too deep", func() trust.Query {
			q := ask(underRolled, anchors, middle, rolled)
			q.Limits.Depth = 2
			return q
		}(), 0, nil, "may have 2 certificates"},

		{"nothing but the name leads to the anchor", ask(anonymousForged, []*party{anonymousRoot}), 1, []trust.Reason{trust.Signature}, ""},
		{"leaf not yet valid", ask(lateLeaf, anchors, middle), 2, []trust.Reason{trust.NotYetValid}, ""},
		{"CA expired", ask(leaf, anchors, expiredMiddle), 2, []trust.Reason{trust.Expired}, ""},
		{"CA expired, but certified again", ask(leaf, anchors, expiredMiddle, middle), 2, nil, ""},
		{"issuer is no CA", ask(issue(t, notCA, "Leaf", nil), anchors, notCA), 2, []trust.Reason{trust.NotCA}, ""},
		{"issuer may not sign certificates", ask(issue(t, noUsage, "Leaf", nil), anchors, noUsage), 2, []trust.Reason{trust.KeyUsage}, ""},
		{"path too long", ask(issue(t, tightChild, "Leaf", nil), anchors, tight, tightChild), 3, []trust.Reason{trust.PathLength}, ""},
		{"self-issued does not count for length", ask(issue(t, selfIssued, "Leaf", nil), anchors, tight, selfIssued), 3, nil, ""},
		{"an address as a host name", ask(issue(t, root, "Leaf", nil, func(c *x509.Certificate) { c.DNSNames = []string{"192.168.1.1"} }), anchors), 1, []trust.Reason{trust.Malformed}, ""},
		{"critical extension not processed", ask(issue(t, strange, "Leaf", nil), anchors, strange), 2, []trust.Reason{trust.CriticalExtension}, ""},
		{"a CA without revocation", ask(issue(t, noRev, "Leaf", nil), anchors, noRev), 2, []trust.Reason{trust.NoRevAvailMisuse}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			paths, hint := find(tt.query)
			if tt.length == 0 {
				if len(paths) != 0 || !strings.Contains(hint, tt.hint) {
					t.Fatalf("expected no path and a hint of %q: %s", tt.hint, explain(paths, hint))
				}
				return
			}
			if hint != "" {
				t.Errorf("a hint beside paths: %s", hint)
			}
			checkReasons(t, paths, hint, tt.length, tt.reasons)
		})
	}
}

func TestFindNeedsTime(t *testing.T) {
	root := issue(t, nil, "Root", nil, ca)
	q := ask(issue(t, root, "Leaf", nil), []*party{root})
	q.At = time.Time{}
	if paths, hint := find(q); len(paths) != 0 || hint == "" {
		t.Errorf("a path was judged at no time: %v", paths)
	}
	q.At, q.Leaf = at, nil
	if paths, hint := find(q); len(paths) != 0 || hint == "" {
		t.Errorf("a path was found for no certificate: %v", paths)
	}
}

func TestFindCancelled(t *testing.T) {
	root := issue(t, nil, "Root", nil, ca)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if paths, hint := trust.Find(ctx, ask(issue(t, root, "Leaf", nil), []*party{root})); len(paths) != 0 || !strings.Contains(hint, "canceled") {
		t.Errorf("cancelled, yet: %s", explain(paths, hint))
	}
}

// TestBareAnchor: a name and a key are enough (RFC 5280 §6.1.1 (d)).
func TestBareAnchor(t *testing.T) {
	root := issue(t, nil, "Root", nil, ca, expired)
	q := ask(issue(t, root, "Leaf", nil), nil)
	q.Anchors = []trust.Anchor{{Name: root.Subject, Key: root.PublicKey}}
	paths, hint := find(q)
	checkReasons(t, paths, hint, 1, nil)
	q.Leaf = root.Certificate // of the anchor's name and key, but nobody said that it is the anchor's
	paths, hint = find(q)
	checkReasons(t, paths, hint, 1, []trust.Reason{trust.Expired})
}

// TestAnchorConstraints: what an anchor's certificate says of itself counts only when asked for.
func TestAnchorConstraints(t *testing.T) {
	root := issue(t, nil, "Root", nil, ca, func(c *x509.Certificate) {
		c.MaxPathLen, c.MaxPathLenZero = 0, true
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"example.kz"}
	}, extension("1.2.398.3.3.99", true, []byte{5, 0}))
	middle := issue(t, root, "Middle", nil, ca)
	q := ask(issue(t, middle, "Leaf", nil, func(c *x509.Certificate) { c.DNSNames = []string{"example.org"} }), []*party{root}, middle)
	paths, hint := find(q)
	checkReasons(t, paths, hint, 2, nil)
	q.AnchorConstraints = true
	paths, hint = find(q)
	checkReasons(t, paths, hint, 2, []trust.Reason{trust.NameConstraint, trust.PathLength, trust.CriticalExtension})
	if f := paths[0].Failures[2]; f.Index != 2 || f.Certificate != root.Certificate {
		t.Errorf("the anchor's failure stands at %d", f.Index)
	}
}

// TestAlgorithmIdentifiers: the algorithm outside the signed part must be the one inside (RFC 5280 §4.1.1.2).
func TestAlgorithmIdentifiers(t *testing.T) {
	root := issue(t, nil, "Root", nil, ca)
	leaf := issue(t, root, "Leaf", nil)
	der := bytes.Clone(leaf.Raw)
	der[bytes.LastIndex(der, leaf.Algorithm.Raw)+len(leaf.Algorithm.Raw)-1]++ // ecdsa-with-SHA256 becomes -SHA384
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	q := ask(leaf, []*party{root})
	q.Leaf = c
	paths, hint := find(q)
	checkReasons(t, paths, hint, 1, []trust.Reason{trust.Signature, trust.Malformed})
}

// TestWeakAlgorithm: a key of today's size under a policy that names it, and one that is too short.
func TestWeakAlgorithm(t *testing.T) {
	key, err := rsa.GenerateKey(cryptorand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	root := issue(t, nil, "Root", key, ca)
	q := ask(issue(t, root, "Leaf", nil), []*party{root})
	paths, hint := find(q)
	checkReasons(t, paths, hint, 1, []trust.Reason{trust.WeakAlgorithm})
	q.Algorithms = pki.LegacyAlgorithms
	paths, hint = find(q)
	checkReasons(t, paths, hint, 1, nil)
}

// TestCrossCertificates: several ways up, the best first whatever the order of the bag.
func TestCrossCertificates(t *testing.T) {
	rootA := issue(t, nil, "Root A", nil, ca)
	rootB := issue(t, nil, "Root B", nil, ca)
	crossBA := issue(t, rootB, "Root A", rootA.key, ca) // A certified by B
	crossAB := issue(t, rootA, "Root B", rootB.key, ca) // and B by A: a circle
	good := issue(t, rootA, "Issuer", nil, ca)
	old := issue(t, rootB, "Issuer", good.key, ca, expired)
	broken := issue(t, rootB, "Issuer", good.key, func(c *x509.Certificate) { c.BasicConstraintsValid = true })
	leaf := issue(t, good, "Leaf", nil)

	q := ask(leaf, []*party{rootA, rootB}, old, broken, good, crossAB, crossBA)
	first, _ := find(q)
	// Issuer has three certificates, and each root stands for itself or is
	// certified by the other.
	if len(first) != 6 {
		t.Fatalf("%d paths, expected 6", len(first))
	}
	if !first[0].Valid() || first[0].Certificates[1] != good.Certificate || len(first[0].Certificates) != 2 {
		t.Errorf("the best path is not the short valid one")
	}
	lastClass := 0
	for _, p := range first {
		class := 2
		switch {
		case p.Valid():
			class = 0
		case p.Failures[0].Reason == trust.Expired:
			class = 1
		}
		if class < lastClass {
			t.Errorf("a better path stands behind a worse one")
		}
		lastClass = class
		for i, c := range p.Certificates {
			if issuer := p.Issuer(i); !issuer.Name.Equal(c.Issuer) || c.CheckSignatureFrom(&issuer.Key) != nil {
				t.Errorf("Issuer(%d) of %s did not issue it", i, c.Subject)
			}
		}
	}
	for range 20 {
		rand.Shuffle(len(q.Candidates), func(i, j int) { q.Candidates[i], q.Candidates[j] = q.Candidates[j], q.Candidates[i] })
		paths, _ := find(q)
		if len(paths) != len(first) {
			t.Fatalf("%d paths from another order of the bag", len(paths))
		}
		for i := range paths {
			for j := range paths[i].Certificates {
				if paths[i].Certificates[j] != first[i].Certificates[j] {
					t.Fatalf("path %d differs with the order of the bag", i)
				}
			}
		}
	}
	q.Limits.Depth = 2 // no room for the certificates of one root by the other
	if paths, _ := find(q); len(paths) != 3 {
		t.Errorf("%d paths of two certificates, expected 3", len(paths))
	}
	q.Limits = trust.Limits{}
	q.Anchors = q.Anchors[1:] // B alone
	paths, hint := find(q)
	checkReasons(t, paths, hint, 3, nil)
}

// TestHostileBag: what a bag can cost is bounded, and a good path among the rest is still found.
func TestHostileBag(t *testing.T) {
	root := issue(t, nil, "Root", nil, ca)
	mesh := func(keys int, name func(int) string) []*party {
		nodes := make([]*party, keys)
		for i := range nodes {
			nodes[i] = issue(t, nil, name(i), nil, ca)
		}
		var bag []*party
		for i, issuer := range nodes {
			for j, subject := range nodes {
				if i != j {
					bag = append(bag, issue(t, issuer, name(j), subject.key, ca))
				}
			}
		}
		return bag
	}
	letter := func(i int) string { return "CA " + string(rune('A'+i)) }
	equal := func(int) string { return "CA" }
	sameNames, otherNames := mesh(45, equal), mesh(45, letter)

	for _, tt := range []struct {
		name   string
		issuer *party
		bag    []*party
		hint   string
	}{
		{"equal names", sameNames[0], sameNames, "after 200 signature checks"},
		{"a circle of names", otherNames[0], otherNames, "after 200 signature checks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := ask(issue(t, tt.issuer, "Leaf", nil), []*party{root}, tt.bag...)
			started := processorTime(t)
			paths, hint := find(q)
			spent := processorTime(t) - started
			t.Logf("%d certificates, %v: %s", len(tt.bag), spent, hint)
			if spent > 2*time.Second {
				t.Errorf("took %v of the processor", spent)
			}
			if len(paths) != 0 || !strings.Contains(hint, tt.hint) {
				t.Errorf("expected a hint of %q: %s", tt.hint, explain(paths, hint))
			}
		})
		t.Run(tt.name+", one leads to the anchor", func(t *testing.T) {
			issuer := tt.bag[0].template.Subject.CommonName
			good := issue(t, root, issuer, nil, ca)
			q := ask(issue(t, good, "Leaf", nil), []*party{root}, append([]*party{good}, tt.bag...)...)
			started := processorTime(t)
			paths, hint := find(q)
			if spent := processorTime(t) - started; spent > 2*time.Second {
				t.Errorf("took %v of the processor", spent)
			}
			checkReasons(t, paths, hint, 2, nil)
		})
	}

	t.Run("no check beyond those needed", func(t *testing.T) {
		good := issue(t, root, "CA", nil, ca)
		q := ask(issue(t, good, "Leaf", nil), []*party{root}, append([]*party{root, good}, sameNames...)...)
		q.Limits.Signatures = 2
		paths, hint := find(q)
		checkReasons(t, paths, hint, 2, nil)
	})
	t.Run("one name and key certified often", func(t *testing.T) {
		var bag []*party
		key := newKey(t)
		for range 500 {
			bag = append(bag, issue(t, root, "CA", key, ca, func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: pki.OID("1.2.398.3.3.99").ASN1(), Value: []byte{5, 0}}}
			}))
		}
		paths, _ := find(ask(issue(t, bag[0], "Leaf", nil), []*party{root}, bag...))
		if len(paths) != 32 || !paths[0].Valid() {
			t.Errorf("%d paths, expected the limit of 32 with valid ones first", len(paths))
		}
	})
	t.Run("the issuer's key certified by the anchor and by a circle", func(t *testing.T) {
		bag := mesh(22, letter) // few enough that its ways are known before the checks are spent
		good := issue(t, root, bag[0].template.Subject.CommonName, bag[0].key, ca)
		paths, hint := find(ask(issue(t, bag[0], "Leaf", nil), []*party{root}, append([]*party{good}, bag...)...))
		checkReasons(t, paths, hint, 2, nil)
	})
	t.Run("certificates of the issuer by its own hand", func(t *testing.T) {
		good := issue(t, root, "CA", nil, ca)
		bag := []*party{good}
		for range 30 { // the other keys of its name would be tried on each of them
			later := func(c *x509.Certificate) { c.NotAfter = c.NotAfter.AddDate(1, 0, 0) }
			bag = append(bag, issue(t, good, "CA", good.key, ca, later), issue(t, nil, "CA", nil, ca))
		}
		paths, hint := find(ask(issue(t, good, "Leaf", nil), []*party{root}, bag...))
		checkReasons(t, paths, hint, 2, nil)
	})
	t.Run("more than the bag holds", func(t *testing.T) {
		q := ask(issue(t, otherNames[0], "Leaf", nil), []*party{root}, otherNames...)
		q.Limits = trust.Limits{Candidates: 10}
		if paths, hint := find(q); len(paths) != 0 || !strings.Contains(hint, "the limit is 10") {
			t.Errorf("%s", explain(paths, hint))
		}
	})
}

// crypto/x509 makes no such certificate, so it is made by hand.
func TestCriticalAccessInformation(t *testing.T) {
	for _, critical := range []bool{true, false} {
		c := &pki.Certificate{Version: 3, Extensions: []pki.Extension{{OID: pki.OIDAuthorityInfoAccess, Critical: critical}}}
		if got := trust.FormProblems(c, "RFC 5280 §4.2.2.1"); (got == 1) != critical {
			t.Errorf("critical %t: %d problems", critical, got)
		}
	}
}

// processorTime is what this process has used of the processor: other than the clock it does not run while others work.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
