// SPDX-License-Identifier: Apache-2.0

package gost_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"hash"
	mrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rastau/internal/gost"
)

// inputs is how many random inputs the hash functions and the curves are each compared on: 10,000, or a sample where the race
// detector is on or tests are to be short.
func inputs() int {
	if testing.Short() || underRace {
		return 300
	}
	return 10_000
}

// engine skips the test where OpenSSL's GOST engine is not installed, or fails where tools are required.
func engine(t testing.TB) {
	t.Helper()
	out, err := exec.Command("openssl", "engine", "gost", "-t").CombinedOutput()
	if err == nil && strings.Contains(string(out), "[ available ]") {
		return
	}
	if os.Getenv("RASTAU_REQUIRE_TOOLS") == "1" {
		t.Fatalf("OpenSSL has no GOST engine: install libengine-gost-openssl (%v)", err)
	}
	t.Skip("OpenSSL has no GOST engine to compare with: install libengine-gost-openssl")
}

// openssl runs one command in dir, for five minutes at most.
func openssl(t testing.TB, dir string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "openssl", args...)
	cmd.Dir = dir
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", args[0], err, complaints.Bytes()[max(0, complaints.Len()-2000):])
	}
	return out
}

// cryptoProBox is id-GostR3411-94-CryptoProParamSet's substitution (RFC 4357 §11.2): the engine knows ГОСТ 34.311-95 with this
// one only, so it proves all of the function but the test substitution, which has its known answers.
var cryptoProBox = [8][16]byte{
	{0xA, 0x4, 0x5, 0x6, 0x8, 0x1, 0x3, 0x7, 0xD, 0xC, 0xE, 0x0, 0x9, 0x2, 0xB, 0xF},
	{0x5, 0xF, 0x4, 0x0, 0x2, 0xD, 0xB, 0x9, 0x1, 0x7, 0x6, 0x3, 0xC, 0xE, 0xA, 0x8},
	{0x7, 0xF, 0xC, 0xE, 0x9, 0x4, 0x1, 0x0, 0x3, 0xB, 0x5, 0x2, 0x6, 0xA, 0x8, 0xD},
	{0x4, 0xA, 0x7, 0xC, 0x0, 0xF, 0x2, 0x8, 0xE, 0x1, 0x6, 0x5, 0xD, 0xB, 0x9, 0x3},
	{0x7, 0x6, 0x4, 0xB, 0x9, 0xC, 0x2, 0xA, 0x1, 0x8, 0x0, 0xE, 0xF, 0xD, 0x3, 0x5},
	{0x7, 0x6, 0x2, 0x4, 0xD, 0x9, 0xF, 0x0, 0xA, 0x1, 0x5, 0xB, 0x8, 0xE, 0xC, 0x3},
	{0xD, 0xE, 0x4, 0x1, 0x7, 0x0, 0x5, 0xA, 0x3, 0xC, 0x8, 0xF, 0x6, 0x2, 0x9, 0xB},
	{0x1, 0x3, 0xA, 0x9, 0x5, 0xB, 0x4, 0xF, 0x8, 0x6, 0x7, 0xE, 0xD, 0x0, 0x2, 0xC},
}

// Ensure the hash functions agree with gost-engine on random messages of all lengths around the blocks' ends, and long ones.
func TestHashesAgainstEngine(t *testing.T) {
	engine(t)
	dir := t.TempDir()
	random := mrand.New(mrand.NewPCG(1, 2))
	messages := make([][]byte, inputs())
	args := make([]string, len(messages))
	for i := range messages {
		length := i % 300
		if i%1000 == 999 {
			length = random.IntN(100_000)
		}
		messages[i] = make([]byte, length)
		for j := range messages[i] {
			messages[i][j] = byte(random.Uint32())
			if i%7 == 0 { // long carries in the sum of the blocks
				messages[i][j] |= 0xfe
			}
		}
		args[i] = fmt.Sprint(i)
		if err := os.WriteFile(filepath.Join(dir, args[i]), messages[i], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range []struct {
		name string
		hash hash.Hash
	}{
		{"md_gost12_512", gost.NewStreebog512()},
		{"md_gost12_256", gost.NewStreebog256()},
		{"md_gost94", gost.NewHashOf(cryptoProBox)},
	} {
		t.Run(h.name, func(t *testing.T) {
			out := openssl(t, dir, append([]string{"dgst", "-engine", "gost", "-r", "-" + h.name}, args...)...)
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			if len(lines) != len(messages) {
				t.Fatalf("the engine gave %d digests, not %d", len(lines), len(messages))
			}
			for i, line := range lines {
				h.hash.Reset()
				h.hash.Write(messages[i])
				want, _, _ := strings.Cut(line, " ")
				if len(messages[i]) == 0 && h.name == "md_gost94" {
					// The engine errs on the empty message; this is the published digest.
					want = "981e5f3ca30c841487830f84fb433e13ac1101569b9c13584ac483234cd656c0"
				}
				if got := hex.EncodeToString(h.hash.Sum(nil)); got != want {
					t.Fatalf("message %d of %d bytes: %s, want %s", i, len(messages[i]), got, want)
				}
			}
		})
	}
}

// russian is a parameter set under its names in RFC 9215.
type russian struct {
	curve     *gost.Curve
	algorithm string // for genpkey
	set       string
	md        string
	sum       func([]byte) []byte
	key       asn1.ObjectIdentifier
	params    asn1.ObjectIdentifier
	signature asn1.ObjectIdentifier
}

var russians = []russian{
	{gost.TC26512A(), "gost2012_512", "A", "md_gost12_512", func(b []byte) []byte { d := gost.SumStreebog512(b); return d[:] },
		asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 1, 2}, asn1.ObjectIdentifier{1, 2, 643, 7, 1, 2, 1, 2, 1}, asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 3, 3}},
	{gost.CryptoProA(), "gost2012_256", "A", "md_gost12_256", func(b []byte) []byte { d := gost.SumStreebog256(b); return d[:] },
		asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 1, 1}, asn1.ObjectIdentifier{1, 2, 643, 2, 2, 35, 1}, asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 3, 2}},
	{gost.TC26256A(), "gost2012_256", "TCA", "md_gost12_256", func(b []byte) []byte { d := gost.SumStreebog256(b); return d[:] },
		asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 1, 1}, asn1.ObjectIdentifier{1, 2, 643, 7, 1, 2, 1, 1, 1}, asn1.ObjectIdentifier{1, 2, 643, 7, 1, 1, 3, 2}},
}

