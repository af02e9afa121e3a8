// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/page"
	"rastau/internal/phrase"
	"rastau/internal/testpki"
	"rastau/signer"
)

// fleet is a licence with all that one can have, of so many vehicles.
func fleet(vehicles int) page.Licence {
	text := func(s string) phrase.Text { return phrase.Text{KK: s, RU: s, EN: s} }
	l := page.Licence{
		Number: "KZ24ZZZ00000001", Issued: time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC), FirstIssued: time.Date(2021, 5, 4, 6, 0, 0, 0, time.UTC),
		HolderName: "«Әуе-Жол Ғ. Қ. Ң. Өнер Ұлы Үміт Һәм Іс» ЖШС", HolderNumberKind: "BIN", HolderNumber: "990140000002", HolderAddress: "Астана қ., Мәңгілік Ел даңғылы, 1-үй",
		Activity: text("Облысаралық қалааралық, ауданаралық және халықаралық қатынаста автобустармен жолаушыларды тұрақты емес тасымалдау"),
		Subtypes: []phrase.Text{text("Халықаралық қатынаста тұрақты тасымалдау"), text("Облысаралық қатынаста тұрақты емес тасымалдау")},
		Licensor: text("Көліктік бақылау комитетінің аумақтық органы"), SignerName: "ӘБІЛҚАЙЫРОВ ҮМІТ", SignerPosition: text("Басшы"), Place: text("Астана"),
		Basis: text("№ PT-00000001 өтініш"), Conditions: text("иеліктен шығарылмайды"), Duplicate: true, English: true, State: page.Reissued,
		VerifyURL: "http://127.0.0.1:8080/v/KZ24ZZZ00000001", Demo: true,
	}
	cars := page.Appendix{Number: "001", Subtypes: l.Subtypes[:1]}
	var data strings.Builder
	for i := range vehicles {
		v := page.Vehicle{Make: []string{"Yutong ZK6122H9", "МАЗ-251", "Setra S 417"}[i%3], Year: 2012 + i%13, Plate: fmt.Sprintf("%03d ZZZ %02d", 101+i, 1+i%20)}
		cars.Vehicles = append(cars.Vehicles, v)
		fmt.Fprintf(&data, `{"make":%q,"plate":%q,"year":%d},`, v.Make, v.Plate, v.Year)
	}
	branches := page.Appendix{Number: "002", Branches: []page.Branch{
		{Name: "Қарағанды қаласындағы филиал", BIN: "990141000013", Address: "Қарағанды қ., Бұқар жырау даңғылы, 12-үй"},
		{Name: "Шымкент қаласындағы филиал", BIN: "990141000024", Address: "Шымкент қ., Тәуке хан даңғылы, 5-үй"},
	}}
	l.Appendices = []page.Appendix{cars, branches}
	l.Attachment = []byte(`{"vehicles":[` + strings.TrimSuffix(data.String(), ",") + `]}`)
	return l
}

// TestSize: a licence as it is handed out, signed at level LTA, takes 150 KiB at most: the first that a program signs, and those that
// an officer's own key signs, too.
func TestSize(t *testing.T) {
	h := newOffice(t, testpki.Options{})
	const most = 150 << 10
	small := func(what string, file []byte) {
		t.Helper()
		wants(t, h.judge(t.Context(), file, nil, h.now()), signer.LevelLTA)
		if t.Logf("%s: %d bytes", what, len(file)); len(file) > most {
			t.Errorf("%s: %d bytes, more than %d", what, len(file), most)
		}
	}
	for _, vehicles := range []int{2, 200} {
		drawn := made(page.Compose(fleet(vehicles)))
		lta := signer.PDFOptions{Level: signer.LevelLTA, Rect: page.SignatureBox()}
		s := h.newSigner(t, h.ring)
		signed := made(s.Document(t.Context(), drawn, lta))
		small(fmt.Sprintf("%d vehicles", vehicles), signed)
		if vehicles == 200 {
			peers(t, h, "long.pdf", signed, signer.LevelLTA)
		}

		// A card: the attributes are signed.
		lta.Certificate = h.key.Certificate
		d := made(s.Begin(t.Context(), drawn.Bytes(), lta, h.key.Chain...))
		sum := sha256.Sum256(d.Attributes)
		value := made(h.key.Signer.Sign(rand.Reader, sum[:], crypto.SHA256))
		small(fmt.Sprintf("%d vehicles, a card", vehicles), made(s.Finish(t.Context(), d, value)))

		// NCALayer: the whole CMS is written elsewhere.
		lta.Certificate = nil
		d = made(s.Begin(t.Context(), drawn.Bytes(), lta))
		answer := made(cms.Sign(t.Context(), cms.SignOptions{Content: d.Content, Detached: true, Key: h.key.Signer, Certificate: h.key.Certificate, Chain: h.key.Chain, SigningTime: h.now()}))
		small(fmt.Sprintf("%d vehicles, NCALayer", vehicles), made(s.Finish(t.Context(), d, answer)))
	}
}
