// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/trust"
	"rastau/verifier"
)

// suite opens a folder of the conformance data, which is not part of this
// repository.
func suite(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("RASTAU_SUITES")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "suites")
	}
	dir = filepath.Join(dir, name)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatalf("the suite %s is required and not there: %v", name, err)
		}
		t.Skipf("the suite %s is not there; set RASTAU_SUITES to its folder's parent", name)
	}
	return dir
}

func file(t *testing.T, parts ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func certificates(t *testing.T, parts ...string) []*pki.Certificate {
	t.Helper()
	all, err := pki.ReadCertificates(file(t, parts...))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func anchors(t *testing.T, parts ...string) []trust.Anchor {
	t.Helper()
	var out []trust.Anchor
	for _, c := range certificates(t, parts...) {
		out = append(out, trust.AnchorOf(c))
	}
	return out
}

func parsedList(t *testing.T, der []byte) *crl.List {
	t.Helper()
	l, err := crl.Parse(der, crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// still is a clock that stands.
func still(at time.Time) func() time.Time { return func() time.Time { return at } }

func expect(t *testing.T, r *verifier.Report, indication verifier.Indication, sub verifier.SubIndication, key string) {
	t.Helper()
	if r.Indication != indication || r.SubIndication != sub {
		t.Errorf("verdict %v/%s, want %v/%s", r.Indication, r.SubIndication, indication, sub)
	}
	d := r.Deciding()
	switch {
	case key == "" && d != nil:
		t.Errorf("decided by %s (%s), want nobody", d.Key, d.Detail())
	case key != "" && d == nil:
		t.Errorf("decided by nothing, want %s", key)
	case key != "" && d.Key != key:
		t.Errorf("decided by %s (%s), want %s", d.Key, d.Detail(), key)
	}
	if t.Failed() {
		for _, f := range r.Findings {
			t.Logf("  %s %s: %s", f.Outcome, f.Key, f.Detail())
		}
		for _, s := range r.Signatures {
			t.Logf("  signature %v/%s", s.Indication, s.SubIndication)
			for _, f := range s.Findings {
				t.Logf("    %s %s: %s", f.Outcome, f.Key, f.Detail())
			}
		}
	}
}

// Real certificates of the national test contour, judged when they were in force.
func TestKazakhCertificates(t *testing.T) {
	dir := suite(t, "kz")
	const spring, winter = "2022-04-15T00:00:00Z", "2022-12-15T00:00:00Z"
	tests := []struct {
		name, file, at string
		purpose        verifier.Purpose
		iin            string
		indication     verifier.Indication
		sub            verifier.SubIndication
		key            string
	}{
		{"signing", "individual_valid_sign_2004_rsa.cer", spring, verifier.PurposeSign, "", verifier.TotalPassed, "", ""},
		{"authentication", "individual_valid_sign_2004_rsa_auth.cer", spring, verifier.PurposeSign, "", verifier.Indeterminate, verifier.ChainConstraintsFailure, "cert.purpose"},
		{"authentication for logging in", "individual_valid_sign_2004_rsa_auth.cer", spring, verifier.PurposeAuth, "", verifier.TotalPassed, "", ""},
		{"another holder", "individual_valid_sign_2004_rsa.cer", spring, verifier.PurposeSign, "000000000000", verifier.Indeterminate, verifier.ChainConstraintsFailure, "holder.iin"},
		{"stale list", "individual_valid_sign_2004_rsa.cer", winter, verifier.PurposeSign, "", verifier.Indeterminate, verifier.TryLater, "cert.revocation"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := verifier.New(verifier.Options{Now: time.Now})
			r := v.CertificateFile(t.Context(), file(t, dir, "certs", tt.file), verifier.Question{
				At:      instant(t, tt.at),
				Anchors: anchors(t, dir, "ca", "nca_rsa_test.crt"),
				Lists:   []*crl.List{parsedList(t, file(t, dir, "crl", "nca_rsa_test.crl"))},
				Purpose: tt.purpose,
				IIN:     tt.iin,
				Offline: true,
			})
			expect(t, r, tt.indication, tt.sub, tt.key)
			if (r.SubIndication == verifier.TryLater) != (r.RetryAfter != nil) {
				t.Errorf("retryAfter is %v for %s", r.RetryAfter, r.SubIndication)
			}
		})
	}
}

// The holder's own number passes, although the official test numbers fail their
// check digit.
func TestKazakhHolder(t *testing.T) {
	dir := suite(t, "kz")
	c := certificates(t, dir, "certs", "individual_valid_sign_2004_rsa.cer")[0]
	v := verifier.New(verifier.Options{Now: time.Now})
	r := v.Certificate(t.Context(), c, verifier.Question{
		At:           instant(t, "2022-04-15T00:00:00Z"),
		Anchors:      anchors(t, dir, "ca", "nca_rsa_test.crt"),
		IIN:          pki.HolderOf(c).IIN,
		NoRevocation: true,
	})
	expect(t, r, verifier.TotalPassed, "", "")
	outcomes := map[string]verifier.Outcome{}
	for _, f := range r.Findings {
		outcomes[f.Key] = f.Outcome
	}
	if outcomes["holder.iin"] != verifier.Pass || outcomes["holder.checkdigit"] != verifier.Warn {
		t.Errorf("findings %v, want holder.iin to pass and holder.checkdigit to warn", outcomes)
	}
}

// The real OCSP answer of the national responder is authentic and good; the
// certificate it speaks of had expired by then, and that decides.
func TestKazakhOCSP(t *testing.T) {
	dir := suite(t, "kz")
	key, err := pki.ReadPKCS12(file(t, dir, "p12", "KEY_INDIVIDUAL_VALID_SIGN_2004.p12"), "Qwerty12")
	if err != nil {
		t.Fatal(err)
	}
	v := verifier.New(verifier.Options{Now: time.Now})
	r := v.Certificate(t.Context(), key.Certificate, verifier.Question{
		At:      instant(t, "2022-09-02T17:00:00Z"),
		Anchors: anchors(t, dir, "ca", "nca_rsa_test.crt"),
		OCSPs:   [][]byte{file(t, dir, "ocsp", "ocsp_response_individual_sign_2004.bin")},
		Offline: true,
	})
	expect(t, r, verifier.TotalFailed, verifier.Expired, "cert.validity")
	for _, f := range r.Findings {
		// The national responder names no archive, and answered after the certificate's end (RFC 6960 §2.2).
		if f.Key == "cert.revocation" && (f.Outcome != verifier.Unknown || !strings.Contains(f.Detail(), "names no archive")) {
			t.Errorf("%s: %s", f.Outcome, f.Detail())
		}
	}
}

// A production signature made with an authentication certificate: whole, and not
// good for signing; that outranks the revocation that nobody knows.
func TestKazakhDocument(t *testing.T) {
	dir := suite(t, "kz")
	v := verifier.New(verifier.Options{Now: time.Now})
	r := v.Document(t.Context(), file(t, dir, "cms", "cms_attached_rsa_prodchain_authcert.p7s"), verifier.Question{
		At:      instant(t, "2019-01-01T00:00:00Z"),
		Anchors: anchors(t, dir, "ca", "root_rsa.pem"),
		Certs:   certificates(t, dir, "ca", "nca_rsa.pem"),
		Offline: true,
	})
	expect(t, r, verifier.Indeterminate, verifier.ChainConstraintsFailure, "cert.purpose")
	if r.Intact == nil || !*r.Intact {
		t.Errorf("intact is %v, want true", r.Intact)
	}
}
