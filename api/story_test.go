// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"rastau/licensing"
)

// Apply, sign, register, decide, fetch, check: through the front door, with real parts.
func TestStory(t *testing.T) {
	h := newHouse(t, nil)

	var draft licensing.Application
	w := h.get(t, ask{path: "/v1/applications", account: "applicant", body: h.newApplication()}, &draft)
	if w.Code != http.StatusCreated || w.Header().Get("Location") != "/v1/applications/"+draft.ID || draft.Status != licensing.Draft {
		t.Fatalf("draft: %d %v %+v", w.Code, w.Header(), draft)
	}
	signaturePath := "/v1/applications/" + draft.ID + "/signature"

	// A bad signature is an answer.
	var refused submission
	h.get(t, ask{path: signaturePath, account: "applicant", body: map[string][]byte{"signature": []byte("no signature")}}, &refused)
	if refused.Verdict.verdict() != "TOTAL-FAILED/FORMAT_FAILURE" || refused.Message.Code != "M3" || refused.Application.Number != "" {
		t.Fatalf("refused: %s %+v", refused.Verdict.verdict(), refused.Message)
	}
	// Another applicant does not even learn that it is there.
	h.refused(t, ask{path: signaturePath, account: "other", body: map[string][]byte{"signature": h.sign(t, draft.Package)}}, 404, "not_found")
	h.refused(t, ask{path: "/v1/applications/" + draft.ID, account: "other"}, 404, "not_found")
	// An officer does not see drafts, and cannot decide on one.
	h.refused(t, ask{path: "/v1/applications/" + draft.ID, account: "officer"}, 404, "not_found")
	h.refused(t, ask{path: "/v1/applications/" + draft.ID + "/decision", account: "officer", body: approval}, 409, "state")

	var sub submission
	h.get(t, ask{path: signaturePath, account: "applicant", contentType: "application/pkcs7-signature", body: h.sign(t, draft.Package)}, &sub)
	if sub.Verdict.verdict() != "TOTAL-PASSED" || sub.Application.Number == "" || len(sub.Receipt) == 0 {
		t.Fatalf("signature: %s, %s\n%s", sub.Verdict.verdict(), sub.Message.Text.EN, h.logs)
	}
	var list struct{ Applications []licensing.Application }
	h.get(t, ask{path: "/v1/applications?status=registered&limit=5", account: "officer"}, &list)
	if len(list.Applications) != 1 || list.Applications[0].ID != draft.ID {
		t.Fatalf("the officer's list: %+v", list)
	}
	h.get(t, ask{path: "/v1/applications", account: "other"}, &list)
	if len(list.Applications) != 0 {
		t.Fatal("another applicant sees it in the list")
	}

	h.refused(t, ask{path: "/v1/applications/" + draft.ID + "/decision", account: "officer", body: map[string]any{"approve": false}}, 422, "input")
	var decided licensing.Application
	h.get(t, ask{path: "/v1/applications/" + draft.ID + "/decision", account: "officer", body: approval}, &decided)
	if decided.Status != licensing.Approved || licensing.ParseNumber(decided.Licence) != nil {
		t.Fatalf("decided: %+v", decided)
	}
	number := decided.Licence

	var licence licensing.Licence
	for _, who := range []string{"applicant", "officer", "auditor", "admin"} {
		h.get(t, ask{path: "/v1/licences/" + number, account: who}, &licence)
	}
	if licence.Number != number || licence.State != licensing.StateIssued || licence.Holder.BIN != h.bin {
		t.Fatalf("licence: %+v", licence)
	}
	for _, path := range []string{"", "/pdf", "/signed"} {
		h.refused(t, ask{path: "/v1/licences/" + number + path, account: "other"}, 404, "not_found")
	}
	pdf := h.do(t, ask{path: "/v1/licences/" + number + "/pdf", account: "applicant"})
	if pdf.Code != 200 || pdf.Header().Get("Content-Type") != "application/pdf" || !bytes.HasPrefix(pdf.Body.Bytes(), []byte("%PDF-")) {
		t.Fatalf("pdf: %d %v", pdf.Code, pdf.Header())
	}
	signed := h.do(t, ask{path: "/v1/licences/" + number + "/signed", account: "auditor"})
	if signed.Code != 200 || signed.Header().Get("Content-Type") != "application/cms" {
		t.Fatalf("signed: %d %v", signed.Code, signed.Header())
	}

	for name, document := range map[string][]byte{"pdf": pdf.Body.Bytes(), "signed": signed.Body.Bytes()} {
		var check struct {
			Verdict report
			Licence licensing.LicenceCheck
		}
		h.get(t, ask{path: "/v1/licences/verify", account: "auditor", body: map[string]any{"document": document, "lang": "kk"}}, &check)
		if check.Verdict.verdict() != "TOTAL-PASSED" || !check.Licence.SameFile || !check.Licence.InForce || check.Licence.Entitled == nil || !*check.Licence.Entitled {
			t.Fatalf("%s: %s %+v", name, check.Verdict.verdict(), check.Licence)
		}
		// One byte less is another file.
		h.get(t, ask{path: "/v1/licences/verify", account: "auditor", body: map[string]any{"document": document[:len(document)-2], "number": number}}, &check)
		if check.Licence.SameFile {
			t.Fatalf("%s: a cut file is the same file", name)
		}
	}
	var byNumber struct {
		Verdict *report
		Licence licensing.LicenceCheck
	}
	h.get(t, ask{path: "/v1/licences/verify", account: "auditor", body: map[string]any{"number": number}}, &byNumber)
	if byNumber.Verdict != nil || !byNumber.Licence.Registered || byNumber.Licence.SameFile {
		t.Fatalf("by number: %+v", byNumber)
	}
	var head struct {
		Size int64
		Root string
	}
	h.get(t, ask{path: "/v1/log", account: "auditor"}, &head)
	if head.Size != 2 || head.Root == "" {
		t.Fatalf("log: %+v", head)
	}
	publicPage(t, h, number)

	// What was logged names nobody: no token, number, name or bytes of the package.
	logs := h.logs.String()
	for _, secret := range []string{h.bin, "Үлгі", "ҮЛГІ", "Астана", h.tokens["applicant"], h.tokens["officer"]} {
		if strings.Contains(logs, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	for _, must := range []string{`"route":"/v1/applications/:id/decision"`, `"account":"officer"`, `"status":200`, `"request":"`} {
		if !strings.Contains(logs, must) {
			t.Errorf("the log does not hold %s", must)
		}
	}
}

// publicPage tries, as a program, what the QR code leads to.
func publicPage(t *testing.T, h *house, number string) {
	t.Helper()
	var check licensing.LicenceCheck
	w := h.get(t, ask{path: "/v/" + number, header: map[string]string{"Accept": "application/json"}}, &check)
	if !check.Registered || check.Number != number || strings.Contains(w.Body.String(), h.bin) {
		t.Errorf("JSON: %s", w.Body)
	}
	var members map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &members); err != nil {
		t.Fatal(err)
	}
	for _, unknown := range []string{"KZ00ZZZ00000001", "no-number", strings.Repeat("9", 2000), "%3Cscript%3E"} {
		h.refused(t, ask{path: "/v/" + unknown, header: map[string]string{"Accept": "application/json"}}, 404, "not_found")
	}
}
