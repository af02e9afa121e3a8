// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rastau/client"
	"rastau/internal/xmldsig"
)

// The Go client and the TypeScript client ask a real service.
func TestClients(t *testing.T) {
	h := newHouse(t, nil)
	server := httptest.NewServer(h.handler)
	t.Cleanup(server.Close)
	signed, err := xmldsig.Sign(t.Context(), []byte("<application>Өтініш</application>"), xmldsig.SignOptions{
		Key: h.head.Signer, Certificate: h.head.Certificate, XAdES: true, SigningTime: h.clock.now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("Go", func(t *testing.T) {
		c := client.Client{URL: server.URL + "/", Token: h.tokens["auditor"]}
		r, err := c.VerifySignature(t.Context(), client.Question{Document: signed, BIN: h.bin, Lang: "kk"})
		if err != nil || !r.Passed() || r.Signatures[0].Level != "B" || *r.Signatures[0].Signer.BIN != h.bin || r.Intact == nil || !*r.Intact {
			t.Fatalf("%+v %v", r, err)
		}
		if r, err = c.VerifySignature(t.Context(), client.Question{Document: []byte("no signature")}); err != nil || r.Passed() || *r.SubIndication != "FORMAT_FAILURE" {
			t.Errorf("%+v %v", r, err)
		}
		if r, err = c.VerifyCertificate(t.Context(), client.Question{Certificate: h.head.Certificate.Raw}); err != nil || !r.Passed() {
			t.Errorf("%+v %v", r, err)
		}
		var p *client.Problem
		known := 0 // numbers with the right check digits, of all that there are
		for digits := range 100 {
			a, err := c.VerifyLicence(t.Context(), client.Question{Number: fmt.Sprintf("KZ%02dZZZ00000001", digits)})
			switch {
			case errors.As(err, &p) && p.Code == "input":
			case err != nil || a.Licence.Registered || a.Verdict != nil:
				t.Errorf("%+v %v", a, err)
			default:
				known++
			}
		}
		if known != 1 {
			t.Errorf("%d numbers could be asked about", known)
		}
		if _, err = c.VerifySignature(t.Context(), client.Question{}); !errors.As(err, &p) || p.Status != 422 || p.Code != "input" || p.Field != "document" {
			t.Errorf("%v", err)
		}
		c.Token = "wrong"
		if _, err = c.VerifySignature(t.Context(), client.Question{Document: signed}); !errors.As(err, &p) || p.Code != "token" {
			t.Errorf("%v", err)
		}
	})
	t.Run("TypeScript", func(t *testing.T) {
		node, err := exec.LookPath("node")
		if err != nil {
			if os.Getenv("RASTAU_REQUIRE_TOOLS") == "1" {
				t.Fatal("node is required and not installed: .ci/tools installs it")
			}
			t.Skip("node is not installed: .ci/tools installs it")
		}
		for token, want := range map[string]string{
			h.tokens["auditor"]: "TOTAL-PASSED  true\n" + *personIIN(t, h) + " B\n",
			"wrong":             "401 token\n",
		} {
			cmd := exec.Command(node, filepath.Join("..", "client", "typescript", "example.js"), server.URL, token)
			cmd.Stdin = strings.NewReader(base64.StdEncoding.EncodeToString(signed))
			cmd.Stderr = os.Stderr
			if out, err := cmd.Output(); err != nil || string(out) != want {
				t.Errorf("%q %v, want %q", out, err, want)
			}
		}
	})
	t.Run("the types are those of the description", func(t *testing.T) {
		types, err := os.ReadFile(filepath.Join("..", "client", "typescript", "schema.d.ts"))
		if err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile("openapi.json")
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Components struct {
				Schemas map[string]struct{ Properties map[string]any }
			}
		}
		if err := json.Unmarshal(page, &d); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Report", "SignatureReport", "Finding", "Person", "SignatureQuestion", "CertificateQuestion", "LicenceQuestion", "LicenceAnswer", "LicenceCheck", "Problem"} {
			_, body, found := strings.Cut(string(types), "\n        "+name+": {")
			body, _, _ = strings.Cut(body, "\n        };")
			if !found {
				t.Errorf("%s is missing: run npm run generate in client/typescript", name)
			}
			for property := range d.Components.Schemas[name].Properties {
				if !strings.Contains(body, property+"?:") && !strings.Contains(body, property+":") {
					t.Errorf("%s.%s is missing: run npm run generate in client/typescript", name, property)
				}
			}
		}
	})
}

func personIIN(t *testing.T, h *house) *string {
	t.Helper()
	iin := strings.TrimPrefix(h.head.Certificate.Subject.First("2.5.4.5"), "IIN")
	return &iin
}
