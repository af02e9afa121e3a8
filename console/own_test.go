// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"context"
	"encoding/base64"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/internal/cms"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/licensing"
)

// newOwnKeyHouse has a table that lists a key of officer.1's own.
func newOwnKeyHouse(t *testing.T) (h *house, own *pki.Key) {
	t.Helper()
	h = newHouseWith(t, filepath.Join(t.TempDir(), "register.db"), func(h *house, o *licensing.Options) {
		bin := o.Regulations[0].Licensor.BIN
		own = h.issue(t, testpki.Leaf{CommonName: "ҚЫЗМЕТКЕР", IIN: "880709300015", BIN: bin, Organization: "LICENSOR"})
		o.Authorities = append(o.Authorities, licensing.Authority{Officer: "officer.1", Name: "Officer One", Position: phrase.Text{KK: "басшы", RU: "руководитель", EN: "head"},
			Licensor: bin, Certificate: own.Certificate.SHA256Hex(), From: time.Now().Add(-time.Hour)})
	})
	return h, own
}

// TestOwnKey: an officer whose own key the table lists signs every document of a decision with it, as NCALayer would, and nobody
// else's signature is taken; the public then finds the licence genuine and from the licensor.
func TestOwnKey(t *testing.T) {
	h, own := newOwnKeyHouse(t)
	app, refused := h.registered(t), h.registered(t)
	at := "/case/" + app.ID
	b := h.staff(t, "officer.1", account.Officer)
	if b.open(at + "/own"); b.url.Path != at {
		t.Errorf("nothing was begun, and yet there is %s", b.url)
	}
	b.post(at+"/claim", nil).sees(200, at+"/own")
	b.post(at+"/own", nil).sees(422, `href="#f-decision"`)
	b.post(at+"/own", url.Values{"decision": {"approve"}}).sees(422, "Қате:")
	b.open(at)
	b.post(at+"/own", b.decision(true, nil)).sees(200, "NCALayer", "1-құжат")
	b.upload(at+"/own/signature", nil, "none", "", nil).sees(422, `href="#f-sign"`)
	b.upload(at+"/own/signature", nil, "file", "x.p7s", []byte("no signature")).sees(422)
	b.upload(at+"/own/signature", nil, "file", "x.p7s", sign(t, h.licensor, content(b))).sees(422, "сізге жазылған кілтпен")
	b.upload(at+"/own/signature", nil, "file", "x.p7s", sign(t, own, []byte("{}"))).sees(422, "көрсетілген құжатқа қойылмаған")
	for n := 1; b.url.Path != at; n++ {
		if n > 4 {
			t.Fatal("there is no end to the documents")
		}
		b.open(at + "/own").sees(200)
		signature := sign(t, own, content(b))
		if strings.Contains(b.page, `data-detached="yes"`) {
			var err error
			signature, err = cms.Sign(context.Background(), cms.SignOptions{Content: content(b), Key: own.Signer, Certificate: own.Certificate, Chain: own.Chain, Detached: true})
			must(t, err)
		}
		b.upload(at+"/own/signature", nil, "file", "x.p7s", signature).sees(200)
	}
	b.sees(200, "KZ18 ZZZ 0000 0001", "лицензия берілді")
	l, err := h.service.Licence(t.Context(), "KZ18ZZZ00000001")
	must(t, err)
	if l.SignedBy != own.Certificate.SHA256Hex() {
		t.Errorf("the licence is signed by %s, want the officer's key", l.SignedBy)
	}
	h.browser(t).upload("/verify", nil, "file", "l.pdf", l.PDF).sees(200, "Қолтаңба түпнұсқа", "бүгін қолданыста", "осы лицензиардың кілті ретінде тізімде тұрған")

	// A refusal is one document.
	at = "/case/" + refused.ID
	b.post(at+"/claim", nil)
	b.post(at+"/own", url.Values{"decision": {"refuse"}, "grounds": {"талаптарға сай емес"}}).sees(200, "Дәлелді бас тартуға қол қойыңыз")
	b.upload(at+"/own/signature", nil, "file", "x.p7s", sign(t, own, content(b))).sees(200, "бас тартылды")

	// An officer without a key of their own is not offered one, and cannot take it.
	third := h.registered(t)
	other := h.colleague(t, "officer.2")
	other.post("/case/"+third.ID+"/claim", nil).sees(200).lacks("/own")
	other.post("/case/"+third.ID+"/own", url.Values{"decision": {"refuse"}, "grounds": {"сынақ"}}).sees(409)
	other.open(at + "/own/content").sees(404)
}

// content is what the page has signed.
func content(b *browser) []byte {
	raw, err := base64.StdEncoding.DecodeString(b.hidden(`data-content="([^"]+)"`))
	must(b.t, err)
	return raw
}

// TestOwnKeyOnSeveral: one decision on several cases is signed case by case with the officer's own key; one that was decided
// elsewhere meanwhile is named, and stays as it is.
func TestOwnKeyOnSeveral(t *testing.T) {
	h, own := newOwnKeyHouse(t)
	b := h.staff(t, "officer.1", account.Officer)
	ids, want := url.Values{}, map[string]licensing.Status{}
	for range 3 {
		app := h.registered(t)
		b.post("/case/"+app.ID+"/claim", nil)
		ids.Add("id", app.ID)
		want[app.ID] = licensing.Refused
	}
	b.open("/batches/new?"+ids.Encode()).sees(200, `formaction="/batches/own"`)
	b.post("/batches/own", ids).sees(422, `href="#f-decision"`)
	refuse := url.Values{"id": ids["id"], "decision": {"refuse"}, "grounds": {"талаптарға сай емес"}}
	b.post("/batches/own", refuse).sees(200, "Содан кейін дәл осы шешім қабылданатын өтініштер саны: 2.")
	first := strings.Split(b.url.Path, "/")[2]
	var second string
	for id := range want {
		if id != first && (second == "" || id > second) {
			second = id // the last: cases are decided in order
		}
	}
	// The last is decided under the licensor's key before its turn.
	officer := licensing.Actor{ID: "officer.1", Officer: true}
	_, err := h.service.Decide(t.Context(), officer, second, licensing.Decision{Approve: true, Checklist: map[string]bool{"documents-match": true, "grounds": true}})
	must(t, err)
	want[second] = licensing.Approved
	// So is the first, between the page and its signature, which then leads on to the others.
	b.open("/case/" + first + "/own")
	_, err = h.service.Decide(t.Context(), officer, first, licensing.Decision{Approve: true, Checklist: map[string]bool{"documents-match": true, "grounds": true}})
	must(t, err)
	want[first] = licensing.Approved
	for n := 0; strings.HasSuffix(b.url.Path, "/own"); n++ {
		if n > 2 {
			t.Fatal("there is no end to the cases")
		}
		b.upload(b.url.Path+"/signature", nil, "file", "x.p7s", sign(t, own, content(b)))
	}
	b.sees(409, "/case/"+second, "/case/"+first)
	for id, status := range want {
		app, err := h.service.Application(t.Context(), officer, id)
		must(t, err)
		if app.Status != status {
			t.Errorf("%s is %s, want %s", app.Number, app.Status, status)
		}
	}
}
