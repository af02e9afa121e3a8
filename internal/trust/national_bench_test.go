// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"testing"
	"time"

	"rastau/internal/gost"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
)

// BenchmarkNationalPath puts a whole path of the national algorithms beside the signature checks that it cannot do without.
func BenchmarkNationalPath(b *testing.B) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return now }, GOST: true})
	if err != nil {
		b.Fatal(err)
	}
	ca, err := p.NewCA("")
	if err != nil {
		b.Fatal(err)
	}
	k, err := ca.Issue(testpki.Leaf{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("path", func(b *testing.B) {
		q := trust.Query{Leaf: k.Certificate, Anchors: []trust.Anchor{trust.AnchorOf(p.Root().Certificate)}, Candidates: k.Chain, At: now}
		b.ReportAllocs()
		for b.Loop() {
			paths, hint := trust.Find(b.Context(), q)
			if len(paths) != 1 || len(paths[0].Failures) != 0 {
				b.Fatal(hint)
			}
		}
	})
	b.Run("signatures", func(b *testing.B) {
		type check struct {
			key         *gost.PublicKey
			digest, sig []byte
		}
		var checks []check
		for _, link := range [][2]*pki.Certificate{{k.Certificate, ca.Certificate}, {ca.Certificate, p.Root().Certificate}} {
			digest := gost.SumStreebog512(link[0].RawTBS)
			checks = append(checks, check{link[1].PublicKey.Key.(*gost.PublicKey), digest[:], link[0].Signature})
		}
		b.ReportAllocs()
		for b.Loop() {
			for _, c := range checks {
				if !gost.Verify(c.key, c.digest, c.sig) {
					b.Fatal("a signature does not hold")
				}
			}
		}
	})
}
