// SPDX-License-Identifier: Apache-2.0

package signer_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/signer"
)

var licence = []byte(`{"holder":"Жолаушы ЖШС","number":"ZZZ-1"}`)

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// openssl judges what we wrote, where it is installed.
func openssl(t *testing.T, h house, signed, content []byte) {
	t.Helper()
	bin, err := exec.LookPath("openssl")
	if err != nil {
		t.Log("openssl is not installed: its opinion was not asked")
		return
	}
	dir := t.TempDir()
	root := write(t, dir, "root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.pki.Root().Certificate.Raw}))
	args := []string{"cms", "-verify", "-cades", "-CAfile", root, "-purpose", "any", "-attime", strconv.FormatInt(now.Unix(), 10), "-binary", "-inform", "DER", "-in", write(t, dir, "signed.p7s", signed), "-out", filepath.Join(dir, "content")}
	if content != nil {
		args = append(args, "-content", write(t, dir, "given", content))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, bin, args...).CombinedOutput()
	if err != nil {
		t.Errorf("openssl cms -verify: %v\n%s", err, out)
		return
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "content")); !bytes.Equal(got, licence) {
		t.Errorf("openssl read %q", got)
	}
}

// pdfsig and qpdf judge what we wrote, where they are installed.
func poppler(t *testing.T, signed []byte) {
	t.Helper()
	file := write(t, t.TempDir(), "signed.pdf", signed)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if bin, err := exec.LookPath("pdfsig"); err == nil {
		out, _ := exec.CommandContext(ctx, bin, "-nocert", file).CombinedOutput()
		if !strings.Contains(string(out), "Signature Validation: Signature is Valid.") || !strings.Contains(string(out), "Total document signed") {
			t.Errorf("pdfsig:\n%s", out)
		}
	}
	if bin, err := exec.LookPath("qpdf"); err == nil {
		if out, err := exec.CommandContext(ctx, bin, "--check", file).CombinedOutput(); err != nil {
			t.Errorf("qpdf --check: %v\n%s", err, out)
		}
	}
}

