// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

func marshal(t *testing.T, r *verifier.Report) []byte {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func object(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func names(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// The names are a contract with other programs.
func TestReportNames(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	r := h.v.Document(t.Context(), sign(t, k, h.stamped(day0.Add(-time.Minute))), h.ask())
	r.File = "a.p7s"
	m := object(t, marshal(t, r))
	if got, want := names(m), strings.Fields("file findings format indication intact policy retryAfter signatures subIndication time"); !slices.Equal(got, want) {
		t.Errorf("document: %v, want %v", got, want)
	}
	if m["indication"] != "TOTAL-PASSED" || m["subIndication"] != nil || m["intact"] != true || m["retryAfter"] != nil || m["file"] != "a.p7s" {
		t.Errorf("document: %v", m)
	}
	if want := map[string]any{"value": "2026-03-02T09:00:00Z", "source": "clock"}; !reflect.DeepEqual(m["time"], want) {
		t.Errorf("time %v, want %v", m["time"], want)
	}
	s := m["signatures"].([]any)[0].(map[string]any)
	if got, want := names(s), strings.Fields("claimedTime findings indication intact level retryAfter signer signingTime subIndication"); !slices.Equal(got, want) {
		t.Errorf("signature: %v, want %v", got, want)
	}
	if s["signingTime"] != "2026-03-02T08:59:00Z" || s["level"] != "T" {
		t.Errorf("signature: %v %v", s["signingTime"], s["level"])
	}
	signer := s["signer"].(map[string]any)
	if got, want := names(signer), strings.Fields("bin iin issuer serial subject"); !slices.Equal(got, want) {
		t.Errorf("signer: %v, want %v", got, want)
	}
	if signer["iin"] != iin || signer["bin"] != bin {
		t.Errorf("signer: %v", signer)
	}
	f := s["findings"].([]any)[0].(map[string]any)
	if got, want := names(f), strings.Fields("citation detail evidence key outcome"); !slices.Equal(got, want) {
		t.Errorf("finding: %v, want %v", got, want)
	}
	if _, ok := f["evidence"].([]any); !ok {
		t.Errorf("evidence is %v, want a list", f["evidence"])
	}

	q := h.ask()
	q.At = day0
	q.Certs = []*pki.Certificate{h.ca.Certificate}
	m = object(t, marshal(t, h.v.Certificate(t.Context(), k.Certificate, q)))
	if got, want := names(m), strings.Fields("certificate file findings format indication policies policy retryAfter subIndication time"); !slices.Equal(got, want) {
		t.Errorf("certificate: %v, want %v", got, want)
	}
	if m["time"].(map[string]any)["source"] != "given" {
		t.Errorf("time %v, want given", m["time"])
	}
	c := m["certificate"].(map[string]any)
	if got, want := names(c), strings.Fields("bin iin issuer notAfter notBefore publicKey serial sha256 signatureAlgorithm subject"); !slices.Equal(got, want) {
		t.Errorf("certificate: %v, want %v", got, want)
	}
	if m["policies"] == nil {
		t.Error("policies is null, want a list")
	}

	m = object(t, marshal(t, h.v.Document(t.Context(), []byte("letter"), h.ask())))
	if list, ok := m["signatures"].([]any); !ok || len(list) != 0 || m["intact"] != nil {
		t.Errorf("no signature: signatures %v, intact %v", m["signatures"], m["intact"])
	}
	m = object(t, marshal(t, h.v.CertificateFile(t.Context(), []byte("letter"), h.ask())))
	if m["certificate"] != nil || m["policies"] == nil {
		t.Errorf("no certificate: %v", m)
	}
}

// The same input, time and evidence give the same bytes.
func TestSameBytes(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	der := merge(t, sign(t, k), sign(t, h.person(t, func(l *testpki.Leaf) { l.Auth = true })))
	q := h.ask()
	q.At, q.Offline = day0, true
	q.Certs = []*pki.Certificate{h.ca.Certificate}
	q.Lists = []*crl.List{list(t, h.ca, testpki.CRLOptions{}), list(t, h.pki.Root(), testpki.CRLOptions{})}
	q.OCSPs = [][]byte{answer(t, h.ca, k.Certificate, testpki.OCSPOptions{})}
	first := marshal(t, h.v.Document(t.Context(), der, q))
	for range 20 {
		h.pass(time.Hour) // the clock has no say where a time is given
		if again := marshal(t, h.v.Document(t.Context(), der, q)); !bytes.Equal(first, again) {
			t.Fatalf("two reports differ:\n%s\n%s", first, again)
		}
	}
}

// Whoever judges at once gets the same verdicts (run with the race detector).
func TestConcurrentUse(t *testing.T) {
	h := newHouse(t)
	der := sign(t, h.person(t))
	done := make(chan *verifier.Report)
	for range 8 {
		go func() { done <- h.v.Document(t.Context(), der, h.ask()) }()
	}
	for range 8 {
		if r := <-done; r.Indication != passed {
			t.Errorf("%v/%s", r.Indication, r.SubIndication)
		}
	}
}

// The evidence names what was used: digest, kind, source, times, rule of freshness.
func TestEvidence(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	q := h.ask()
	q.Lists = []*crl.List{list(t, h.pki.Root(), testpki.CRLOptions{})}
	q.MaxAge = time.Hour
	r := h.v.Document(t.Context(), sign(t, k), q)
	expect(t, r, passed, "", "")
	var lines []string
	for _, f := range r.Signatures[0].Findings {
		if f.Key == "cert.revocation" {
			lines = append(lines, f.Evidence...)
		}
	}
	all := strings.Join(lines, "\n")
	for _, want := range []string{" ocsp source=network thisUpdate=", " crl source=given thisUpdate=", "freshness=max-age:1h0m0s", "nextUpdate=2026-03-02T"} {
		if !strings.Contains(all, want) {
			t.Errorf("the evidence does not say %q:\n%s", want, all)
		}
	}
}

// A broken extra input is reported and passed over.
func TestBrokenInput(t *testing.T) {
	h := newHouse(t)
	q := h.ask()
	said := phrase.Get("finding.input.crl.broken", map[string]string{"file": "a.crl", "detail": "not a list"})
	q.Broken = []verifier.Finding{{Key: "input.crl", Citation: "RFC 5280 §5.1", Text: &said}}
	r := h.v.Document(t.Context(), sign(t, h.person(t)), q)
	expect(t, r, passed, "", "")
	if f := r.Findings[0]; f.Key != "input.crl" || f.Outcome != verifier.Warn || f.Detail() == "" {
		t.Errorf("%+v", f)
	}
}

func TestLanguages(t *testing.T) {
	h := newHouse(t)
	q := h.ask()
	q.Offline = true
	seen := map[string]bool{}
	for _, l := range []phrase.Lang{phrase.KK, phrase.RU, phrase.EN, ""} {
		q.Lang = l
		r := h.v.Document(t.Context(), []byte("letter"), q)
		seen[r.Findings[0].Detail()] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d different sentences, want 3: %v", len(seen), seen)
	}
}

// The zero values never say yes.
func TestZeroValues(t *testing.T) {
	var i verifier.Indication
	var o verifier.Outcome
	if i.String() != "INDETERMINATE" || o.String() != "unknown" {
		t.Errorf("%s, %s", i, o)
	}
	var r verifier.Report
	if r.Indication == passed {
		t.Error("an empty report passes")
	}
}

func TestLimits(t *testing.T) {
	h := newHouse(t)
	v := verifier.New(verifier.Options{Now: h.clock, Limits: verifier.Limits{Document: 4096, Signatures: 1}})
	k := h.person(t)
	expect(t, v.Document(t.Context(), make([]byte, 4097), h.ask()), refuted, verifier.FormatFailure, "document.format")
	v = verifier.New(verifier.Options{Now: h.clock, Limits: verifier.Limits{Signatures: 1}})
	r := v.Document(t.Context(), merge(t, sign(t, k), sign(t, k)), h.ask())
	expect(t, r, refuted, verifier.FormatFailure, "document.format")
}
