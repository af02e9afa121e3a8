// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rastau/internal/conformance"
)

// made writes a suite of our own.
func made(t testing.TB, name, manifest string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, name, "manifest.json"), []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// says answers by what the file's name contains.
func says(answers map[string]string) conformance.Command {
	return func(_ context.Context, args []string) ([]byte, int) {
		for part, answer := range answers {
			if strings.Contains(args[len(args)-1], part) {
				return []byte("a note\n" + answer + "\n"), 0
			}
		}
		return nil, 4
	}
}

const passed, failed = `{"indication":"TOTAL-PASSED"}`, `{"indication":"TOTAL-FAILED","subIndication":"EXPIRED"}`

func TestPathSuite(t *testing.T) {
	root := made(t, "crl", `[
		{"id":"right","target_cert":"good.cer","expect":"valid","settings":{}},
		{"id":"refused","target_cert":"bad.cer","expect":"invalid","settings":{}},
		{"id":"wrong","target_cert":"good.cer","expect":"invalid","settings":{}},
		{"id":"missed","target_cert":"bad.cer","expect":"valid","settings":{}},
		{"id":"silent","target_cert":"none.cer","expect":"invalid","settings":{}},
		{"id":"BSSL-CRL-bad_idp_indirectcrl","target_cert":"good.cer","expect":"invalid","settings":{}},
		{"id":"rfc5280::serial::zero","target_cert":"good.cer","expect":"valid","settings":{}}]`)
	r, err := conformance.Run(t.Context(), root, "crl", says(map[string]string{"good": passed, "bad": failed}))
	if err != nil {
		t.Fatal(err)
	}
	if r.Cases != 7 || r.Agree != 3 || r.WrongAccepts != 1 || len(r.Waived) != 1 || len(r.Failures) != 4 || r.Whole() {
		t.Errorf("%+v", r)
	}
	for _, want := range []string{"wrong: ", "missed: ", "silent: no answer", "rfc5280::serial::zero: is waived and agrees"} {
		if !slices.ContainsFunc(r.Failures, func(f string) bool { return strings.HasPrefix(f, want) }) {
			t.Errorf("no %q among %q", want, r.Failures)
		}
	}
	var page, text bytes.Buffer
	conformance.Markdown(&page, []*conformance.Result{r})
	conformance.Text(&text, []*conformance.Result{r})
	if !strings.Contains(page.String(), "| crl | rastau certificate | 7 | 3 | 1 | 1 |") || !strings.Contains(text.String(), "DISAGREES wrong") {
		t.Errorf("%s%s", &page, &text)
	}
}

// The manifest's settings become flags.
func TestPathFlags(t *testing.T) {
	root := made(t, "pkits", `[{"id":"a","target_cert":"t.cer","intermediates":["i.cer"],"crls":["l.crl"],"anchors":["r.cer"],"expect":"valid","settings":{
		"time":"2030-01-01T00:00:00+00:00","initial_policy_set":["1.2.3"],"require_explicit_policy":true,"max_age_seconds":60}}]`)
	dir := filepath.Join(root, "pkits")
	var got []string
	_, err := conformance.Run(t.Context(), root, "pkits", func(_ context.Context, args []string) ([]byte, int) { got = args; return []byte(passed), 0 })
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"certificate", "--offline", "--quiet", "--json", "--purpose", "any", "--algorithms", "legacy", "--at", "2030-01-01T00:00:00Z",
		"--anchors", filepath.Join(dir, "r.cer"), "--certs", filepath.Join(dir, "i.cer"), "--crl", filepath.Join(dir, "l.crl"), "--policy", "1.2.3",
		"--require-explicit-policy", "--max-age", "60s", "--revocation", "require", filepath.Join(dir, "t.cer")}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestResponseAndDocumentSuites(t *testing.T) {
	root := made(t, "ocsp", `[
		{"id":"good","file":"good","target_cert":"c","anchors":["a"],"expect":"valid","cert_status":"good","settings":{}},
		{"id":"another status","file":"good","target_cert":"c","issuer":"i","expect":"valid","cert_status":"revoked","settings":{}},
		{"id":"parse","file":"x","expect":"valid","settings":{}}]`)
	r, err := conformance.Run(t.Context(), root, "ocsp", says(map[string]string{"good": `{"usable":true,"status":"good"}`}))
	if err != nil || r.Cases != 3 || r.Agree != 2 {
		t.Errorf("%+v %v", r, err)
	}
	root = made(t, "cms", `[
		{"id":"whole","file":"whole","expect":"valid"},
		{"id":"forged","file":"forged","expect":"invalid"},
		{"id":"missing","file":"missing","expect":"invalid","acceptable":["indeterminate"]},
		{"id":"digest","file":"whole","detached_digest":{"alg":"SHA-256","hex":"00"},"expect":"valid"},
		{"id":"argued","file":"forged","expect":"valid","disputed":"who knows"}]`)
	r, err = conformance.Run(t.Context(), root, "cms", says(map[string]string{"whole": `{"intact":true,"signatures":[{}]}`, "forged": `{"intact":false,"signatures":[{}]}`,
		"missing": `{"subIndication":"SIGNED_DATA_NOT_FOUND","signatures":[{}]}`}))
	if err != nil || r.Cases != 4 || r.Agree != 4 || len(r.Decided) != 1 || r.SetAside != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestHostileFiles(t *testing.T) {
	root := made(t, "malformed", `[{"id":"own","file":"own.tar.gz","kind":"other"}]`)
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, body := range []string{"", "0\x80", strings.Repeat("0\x80", 1<<16), "%PDF-1.7\n%%EOF", "<a/>"} {
		if err := w.WriteHeader(&tar.Header{Name: "f", Mode: 0o600, Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close(), os.WriteFile(filepath.Join(root, "malformed", "own.tar.gz"), out.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	r, err := conformance.Run(t.Context(), root, "malformed", nil)
	if err != nil || r.Cases != 5 || r.Agree != 5 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestNoSuite(t *testing.T) {
	for name, manifest := range map[string]string{"crl": "[]", "wycheproof": "[]"} {
		if _, err := conformance.Run(t.Context(), made(t, name, manifest), name, nil); !errors.Is(err, conformance.ErrNoSuite) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := conformance.Run(t.Context(), t.TempDir(), "crl", nil); !errors.Is(err, conformance.ErrNoSuite) {
		t.Errorf("absent: %v", err)
	}
}
