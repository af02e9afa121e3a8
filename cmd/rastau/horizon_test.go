// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/signer"
)

// TestHorizon: a document that holds no revocation data is to be extended while somebody still answers about its signer's certificate, and
// not only when the time-stamp's service ends, which is years too late; one that holds them lasts as long as its time-stamp.
func TestHorizon(t *testing.T) {
	h := newOffice(t, testpki.Options{EC: true})
	start := h.now()
	h.pki.UseTSA(made(h.ca.Issue(testpki.Leaf{CommonName: "TSA", NotBefore: start.Add(-time.Hour), NotAfter: start.AddDate(5, 0, 0),
		KeyUsage: pki.DigitalSignature, ExtKeyUsage: []pki.OID{pki.OIDTimeStamping}})))
	x := made(signer.NewExtender(signer.ExtenderOptions{Stamper: h.stamper, Examiner: examiner{h.verifier, h.question}}))
	stamped := made(x.Extend(t.Context(), made(h.signer.PDF(t.Context(), licencePage(t), signer.PDFOptions{Level: signer.LevelB})), nil, signer.LevelT))
	for level := signer.LevelT; level <= signer.LevelLTA; level++ {
		files := map[string][]byte{
			"CAdES": made(h.signer.JSON(t.Context(), document, signer.JSONOptions{Level: level})),
			"PAdES": made(h.signer.PDF(t.Context(), licencePage(t), signer.PDFOptions{Level: level})),
		}
		want := start.AddDate(5, 0, 0)
		if level == signer.LevelT {
			files["document time-stamp"] = stamped
			want = h.key.Certificate.NotAfter
		}
		for name, file := range files {
			if end := made(signer.Horizon(file, pki.DefaultAlgorithms)); end.Sub(want).Abs() > time.Minute {
				t.Errorf("%s at level %s: until %s, want %s", name, level, end, want)
			}
			// On the last day it can still be extended.
			h.setClock(made(signer.Horizon(file, pki.DefaultAlgorithms)).Add(-time.Hour))
			if _, err := x.Extend(t.Context(), file, nil, signer.LevelLTA); err != nil {
				t.Errorf("%s at level %s, an hour before it ends: %v", name, level, err)
			}
			h.setClock(start)
		}
	}
}
