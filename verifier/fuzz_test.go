// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"encoding/json"
	"testing"

	"rastau/internal/testpki"
	"rastau/verifier"
)

// Whatever the bytes: an answer, never a panic, and never a pass for what differs
// from the good ones.
func FuzzDocument(f *testing.F) {
	h := newHouse(f)
	k := h.person(f)
	unsigned, err := testpki.WithoutSigners(sign(f, k))
	if err != nil {
		f.Fatal(err)
	}
	seeds := [][]byte{
		sign(f, k), sign(f, k, detached), sign(f, k, h.stamped(day0)), unsigned,
		signPDF(f, page(f), k), stampPDF(f, h, signPDF(f, page(f), k), day0), page(f),
		[]byte("<?xml version=\"1.0\"?><a/>"), []byte("-----BEGIN CMS-----\n"), {0x30, 0x80}, nil,
	}
	a := newArchive(f)
	old := a.longTerm(f)
	value := parsed(f, sign(f, k)).Signers[0].Signature
	seeds = append(seeds, old, archived(f, old, a.token(f, a.clock())), added(f, sign(f, k), counterSignature, counterInfo(f, value, k)),
		[]byte("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\n0\x80\r\n--b--\r\n"))
	if len(seeds) == 0 {
		f.Fatal("the corpus is empty")
	}
	for _, s := range seeds {
		f.Add(s)
	}
	v := verifier.New(verifier.Options{Now: still(day0)})
	q := h.ask()
	q.Offline = true // nothing is known of revocation here: nothing may pass
	f.Fuzz(func(t *testing.T, data []byte) {
		r := v.Document(t.Context(), data, q)
		if r.Indication == verifier.TotalPassed {
			t.Errorf("passed without revocation data: %+v", r)
		}
		if len(r.Signatures) == 0 && r.Intact != nil {
			t.Error("intact without a signature")
		}
		if d := r.Deciding(); d == nil || d.Texts().EN == "" {
			t.Error("nobody says why")
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
		v.CertificateFile(t.Context(), data, q)
	})
}
