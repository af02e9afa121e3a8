// SPDX-License-Identifier: Apache-2.0

package gost_test

import (
	"context"
	"crypto/rand"
	"hash"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rastau/internal/gost"
)

// peerSource does in gost-engine what the benchmarks do here, in one process, and prints nanoseconds an operation.
const peerSource = `
#include <openssl/engine.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e9 + t.tv_nsec; }

int main(int argc, char **argv) {
	ENGINE_load_builtin_engines();
	ENGINE *e = ENGINE_by_id("gost");
	if (argc != 4 || !e || !ENGINE_init(e) || !ENGINE_set_default(e, ENGINE_METHOD_ALL)) return 1;
	int n = atoi(argv[3]);
	if (!strcmp(argv[1], "verify")) {
		FILE *f = fopen(argv[2], "r");
		EVP_PKEY *k = f ? PEM_read_PrivateKey(f, 0, 0, 0) : 0;
		if (!k) return 2;
		unsigned char digest[64] = {1, 2, 3}, sig[128];
		size_t half = EVP_PKEY_size(k) / 2, size = sizeof sig;
		EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, 0);
		if (EVP_PKEY_sign_init(c) != 1 || EVP_PKEY_sign(c, sig, &size, digest, half) != 1) return 3;
		if (EVP_PKEY_verify_init(c) != 1 || EVP_PKEY_verify(c, sig, size, digest, half) != 1) return 4;
		double start = now();
		for (int i = 0; i < n; i++) if (EVP_PKEY_verify(c, sig, size, digest, half) != 1) return 5;
		printf("%f\n", (now() - start) / n);
		return 0;
	}
	const EVP_MD *md = ENGINE_get_digest(e, OBJ_txt2nid(argv[2]));
	static unsigned char data[1 << 16], digest[EVP_MAX_MD_SIZE];
	double start = now();
	for (int i = 0; i < n; i++) if (EVP_Digest(data, sizeof data, digest, 0, md, e) != 1) return 6;
	printf("%f\n", (now() - start) / n);
	return 0;
}
`

// peer compiles peerSource; the benchmark goes on without its ratio where that fails.
func peer(b *testing.B) (run func(args ...string) float64, dir string) {
	b.Helper()
	dir = b.TempDir()
	program, source := filepath.Join(dir, "peer"), filepath.Join(dir, "peer.c")
	if err := os.WriteFile(source, []byte(peerSource), 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("cc", "-O2", "-w", "-o", program, source, "-lcrypto").CombinedOutput(); err != nil {
		b.Skipf("no C compiler with OpenSSL's headers for the comparison: %v\n%s", err, out)
	}
	return func(args ...string) float64 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			b.Fatalf("peer %v: %v", args, err)
		}
		ns, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			b.Fatal(err)
		}
		return ns
	}, dir
}

// compare runs ours and theirs by turns and reports the medians' ratio, so that the machine's other load weighs on both.
func compare(b *testing.B, times int, ours func(), theirs func() float64) {
	b.Helper()
	const rounds = 9
	var a, z []float64
	ours() // makes the tables
	for range rounds {
		start := time.Now()
		for range times {
			ours()
		}
		a = append(a, float64(time.Since(start))/float64(times))
		z = append(z, theirs())
	}
	slices.Sort(a)
	slices.Sort(z)
	b.ReportAllocs()
	for b.Loop() {
		ours()
	}
	b.ReportMetric(z[rounds/2], "engine-ns/op")
	b.ReportMetric(a[rounds/2]/z[rounds/2], "of-engine")
}

// BenchmarkVerify's goal is 0.85 of gost-engine's time on the curve of 512 bits.
func BenchmarkVerify(b *testing.B) {
	for _, r := range russians {
		b.Run(r.curve.Name(), func(b *testing.B) {
			engine(b)
			run, dir := peer(b)
			openssl(b, dir, "genpkey", "-engine", "gost", "-algorithm", r.algorithm, "-pkeyopt", "paramset:"+r.set, "-out", "key")
			k, err := gost.GenerateKey(r.curve, rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			pub, digest := k.Public().(*gost.PublicKey), make([]byte, r.curve.Size())
			sig, err := k.Sign(rand.Reader, digest, nil)
			if err != nil {
				b.Fatal(err)
			}
			compare(b, 50, func() {
				if !gost.Verify(pub, digest, sig) {
					b.Fatal("the signature does not verify")
				}
			}, func() float64 { return run("verify", "key", "50") })
		})
	}
}

// BenchmarkHash hashes 64 KiB. Streebog-512's goal is 1.5 of gost-engine's time.
func BenchmarkHash(b *testing.B) {
	for _, h := range []struct {
		name, engine string
		hash         hash.Hash
	}{
		{"Streebog-512", "md_gost12_512", gost.NewStreebog512()},
		{"34.311-95", "md_gost94", gost.New34311()},
	} {
		b.Run(h.name, func(b *testing.B) {
			engine(b)
			run, _ := peer(b)
			data, digest := make([]byte, 1<<16), make([]byte, 0, 64)
			b.SetBytes(int64(len(data)))
			compare(b, 50, func() {
				h.hash.Reset()
				h.hash.Write(data)
				h.hash.Sum(digest)
			}, func() float64 { return run("hash", h.engine, "50") })
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for _, c := range curves {
		b.Run(c.Name(), func(b *testing.B) {
			k, err := gost.GenerateKey(c, rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			digest := make([]byte, c.Size())
			for b.Loop() {
				if _, err := k.Sign(rand.Reader, digest, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
