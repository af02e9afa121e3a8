// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/gost"
	"rastau/internal/pki"
	"rastau/verifier"
)

// nationalKey opens a key of the test contour.
func nationalKey(t *testing.T, dir, name string) *pki.Key {
	t.Helper()
	password := "Qwerty12"
	if strings.HasPrefix(name, "KEY_INDIVIDUAL_VALID_2015") {
		password = "Aa123456"
	}
	k, err := pki.ReadPKCS12(file(t, dir, "p12", name), password)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Certificates of the national algorithms against the lists of their authority, as published.
func TestKazakhNationalCertificates(t *testing.T) {
	dir := suite(t, "kz")
	const spring, autumn = "2022-04-15T00:00:00Z", "2026-10-01T00:00:00Z"
	ceo := certificates(t, dir, "certs", "ceo_valid_sign_2004_gost.cer")[0]
	leaf := func(name string) *pki.Certificate { return nationalKey(t, dir, name).Certificate }
	tests := []struct {
		name, at   string
		c          *pki.Certificate
		ca, list   string
		indication verifier.Indication
		sub        verifier.SubIndication
		key        string
	}{
		{"2004", spring, ceo, "nca_gost_test.crt", "nca_gost_test.crl", passed, "", ""},
		{"2004, another authority", spring, ceo, "nca_gost.pem", "nca_gost_test.crl", indeterminate, verifier.NoCertificateChainFound, "cert.path"},
		{"2004, another authority's list", spring, ceo, "nca_gost_test.crt", "nca_gost2022_test.crl", indeterminate, verifier.TryLater, "cert.revocation"},
		{"2004, stale list", "2022-12-15T00:00:00Z", ceo, "nca_gost_test.crt", "nca_gost_test.crl", indeterminate, verifier.TryLater, "cert.revocation"},
		{"2004, expired", "2023-12-15T00:00:00Z", ceo, "nca_gost_test.crt", "nca_gost_test.crl", refuted, verifier.Expired, "cert.validity"},
		{"individual", autumn, leaf("individual_valid.p12"), "nca_gost2022_test.cer", "nca_gost2022_test_2026.crl", passed, "", ""},
		{"head", autumn, leaf("legal_head_valid.p12"), "nca_gost2022_test.cer", "nca_gost2022_test_2026.crl", passed, "", ""},
		{"employee, revoked in June 2026", autumn, leaf("legal_employee_valid.p12"), "nca_gost2022_test.cer", "nca_gost2022_test_2026.crl", refuted, verifier.Revoked, "cert.revocation"},
		{"system, revoked in June 2026", autumn, leaf("legal_infosystem_valid.p12"), "nca_gost2022_test.cer", "nca_gost2022_test_2026.crl", refuted, verifier.Revoked, "cert.revocation"},
		{"individual, the list of 2022", autumn, leaf("individual_valid.p12"), "nca_gost2022_test.cer", "nca_gost2022_test.crl", indeterminate, verifier.TryLater, "cert.revocation"},
		{"individual, before", spring, leaf("individual_valid.p12"), "nca_gost2022_test.cer", "nca_gost2022_test.crl", refuted, verifier.NotYetValid, "cert.validity"},
		{"individual, the authority of production", autumn, leaf("individual_valid.p12"), "nca_gost_2022.pem", "nca_gost2022_test_2026.crl", indeterminate, verifier.NoCertificateChainFound, "cert.path"},
		{"individual on hold", autumn, leaf("individual_revoked.p12"), "nca_gost2022_test.cer", "nca_gost2022_test_2026.crl", indeterminate, verifier.TryLater, "cert.revocation"},
		{"head on hold", autumn, leaf("legal_head_revoked.p12"), "nca_gost2022_test.cer", "nca_gost2022_test_2026.crl", indeterminate, verifier.TryLater, "cert.revocation"},
	}
	v := verifier.New(verifier.Options{Now: time.Now})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := v.Certificate(t.Context(), tt.c, verifier.Question{
				At: instant(t, tt.at), Anchors: anchors(t, dir, "ca", tt.ca),
				Lists: []*crl.List{parsedList(t, file(t, dir, "crl", tt.list))}, Purpose: verifier.PurposeAny, Offline: true,
			})
			expect(t, r, tt.indication, tt.sub, tt.key)
		})
	}
}

