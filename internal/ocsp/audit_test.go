// SPDX-License-Identifier: Apache-2.0

package ocsp_test

import (
	"strings"
	"testing"

	"rastau/internal/ocsp"
	"rastau/internal/pki"
	"rastau/internal/testpki"
)

// Who signed must be who the response names, and a delegate of this very key: a name alone entitles nobody (RFC 6960 §4.2.2.2).
func TestSignerIsWhoIsNamed(t *testing.T) {
	s := newScene(t)
	ordinary := s.issue(t, s.ca, testpki.Leaf{})
	namesake, err := s.NewCA("") // the authority's name, another key
	if err != nil {
		t.Fatal(err)
	}
	ofNamesake := s.issue(t, namesake, testpki.Leaf{CommonName: "OCSP DEMO", OCSPSigning: true, NoCheck: true})
	delegate := s.issue(t, s.ca, testpki.Leaf{CommonName: "OCSP DEMO", OCSPSigning: true, NoCheck: true})
	for _, c := range []struct {
		name string
		o    testpki.OCSPOptions
		q    func(*ocsp.Query)
		want ocsp.Usable
		why  string
	}{
		{"the authority signed in another's name", testpki.OCSPOptions{Signer: &pki.Key{Signer: s.ca.Key, Certificate: ordinary.Certificate}, NoCertificate: true}, nil, ocsp.No, "does not name the one who signed"},
		{"and under another's key hash", testpki.OCSPOptions{Signer: &pki.Key{Signer: s.ca.Key, Certificate: ordinary.Certificate}, NoCertificate: true, ByKey: true}, nil, ocsp.No, "does not name the one who signed"},
		{"a delegate of the authority's namesake", testpki.OCSPOptions{Signer: ofNamesake}, nil, ocsp.No, "under the authority's key"},
		{"the namesake itself", testpki.OCSPOptions{Signer: &pki.Key{Signer: namesake.Key, Certificate: namesake.Certificate}}, nil, ocsp.No, "does not verify"},
		{"two certificates of one name at hand, the wrong one sent along", testpki.OCSPOptions{Signer: &pki.Key{Signer: delegate.Signer, Certificate: ofNamesake.Certificate}},
			func(q *ocsp.Query) { q.Candidates = []*pki.Certificate{delegate.Certificate} }, ocsp.Yes, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := s.query()
			if c.q != nil {
				c.q(&q)
			}
			if a := ocsp.Judge(s.answer(t, c.o), q); a.Usable != c.want || !strings.Contains(a.Why, c.why) {
				t.Errorf("%v (%s), want %v (%s)", a.Usable, a.Why, c.want, c.why)
			}
		})
	}
}
