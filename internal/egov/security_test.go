// SPDX-License-Identifier: Apache-2.0

package egov_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"rastau/internal/egov"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// The state's registers asked through SOAP with WS-Security, and everything that is not the peer's own message refused.
func TestSecurity(t *testing.T) {
	s := newSides(t)
	judge := s.ours.Judge.(*verifier.Verifier)
	question := func() verifier.Question {
		q := s.ours.Question()
		q.Certs = []*pki.Certificate{s.ca.Certificate}
		return q
	}
	side := func(bin, peer string) *egov.Security {
		key, err := s.ca.Issue(testpki.Leaf{CommonName: "SYSTEM " + bin, BIN: bin, Organization: "SYSTEM"})
		must(t, err)
		return &egov.Security{Signer: signerOf(t, key, judge, question), Judge: judge, Question: question, Peer: peer}
	}
	ours, theirs := side(licensorBIN, gatewayBIN), side(gatewayBIN, licensorBIN)
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	sandbox, err := egov.NewSandbox(egov.SandboxOptions{Envelope: theirs, Base: server.URL, Now: time.Now})
	must(t, err)
	mux.Handle("/", sandbox.Handler())
	sandbox.AddPerson(somebody)
	s.server.Close()
	s.server = server
	gateway := s.open(t, ours)
	p, err := gateway.Person(t.Context(), somebody.IIN)
	must(t, err)
	if *p != somebody {
		t.Errorf("%+v", p)
	}

	message := []byte(`{"text":"<Ә> & \"x\""}`)
	sealed, kind, err := theirs.Seal(t.Context(), message)
	must(t, err)
	if got, err := ours.Open(t.Context(), sealed, kind); err != nil || !bytes.Equal(got, message) {
		t.Fatalf("%s %v", got, err)
	}
	stranger, _, err := side(strangerBIN, licensorBIN).Seal(t.Context(), message)
	must(t, err)
	for name, bad := range map[string][]byte{
		"altered":     bytes.Replace(sealed, []byte("Ә"), []byte("Б"), 1),
		"a stranger":  stranger,
		"unsigned":    []byte(`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><message xmlns="urn:rastau:message">{}</message></soap:Body></soap:Envelope>`),
		"two bodies":  bytes.Replace(sealed, []byte("<soap:Body "), []byte("<soap:Body/><soap:Body "), 1),
		"no XML":      []byte("{}"),
		"a new shell": bytes.ReplaceAll(sealed, []byte("soap:Envelope"), []byte("soap:Envelop")),
	} {
		if got, err := ours.Open(t.Context(), bad, kind); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
	if _, err := ours.Open(t.Context(), sealed, egov.TypeCMS); err == nil {
		t.Error("another media type")
	}
}