// A list whose one octet was changed is nobody's.
func TestKazakhNationalListAltered(t *testing.T) {
	dir := suite(t, "kz")
	der := bytes.Clone(file(t, dir, "crl", "nca_gost2022_test_2026.crl"))
	revoked := nationalKey(t, dir, "individual_revoked.p12").Certificate
	at := bytes.Index(der, revoked.SerialBytes)
	if at < 0 {
		t.Fatal("the certificate is not on the list")
	}
	der[at+len(revoked.SerialBytes)-1] ^= 1 // another's number
	r := verifier.New(verifier.Options{Now: time.Now}).Certificate(t.Context(), revoked, verifier.Question{
		At: instant(t, "2026-10-01T00:00:00Z"), Anchors: anchors(t, dir, "ca", "nca_gost2022_test.cer"),
		Lists: []*crl.List{parsedList(t, der)}, Purpose: verifier.PurposeAny, Offline: true,
	})
	expect(t, r, indeterminate, verifier.TryLater, "cert.revocation")
}

// Every authority has a path to its own root and none to the root that bears the same common name.
func TestKazakhNationalAuthorities(t *testing.T) {
	dir := suite(t, "kz")
	v := verifier.New(verifier.Options{Now: time.Now})
	for _, tt := range []struct{ file, root, wrong, at string }{
		{"nca_gost.pem", "root_gost.pem", "root_gost_2020.cer", "2020-01-01T00:00:00Z"},
		{"nca_gost_2022.pem", "root_gost_2022.pem", "root_gost_2020.cer", "2026-10-01T00:00:00Z"},
		{"ucgo_gost.cer", "root_gost_2020.cer", "root_gost.pem", "2023-01-01T00:00:00Z"},
		{"btsd_gost.cer", "root_gost_2020.cer", "root_gost.pem", "2021-01-01T00:00:00Z"},
		{"nca_gost2022_test.cer", "root_test_gost_2022.cer", "root_gost_2022.pem", "2026-10-01T00:00:00Z"},
		{"nca_rsa.pem", "root_rsa.pem", "root_rsa_2020.cer", "2021-01-01T00:00:00Z"},
		{"nca_rsa_2022.cer", "root_rsa_2020.cer", "root_rsa.pem", "2023-01-01T00:00:00Z"},
		{"nca_rsa_2015.pem", "root_rsa.pem", "root_rsa_2020.cer", "2018-01-01T00:00:00Z"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			q := verifier.Question{At: instant(t, tt.at), Anchors: anchors(t, dir, "ca", tt.root), Purpose: verifier.PurposeAny, NoRevocation: true, Offline: true}
			expect(t, v.CertificateFile(t.Context(), file(t, dir, "ca", tt.file), q), passed, "", "")
			q.Anchors = anchors(t, dir, "ca", tt.wrong)
			expect(t, v.CertificateFile(t.Context(), file(t, dir, "ca", tt.file), q), indeterminate, verifier.NoCertificateChainFound, "cert.path")
		})
	}
}

// The responder of the test contour answered "revoked, on hold, since 1970" about a certificate that it did not know.
func TestKazakhUnknownSerial(t *testing.T) {
	dir := suite(t, "kz")
	c := nationalKey(t, dir, "KEY_INDIVIDUAL_VALID_2015.p12").Certificate
	r := verifier.New(verifier.Options{Now: time.Now}).Certificate(t.Context(), c, verifier.Question{
		At: instant(t, "2022-09-02T17:00:00Z"), Anchors: anchors(t, dir, "ca", "nca_gost2022_test.cer"),
		OCSPs: [][]byte{file(t, dir, "ocsp", "ocsp_response_individual_2015.bin")}, Offline: true,
	})
	if r.Indication == passed || r.SubIndication == verifier.Revoked {
		t.Errorf("verdict %v/%s", r.Indication, r.SubIndication)
	}
	told := false
	for _, f := range r.Findings {
		told = told || f.Key == "cert.revocation" && strings.Contains(f.Detail(), "issued")
		t.Logf("%s %s: %s", f.Outcome, f.Key, f.Detail())
	}
	if !told {
		t.Error("nothing says that the responder knows no such certificate")
	}
}

