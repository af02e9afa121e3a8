// SPDX-License-Identifier: Apache-2.0

package signer_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"runtime"
	"testing"
	"time"

	"rastau/internal/page"
	"rastau/internal/phrase"
	"rastau/internal/testpki"
	"rastau/signer"
	"rastau/verifier"
)

// sheet is a licence of one page as the workflow draws it.
func sheet() page.Licence {
	return page.Licence{
		Number: "KZ24ZZZ00000001", Issued: now, HolderName: "«Әуе-Жол» ЖШС", HolderNumberKind: "BIN", HolderNumber: "990140000002",
		HolderAddress: "Астана қ., Мәңгілік Ел даңғылы, 1-үй",
		Activity: phrase.Text{KK: "Облысаралық, ауданаралық және халықаралық қатынаста автобустармен жолаушыларды тұрақты емес тасымалдау",
			RU: "Нерегулярная перевозка пассажиров автобусами в межобластном, межрайонном и международном сообщениях"},
		Licensor:   phrase.Text{KK: "Көліктік бақылау комитетінің аумақтық органы", RU: "Территориальный орган Комитета транспортного контроля"},
		SignerName: "ӘБІЛҚАЙЫРОВ ҮМІТ", SignerPosition: phrase.Text{KK: "Басшы", RU: "Руководитель"},
		VerifyURL: "http://127.0.0.1:8080/v/KZ24ZZZ00000001", Attachment: []byte(`{"number":"KZ24ZZZ00000001"}`),
	}
}

// BenchmarkLicence draws a licence and signs it at level B, checked by the verifier before it leaves. The floor is one bare
// RSA-2048 signature in the same run.
func BenchmarkLicence(b *testing.B) {
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return now }}) // RSA
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
	key, ok := k.Signer.(*rsa.PrivateKey)
	if !ok || key.N.BitLen() != 2048 {
		b.Fatalf("%T is no RSA-2048 key", k.Signer)
	}
	s, err := signer.New(signer.Options{
		Keys: ring(b, k), Judge: trusting{}, Checker: verifier.New(verifier.Options{Now: func() time.Time { return now }}), Now: func() time.Time { return now },
	})
	if err != nil {
		b.Fatal(err)
	}
	l, digest := sheet(), sha256.Sum256(nil)
	issue := func() {
		drawn, err := page.Compose(l)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Document(b.Context(), drawn, signer.PDFOptions{Rect: page.SignatureBox()}); err != nil {
			b.Fatal(err)
		}
	}
	issue()
	b.Run("one core", func(b *testing.B) {
		var floor, all time.Duration
		for b.Loop() {
			start := time.Now()
			if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:]); err != nil {
				b.Fatal(err)
			}
			floor += time.Since(start)
			start = time.Now()
			issue()
			all += time.Since(start)
		}
		b.ReportMetric(float64(all)/float64(floor), "x-rsa-sign")
	})
	twoCores := func(b *testing.B) {
		// The same number of things by one goroutine on one core and by two on two; beside it what one bare signature makes of two
		// cores of this machine, since they may share what is inside of one.
		const n = 60
		run := func(workers int, do func()) time.Duration {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
			start := time.Now()
			done := make(chan struct{})
			for range workers {
				go func() {
					for range n / workers {
						do()
					}
					done <- struct{}{}
				}()
			}
			for range workers {
				<-done
			}
			return time.Since(start)
		}
		bare := func() {
			if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:]); err != nil {
				b.Error(err)
			}
		}
		var bare1, bare2, one, two time.Duration
		for b.Loop() {
			one += run(1, issue)
			two += run(2, issue)
			bare1 += run(1, bare)
			bare2 += run(2, bare)
		}
		b.ReportMetric(float64(one)/float64(two), "x-one-core")
		b.ReportMetric(float64(bare1)/float64(bare2), "rsa-x-one-core")
		b.ReportMetric(float64(one)/float64(two)/(float64(bare1)/float64(bare2)), "x-rsa")
	}
	b.Run("two cores", twoCores)
	// A process of a few megabytes collects its garbage every twentieth licence. `rastau serve` does not: it counts 128 MiB beside its own
	// memory when it plans the next collection (cmd/rastau/serve.go), and that is how licences are signed.
	b.Run("two cores, as served", func(b *testing.B) {
		reserve := make([]byte, 128<<20)
		defer runtime.KeepAlive(reserve)
		runtime.GC() // the next collection is planned with the reserve
		twoCores(b)
	})
}
