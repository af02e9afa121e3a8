// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"crypto"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"rastau/internal/gost"
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
			if _, ok := c.PublicKey.Key.(*gost.PublicKey); !ok || !strings.HasPrefix(c.PublicKey.Size(), "GOST") {
				t.Errorf("key %T shown as %s", c.PublicKey.Key, c.PublicKey.Size())
			}
			if err := pki.DefaultAlgorithms.Accept(c.Algorithm, &c.PublicKey, c.NotBefore); err != nil {
				t.Errorf("policy: %v", err)
			}
		})
	}
}

// TestKazakhChain: whatever has its issuer in the folder verifies under it, and under no other key.
func TestKazakhChain(t *testing.T) {
	dir := suite(t, "kz")
	paths := files(t, filepath.Join(dir, "ca"), ".cer", ".crt", ".pem")
	var authorities []*pki.Certificate
	for _, path := range paths {
		authorities = append(authorities, certificate(t, path))
	}
	// The roots of the test contour of 2019 are not here.
	orphans := map[string]bool{"nca_gost_test.crt": true, "nca_rsa_test.crt": true}
	paths = append(paths, files(t, filepath.Join(dir, "certs"), ".cer", ".pem")...)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			c, found := certificate(t, path), 0
			if filepath.Base(path) == "test_gost512.cer.pem" { // signed by itself, and no authority
				found = holds(t, c, []*pki.Certificate{c})
			} else {
				found = holds(t, c, authorities)
			}
			if found != 1 && !(found == 0 && orphans[filepath.Base(path)]) {
				t.Errorf("%d of the authorities' keys verify it", found)
			}
		})
	}
	for _, pair := range [][2]string{{"root_rsa.pem", "root_rsa_2020.cer"}, {"root_gost.pem", "root_gost_2020.cer"}} {
		one, other := certificate(t, filepath.Join(dir, "ca", pair[0])), certificate(t, filepath.Join(dir, "ca", pair[1]))
		if one.Subject.Equal(other.Subject) {
			t.Error("the roots of 2015 and 2020 share the common name alone")
		}
		if err := one.CheckSignatureFrom(&other.PublicKey); !errors.Is(err, pki.ErrSignature) {
			t.Errorf("another key: %v", err)
		}
	}
}

// holds counts the authorities whose key verifies c; each must bear the issuer's name.
func holds(t *testing.T, c *pki.Certificate, authorities []*pki.Certificate) (found int) {
	for _, ca := range authorities {
		err := c.CheckSignatureFrom(&ca.PublicKey)
		switch {
		case err == nil && !c.Issuer.Equal(ca.Subject):
			t.Errorf("%s verifies it without being its issuer", ca.Subject)
		case err == nil:
			found++
			if err := pki.DefaultAlgorithms.Accept(c.Algorithm, &ca.PublicKey, c.NotBefore); err != nil {
				t.Error(err)
			}
		case !errors.Is(err, pki.ErrSignature) && !errors.Is(err, pki.ErrAlgorithm):
			t.Errorf("%s: %v", ca.Subject, err)
		}
	}
	return found
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
	national := 0
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
			if err != nil {
				t.Fatal(err)
			}
			if pki.HolderOf(k.Certificate).IIN == "" {
				t.Error("no holder")
			}
			digestAlg, alg, opts := pki.Algorithm{OID: pki.OIDSHA256}, algorithm(t, pki.OIDSHA256WithRSA, null), crypto.SignerOpts(crypto.SHA256)
			if public, ok := k.Signer.Public().(*gost.PublicKey); ok {
				national++
				if !public.Equal(k.Certificate.PublicKey.Key) {
					t.Error("d·G is not the certificate's point")
				}
				if digestAlg, alg, err = pki.NationalSignature(public); err != nil {
					t.Fatal(err)
				}
				opts = crypto.Hash(0)
			}
			newHash, err := pki.NewHash(digestAlg.OID)
			if err != nil {
				t.Fatal(err)
			}
			h := newHash()
			h.Write([]byte("растау"))
			sig, err := k.Signer.Sign(rand.Reader, h.Sum(nil), opts)
			if err != nil {
				t.Fatal(err)
			}
			if err := k.Certificate.PublicKey.Verify(alg, []byte("растау"), sig); err != nil {
				t.Error(err)
			}
			if err := k.Certificate.PublicKey.Verify(alg, []byte("Растау"), sig); !errors.Is(err, pki.ErrSignature) {
				t.Error(err)
			}
		})
	}
	if national != 7 {
		t.Errorf("%d national keys, want 7", national)
	}
}
