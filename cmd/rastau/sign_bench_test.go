// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"rastau/internal/testpki"
	"rastau/signer"
)

// BenchmarkLicence draws a licence's page and signs it at level B, judged before and checked after, and compares each with one
// RSA-2048 signature made in the same breath: the medians of the ratios count, because machines are shared.
func BenchmarkLicence(b *testing.B) {
	h := newOffice(b, testpki.Options{})
	digest := sha256.Sum256(document)
	licencePage(b) // fonts are read once
	made(h.signer.JSON(b.Context(), document, signer.JSONOptions{Level: signer.LevelB}))
	var draws, signs, wholes []float64
	clock := func(f func()) float64 {
		start := time.Now()
		f()
		return float64(time.Since(start))
	}
	for b.Loop() {
		floor := clock(func() { made(h.key.Signer.Sign(rand.Reader, digest[:], crypto.SHA256)) })
		var page []byte
		draw := clock(func() { page = licencePage(b) })
		sign := clock(func() { made(h.signer.PDF(b.Context(), page, signer.PDFOptions{Level: signer.LevelB})) })
		draws, signs, wholes = append(draws, draw/floor), append(signs, sign/floor), append(wholes, (draw+sign)/floor)
	}
	b.ReportMetric(median(draws), "draw/rsa-sign")
	b.ReportMetric(median(signs), "sign/rsa-sign")
	b.ReportMetric(median(wholes), "whole/rsa-sign")
}

// BenchmarkLicenceCores draws and signs on two cores against one, in turns; without a lock between them two do twice as much.
func BenchmarkLicenceCores(b *testing.B) {
	if runtime.NumCPU() < 2 {
		b.Skip("there is only one core")
	}
	h := newOffice(b, testpki.Options{})
	made(h.signer.JSON(b.Context(), document, signer.JSONOptions{Level: signer.LevelB}))
	const each = 16
	run := func(workers int) float64 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
		start := time.Now()
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for range each {
					made(h.signer.PDF(b.Context(), licencePage(b), signer.PDFOptions{Level: signer.LevelB}))
				}
			})
		}
		all.Wait()
		return float64(workers*each) / float64(time.Since(start))
	}
	var gains []float64
	for b.Loop() {
		one := run(1)
		gains = append(gains, run(2)/one)
	}
	b.ReportMetric(median(gains), "two-cores/one")
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
