// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"rastau/internal/pki"
)

// BenchmarkFind compares a path of two RSA certificates with the two signature
// checks that no judge of it can do without.
func BenchmarkFind(b *testing.B) {
	key := func() *rsa.PrivateKey {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			b.Fatal(err)
		}
		return k
	}
	root := issue(b, nil, "Root", key(), ca)
	middle := issue(b, root, "Middle", key(), ca)
	leaf := issue(b, middle, "Leaf", key())
	q := ask(leaf, []*party{root}, root, middle)
	b.Run("path", func(b *testing.B) {
		for b.Loop() {
			if paths, _ := find(q); len(paths) != 1 || !paths[0].Valid() {
				b.Fatal("no valid path")
			}
		}
	})
	b.Run("signatures alone", func(b *testing.B) {
		for b.Loop() {
			for _, c := range [][2]*pki.Certificate{{leaf.Certificate, middle.Certificate}, {middle.Certificate, root.Certificate}} {
				if err := c[0].CheckSignatureFrom(&c[1].PublicKey); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
