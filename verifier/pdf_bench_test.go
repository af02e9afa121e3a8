// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"testing"
	"time"

	"rastau/internal/testpki"
	"rastau/verifier"
)

// Fifty people sign one document, one after the other: the time grows with their number
// and no faster. The floor is one person's signature upon the same page; x-floor/signer
// stays near one or below.
func BenchmarkFiftySigners(b *testing.B) {
	h := newHouse(b)
	one := signPDF(b, page(b), h.person(b))
	fifty := page(b)
	for range 50 {
		fifty = signPDF(b, fifty, h.person(b))
	}
	q := h.ask()
	q.Lists = append(q.Lists, list(b, h.pki.Root(), testpki.CRLOptions{}), list(b, h.ca, testpki.CRLOptions{}))
	q.Offline = true
	judge := func(document []byte, signers int) time.Duration {
		start := time.Now()
		r := verifier.New(h.o).Document(b.Context(), document, q)
		if r.Indication != passed || len(r.Signatures) != signers {
			b.Fatalf("%v/%s, %d signatures", r.Indication, r.SubIndication, len(r.Signatures))
		}
		return time.Since(start)
	}
	var floor, all time.Duration
	for b.Loop() {
		floor += judge(one, 1)
		all += judge(fifty, 50)
	}
	b.ReportMetric(float64(all)/float64(floor)/50, "x-floor/signer")
	b.ReportMetric(all.Seconds()/float64(b.N), "s/document")
}
