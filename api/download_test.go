// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"rastau/licensing"
)

// TestDownloadIsWhole: an archive of licences holds each in the order asked for, with its appendices, and names what is missing.
func TestDownloadIsWhole(t *testing.T) {
	h := newHouse(t, nil)
	number := h.issue(t).Licence
	n := h.newApplication()
	n.Operation, n.About, n.Payment = licensing.OperationAppendix, number, licensing.Payment{}
	n.Fields = json.RawMessage(`{"consent":true,"addition":"автобус","vehicles":[{"make":"Жол","year":2025,"plate":"002 TST 01"}]}`)
	var app licensing.Application
	h.get(t, ask{path: "/v1/applications", account: "applicant", body: n}, &app)
	var sub submission
	h.get(t, ask{path: "/v1/applications/" + app.ID + "/signature", account: "applicant", body: map[string][]byte{"signature": h.sign(t, app.Package)}}, &sub)
	h.get(t, ask{path: "/v1/applications/" + app.ID + "/decision", account: "officer", body: approval}, &app)

	w := h.do(t, ask{path: "/v1/licences/download", account: "applicant", body: map[string][]string{"numbers": {number, "KZ61TWQ01996275"}}})
	archive, err := zip.NewReader(bytes.NewReader(w.Body.Bytes()), int64(w.Body.Len()))
	if err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	var names []string
	for _, f := range archive.File {
		names = append(names, strings.TrimPrefix(f.Name, number))
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case f.Name == "index.json":
			if !bytes.Contains(content, []byte(`"missing":["KZ61TWQ01996275"]`)) {
				t.Errorf("the index: %s", content)
			}
		case strings.HasSuffix(f.Name, ".pdf") && !bytes.HasPrefix(content, []byte("%PDF-")), f.Modified.Year() < 2000:
			t.Errorf("%s of %s: %.20q", f.Name, f.Modified, content)
		}
	}
	if got := strings.Join(names, " "); got != ".pdf .p7m -002.pdf -002.p7m index.json" {
		t.Errorf("the archive holds %s", got)
	}
}