type identifier struct {
	Algorithm asn1.ObjectIdentifier
	Params    asn1.RawValue `asn1:"optional"`
}

type keyInfo struct {
	Algorithm identifier
	Key       asn1.BitString
}

type attribute struct {
	Type  asn1.ObjectIdentifier
	Value string `asn1:"printable"`
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	der, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func reversed(b []byte) []byte {
	r := slices.Clone(b)
	slices.Reverse(r)
	return r
}

// request is a certification request (RFC 2986) for k, signed by k in Russia's order of octets.
func (r *russian) request(t testing.TB, name string, k *gost.PrivateKey) []byte {
	t.Helper()
	subject := asn1.RawValue{FullBytes: marshal(t, []asn1.RawValue{{FullBytes: marshal(t, asn1.RawValue{
		Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true, Bytes: marshal(t, attribute{asn1.ObjectIdentifier{2, 5, 4, 3}, name}),
	})}})}
	point := marshal(t, k.Public().(*gost.PublicKey).Bytes())
	info := marshal(t, struct {
		Version    int
		Subject    asn1.RawValue
		Key        keyInfo
		Attributes asn1.RawValue
	}{
		Subject: subject,
		Key: keyInfo{
			identifier{r.key, asn1.RawValue{FullBytes: marshal(t, struct{ Curve asn1.ObjectIdentifier }{r.params})}},
			asn1.BitString{Bytes: point, BitLength: 8 * len(point)},
		},
		Attributes: asn1.RawValue{FullBytes: []byte{0xa0, 0}},
	})
	sig, err := k.Sign(rand.Reader, r.sum(info), nil)
	if err != nil {
		t.Fatal(err)
	}
	der := marshal(t, struct {
		Info      asn1.RawValue
		Algorithm identifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: info}, identifier{Algorithm: r.signature}, asn1.BitString{Bytes: reversed(sig), BitLength: 8 * len(sig)}})
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

const caConfig = `
[ca]
default_ca = test
[test]
database = index
new_certs_dir = out
certificate = ca.pem
private_key = ca.key
rand_serial = yes
default_days = 30
default_md = %s
policy = any
unique_subject = no
[any]
commonName = supplied
`

// Ensure gost-engine accepts our public keys and signatures, and we its: OpenSSL's small CA checks the signature of every request
// and signs a certificate for its key, all in one process.
func TestSignaturesAgainstEngine(t *testing.T) {
	engine(t)
	for _, r := range russians {
		t.Run(r.curve.Name(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := func(name string, content []byte) {
				if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil {
				t.Fatal(err)
			}
			file("index", nil)
			file("config", fmt.Appendf(nil, caConfig, r.md))
			openssl(t, dir, "genpkey", "-engine", "gost", "-algorithm", r.algorithm, "-pkeyopt", "paramset:"+r.set, "-out", "ca.key")
			openssl(t, dir, "req", "-engine", "gost", "-new", "-x509", "-key", "ca.key", "-subj", "/CN=authority", "-"+r.md, "-out", "ca.pem")
			authority := readCertificate(t, filepath.Join(dir, "ca.pem"))
			issuer := authority.publicKey(t, r.curve)

			count := (inputs() + len(russians) - 1) / len(russians)
			args := []string{"ca", "-engine", "gost", "-config", "config", "-batch", "-notext", "-infiles"}
			keys := make(map[string]bool, count)
			for i := range count {
				k, err := gost.GenerateKey(r.curve, rand.Reader)
				if err != nil {
					t.Fatal(err)
				}
				keys[string(k.Public().(*gost.PublicKey).Bytes())] = true
				name := fmt.Sprint(i)
				file(name, r.request(t, name, k))
				args = append(args, name)
			}
			openssl(t, dir, args...)

			made, err := filepath.Glob(filepath.Join(dir, "out", "*.pem"))
			if err != nil || len(made) != count {
				t.Fatalf("the engine accepted %d of %d requests: %v", len(made), count, err)
			}
			for i, path := range made {
				c := readCertificate(t, path)
				if !keys[string(c.publicKey(t, r.curve).Bytes())] {
					t.Fatalf("%s is for a key that was not asked for", path)
				}
				digest := r.sum(c.TBS.Raw)
				sig := reversed(c.Signature.Bytes)
				if !gost.Verify(issuer, digest, sig) {
					t.Fatalf("%s: the engine's signature does not verify", path)
				}
				if i < 100 && gost.Verify(issuer, digest, c.Signature.Bytes) {
					t.Fatalf("%s: it verifies in Russia's order too", path)
				}
			}
		})
	}
}

func readCertificate(t testing.TB, path string) certificate {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return parseCertificate(t, data)
}
