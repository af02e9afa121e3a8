// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"rastau/internal/pki"
)

// TestMalformedArchives feeds public fuzz corpora to every reader: an answer or an error within a second, never a panic.
func TestMalformedArchives(t *testing.T) {
	dir := suite(t, "malformed")
	for _, path := range files(t, dir, ".tar.gz") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			z, err := gzip.NewReader(bytes.NewReader(read(t, path)))
			if err != nil {
				t.Fatal(err)
			}
			count := 0
			for archive := tar.NewReader(z); ; {
				entry, err := archive.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if entry.Typeflag != tar.TypeReg {
					continue
				}
				data, err := io.ReadAll(archive)
				if err != nil {
					t.Fatal(err)
				}
				count++
				start := time.Now()
				everyReader(t, data)
				if spent := time.Since(start); spent > time.Second {
					t.Errorf("%s: %v", entry.Name, spent)
				}
			}
			if count == 0 {
				t.Fatal("an empty archive")
			}
		})
	}
}

func everyReader(t *testing.T, data []byte) {
	t.Helper()
	if list, err := pki.ReadCertificates(data); err == nil {
		for _, c := range list {
			exercise(c)
		}
	} else if !errors.Is(err, pki.ErrMalformed) {
		t.Errorf("certificates: %v", err)
	}
	if n, err := pki.ParseName(data); err == nil {
		_ = n.String()
	}
	if k, err := pki.ParsePublicKey(data); err == nil {
		_ = k.Size()
	}
	_, err := pki.ReadPKCS12(data, "password")
	for _, known := range []error{nil, pki.ErrPassword, pki.ErrNotPKCS12, pki.ErrNoKey, pki.ErrUnsupported} {
		if errors.Is(err, known) {
			return
		}
	}
	t.Errorf("PKCS#12: %v", err)
}

// exercise calls all that works on what was read.
func exercise(c *pki.Certificate) {
	_ = c.Subject.String() + c.Issuer.CanonicalKey() + c.SHA256Hex() + c.SerialHex() + pki.AlgorithmName(c.Algorithm) + c.PublicKey.Size()
	_ = c.CheckSignatureFrom(&c.PublicKey)
	_ = pki.DefaultAlgorithms.Accept(c.Algorithm, &c.PublicKey, judged)
	_ = pki.HolderOf(c)
	for _, g := range c.SubjectAltNames {
		_ = g.String()
	}
}
