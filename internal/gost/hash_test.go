// SPDX-License-Identifier: Apache-2.0

package gost_test

import (
	"bytes"
	"encoding/hex"
	"hash"
	"testing"

	"pgregory.net/rapid"

	"rastau/internal/gost"
)

var hashes = []struct {
	name string
	make func() hash.Hash
	sum  func([]byte) []byte
}{
	{"Streebog-512", gost.NewStreebog512, func(b []byte) []byte { d := gost.SumStreebog512(b); return d[:] }},
	{"Streebog-256", gost.NewStreebog256, func(b []byte) []byte { d := gost.SumStreebog256(b); return d[:] }},
	{"34.311-95", gost.New34311, func(b []byte) []byte { d := gost.Sum34311(b); return d[:] }},
}

// The messages M1 and M2 of RFC 6986 §10; M2 is a line of the Tale of Igor's Campaign in the Windows-1251 encoding.
const m1 = "012345678901234567890123456789012345678901234567890123456789012"

var m2 = string(unhex("d1e520e2e5f2f0e82c20d1f2f0e8e1eee6e820e2edf3f6e82c20e2e5fef2fa20f120eceef0ff20f1f2f0e5ebe0ece820" +
	"ede020f5f0e0e1f0fbff20efebfaeafb20c8e3eef0e5e2fb"))

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// Ensure the hash functions give the published digests.
func TestKnownDigests(t *testing.T) {
	for _, c := range []struct{ hash, message, digest string }{
		{"Streebog-512", m1, "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48"},
		{"Streebog-512", m2, "1e88e62226bfca6f9994f1f2d51569e0daf8475a3b0fe61a5300eee46d961376035fe83549ada2b8620fcd7c496ce5b33f0cb9dddc2b6460143b03dabac9fb28"},
		{"Streebog-256", m1, "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500"},
		{"Streebog-256", m2, "9dd2fe4e90409e5da87f53976d7405b0c0cac628fc669a741d50063c557e8f50"},
		{"34.311-95", "", "ce85b99cc46752fffee35cab9a7b0278abb4c2d2055cff685af4912c49490f8d"},
		{"34.311-95", "abc", "f3134348c44fb1b2a277729e2285ebb5cb5e0f29c975bc753b70497c06a4d51d"},
		{"34.311-95", "message digest", "ad4434ecb18f2c99b60cbe59ec3d2469582b65273f48de72db2fde16a4889a4d"},
		{"34.311-95", "This is message, length=32 bytes", "b1c466d37519b82e8319819ff32595e047a28cb6f83eff1c6916a815a637fffa"},
	} {
		for _, h := range hashes {
			if h.name != c.hash {
				continue
			}
			if got := hex.EncodeToString(h.sum([]byte(c.message))); got != c.digest {
				t.Errorf("%s(%q) = %s, want %s", c.hash, c.message, got, c.digest)
			}
		}
	}
}

// Ensure a message cut into any pieces has the digest of the whole, that Sum may be asked at any time and that Reset forgets.
func TestHashStreams(t *testing.T) {
	for _, h := range hashes {
		t.Run(h.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s := h.make()
				s.Write([]byte("forgotten"))
				s.Reset()
				var whole []byte
				for _, piece := range rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 200), 0, 6).Draw(t, "pieces") {
					if n, err := s.Write(piece); n != len(piece) || err != nil {
						t.Fatalf("Write = %d, %v", n, err)
					}
					whole = append(whole, piece...)
					if got := s.Sum([]byte("before")); !bytes.Equal(got, append([]byte("before"), h.sum(whole)...)) {
						t.Fatalf("after %d bytes the digest differs", len(whole))
					}
				}
				if got := s.Sum(nil); len(got) != s.Size() || !bytes.Equal(got, h.sum(whole)) {
					t.Fatal("the last digest differs")
				}
			})
		})
	}
}

// Ensure hashing allocates nothing once the hash is made.
func TestHashAllocatesNothing(t *testing.T) {
	data, digest := make([]byte, 1000), make([]byte, 0, 64)
	for _, h := range hashes {
		s := h.make()
		if n := testing.AllocsPerRun(20, func() { s.Write(data); s.Sum(digest); s.Reset() }); n != 0 {
			t.Errorf("%s: %v allocations", h.name, n)
		}
	}
}

func FuzzHash(f *testing.F) {
	f.Add([]byte(m1), 5)
	f.Add([]byte(m2), 64)
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, message []byte, cut int) {
		if cut < 0 || cut > len(message) {
			return
		}
		for _, h := range hashes {
			s := h.make()
			s.Write(message[:cut])
			s.Write(message[cut:])
			if !bytes.Equal(s.Sum(nil), h.sum(message)) {
				t.Fatalf("%s: cut at %d the digest differs", h.name, cut)
			}
		}
	})
}
