// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

func bigInt(n int64) *big.Int { return big.NewInt(n) }

// random makes entries with serials of every length, some negative, each with or without a reason.
func random(t testing.TB, n int) []x509.RevocationListEntry {
	t.Helper()
	out := make([]x509.RevocationListEntry, 0, n)
	for i := range n {
		b := make([]byte, 1+i%20)
		if _, err := rand.Read(b); err != nil {
			t.Fatal(err)
		}
		s := new(big.Int).SetBytes(b)
		if i%7 == 0 {
			s.Neg(s)
		}
		e := x509.RevocationListEntry{SerialNumber: s, RevocationTime: at.Add(-time.Duration(i) * time.Second).Truncate(time.Second)}
		if i%3 == 0 {
			e.ReasonCode = 1 + i%5
		}
		out = append(out, e)
	}
	return out
}

// The index agrees with the library's own reading of the same bytes, entry by entry.
func TestIndexAgreesWithTheLibrary(t *testing.T) {
	ca := newRoot(t, "CA")
	for _, n := range []int{0, 1, 2, 3, 100, 5000} {
		der := ca.der(t, listOptions{number: 77, entries: random(t, n)})
		l, err := crl.Parse(der, crl.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		peer, err := x509.ParseRevocationList(der)
		if err != nil {
			t.Fatal(err)
		}
		if l.Entries != n || l.Number.Cmp(peer.Number) != 0 || !l.ThisUpdate.Equal(peer.ThisUpdate) || !l.NextUpdate.Equal(peer.NextUpdate) ||
			!bytes.Equal(l.AuthorityKeyID, peer.AuthorityKeyId) || !bytes.Equal(l.Raw, der) {
			t.Fatalf("%d entries: the head differs", n)
		}
		first := map[string]x509.RevocationListEntry{} // the first of each serial stands
		for _, e := range peer.RevokedCertificateEntries {
			if _, twice := first[e.SerialNumber.String()]; !twice {
				first[e.SerialNumber.String()] = e
			}
		}
		i := 0
		for e := range l.All {
			want, listed := first[e.Serial.String()]
			reason := want.ReasonCode
			if reason == 0 {
				reason = -1
			}
			if !listed || !e.Date.Equal(want.RevocationTime) || e.Reason != reason {
				t.Fatalf("entry %d: %+v, want %+v", i, e, want)
			}
			i++
		}
		if i != len(first) {
			t.Fatalf("%d of %d entries", i, len(first))
		}
		for _, want := range first {
			e, ok, _ := l.Lookup(ca.cert.Subject, want.SerialNumber)
			if !ok || e.Serial.Cmp(want.SerialNumber) != 0 || !e.Date.Equal(want.RevocationTime) {
				t.Fatalf("%x is listed: %+v %v", want.SerialNumber, e, ok)
			}
			miss := new(big.Int).Add(want.SerialNumber, new(big.Int).Lsh(bigInt(1), 200))
			if _, ok, _ := l.Lookup(ca.cert.Subject, miss); ok {
				t.Fatalf("%x is found and not listed", miss)
			}
		}
		if err := l.VerifySignature(&ca.cert.PublicKey); err != nil {
			t.Error(err)
		}
		other := newRoot(t, "CA").cert
		for range 2 { // a key that fitted must not make another fit
			if err := l.VerifySignature(&other.PublicKey); !errors.Is(err, pki.ErrSignature) {
				t.Errorf("another key: %v", err)
			}
		}
		if _, ok, _ := l.Lookup(pki.Name{}, bigInt(1)); ok {
			t.Error("found under no issuer")
		}
	}
}

func TestPEM(t *testing.T) {
	ca := newRoot(t, "CA")
	der := ca.der(t, listOptions{})
	armour := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	if l, err := crl.Parse(armour, crl.Limits{}); err != nil || !bytes.Equal(l.Raw, der) {
		t.Errorf("%v", err)
	}
	for name, bad := range map[string][]byte{
		"two":   append(bytes.Clone(armour), armour...),
		"other": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"page":  []byte("<html><title>502 Bad Gateway</title></html>"),
		"empty": nil,
	} {
		if _, err := crl.Parse(bad, crl.Limits{}); !errors.Is(err, crl.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLimits(t *testing.T) {
	ca := newRoot(t, "CA")
	der := ca.der(t, listOptions{entries: random(t, 50)})
	for _, tc := range []struct {
		lim  crl.Limits
		want error
	}{
		{crl.Limits{Entries: 50, Bytes: int64(len(der))}, nil}, {crl.Limits{Entries: 49}, crl.ErrTooLarge}, {crl.Limits{Bytes: int64(len(der)) - 1}, crl.ErrTooLarge},
	} {
		if _, err := crl.Parse(der, tc.lim); !errors.Is(err, tc.want) {
			t.Errorf("%+v: %v", tc.lim, err)
		}
	}
}

// No list cut short, made longer or with one octet of its frame changed may read as another list of the same entries.
func TestDamage(t *testing.T) {
	ca := newRoot(t, "CA")
	der := ca.der(t, listOptions{entries: random(t, 3)})
	for n := range der {
		if _, err := crl.Parse(der[:n], crl.Limits{}); !errors.Is(err, crl.ErrMalformed) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if _, err := crl.Parse(append(bytes.Clone(der), 0), crl.Limits{}); !errors.Is(err, crl.ErrMalformed) {
		t.Errorf("a byte more: %v", err)
	}
	for i := range der {
		damaged := bytes.Clone(der)
		damaged[i] ^= 1
		l, err := crl.Parse(damaged, crl.Limits{})
		if err != nil {
			continue
		}
		if err := l.VerifySignature(&ca.cert.PublicKey); err == nil {
			t.Fatalf("octet %d changed and the signature still stands", i)
		}
	}
}

// assemble makes a list by hand, unsigned: v2, ECDSA, issuer CN=CA.
func assemble(entries []byte, extensions ...[]byte) []byte {
	alg := tlv(0x30, []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2})
	parts := [][]byte{{2, 1, 1}, alg, cn("CA"), []byte("\x17\x0d260520110000Z"), []byte("\x17\x0d260521120000Z")}
	if entries != nil {
		parts = append(parts, tlv(0x30, entries))
	}
	if len(extensions) > 0 {
		parts = append(parts, tlv(0xa0, tlv(0x30, extensions...)))
	}
	return tlv(0x30, tlv(0x30, parts...), alg, []byte{3, 2, 0, 0})
}

func rawEntry(serial []byte, rest ...[]byte) []byte {
	return tlv(0x30, append([][]byte{tlv(2, serial), []byte("\x17\x0d260101000000Z")}, rest...)...)
}

func TestEntries(t *testing.T) {
	reason := func(n byte) []byte {
		return tlv(0x30, tlv(0x30, []byte{6, 3, 0x55, 0x1d, 0x15}, tlv(4, []byte{10, 1, n})))
	}
	ok := rawEntry([]byte{1})
	for _, tc := range []struct {
		name    string
		entries []byte
		good    bool
	}{
		{"plain", ok, true},
		{"none but a sequence", []byte{}, false},
		{"long serial", rawEntry(bytes.Repeat([]byte{7}, 60)), true},
		{"endless serial", rawEntry(bytes.Repeat([]byte{7}, 129)), false},
		{"negative serial", rawEntry([]byte{0x80}), true},
		{"serial with a zero in front", rawEntry([]byte{0, 1}), false},
		{"serial with ones in front", rawEntry([]byte{0xff, 0x80}), false},
		{"empty serial", rawEntry(nil), false},
		{"no date", tlv(0x30, []byte{2, 1, 1}), false},
		{"30 February", tlv(0x30, []byte{2, 1, 1}, []byte("\x17\x0d260230000000Z")), false},
		{"29 February of a leap year", tlv(0x30, []byte{2, 1, 1}, []byte("\x17\x0d240229000000Z")), true},
		{"second 60", tlv(0x30, []byte{2, 1, 1}, []byte("\x17\x0d260101000060Z")), false},
		{"offset for Z", tlv(0x30, []byte{2, 1, 1}, []byte("\x17\x11260101000000+0500")), false},
		{"GeneralizedTime", tlv(0x30, []byte{2, 1, 1}, []byte("\x18\x0f20260101000000Z")), true},
		{"fraction", tlv(0x30, []byte{2, 1, 1}, []byte("\x18\x1120260101000000.5Z")), false},
		{"reason", rawEntry([]byte{1}, reason(1)), true},
		{"reason of two octets", rawEntry([]byte{1}, tlv(0x30, tlv(0x30, []byte{6, 3, 0x55, 0x1d, 0x15}, tlv(4, []byte{10, 2, 0, 1})))), false},
		{"empty extensions", rawEntry([]byte{1}, []byte{0x30, 0}), false},
		{"extensions twice", rawEntry([]byte{1}, reason(1), reason(1)), false},
		{"indefinite length", []byte{0x30, 0x80, 2, 1, 1, 0, 0}, false},
		{"length not minimal", append([]byte{0x30, 0x81, 18}, ok[2:]...), false},
		{"garbage after", append(bytes.Clone(ok), 5, 0), false},
	} {
		if _, err := crl.Parse(assemble(tc.entries), crl.Limits{}); (err == nil) != tc.good {
			t.Errorf("%s: %v", tc.name, err)
		}
	}

	// A serial that comes twice: a removal does not undo a revocation in the same list.
	for _, order := range [][2]byte{{8, 1}, {1, 8}} {
		l, err := crl.Parse(assemble(append(rawEntry([]byte{5}, reason(order[0])), rawEntry([]byte{5}, reason(order[1]))...)), crl.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if e, ok, _ := l.Lookup(l.Issuer, bigInt(5)); !ok || e.Reason != 1 || l.Entries != 2 {
			t.Errorf("%v: %+v %v", order, e, ok)
		}
	}
}

// A list made to hurt: one serial a million times, or as many certificate issuers as entries.
func TestHostileLists(t *testing.T) {
	same := bytes.Repeat(rawEntry([]byte{9}), 300_000)
	began := time.Now()
	l, err := crl.Parse(assemble(same), crl.Limits{})
	if err != nil || l.Entries != 300_000 {
		t.Fatal(err)
	}
	of := func(name string) []byte {
		return rawEntry([]byte{9}, tlv(0x30, tlv(0x30, []byte{6, 3, 0x55, 0x1d, 0x1d}, []byte{1, 1, 0xff}, tlv(4, tlv(0x30, tlv(0xa4, cn(name)))))))
	}
	many := bytes.Repeat(append(of("X"), of("Y")...), 1<<15+1)
	if _, err := crl.Parse(assemble(many), crl.Limits{}); !errors.Is(err, crl.ErrTooLarge) {
		t.Errorf("changing issuers: %v", err)
	}
	if l, err := crl.Parse(assemble(bytes.Repeat(of("X"), 1<<16+1)), crl.Limits{}); err != nil {
		t.Errorf("the same issuer at each entry: %v", err)
	} else if len(l.UnknownCritical) != 1 { // not flagged indirect
		t.Errorf("%v", l.UnknownCritical)
	} else if _, ok, _ := l.Lookup(l.Issuer, bigInt(9)); ok {
		t.Error("found under the list's own issuer")
	}
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("took %s", d)
	}
}

func TestExtensionsOfLists(t *testing.T) {
	ca := newRoot(t, "CA")
	l := ca.list(t, listOptions{extra: []pkix.Extension{
		idp(fullName(uri(point)), flag(onlyUser), someReasons(someReason, 0x60), flag(indirect)),
		ext(oid(2, 5, 29, 46), false, tlv(0x30, tlv(0x30, fullName(uri("http://crl.example.kz/d.crl"))))),
	}})
	p := l.IDP
	if p == nil || len(p.FullNames) != 1 || p.FullNames[0].Text != point || !p.OnlyUser || p.OnlyCA || !p.Indirect || !p.HasReasons || p.Reasons != 6 {
		t.Errorf("%+v", p)
	}
	if len(l.FreshestCRL) != 1 || l.FreshestCRL[0].FullNames[0].Text != "http://crl.example.kz/d.crl" {
		t.Errorf("%+v", l.FreshestCRL)
	}
	if d := ca.list(t, listOptions{number: 5, extra: []pkix.Extension{deltaOf(4)}}); !d.Delta() || d.BaseNumber.Int64() != 4 || l.Delta() {
		t.Errorf("%+v", d.BaseNumber)
	}
}

// The national lists, as published.
func TestKazakhLists(t *testing.T) {
	dir := suites(t, "kz")
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, name := range []string{"nca_gost2022_test.crl", "nca_gost2022_test_2026.crl", "nca_gost_test.crl", "nca_rsa_test.crl"} {
		l, err := crl.Parse(read("crl/"+name), crl.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(l.UnknownCritical) > 0 || l.NextUpdate.IsZero() {
			t.Errorf("%s: %v %v", name, l.UnknownCritical, l.NextUpdate)
		}
		if name == "nca_gost2022_test_2026.crl" && l.Entries != 195 {
			t.Errorf("%s: %d entries", name, l.Entries)
		}
		n := 0
		for e := range l.All {
			n++
			if _, ok, _ := l.Lookup(l.Issuer, e.Serial); !ok {
				t.Errorf("%s: %x", name, e.Serial)
			}
		}
		if n != l.Entries {
			t.Errorf("%s: %d of %d", name, n, l.Entries)
		}
	}

	certs := func(name string) *pki.Certificate {
		all, err := pki.ReadCertificates(read(name))
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	ca, leaf := certs("ca/nca_rsa_test.crt"), certs("certs/individual_valid_sign_2004_rsa.cer")
	l, err := crl.Parse(read("crl/nca_rsa_test.crl"), crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	gost, err := crl.Parse(read("crl/nca_gost_test.crl"), crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	q := crl.Query{Certificate: leaf, Issuer: trust.AnchorOf(ca), IssuerCert: ca, Anchor: trust.AnchorOf(ca), Lists: []*crl.List{gost, l}}
	for day, want := range map[string]crl.Status{"2022-04-15": crl.Good, "2022-12-15": crl.Unknown, "2022-03-01": crl.Unknown} {
		q.At, _ = time.Parse(time.DateOnly, day)
		a := crl.Judge(t.Context(), q)
		if a.Status != want {
			t.Errorf("%s: want %s, got %s: %s", day, want, a.Status, a.Why)
		}
		if day == "2022-12-15" && !a.RetryAfter.After(q.At) {
			t.Errorf("stale, ask again at %s", a.RetryAfter)
		}
	}
	// The same under a national key.
	ca, leaf = certs("ca/nca_gost_test.crt"), certs("certs/ceo_valid_sign_2004_gost.cer")
	q = crl.Query{Certificate: leaf, Issuer: trust.AnchorOf(ca), IssuerCert: ca, Anchor: trust.AnchorOf(ca), Lists: []*crl.List{gost}, At: gost.ThisUpdate.Add(time.Hour)}
	if a := crl.Judge(t.Context(), q); a.Status != crl.Good {
		t.Errorf("GOST list: %s: %s", a.Status, a.Why)
	}
	// The standard library refuses the list of 2026: NULL stands beside the algorithm's name outside and nothing inside.
	l, err = crl.Parse(read("crl/nca_gost2022_test_2026.crl"), crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x509.ParseRevocationList(read("crl/nca_gost2022_test_2026.crl")); err == nil {
		t.Error("the standard library reads it now: this line can go")
	}
	for name, want := range map[string]error{"ca/nca_gost2022_test.cer": nil, "ca/root_test_gost_2022.cer": pki.ErrSignature, "ca/nca_gost_test.crt": pki.ErrAlgorithm} {
		if err := l.VerifySignature(&certs(name).PublicKey); !errors.Is(err, want) {
			t.Errorf("the list of 2026 under %s: %v", name, err)
		}
	}
}

// What is signed names the algorithm: NULL outside, where RFC 5758 §3.2 has nothing behind ECDSA, is a list's that holds.
func TestNullOutside(t *testing.T) {
	ca := newRoot(t, "CA")
	der := cryptobyte.String(ca.der(t, listOptions{}))
	var body, signed, algorithm, value cryptobyte.String
	if !der.ReadASN1(&body, casn1.SEQUENCE) || !body.ReadASN1Element(&signed, casn1.SEQUENCE) ||
		!body.ReadASN1(&algorithm, casn1.SEQUENCE) || !body.ReadASN1Element(&value, casn1.BIT_STRING) {
		t.Fatal("the list cannot be taken apart")
	}
	l, err := crl.Parse(tlv(0x30, signed, tlv(0x30, algorithm, []byte{5, 0}), value), crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.VerifySignature(&ca.cert.PublicKey); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	ca := newRoot(f, "CA")
	seeds := [][]byte{
		ca.der(f, listOptions{}), ca.der(f, listOptions{entries: random(f, 5), extra: []pkix.Extension{idp(fullName(uri(point)), flag(indirect))}}),
		ca.der(f, listOptions{number: 9, extra: []pkix.Extension{deltaOf(3)}}), assemble(rawEntry([]byte{1})),
		ca.der(f, listOptions{entries: []x509.RevocationListEntry{entry(ca.cert, at, 1, certificateIssuer(cn("X")))}, extra: []pkix.Extension{idp(flag(indirect))}}),
	}
	if len(seeds) == 0 {
		f.Fatal("no corpus")
	}
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := crl.Parse(data, crl.Limits{Bytes: 1 << 20, Entries: 10_000})
		if err != nil {
			if l != nil || !(errors.Is(err, crl.ErrMalformed) || errors.Is(err, crl.ErrTooLarge)) {
				t.Fatalf("%v %v", l, err)
			}
			return
		}
		n := 0
		for e := range l.All {
			n++
			if got, ok, _ := l.Lookup(e.Issuer, e.Serial); !ok || got.Serial.Cmp(e.Serial) != 0 || !got.Issuer.Equal(e.Issuer) {
				t.Fatalf("entry %d (%x) is not found", n, e.Serial)
			}
		}
		if n > l.Entries || (n == 0) != (l.Entries == 0) {
			t.Fatalf("%d of %d entries", n, l.Entries)
		}
		again, err := crl.Read(t.Context(), iotest.OneByteReader(bytes.NewReader(l.Raw)), crl.Limits{})
		if err != nil || again.SHA256() != l.SHA256() || again.Entries != l.Entries || !bytes.Equal(again.Raw, l.Raw) {
			t.Fatalf("reads once, not twice: %v", err)
		}
	})
}
