// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/internal/phrase"
	"rastau/internal/testpki"
	"rastau/licensing"
	"rastau/signer"
)

// TestTasks: a licence that nobody decided on in time is issued by the system, and stands among the tasks of its licensor's officers
// until one of them has handed it over and said so.
func TestTasks(t *testing.T) {
	var clock atomic.Int64
	h := newHouseWith(t, filepath.Join(t.TempDir(), "register.db"), func(h *house, o *licensing.Options) {
		key := h.issue(t, testpki.Leaf{CommonName: "E-LICENSING SEAL", BIN: "100640000312", Organization: "OPERATOR"})
		ring, err := signer.NewRing(key)
		must(t, err)
		o.Seal, err = signer.New(signer.Options{Keys: ring, Stamper: o.Stamper, Judge: keyJudge{h.judge, h.question}, Checker: h.judge, Now: time.Now})
		must(t, err)
		o.Authorities = append(o.Authorities, licensing.Authority{Officer: licensing.System, Name: "E-licensing", Position: phrase.Text{KK: "жүйе", RU: "система", EN: "system"},
			Licensor: o.Regulations[0].Licensor.BIN, Certificate: key.Certificate.SHA256Hex(), From: time.Now().Add(-time.Hour)})
		o.Now = func() time.Time { return time.Now().Add(time.Duration(clock.Load())) }
	})
	mine, app, _ := h.resident(t)
	b := h.staff(t, "officer.1", account.Officer)
	at := "/case/" + app.ID
	b.open("/queue").sees(200, `app-figure__n">0</strong> Мерзімі бар міндеттер`)
	b.open("/tasks").sees(200, "Орындалмаған міндет жоқ")
	b.post(at+"/step/hand-over", url.Values{"text": {"қолына"}}).sees(409)

	clock.Store(int64(time.Until(*app.Deadline) + time.Minute))
	must(t, h.service.ComeDue(t.Context(), []byte(`{"subject":"`+app.ID+`","kind":"decision"}`)))
	b.open("/queue").sees(200, `app-figure__n">1</strong> Мерзімі бар міндеттер`)
	b.open("/tasks").sees(200, "Үнсіздік салдарынан берілген лицензияны тапсыру керек", "KZ18 ZZZ 0000 0001", at+"/step/hand-over").lacks("console.", "мерзімі өтті")
	b.open(at).sees(200, at+"/step/hand-over")
	mine.open("/tasks").sees(403)
	clock.Add(int64(30 * 24 * time.Hour))
	b.open("/tasks").sees(200, "мерзімі өтті")

	b.open(at+"/step/hand-over").sees(200, "бес жұмыс күні ішінде")
	b.post(at+"/step/hand-over", nil).sees(422, `href="#f-text"`)
	b.post(at+"/step/hand-over", url.Values{"text": {"лицензиаттың қолына берілді"}}).sees(200, "Лицензия тапсырылды", "лицензиаттың қолына берілді").lacks(at + "/step/hand-over")
	b.open("/tasks").sees(200, "Орындалмаған міндет жоқ")
	b.post(at+"/step/hand-over", url.Values{"text": {"тағы"}}).sees(409)
}
