// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"testing"

	"rastau/internal/pki"
	"rastau/internal/testpki"
)

// picture is a scan of one grey point.
func picture(t testing.TB) []byte {
	var out bytes.Buffer
	must(t, png.Encode(&out, image.NewGray(image.Rect(0, 0, 1, 1))))
	return out.Bytes()
}

// upload posts a screen with a file.
func (b *browser) upload(path string, values url.Values, name, file string, content []byte) *browser {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k, vs := range values {
		for _, v := range vs {
			must(b.t, w.WriteField(k, v))
		}
	}
	part, err := w.CreateFormFile(name, file)
	must(b.t, err)
	_, err = part.Write(content)
	must(b.t, err)
	must(b.t, w.Close())
	return b.take(b.http.Post(b.h.server.URL+path, w.FormDataContentType(), &body))
}

// TestApplicantWithoutJavaScript walks from registration to the signed receipt with forms and links alone; the signature is made
// in another program and attached as a file.
func TestApplicantWithoutJavaScript(t *testing.T) {
	h := newHouse(t)
	b := h.browser(t)
	leaf := testpki.Leaf{CommonName: "ҮЛГІБАЕВА ҚҰНДЫЗ", IIN: personIIN, Roles: []pki.OID{pki.OIDRoleIndividual}}
	b.registers(leaf).sees(200, "Өтініштер", "ҮЛГІБАЕВА ҚҰНДЫЗ")
	b.open("/services/passenger-transport").sees(200, "№ 907")
	b.post("/apply", url.Values{"service": {"passenger-transport"}, "operation": {"issue"}}).sees(200, "1-қадамы")
	draft := strings.TrimSuffix(b.url.Path, "/applicant")
	b.post(draft+"/applicant", url.Values{"kind": {"natural-person"}, "name": {"ҮЛГІБАЕВА ҚҰНДЫЗ"}}).sees(422, `href="#f-address"`, "Қате:", "Бұл жолды толтырыңыз")
	b.post(draft+"/applicant", url.Values{"kind": {"natural-person"}, "name": {"ҮЛГІБАЕВА ҚҰНДЫЗ"}, "address": {"Астана қ."}}).sees(200)
	for range 12 {
		step := b.url.Path[strings.LastIndex(b.url.Path, "/")+1:]
		if step == "documents" {
			break
		}
		values := url.Values{}
		switch {
		case strings.Contains(b.page, `name="subtypes"`):
			b.post(b.url.Path, nil).sees(422, `href="#f-subtypes"`)
			values.Set("subtypes", "irregular-inter-oblast")
		case strings.Contains(b.page, `value="vehicles"`):
			b.post(b.url.Path, url.Values{"add": {"vehicles"}}).sees(200, `name="vehicles.0.plate"`)
			values = url.Values{"vehicles.0.plate": {"001 TST 01"}, "vehicles.0.make": {"Қаз-Автобус"}, "vehicles.0.year": {"2024"}}
		case strings.Contains(b.page, `name="consent"`):
			values.Set("consent", "yes")
		}
		b.post(b.url.Path, values).sees(200)
	}
	b.upload(b.url.Path, nil, "document.qualification", "біліктілік.png", picture(t)).sees(200)
	b.post(b.url.Path, url.Values{"reference": {"PAY-1"}}).sees(200, "біліктілік.png", "001 TST 01", "Қаз-Автобус")
	b.upload(b.url.Path, nil, "none", "", nil).sees(200, "NCALayer")
	pkg, err := base64.StdEncoding.DecodeString(b.hidden(`data-content="([^"]+)"`))
	must(t, err)
	b.upload(draft+"/signature", nil, "file", "x.p7s", []byte("no signature")).sees(422, "Қате:")
	key := h.issue(t, leaf)
	b.take(b.http.Post(h.server.URL+draft+"/certificate", "application/octet-stream", bytes.NewReader(key.Certificate.Raw))).sees(200, `"ok":"false"`) // its authority is not among what the house trusts, and the certificate comes alone
	b.upload(draft+"/signature", nil, "file", "x.p7s", sign(t, key, pkg)).sees(200, "PT-00000001")
	if want := []string{"application TOTAL-FAILED", "certificate INDETERMINATE", "application TOTAL-PASSED"}; !slices.Equal(h.verdicts, want) {
		t.Errorf("the pages told of the verdicts %q, want %q", h.verdicts, want)
	}
	b.open("/my").sees(200, "PT-00000001")
	b.open(strings.Replace(draft, "/apply/", "/my/", 1)).sees(200, "PT-00000001", "қаралуда")
	if b.open(strings.Replace(draft, "/apply/", "/my/", 1) + "/receipt"); b.code != 200 || len(b.page) < 500 {
		t.Errorf("the receipt: %d, %d bytes", b.code, len(b.page))
	}
}

// TestPagesOfOthers: nobody sees another's application, a page for others, or anything before logging in.
func TestPagesOfOthers(t *testing.T) {
	h := newHouse(t)
	b := h.browser(t)
	b.open("/my").sees(200, "Кіру")
	b.registers(testpki.Leaf{CommonName: "ҮЛГІБАЕВА ҚҰНДЫЗ", IIN: personIIN})
	b.post("/apply", url.Values{"service": {"passenger-transport"}, "operation": {"issue"}}).sees(200)
	draft := b.url.Path
	other := h.browser(t)
	other.registers(testpki.Leaf{CommonName: "БАСҚАОВА ГҮЛ", IIN: "880709300015"}).sees(200)
	other.open(draft).sees(404)
	other.open("/entry").sees(403)
	other.open("/nothing").sees(404)
	other.open("/my?lang=ru").sees(200, "Заявления")
	other.open("/my").sees(200, "Заявления")
	other.open("/my?lang=en").sees(200, "Applications")
	b.post("/logout", nil).sees(200)
	b.open("/my").sees(200, "Кіру")
	b.post("/login", url.Values{"login": {personIIN}, "password": {"not this one"}}).sees(401, "Порталда авторландырудан бас тартылды")
	b.post("/login", url.Values{"login": {personIIN}, "password": {secret}, "next": {"//elsewhere.example/"}}).sees(200, "Өтініштер")
}
