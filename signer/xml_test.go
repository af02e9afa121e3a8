// SPDX-License-Identifier: Apache-2.0

package signer_test

import (
	"bytes"
	"errors"
	"maps"
	"testing"
	"time"

	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/signer"
	"rastau/verifier"
)

// XML signed with every kind of key, judged by the verifier before it leaves and afterwards.
func TestXML(t *testing.T) {
	for name, o := range map[string]testpki.Options{"RSA": {}, "ECDSA": {EC: true}, "GOST": {GOST: true}} {
		t.Run(name, func(t *testing.T) {
			h := newHouseOf(t, o)
			v := verifier.New(verifier.Options{Now: clock})
			took := map[string]int{}
			s, err := signer.New(signer.Options{Keys: ring(t, h.issue(t, testpki.Leaf{})), Judge: trusting{}, Checker: v, Stamper: h, Now: clock,
				Observe: func(format string, d time.Duration, err error) {
					if took[format]++; d <= 0 || err != nil && format != "xades" {
						t.Errorf("%s took %s: %v", format, d, err)
					}
				}})
			if err != nil {
				t.Fatal(err)
			}
			q := verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(h.pki.Root().Certificate)}, NoRevocation: true, Offline: true}
			q.Certs = append(q.Certs, h.ca.Certificate)
			document := []byte("<?xml version=\"1.0\"?>\n<licence>Лицензия</licence>")
			for want, options := range map[string]signer.XMLOptions{"T": {}, "B": {Level: signer.LevelB}, "none": {Plain: true}} {
				signed, err := s.XML(t.Context(), document, options)
				if err != nil {
					t.Fatal(err)
				}
				r := v.Document(t.Context(), signed, q)
				if r.Indication != verifier.TotalPassed || r.Signatures[0].Level != want {
					t.Errorf("%v, level %s, want %s: %+v", r.Indication, r.Signatures[0].Level, want, r.Deciding())
				}
				if twice, err := s.XML(t.Context(), signed, options); err != nil {
					t.Error(err)
				} else if r := v.Document(t.Context(), twice, q); r.Indication != verifier.TotalPassed || len(r.Signatures) != 2 {
					t.Errorf("signed twice: %v", r.Indication)
				}
			}
			message, err := s.Security(t.Context(), []byte(`<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>`))
			if err != nil {
				t.Fatal(err)
			}
			if r := v.Document(t.Context(), message, q); r.Indication != verifier.TotalPassed {
				t.Errorf("message: %v, %+v", r.Indication, r.Deciding())
			}
			if _, err := s.XML(t.Context(), document, signer.XMLOptions{Level: signer.LevelLTA}); !errors.Is(err, signer.ErrLevel) {
				t.Errorf("%v, want %v", err, signer.ErrLevel)
			}
			if _, err := s.XML(t.Context(), []byte("<!DOCTYPE a><a/>"), signer.XMLOptions{}); err == nil {
				t.Error("a document type was signed")
			}
			// What the checker is handed must be what was to be signed.
			signed, _ := s.XML(t.Context(), document, signer.XMLOptions{})
			if err := v.CheckSigned(t.Context(), "xades", signed, bytes.Replace(document, []byte("Лицензия"), []byte("Лицензие"), 1), s.Certificate()); !errors.Is(err, verifier.ErrSigned) {
				t.Errorf("%v, want %v", err, verifier.ErrSigned)
			}
			if want := map[string]int{"xades": 6, "xmldsig": 2, "wsse": 1}; !maps.Equal(took, want) {
				t.Errorf("the signatures observed: %v, want %v", took, want)
			}
		})
	}
}
