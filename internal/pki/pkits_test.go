// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"errors"
	"path/filepath"
	"testing"

	"rastau/internal/pki"
)

type pathCase struct {
	ID, Title     string
	TargetCert    string `json:"target_cert"`
	Intermediates []string
	Anchors       []string
	Expect        string
}

// TestPKITSCertificates reads every certificate of the suite; in valid paths every signature but the anchors' holds under
// the key of some certificate of the case, DSA parameters inherited where the key has none.
func TestPKITSCertificates(t *testing.T) {
	dir := suite(t, "pkits")
	var cases []pathCase
	manifest(t, dir, &cases)
	for _, path := range files(t, dir, ".crt") {
		certificate(t, path)
	}
	for _, c := range cases {
		if c.Expect != "valid" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			var all []*pki.Certificate
			for _, f := range append(append([]string{c.TargetCert}, c.Intermediates...), c.Anchors...) {
				all = append(all, certificate(t, filepath.Join(dir, f)))
			}
			target := all[0]
			for depth := 0; depth < len(all); depth++ {
				if target.SelfIssued() && target.CheckSignatureFrom(&target.PublicKey) == nil {
					return
				}
				issuer := issuerOf(target, all)
				if issuer == nil {
					t.Fatalf("no certificate signed %s", target.Subject)
				}
				target = issuer
			}
		})
	}
}

func issuerOf(c *pki.Certificate, all []*pki.Certificate) *pki.Certificate {
	for _, i := range all {
		if i == c || !i.Subject.Equal(c.Issuer) {
			continue
		}
		key := i.PublicKey
		if up := issuerKey(i, all); up != nil {
			key = key.Inherit(up)
		}
		if c.CheckSignatureFrom(&key) == nil {
			return i
		}
	}
	return nil
}

func issuerKey(c *pki.Certificate, all []*pki.Certificate) *pki.PublicKey {
	for _, i := range all {
		if i != c && i.Subject.Equal(c.Issuer) {
			return &i.PublicKey
		}
	}
	return nil
}

func TestPKITSNames(t *testing.T) {
	dir := suite(t, "pkits")
	var cases []pathCase
	manifest(t, dir, &cases)
	for _, c := range cases {
		want, ok := map[string]bool{
			"PKITS-4.3.1": false, "PKITS-4.3.2": false, // names in another order
			"PKITS-4.3.3": true, "PKITS-4.3.4": true, // white space
			"PKITS-4.3.5":  true,                       // letter case
			"PKITS-4.3.10": true, "PKITS-4.3.11": true, // string types and UTF-8
		}[c.ID]
		if !ok {
			continue
		}
		t.Run(c.Title, func(t *testing.T) {
			target, found := certificate(t, filepath.Join(dir, c.TargetCert)), false
			for _, f := range c.Intermediates {
				found = found || certificate(t, filepath.Join(dir, f)).Subject.Equal(target.Issuer)
			}
			if found != want {
				t.Errorf("the issuer's name matches: %v, want %v", found, want)
			}
		})
	}
}

func TestLimboCertificates(t *testing.T) {
	dir := suite(t, "limbo")
	var cases []pathCase
	manifest(t, dir, &cases)
	for _, c := range cases {
		for _, f := range append(append([]string{c.TargetCert}, c.Intermediates...), c.Anchors...) {
			list, err := pki.ReadCertificates(read(t, filepath.Join(dir, f)))
			switch {
			case err == nil && len(list) == 0, err != nil && !errors.Is(err, pki.ErrMalformed):
				t.Errorf("%s: %d certificates, %v", c.ID, len(list), err)
			case err != nil && c.Expect == "valid":
				t.Errorf("%s: %v", c.ID, err)
			}
		}
	}
}
