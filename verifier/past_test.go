// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"testing"
	"time"

	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// Whether a file will be judged by what it holds at a day to come can be asked today, and the answer is the one of that day.
func TestDayToCome(t *testing.T) {
	a := newArchive(t)
	der := a.longTerm(t)
	a.pass(10 * time.Minute)
	at := a.clock()
	a.newServiceFor(t, 6*year)
	kept := archived(t, der, a.withData(t, at.Add(time.Second), a.token(t, at)))
	a.pass(time.Minute)
	ask := func(day time.Time) verifier.Question {
		q := a.ask()
		q.Offline, q.At = true, day
		return q
	}
	type answer struct {
		file []byte
		day  time.Time
		want verifier.Indication
	}
	answers := map[string]answer{
		"while the archive's service lasts": {kept, day0.Add(3 * year), passed},
		"after its end":                     {kept, day0.Add(7 * year), indeterminate},
		"without the archive timestamp":     {der, day0.Add(3 * year), indeterminate},
	}
	said := map[string][]byte{}
	for name, tt := range answers {
		r := a.v.Document(t.Context(), tt.file, ask(tt.day))
		if r.Indication != tt.want {
			t.Errorf("%s: %s/%s, want %s", name, r.Indication, r.SubIndication, tt.want)
		}
		said[name] = marshal(t, r)
	}
	a.pass(8 * year)
	for name, tt := range answers {
		if then := marshal(t, a.v.Document(t.Context(), tt.file, ask(tt.day))); !bytes.Equal(then, said[name]) {
			t.Errorf("%s: years later the same question is answered\n%s\nnot\n%s", name, then, said[name])
		}
	}
}

// What one judgement recorded can be judged by other rules, without the network.
func TestRecordUnderOtherRules(t *testing.T) {
	h := newHouse(t)
	k := h.person(t, func(l *testpki.Leaf) { l.NotBefore = day0.AddDate(-1, 0, 0); l.NotAfter = day0.AddDate(1, 0, 0) })
	der := old(t, h, k)
	q := h.ask()
	q.KeepRecord = true
	r := h.v.Document(t.Context(), der, q)
	expect(t, r, indeterminate, verifier.CryptoConstraintsFailureNoPOE, "signature.algorithm")
	alone := verifier.New(verifier.Options{Now: h.clock})
	again := r.Record.Question
	again.Replay = &verifier.Replay{TimeSource: r.Record.TimeSource, Answers: r.Record.Answers}
	expect(t, alone.Document(t.Context(), r.Record.Document, again), indeterminate, verifier.CryptoConstraintsFailureNoPOE, "signature.algorithm")
	again.Algorithms = pki.LegacyAlgorithms
	other := alone.Document(t.Context(), r.Record.Document, again)
	expect(t, other, passed, "", "")
	if other.Algorithms == r.Algorithms {
		t.Errorf("both reports name the algorithms %q", r.Algorithms)
	}
	again.IIN = "000000000000"
	expect(t, alone.Document(t.Context(), r.Record.Document, again), indeterminate, verifier.ChainConstraintsFailure, "holder.iin")
}

// Archive timestamps of old kinds and mere references are named with the paragraph that defines them, and change no verdict.
func TestOldArchiveAttributes(t *testing.T) {
	h := newHouse(t)
	der := sign(t, h.person(t))
	want := h.v.Document(t.Context(), der, h.ask())
	for attribute, citation := range map[pki.OID]string{
		"1.2.840.113549.1.9.16.2.21": "RFC 5126 §6.2.1",
		"1.2.840.113549.1.9.16.2.22": "RFC 5126 §6.2.2",
		"1.2.840.113549.1.9.16.2.25": "RFC 5126 §6.3.5",
		"1.2.840.113549.1.9.16.2.26": "RFC 5126 §6.3.6",
		"1.2.840.113549.1.9.16.2.27": "RFC 5126 §6.4.1",
		"1.2.840.113549.1.9.16.2.48": "RFC 5126 §6.4.1",
	} {
		token, err := h.pki.TimestampToken([]byte("whatever it was made over"), h.clock())
		if err != nil {
			t.Fatal(err)
		}
		r := h.v.Document(t.Context(), added(t, der, attribute, token), h.ask())
		expect(t, r, want.Indication, want.SubIndication, "")
		if s := r.Signatures[0]; s.SigningTime != nil || s.Level != "B" {
			t.Errorf("%s: signing time %v, level %s", attribute, s.SigningTime, s.Level)
		}
		named := findings(r, "signature.archive")
		if len(named) != 1 || named[0].Outcome != verifier.NotApplicable || named[0].Citation != citation {
			t.Errorf("%s: %+v", attribute, named)
		}
	}
}
