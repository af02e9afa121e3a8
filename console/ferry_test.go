// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rastau/internal/account"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/licensing"
)

// TestNewRegulationNeedsNoPage: an invented service that the program has never seen is offered, filled in, signed, agreed on, decided and
// opened on the same pages, from its file alone.
func TestNewRegulationNeedsNoPage(t *testing.T) {
	data, err := os.ReadFile("../licensing/testdata/ferries.yaml")
	must(t, err)
	ferries, err := licensing.LoadRegulation("ferries.yaml", data)
	must(t, err)
	h := newHouseOn(t, filepath.Join(t.TempDir(), "register.db"), ferries)
	leaf := testpki.Leaf{CommonName: "ҮЛГІБАЕВА ҚҰНДЫЗ", IIN: personIIN, Roles: []pki.OID{pki.OIDRoleIndividual}}
	b := h.browser(t).registers(leaf)
	b.open("/").sees(200, "Паром лицензиясы")
	b.open("/services/ferries").sees(200, "Айлақ басшысының бұйрығы", "телнұсқа")
	b.post("/apply", url.Values{"service": {"ferries"}, "operation": {"issue"}}).sees(200, "капитан")
	draft := strings.TrimSuffix(b.url.Path, "/applicant")
	b.post(draft+"/applicant", url.Values{"kind": {"natural-person"}, "name": {"ҮЛГІБАЕВА ҚҰНДЫЗ"}, "address": {"Үлгі аралы"}}).sees(200, "Кеме", "Атауы", "Орын саны")
	b.post(draft+"/ship", url.Values{"ship": {"Ақ шағала"}, "berths": {"0"}}).sees(422, `href="#f-berths"`)
	b.post(draft+"/ship", url.Values{"ship": {"Ақ шағала"}, "berths": {"90"}}).sees(200, "Кеменің жарамдылығы")
	b.upload(draft+"/documents", nil, "document.seaworthiness", "бірінші.png", picture(t)).sees(200)
	// One file is asked for: another takes its place.
	b.upload(draft+"/documents", nil, "document.seaworthiness", "екінші.png", picture(t)).sees(200)
	b.open(draft+"/documents").sees(200, "екінші.png").lacks("бірінші.png")
	for range 3 {
		if strings.HasSuffix(b.url.Path, "/check") {
			break
		}
		b.post(b.url.Path, url.Values{"reference": {"PAY-9"}}).sees(200)
	}
	b.sees(200, "Ақ шағала")
	b.upload(draft+"/check", nil, "none", "", nil).sees(200, "NCALayer")
	pkg, err := base64.StdEncoding.DecodeString(b.hidden(`data-content="([^"]+)"`))
	must(t, err)
	b.upload(draft+"/signature", nil, "file", "x.p7s", sign(t, h.issue(t, leaf), pkg)).sees(200, "FR-00001")

	_, err = h.desk.Enter(t.Context(), account.Account{ID: "root"}, "", account.NewStaff{Login: "officer.1", Name: "АЙЛАҚ", IIN: "880709300015", BIN: ferries.Licensor.BIN,
		Roles: []account.Role{account.Officer}, Password: secret})
	must(t, err)
	o := h.browser(t).post("/login", url.Values{"login": {"officer.1"}, "password": {secret}})
	o.open("/queue").sees(200, "FR-00001", "Паром лицензиясы")
	id := strings.TrimPrefix(draft, "/apply/")
	o.post("/case/"+id+"/claim", nil).sees(200, "Ақ шағала", "Кеме қалқып тұр")
	o.open("/case/"+id+"/step/agreement").sees(200, "Шамшырақ")
	o.post("/case/"+id+"/step/agreement", url.Values{"bodies": {"somebody"}}).sees(422)
	o.post("/case/"+id+"/step/agreement", url.Values{"bodies": {"lighthouse"}}).sees(200, "«Шамшырақ» келісімі сұралды")
	o.post("/case/"+id+"/step/agreed", url.Values{"body": {"lighthouse"}, "answer": {"yes"}}).sees(200, "«Шамшырақ» келісті")
	o.post("/case/"+id+"/decision", o.decision(true, nil)).sees(200, "KZ18 ZZZ 0000 0001")
	b.open("/my/"+id).sees(200, "лицензия берілді", "Теңіз қалай?")
	b.open("/licences/KZ18ZZZ00000001").sees(200, "Паром тасымалы", `value="duplicate"`)
	if b.open("/my/" + id + "/licence.pdf"); b.code != 200 || !strings.HasPrefix(b.page, "%PDF-") {
		t.Errorf("the licence does not open: %d", b.code)
	}
	h.browser(t).open("/registry").sees(200, "KZ18 ZZZ 0000 0001", "ҮЛГІБАЕВА")
}
