// SPDX-License-Identifier: Apache-2.0

package ocsp_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rastau/internal/ocsp"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

// suite gives a folder of the conformance suites. Where it is absent the test is
// skipped, or fails if RASTAU_SUITES_REQUIRED says so.
func suite(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("RASTAU_SUITES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "suites")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatalf("the conformance suite %q is required and absent", name)
		}
		t.Skipf("the conformance suite %q is not at hand: set RASTAU_SUITES to its folder", name)
	}
	return dir
}

func readFile(t testing.TB, parts ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readCertificate(t testing.TB, parts ...string) *pki.Certificate {
	t.Helper()
	list, err := pki.ReadCertificates(readFile(t, parts...))
	if err != nil {
		t.Fatalf("%s: %v", filepath.Join(parts...), err)
	}
	return list[0]
}

// Every case of the OCSP suite agrees but four, which are two months past their
// nextUpdate at the stated time: stale, with a good signature, is the right answer.
func TestConformanceSuite(t *testing.T) {
	dir := suite(t, "ocsp")
	var cases []struct {
		ID         string   `json:"id"`
		File       string   `json:"file"`
		Target     string   `json:"target_cert"`
		Issuer     string   `json:"issuer"`
		Anchors    []string `json:"anchors"`
		Request    string   `json:"request"`
		Expect     string   `json:"expect"`
		Acceptable []string `json:"acceptable"`
		Status     string   `json:"cert_status"`
		Reason     string   `json:"reason"`
		Settings   struct {
			Time   time.Time `json:"time"`
			MaxAge int       `json:"max_age_seconds"`
		} `json:"settings"`
	}
	if err := json.Unmarshal(readFile(t, dir, "manifest.json"), &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("the manifest is empty")
	}
	stale := []string{
		"OSSL-OCSP-ND3-ND3_Issuer_Root", "OSSL-OCSP-ND1-ISIC_ND1_Issuer_ICA",
		"OSSL-OCSP-ND2-ISIC_ND2_Issuer_Root", "OSSL-OCSP-ND3-ISIC_ND3_Issuer_Root",
	}
	agreed := 0
	for _, c := range cases {
		data := readFile(t, dir, c.File)
		if c.Target == "" { // to be read without a crash
			_, _ = ocsp.Parse(data)
			agreed++
			continue
		}
		issuer := c.Issuer
		if issuer == "" {
			issuer = c.Anchors[0]
		}
		q := ocsp.Query{
			Certificate: readCertificate(t, dir, c.Target),
			Issuer:      trust.AnchorOf(readCertificate(t, dir, issuer)),
			At:          c.Settings.Time,
			MaxAge:      time.Duration(c.Settings.MaxAge) * time.Second,
			Algorithms:  pki.LegacyAlgorithms,
		}
		if c.Request != "" {
			q.Request = readFile(t, dir, c.Request)
		}
		a := ocsp.Judge(data, q)
		got := "invalid"
		if a.Usable == ocsp.Yes {
			got = "valid"
		}
		ok := got == c.Expect || slices.Contains(c.Acceptable, got)
		if ok && got == "valid" && c.Status != "" {
			ok = string(a.Status) == c.Status
		}
		switch {
		case slices.Contains(stale, c.ID):
			if a.Usable != ocsp.No || a.Citation != "RFC 6960 §4.2.2.1" {
				t.Errorf("%s: %v %q, want stale", c.ID, a.Usable, a.Why)
			}
		case ok:
			agreed++
		case got == "valid":
			t.Errorf("%s: WRONGLY ACCEPTED as %s, want %s %s (%s)", c.ID, a.Status, c.Expect, c.Status, c.Reason)
		default:
			t.Errorf("%s: %v %s %q, want %s %s (%s)", c.ID, a.Usable, a.Status, a.Why, c.Expect, c.Status, c.Reason)
		}
		if a.Usable != ocsp.Yes && (a.Why == "" || a.Citation == "" || a.Status != ocsp.StatusUnknown) {
			t.Errorf("%s: an unusable response must say why, and no status: %+v", c.ID, a)
		}
	}
	if want := len(cases) - len(stale); agreed != want {
		t.Errorf("%d of %d cases agree, want %d", agreed, len(cases), want)
	}
	t.Logf("%d of %d agree; %d are stale by design", agreed, len(cases), len(stale))
}

// SHA-1 signatures of old responses hold, but do not count by default.
func TestWeakSignatureDoesNotCount(t *testing.T) {
	dir := suite(t, "ocsp")
	q := ocsp.Query{
		Certificate: readCertificate(t, dir, "boringssl", "good_response.cert.der"),
		Issuer:      trust.AnchorOf(readCertificate(t, dir, "boringssl", "good_response.ca.der")),
		At:          time.Date(2017, 3, 5, 0, 0, 0, 0, time.UTC),
		MaxAge:      7 * 24 * time.Hour,
	}
	a := ocsp.Judge(readFile(t, dir, "boringssl", "good_response.ocsp.der"), q)
	if a.Usable != ocsp.No || a.Citation != "ETSI TS 119 312" {
		t.Errorf("%v %q %q", a.Usable, a.Why, a.Citation)
	}
}

// The test contour's responder signed a good answer with RSA; the certificate
// stands in the PKCS#12 file of the same name.
func TestNationalResponder(t *testing.T) {
	dir := suite(t, "kz")
	key, err := pki.ReadPKCS12(readFile(t, dir, "p12", "KEY_INDIVIDUAL_VALID_SIGN_2004.p12"), "Qwerty12")
	if err != nil {
		t.Fatal(err)
	}
	response := readFile(t, dir, "ocsp", "ocsp_response_individual_sign_2004.bin")
	r, err := ocsp.Parse(response)
	if err != nil {
		t.Fatal(err)
	}
	q := ocsp.Query{
		Certificate: key.Certificate,
		Issuer:      trust.AnchorOf(readCertificate(t, dir, "ca", "nca_rsa_test.crt")),
		At:          r.ProducedAt,
	}
	a := ocsp.Judge(response, q)
	if a.Usable != ocsp.Yes || a.Status != ocsp.StatusGood || !a.Delegated || !a.NoCheck || !a.AfterExpiry || !a.NextUpdate.IsZero() {
		t.Errorf("at %s: %+v", q.At, a)
	}
	q.At = r.ProducedAt.Add(ocsp.DefaultAge)
	if a := ocsp.Judge(response, q); a.Usable != ocsp.Yes {
		t.Errorf("twelve hours later: %s", a.Why)
	}
	q.At = q.At.Add(time.Second)
	if a := ocsp.Judge(response, q); a.Usable != ocsp.No {
		t.Errorf("later still: %v", a.Usable)
	}
	// The certificate beside it in the suite is another one: nothing is said about it.
	q.At, q.Certificate = r.ProducedAt, readCertificate(t, dir, "certs", "individual_valid_sign_2004_rsa.cer")
	if a := ocsp.Judge(response, q); a.Usable != ocsp.No || a.Citation != "RFC 6960 §3.2 (1)" {
		t.Errorf("another certificate: %v %s", a.Usable, a.Why)
	}
}

// GOST-signed answers hold, and "revoked since 1970" is told as what it is.
func TestNationalAnswers(t *testing.T) {
	dir := suite(t, "kz")
	for _, c := range []struct {
		file, issuer string
		revoked      string
		reason       int
		notIssued    bool
	}{
		{"ocsp_response_individual_2015.bin", "nca_gost2022_test.cer", "1970-01-01T00:00:00Z", 6, true},
		{"ocsp_response_ceo_2015_revoked.bin", "nca_gost2022_test.cer", "2022-07-27T10:25:30Z", 6, false},
		{"ocsp_response_ceo_sign_2004_revoked.bin", "nca_gost_test.crt", "2022-01-18T06:30:55Z", 4, false},
	} {
		data := readFile(t, dir, "ocsp", c.file)
		r, err := ocsp.Parse(data)
		if err != nil {
			t.Fatalf("%s: %v", c.file, err)
		}
		single := r.Singles[0]
		if single.Status != ocsp.StatusRevoked || single.RevokedAt.Format(time.RFC3339) != c.revoked || single.Reason != c.reason {
			t.Errorf("%s: %+v", c.file, single)
		}
		// The certificates themselves are not in the suite: what the answer is compared with is enough.
		issuer := readCertificate(t, dir, "ca", c.issuer)
		q := ocsp.Query{
			Certificate: &pki.Certificate{Serial: single.ID.Serial, Issuer: issuer.Subject, NotBefore: issuer.NotBefore, NotAfter: issuer.NotAfter},
			Issuer:      trust.AnchorOf(issuer),
			At:          r.ProducedAt,
		}
		a := ocsp.Judge(data, q)
		if a.Usable != ocsp.Yes || a.Status != ocsp.StatusRevoked || a.NotIssued != c.notIssued {
			t.Errorf("%s: %v %v %q", c.file, a.Usable, a.Status, a.Why)
		}
		altered := bytes.Clone(data)
		altered[bytes.Index(data, []byte("\x18\x0f"))+len("..YYYYMMDDhhmms")] ^= 1 // producedAt
		if a := ocsp.Judge(altered, q); a.Usable != ocsp.No {
			t.Errorf("%s altered: %v %q", c.file, a.Usable, a.Why)
		}
	}
}
