// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"rastau/internal/pki"
)

func TestKazakhCertificates(t *testing.T) {
	dir := suite(t, "kz")
	paths := files(t, filepath.Join(dir, "ca"), ".cer", ".crt", ".pem")
	paths = append(paths, files(t, filepath.Join(dir, "certs"), ".cer", ".pem")...)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			c := certificate(t, path)
			if c.Version != 3 || len(c.Raw) == 0 || len(c.UnknownCritical) != 0 || c.Subject.Empty() {
				t.Errorf("version %d, unknown critical extensions %v, subject %q", c.Version, c.UnknownCritical, c.Subject)
			}
			name := pki.AlgorithmName(c.Algorithm)
			h, err := pki.SignatureHash(c.Algorithm)
			if err != nil || h == "" {
				t.Errorf("hash of %s: %q, %v", name, h, err)
			}
			if !strings.HasPrefix(name, "GOST") {
				if c.PublicKey.Key == nil || name != "RSA with SHA-256" {
					t.Errorf("algorithm %q, key %s", name, c.PublicKey.Size())
				}
				return
			}
			if c.PublicKey.Key != nil || len(c.PublicKey.Bits) == 0 || !strings.HasPrefix(c.PublicKey.Size(), "GOST") {
				t.Errorf("key shown as %s", c.PublicKey.Size())
			}
			if err := c.CheckSignatureFrom(&c.PublicKey); !errors.Is(err, pki.ErrUnsupported) {
				t.Errorf("a national signature must be unsupported, got %v", err)
			}
			if err := pki.DefaultAlgorithms.Accept(c.Algorithm, &c.PublicKey, c.NotBefore); !errors.Is(err, pki.ErrUnsupported) {
				t.Errorf("policy: %v", err)
			}
		})
	}
}

func TestKazakhChain(t *testing.T) {
	dir := suite(t, "kz")
	for _, link := range []struct{ name, issuer, subject string }{
		{"test contour", "ca/nca_rsa_test.crt", "certs/individual_valid_sign_2004_rsa.cer"},
		{"production 2018", "ca/nca_rsa.pem", "certs/test_individual_rsa_auth_2018_prodchain.cer"},
		{"root 2015", "ca/root_rsa.pem", "ca/nca_rsa.pem"},
		{"root 2020", "ca/root_rsa_2020.cer", "ca/nca_rsa_2022.cer"},
		{"self", "ca/root_rsa_2020.cer", "ca/root_rsa_2020.cer"},
	} {
		t.Run(link.name, func(t *testing.T) {
			issuer, c := certificate(t, filepath.Join(dir, link.issuer)), certificate(t, filepath.Join(dir, link.subject))
			if !c.Issuer.Equal(issuer.Subject) {
				t.Errorf("issuer %s, want %s", c.Issuer, issuer.Subject)
			}
			if err := c.CheckSignatureFrom(&issuer.PublicKey); err != nil {
				t.Error(err)
			}
			if err := pki.DefaultAlgorithms.Accept(c.Algorithm, &issuer.PublicKey, c.NotBefore); err != nil {
				t.Error(err)
			}
		})
	}
	one, other := certificate(t, filepath.Join(dir, "ca/root_rsa.pem")), certificate(t, filepath.Join(dir, "ca/root_rsa_2020.cer"))
	if one.Subject.Equal(other.Subject) {
		t.Error("the roots of 2015 and 2020 share the common name alone")
	}
	if err := one.CheckSignatureFrom(&other.PublicKey); !errors.Is(err, pki.ErrSignature) {
		t.Errorf("another key: %v", err)
	}
}

func TestKazakhLeaf(t *testing.T) {
	dir := suite(t, "kz")
	c := certificate(t, filepath.Join(dir, "certs/individual_valid_sign_2004_rsa.cer"))
	if c.KeyUsage != pki.DigitalSignature|pki.NonRepudiation || !c.HasExtKeyUsage(pki.OIDEmailProtection) || c.HasExtKeyUsage(pki.OIDClientAuth) {
		t.Errorf("key usage %b, purposes %v", c.KeyUsage, c.ExtKeyUsage)
	}
	if len(c.DistributionPoints) != 1 || len(c.FreshestCRL) != 1 || len(c.OCSPServers) != 1 || len(c.CAIssuers) != 1 {
		t.Errorf("lists %v, deltas %v, responders %v, issuers %v", c.DistributionPoints, c.FreshestCRL, c.OCSPServers, c.CAIssuers)
	}
	if len(c.Policies) != 1 || c.Policies[0].OID != "1.2.398.3.3.2.3" || len(c.SubjectKeyID) != 20 {
		t.Errorf("policies %v, key identifier %x", c.Policies, c.SubjectKeyID)
	}
	h := pki.HolderOf(c)
	if len(h.IIN) != 12 || h.BIN != "" || len(h.Roles) != 1 || h.Roles[0] != pki.OIDRoleIndividual || h.Country != "KZ" {
		t.Errorf("holder %+v", h)
	}
	body := pki.HolderOf(certificate(t, filepath.Join(dir, "certs/ceo_valid_sign_2004_gost.cer")))
	if len(body.IIN) != 12 || len(body.BIN) != 12 || body.Organization == "" {
		t.Errorf("holder %+v", body)
	}
}

func TestKazakhKeyFiles(t *testing.T) {
	dir := filepath.Join(suite(t, "kz"), "p12")
	for _, path := range files(t, dir, ".p12") {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			password := "Qwerty12"
			if name == "KEY_INDIVIDUAL_VALID_2015.p12" {
				password = "Aa123456"
			}
			if _, err := pki.ReadPKCS12(read(t, path), password+"x"); !errors.Is(err, pki.ErrPassword) {
				t.Errorf("wrong password: %v", err)
			}
			k, err := pki.ReadPKCS12(read(t, path), password)
			if name != "KEY_INDIVIDUAL_VALID_SIGN_2004.p12" {
				if !errors.Is(err, pki.ErrUnsupported) {
					t.Errorf("a national key must be unsupported, got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if pki.HolderOf(k.Certificate).IIN == "" {
				t.Error("no holder")
			}
		})
	}
}
