// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/verifier"
)

// BenchmarkLarge judges a signature over 50 MB by a signer whose path is already proven, beside reading and hashing the same
// octets: detached, with the content in a file, and attached, with the message in memory.
//
//	detached/floor   a file read and hashed
//	attached/hash    octets in memory hashed
func BenchmarkLarge(b *testing.B) {
	h := newRSAHouse(b)
	h.message(b) // a signer
	content := bytes.Repeat([]byte("statement "), 5_000_000)
	name := filepath.Join(b.TempDir(), "content")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		b.Fatal(err)
	}
	o := cms.SignOptions{Key: h.leaf.Signer, Certificate: h.leaf.Certificate, Chain: []*pki.Certificate{h.ca.Certificate}, SigningTime: day0}
	sum := sha256.Sum256(content)
	o.Digest = sum[:]
	detached, err := cms.Sign(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	o.Digest, o.Content = nil, content
	attached, err := cms.Sign(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	v := verifier.New(h.o)
	judge := func(der []byte, q verifier.Question) {
		if r := v.Document(b.Context(), der, q); r.Indication != passed {
			b.Fatal(r.Indication, r.SubIndication, r.Deciding())
		}
	}
	asked := h.question()
	asked.Content = func() (io.ReadCloser, error) { return os.Open(name) }
	subjects := []struct {
		name string
		run  func()
	}{
		{"floor", func() {
			file, err := os.Open(name)
			if err != nil {
				b.Fatal(err)
			}
			defer file.Close()
			if _, err := io.CopyBuffer(struct{ io.Writer }{sha256.New()}, struct{ io.Reader }{file}, make([]byte, 256<<10)); err != nil {
				b.Fatal(err)
			}
		}},
		{"detached", func() { judge(detached, asked) }},
		{"hash", func() { sha256.Sum256(content) }},
		{"attached", func() { judge(attached, h.question()) }},
	}
	taken := map[string][]time.Duration{}
	for b.Loop() {
		for _, s := range subjects {
			began := time.Now()
			s.run()
			taken[s.name] = append(taken[s.name], time.Since(began))
		}
	}
	for _, s := range subjects {
		b.ReportMetric(float64(middle(taken[s.name]).Microseconds())/1000, s.name+"-ms")
	}
	b.ReportMetric(float64(middle(taken["detached"]))/float64(middle(taken["floor"])), "detached/floor")
	b.ReportMetric(float64(middle(taken["attached"]))/float64(middle(taken["hash"])), "attached/hash")
	b.ReportMetric(0, "ns/op")
}

func middle(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