// The national time-stamp token is a signature whose value holds.
func TestKazakhNationalToken(t *testing.T) {
	dir := suite(t, "kz")
	der := file(t, dir, "tsp", "tsp_token.bin")
	v := verifier.New(verifier.Options{Now: time.Now})
	q := verifier.Question{At: instant(t, "2022-04-15T00:00:00Z"), Anchors: anchors(t, dir, "ca", "nca_gost_test.crt"), Purpose: verifier.PurposeAny, NoRevocation: true, Offline: true}
	r := v.Document(t.Context(), der, q)
	if r.Intact == nil || !*r.Intact {
		t.Errorf("%v/%s, intact %v", r.Indication, r.SubIndication, r.Intact)
	}
	altered := bytes.Clone(der)
	altered[bytes.Index(altered, []byte("\x18\x0f20"))+10] ^= 1 // the time that it states
	if r := v.Document(t.Context(), altered, q); r.Intact == nil || *r.Intact || r.SubIndication != verifier.HashFailure {
		t.Errorf("altered: %v/%s, intact %v", r.Indication, r.SubIndication, r.Intact)
	}
}

// Messages of the national library, two signers each: intact, and not when another content is shown.
func TestKazakhNationalDocuments(t *testing.T) {
	dir := suite(t, "kz")
	v := verifier.New(verifier.Options{Now: time.Now})
	content := []byte("test123")
	q := verifier.Question{
		At: instant(t, "2022-10-01T00:00:00Z"), Anchors: anchors(t, dir, "ca", "nca_gost2022_test.cer"), Offline: true, NoRevocation: true,
	}
	for _, name := range []string{"gost_attached_two_signers.p7s", "gost_detached.p7s"} {
		t.Run(name, func(t *testing.T) {
			der, err := cms.Decode(file(t, dir, "cms", name))
			if err != nil {
				t.Fatal(err)
			}
			q.Content = reader(content)
			r := v.Document(t.Context(), der, q)
			if len(r.Signatures) != 2 || r.Intact == nil || !*r.Intact {
				t.Fatalf("%d signatures, intact %v", len(r.Signatures), r.Intact)
			}
			nationals := 0
			for _, s := range r.Signatures {
				if _, ok := s.Certificate.PublicKey.Key.(*gost.PublicKey); !ok {
					continue // the other signer's authority is not trusted here, and his certificate had expired
				}
				nationals++
				if s.Indication != passed {
					t.Errorf("%v/%s", s.Indication, s.SubIndication)
				}
			}
			if nationals != 1 {
				t.Errorf("%d national signers", nationals)
			}
			altered := bytes.Clone(der)
			if at := bytes.Index(der, content); at >= 0 {
				altered[at] ^= 1
			} else {
				q.Content = reader([]byte("test124"))
			}
			if r := v.Document(t.Context(), altered, q); r.Indication != refuted || r.Intact == nil || *r.Intact {
				t.Errorf("altered: %v/%s, intact %v", r.Indication, r.SubIndication, r.Intact)
			}
		})
	}
}

// Every key of the test contour signs, and what it signs passes or is refused as its certificate is.
func TestKazakhKeysSign(t *testing.T) {
	dir := suite(t, "kz")
	v := verifier.New(verifier.Options{Now: time.Now})
	paths, err := filepath.Glob(filepath.Join(dir, "p12", "*.p12"))
	if err != nil || len(paths) != 8 {
		t.Fatalf("%d keys, %v", len(paths), err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			k := nationalKey(t, dir, name)
			at := instant(t, "2026-10-01T00:00:00Z")
			lists := []*crl.List{parsedList(t, file(t, dir, "crl", "nca_gost2022_test_2026.crl"))}
			if strings.HasPrefix(name, "KEY_") { // their own lists are of another time
				at, lists = k.Certificate.NotBefore.Add(time.Hour), nil
			}
			der := sign(t, k)
			q := verifier.Question{
				At: at, Anchors: append(anchors(t, dir, "ca", "nca_gost2022_test.cer"), anchors(t, dir, "ca", "nca_rsa_test.crt")...),
				Lists: lists, NoRevocation: lists == nil, Offline: true,
			}
			r := v.Document(t.Context(), der, q)
			switch name { // the names of the files are older than the list
			case "individual_revoked.p12", "legal_head_revoked.p12": // on hold
				expect(t, r, indeterminate, verifier.TryLater, "cert.revocation")
			case "legal_employee_valid.p12", "legal_infosystem_valid.p12":
				expect(t, r, indeterminate, verifier.RevokedNoPOE, "cert.revocation")
			default:
				expect(t, r, passed, "", "")
			}
			if r.Intact == nil || !*r.Intact {
				t.Errorf("intact is %v", r.Intact)
			}
			der[len(der)-1] ^= 1
			r = v.Document(t.Context(), der, q)
			expect(t, r, refuted, verifier.SigCryptoFailure, "signature.value")
		})
	}
}
