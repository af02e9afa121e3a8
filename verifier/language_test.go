// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"rastau/crl"
	"rastau/internal/phrase"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// The reason stands in every language, and where it is one of ours in that language.
func TestReasonsInEveryLanguage(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	stale := list(t, h.ca, testpki.CRLOptions{ThisUpdate: day0.Add(-48 * time.Hour), NextUpdate: day0.Add(-24 * time.Hour)})
	old := answer(t, h.ca, k.Certificate, testpki.OCSPOptions{ThisUpdate: day0.Add(-48 * time.Hour), NextUpdate: day0.Add(-24 * time.Hour)})
	stamped := stampPDF(t, h, signPDF(t, page(t), k), day0.Add(-time.Minute))
	for _, tt := range []struct {
		name, key  string
		document   []byte
		lists      []*crl.List
		responses  [][]byte
		kk, ru, en string
	}{
		{"no list", "cert.revocation", sign(t, k), nil, nil, "қолда күшін жою туралы мәлімет жоқ", "сведений об отзыве под рукой нет", "no revocation data at hand"},
		{"stale list", "cert.revocation", sign(t, k), []*crl.List{stale}, nil, "тізім ескірген", "список устарел", "the list is stale"},
		{"stale answer", "cert.revocation", sign(t, k), nil, [][]byte{old}, "OCSP жауабы ескірген", "ответ OCSP устарел", "the response is stale"},
		{"additions", "document.revision", stamped, nil, nil, "құжаттың уақыт белгісі", "метка времени документа", "a document timestamp"},
		{"damaged", "document.format", append([]byte("%PDF-1.7\n"), "nothing else"...), nil, nil, "(", "(", ": "},
	} {
		for lang, want := range map[phrase.Lang]string{phrase.KK: tt.kk, phrase.RU: tt.ru, phrase.EN: tt.en} {
			q := h.ask()
			q.Lang, q.Offline, q.Lists, q.OCSPs = lang, true, tt.lists, tt.responses
			r := h.v.Document(t.Context(), tt.document, q)
			said := ""
			for _, f := range findings(r, tt.key) {
				said += f.Detail() + "\n"
			}
			if !strings.Contains(said, want) || strings.Contains(said, "{") {
				t.Errorf("%s in %s: %q is not in %q", tt.name, lang, want, said)
			}
		}
	}
}

// What a certificate or a file says of itself cannot paint over the line it is shown in.
func TestNoControlCharacters(t *testing.T) {
	h := newHouse(t)
	const hostile = "A\x1b[2K\rAnchor\u202e\u009bB"
	k := h.person(t, func(l *testpki.Leaf) { l.CommonName, l.Organization = hostile, hostile })
	q := h.ask()
	said := phrase.Get("finding.input.crl.broken", map[string]string{"file": hostile, "detail": hostile})
	q.Broken = []verifier.Finding{{Key: "input.crl", Outcome: verifier.Warn, Text: &said}}
	shown := func(s string) {
		t.Helper()
		if i := strings.IndexFunc(s, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }); i >= 0 {
			t.Errorf("a control character in %q", s)
		}
	}
	document := h.v.Document(t.Context(), sign(t, k), q)
	if document.Indication != passed {
		t.Fatalf("%s/%s", document.Indication, document.SubIndication)
	}
	for _, r := range []*verifier.Report{document, h.v.CertificateFile(t.Context(), k.Certificate.Raw, q)} {
		all, people := r.Findings, []*verifier.Person{r.Holder}
		for _, s := range r.Signatures {
			all, people = append(all, s.Findings...), append(people, s.Signer)
		}
		for _, f := range all {
			shown(f.Detail())
			for _, e := range f.Evidence {
				shown(e)
			}
		}
		for _, p := range people {
			if p != nil {
				shown(p.Subject)
				shown(p.Issuer)
			}
		}
	}
}