func tokens(t *testing.T, der []byte) int {
	t.Helper()
	sd, err := cms.Parse(der, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return len(sd.Signers[0].TimestampTokens())
}

func TestSign(t *testing.T) {
	for _, kind := range []string{"RSA", "EC", "GOST"} {
		h := newHouseOf(t, testpki.Options{EC: kind == "EC", GOST: kind == "GOST"})
		key := h.issue(t, testpki.Leaf{})
		for level, stamper := range map[string]signer.Stamper{"B": nil, "T": h} {
			t.Run(kind+" "+level, func(t *testing.T) {
				s := newSigner(t, key, stamper)
				want := 0
				if stamper != nil {
					want = 1
				}
				attached, err := s.JSON(t.Context(), licence, signer.JSONOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if kind != "GOST" { // openssl and poppler know no Kazakh algorithm
					openssl(t, h, attached, nil)
				}
				detached, err := s.JSON(t.Context(), licence, signer.JSONOptions{Detached: true})
				if err != nil {
					t.Fatal(err)
				}
				if kind != "GOST" {
					openssl(t, h, detached, licence)
				}
				if bytes.Contains(detached, licence) || tokens(t, attached) != want || tokens(t, detached) != want {
					t.Errorf("content or time-stamps are not as asked")
				}
				file := licencePage(t)
				signed, err := s.PDF(t.Context(), file, signer.PDFOptions{Reason: "Лицензия", Rect: [4]float64{400, 40, 560, 100}})
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.HasPrefix(signed, file) {
					t.Error("the page's bytes were changed")
				}
				if kind != "GOST" {
					poppler(t, signed)
				}
				d, err := pdf.Open(signed, pdf.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				sig := d.Signatures()[0]
				if sig.ClaimedTime != "D:20260304050607Z" || sig.Reason != "Лицензия" || tokens(t, sig.Contents) != want {
					t.Errorf("signature: %q %q", sig.ClaimedTime, sig.Reason)
				}
			})
		}
	}
}

func TestNewRefuses(t *testing.T) {
	h := newHouse(t, true)
	good, other := h.issue(t, testpki.Leaf{}), h.issue(t, testpki.Leaf{})
	cases := []struct {
		name string
		key  *pki.Key
		want error
	}{
		{"key of another certificate", &pki.Key{Signer: other.Signer, Certificate: good.Certificate}, signer.ErrKey},
		{"authentication key", h.issue(t, testpki.Leaf{Auth: true}), signer.ErrPurpose},
		{"national key of another certificate", &pki.Key{Signer: newHouseOf(t, testpki.Options{GOST: true}).issue(t, testpki.Leaf{}).Signer, Certificate: good.Certificate}, signer.ErrKey},
		{"authority's key", &pki.Key{Signer: h.ca.Key, Certificate: h.ca.Certificate}, signer.ErrPurpose},
		{"key usage for encryption only", h.issue(t, testpki.Leaf{KeyUsage: pki.KeyEncipherment}), signer.ErrPurpose},
		{"extended key usage for time-stamps only", h.issue(t, testpki.Leaf{ExtKeyUsage: []pki.OID{pki.OIDTimeStamping}}), signer.ErrPurpose},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := signer.NewRing(c.key)
			if s != nil || !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
	for name, o := range map[string]signer.Options{
		"no key":      {Judge: trusting{}, Checker: checker{}, Now: clock},
		"no judge":    {Keys: ring(t, good), Checker: checker{}, Now: clock},
		"no checker":  {Keys: ring(t, good), Judge: trusting{}, Now: clock},
		"no clock":    {Keys: ring(t, good), Judge: trusting{}, Checker: checker{}},
		"no stamper":  {Keys: ring(t, good), Judge: trusting{}, Checker: checker{}, Now: clock, Level: signer.LevelT},
		"no examiner": {Keys: ring(t, good), Judge: trusting{}, Checker: checker{}, Now: clock, Stamper: h, Level: signer.LevelLT},
	} {
		if _, err := signer.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Both documents are refused alike.
func both(t *testing.T, s *signer.Signer, want error) {
	t.Helper()
	if out, err := s.JSON(t.Context(), licence, signer.JSONOptions{}); out != nil || !errors.Is(err, want) {
		t.Errorf("JSON: %v, want %v", err, want)
	}
	if out, err := s.PDF(t.Context(), licencePage(t), signer.PDFOptions{}); out != nil || !errors.Is(err, want) {
		t.Errorf("PDF: %v, want %v", err, want)
	}
}

func TestValidity(t *testing.T) {
	h := newHouse(t, true)
	key := h.issue(t, testpki.Leaf{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)})
	for _, c := range []struct {
		name string
		at   time.Time
		want error
	}{
		{"before", now.Add(-time.Hour - time.Second), signer.ErrNotYetValid},
		{"first second", now.Add(-time.Hour), nil},
		{"last second", now.Add(time.Hour), nil},
		{"after", now.Add(time.Hour + time.Second), signer.ErrExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := signer.New(signer.Options{Keys: ring(t, key), Judge: trusting{}, Checker: checker{}, Now: func() time.Time { return c.at }})
			if err != nil {
				t.Fatal(err)
			}
			if c.want != nil {
				both(t, s, c.want)
			} else if _, err := s.JSON(t.Context(), licence, signer.JSONOptions{Detached: true}); err != nil {
				t.Error(err)
			}
		})
	}
}

type stampFunc func([]byte) ([]byte, error)

func (f stampFunc) Stamp(_ context.Context, data []byte) ([]byte, error) { return f(data) }

type refusing struct{ err error }

func (r refusing) CheckSigned(context.Context, string, []byte, []byte, *pki.Certificate) error {
	return r.err
}

func TestNothingWrongLeaves(t *testing.T) {
	key := newHouse(t, true).issue(t, testpki.Leaf{})
	down := errors.New("the authority is down")
	both(t, newSigner(t, key, stampFunc(func([]byte) ([]byte, error) { return nil, down })), down)
	both(t, newSigner(t, key, stampFunc(func([]byte) ([]byte, error) { return nil, nil })), signer.ErrStamp)
	why := errors.New("revoked")
	s, err := signer.New(signer.Options{Keys: ring(t, key), Judge: trusting{}, Checker: refusing{why}, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	both(t, s, signer.ErrUnchecked)
	both(t, s, why)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newSigner(t, key, nil).JSON(ctx, licence, signer.JSONOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := newSigner(t, key, nil).PDF(t.Context(), []byte("hello"), signer.PDFOptions{}); !errors.Is(err, pdf.ErrNotPDF) {
		t.Errorf("no PDF: %v", err)
	}
}

// A token larger than the space reserved for it is asked for again with more room.
func TestLargeToken(t *testing.T) {
	key := newHouse(t, true).issue(t, testpki.Leaf{})
	calls := 0
	s := newSigner(t, key, stampFunc(func([]byte) ([]byte, error) {
		calls++
		return append([]byte{0x04, 0x82, 0x75, 0x30}, make([]byte, 30000)...), nil
	}))
	if _, err := s.PDF(t.Context(), licencePage(t), signer.PDFOptions{}); err != nil || calls != 2 {
		t.Errorf("%v after %d tokens", err, calls)
	}
}

func TestConcurrent(t *testing.T) {
	h := newHouse(t, true)
	s := newSigner(t, h.issue(t, testpki.Leaf{}), h)
	page := licencePage(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.PDF(t.Context(), page, signer.PDFOptions{}); err != nil {
				t.Error(err)
			}
			if _, err := s.JSON(t.Context(), licence, signer.JSONOptions{Detached: true}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestLoadKey(t *testing.T) {
	key := newHouse(t, false).issue(t, testpki.Leaf{})
	file, err := testpki.PKCS12(key, "secret")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := write(t, dir, "key.p12", file)
	k, err := signer.LoadKey(path, "secret")
	if err != nil {
		t.Fatal(err)
	}
	if k.Certificate.SHA256 != key.Certificate.SHA256 || len(k.Chain) != len(key.Chain) {
		t.Error("another certificate or chain")
	}
	if _, err := newSigner(t, k, nil).JSON(t.Context(), licence, signer.JSONOptions{}); err != nil {
		t.Error(err)
	}
	national := newHouseOf(t, testpki.Options{GOST: true}).issue(t, testpki.Leaf{})
	if file, err = testpki.PKCS12(national, "secret"); err != nil {
		t.Fatal(err)
	}
	if k, err = signer.LoadKey(write(t, dir, "gost.p12", file), "secret"); err != nil {
		t.Fatal(err)
	}
	if _, err := newSigner(t, k, nil).PDF(t.Context(), licencePage(t), signer.PDFOptions{}); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		name, path, password string
		want                 error
	}{
		{"wrong password", path, "other", pki.ErrPassword},
		{"no file", filepath.Join(dir, "none"), "", os.ErrNotExist},
		{"a folder", dir, "", signer.ErrKey},
		{"no PKCS#12", write(t, dir, "text", []byte("hello")), "", pki.ErrNotPKCS12},
		{"too large", write(t, dir, "large", make([]byte, 1<<20+1)), "", signer.ErrKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := signer.LoadKey(c.path, c.password); !errors.Is(err, c.want) || !errors.Is(err, signer.ErrKey) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}
