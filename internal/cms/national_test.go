// SPDX-License-Identifier: Apache-2.0

package cms_test

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/testpki"
)

// nationalKey is a signer with a key of GOST 34.10-2015 and his certificate.
func nationalKey(t *testing.T) *pki.Key {
	t.Helper()
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return notBefore.AddDate(1, 0, 0) }, GOST: true})
	if err != nil {
		t.Fatal(err)
	}
	k, err := p.Root().Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Ensure that a national key signs as the national library writes: its digest and signature algorithms with NULL.
func TestSignNational(t *testing.T) {
	k := nationalKey(t)
	digest, err := cms.DigestOf(k.Signer.Public())
	if err != nil || digest != pki.OIDGOST512Hash {
		t.Fatalf("%s, %v", digest, err)
	}
	newHash, err := pki.NewHash(digest)
	if err != nil {
		t.Fatal(err)
	}
	h := newHash()
	h.Write(content)
	o := cms.SignOptions{Key: k.Signer, Certificate: k.Certificate, SigningTime: notBefore.AddDate(1, 0, 0)}
	for name, change := range map[string]func(*cms.SignOptions){
		"attached": func(o *cms.SignOptions) { o.Content = content },
		"detached": func(o *cms.SignOptions) { o.Content, o.Detached = content, true },
		"digest":   func(o *cms.SignOptions) { o.Digest = h.Sum(nil) },
		"empty":    func(o *cms.SignOptions) { o.Content = []byte{} },
	} {
		t.Run(name, func(t *testing.T) {
			o := o
			change(&o)
			der, err := cms.Sign(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			sd := mustParse(t, der)
			s := sd.Signers[0]
			if got := hex.EncodeToString(s.DigestAlgorithm.Raw); got != "300c06082a830e030a0103030500" {
				t.Errorf("digest algorithm %s", got)
			}
			if got := hex.EncodeToString(s.SignatureAlgorithm.Raw); got != "300e060a2a830e030a01010203020500" {
				t.Errorf("signature algorithm %s", got)
			}
			if e := s.ESS(); !e.Valid || !e.V2 || e.Digest != pki.OIDSHA256 || len(s.Signature) != 128 {
				t.Errorf("reference %+v, %d octets of signature", e, len(s.Signature))
			}
			shown := content
			if name == "empty" {
				shown = nil
			}
			d, err := cms.DigestContent(bytes.NewReader(shown), sd.NeededDigests())
			if err != nil {
				t.Fatal(err)
			}
			if c := sd.Verify(s, k.Certificate, d); verdict(c) != "intact" || c.Reference != nil {
				t.Errorf("%+v", c)
			}
			der[len(der)-1] ^= 1
			sd = mustParse(t, der)
			if c := sd.Verify(sd.Signers[0], k.Certificate, d); verdict(c) != "broken" || !errors.Is(c.Value, pki.ErrSignature) {
				t.Errorf("bent: %+v", c)
			}
		})
	}
	other := nationalKey(t)
	for name, test := range map[string]struct {
		o    cms.SignOptions
		want error
	}{
		"another's certificate": {cms.SignOptions{Key: other.Signer, Certificate: k.Certificate, Content: content}, cms.ErrKeyMismatch},
		"with SHA-256":          {cms.SignOptions{Key: k.Signer, Certificate: k.Certificate, Content: content, Hash: crypto.SHA256}, pki.ErrUnsupported},
		"a digest of 32 octets": {cms.SignOptions{Key: k.Signer, Certificate: k.Certificate, Digest: make([]byte, 32)}, nil},
	} {
		if der, err := cms.Sign(t.Context(), test.o); err == nil || der != nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}
