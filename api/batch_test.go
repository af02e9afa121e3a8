// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"rastau/api"
	"rastau/internal/batch"
	"rastau/internal/outbox"
	"rastau/internal/store"
)

// withBatches is a house that judges batches, and the service itself to run them.
func withBatches(t *testing.T) (*house, *batch.Service) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{Database: filepath.Join(t.TempDir(), "b.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	var s *batch.Service
	h := newHouse(t, func(o *api.Options) {
		o.Gate = new(batch.Gate)
		if s, err = batch.New(batch.Options{Store: db.Batches(), Verifier: o.Verifier, Question: o.Question, Now: o.Now, Gate: o.Gate, Open: 3}); err != nil {
			t.Fatal(err)
		}
		o.Batches = s
	})
	return h, s
}

func archive(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, data := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A batch comes as an archive, a table or a form, is judged in the background, and its results are read as lines or as a table.
func TestBatches(t *testing.T) {
	h, s := withBatches(t)
	content := []byte(`{"a":1}`)
	signed := h.sign(t, content)
	const path = "/v1/signatures/batches"
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("table", "t.csv")
	if err == nil {
		_, err = part.Write([]byte("name,document,contentDigest\n=1+1," + base64.StdEncoding.EncodeToString(signed) + ",\n"))
	}
	if err == nil {
		err = w.WriteField("lang", "ru")
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path, kind string
		body             []byte
		want             string
	}{
		{"archive", path + "?lang=kk", "application/zip", archive(t, map[string][]byte{
			"batch.csv": []byte("file,content,name\ns.p7s,c.json,ours\ns.p7s,other.json,altered\n"), "s.p7s": signed, "c.json": content, "other.json": []byte(`{"a":2}`)}),
			"ours TOTAL-PASSED, altered TOTAL-FAILED/HASH_FAILURE"},
		{"table", path, "text/csv", []byte("document\nAAAA\n"), "line 2 TOTAL-FAILED/FORMAT_FAILURE"},
		{"form", path, w.FormDataContentType(), form.Bytes(), "=1+1 INDETERMINATE/SIGNED_DATA_NOT_FOUND"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j batch.Job
			made := h.get(t, ask{method: "POST", path: c.path, account: "auditor", contentType: c.kind, body: c.body}, &j)
			at := made.Header().Get("Location")
			if made.Code != http.StatusCreated || at != path+"/"+j.ID || j.State != batch.Waiting {
				t.Fatalf("%d %s %+v", made.Code, at, j)
			}
			body, _ := json.Marshal(j.ID)
			if err := s.Run(t.Context(), outbox.Item{Message: outbox.Message{Body: body}, Attempts: 1}); err != nil {
				t.Fatal(err)
			}
			h.get(t, ask{path: at, account: "admin"}, &j)
			if j.State != batch.Done || j.Judged != j.Files {
				t.Errorf("%+v", j)
			}
			var got []string
			lines := h.do(t, ask{path: at + "/results", account: "auditor"})
			for line := range strings.Lines(lines.Body.String()) {
				var l struct{ File, Indication, SubIndication string }
				if err := json.Unmarshal([]byte(line), &l); err != nil {
					t.Fatal(err)
				}
				got = append(got, strings.TrimSuffix(l.File+" "+l.Indication+"/"+l.SubIndication, "/"))
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("%v, want %s", got, c.want)
			}
			table := h.do(t, ask{path: at + "/results?format=csv", account: "auditor"}).Body.String()
			if !strings.HasPrefix(table, "file,indication,") || strings.Count(table, "\r\n") != j.Files+1 || strings.Contains(table, "\r\n=") {
				t.Errorf("%q", table)
			}
			var list struct{ Batches []batch.Job }
			if h.get(t, ask{path: path, account: "auditor"}, &list); len(list.Batches) == 0 || list.Batches[0].ID == "" {
				t.Errorf("%+v", list)
			}
			for _, ask := range []ask{{path: at}, {path: at + "/results"}, {method: "POST", path: at + "/cancel"}, {method: "DELETE", path: at}} {
				ask.account = "officer"
				h.refused(t, ask, 404, "not_found")
			}
			if w := h.do(t, ask{method: "DELETE", path: at, account: "auditor"}); w.Code != http.StatusNoContent {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			h.refused(t, ask{path: at, account: "auditor"}, 404, "not_found")
		})
	}
}

// What cannot be a batch is refused with its reason, and a cancelled one judges nothing more.
func TestBatchesRefused(t *testing.T) {
	h, s := withBatches(t)
	send := func(kind, body string) ask {
		return ask{method: "POST", path: "/v1/signatures/batches", account: "officer", contentType: kind, body: body}
	}
	h.refused(t, send("application/zip", "no archive"), 422, "batch")
	h.refused(t, send("text/csv", "secret\nx\n"), 422, "batch")
	h.refused(t, send("application/json", "{}"), 415, "content_type")
	h.refused(t, send("text/csv", ""), 422, "input")
	h.refused(t, ask{method: "POST", path: "/v1/signatures/batches?iin=1", account: "officer", contentType: "text/csv", body: "document\nAAAA\n"}, 422, "input")
	many := "document\n" + strings.Repeat("AAAA\n", s.Limits().Files+1)
	h.refused(t, send("text/csv", many), 413, "batch_too_large")
	var j batch.Job
	h.get(t, send("text/csv", "document\nAAAA\n"), &j)
	h.get(t, ask{method: "POST", path: "/v1/signatures/batches/" + j.ID + "/cancel", account: "officer"}, &j)
	if j.State != batch.Cancelled {
		t.Errorf("%+v", j)
	}
	for range 3 {
		h.get(t, send("text/csv", "document\nAAAA\n"), &j)
	}
	h.refused(t, send("text/csv", "document\nAAAA\n"), 429, "batches")
}
