// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"
	"testing/iotest"
	"time"

	"rastau/crl"
	"rastau/internal/testpki"
)

// ragged gives a stream in pieces of any length.
type ragged struct{ io.Reader }

func (r ragged) Read(p []byte) (int, error) {
	return r.Reader.Read(p[:1+rand.IntN(min(len(p), 5000))])
}

// A list of several hundred chunks, however it comes in, is the list that Parse reads; every entry is found.
func TestRead(t *testing.T) {
	const n = 200_000
	ca := bigCA(t)
	der, err := os.ReadFile(bigFile(t, ca, testpki.BigList{Entries: n, Number: 9}))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := crl.Parse(der, crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]io.Reader{
		"whole": bytes.NewReader(der), "ragged": ragged{bytes.NewReader(der)}, "end with the data": iotest.DataErrReader(bytes.NewReader(der)),
	} {
		l, err := crl.Read(t.Context(), r, crl.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if l.SHA256() != whole.SHA256() || l.Entries != n || l.Size != int64(len(der)) || l.Number.Int64() != 9 || l.Raw != nil {
			t.Errorf("%s: %d entries, %d octets", name, l.Entries, l.Size)
		}
		if err := l.VerifySignature(key(ca)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := whole.VerifySignature(key(ca)); err != nil {
			t.Error(err)
		}
		for i := range n {
			s := testpki.BigSerial(0, i)
			want := map[bool]int{true: 1, false: -1}[i%2 == 1]
			e, ok, _ := l.Lookup(l.Issuer, new(big.Int).SetBytes(s[:]))
			if !ok || e.Reason != want || !e.Date.Equal(at.Add(-25*time.Hour)) {
				t.Fatalf("%s: entry %d: %+v %t", name, i, e, ok)
			}
			s = testpki.BigSerial(1, i)
			if _, ok, _ := l.Lookup(l.Issuer, new(big.Int).SetBytes(s[:])); ok {
				t.Fatalf("%s: %x is not listed", name, s)
			}
		}
		if _, err := l.DER(); err == nil {
			t.Error("a copy out of nowhere")
		}
		if per := float64(l.IndexBytes()) / n; per > 27 {
			t.Errorf("%.2f octets an entry", per)
		}
	}
	// Tampered in the middle: the signature tells.
	for range 20 {
		bad := bytes.Clone(der)
		bad[200+rand.IntN(len(bad)-400)] ^= 1
		if l, err := crl.Read(t.Context(), bytes.NewReader(bad), crl.Limits{}); err == nil && l.VerifySignature(key(ca)) == nil {
			t.Fatal("a changed octet passes")
		}
	}
}

// endless gives one octet for ever.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestReadHostile(t *testing.T) {
	ca := bigCA(t)
	der, err := os.ReadFile(bigFile(t, ca, testpki.BigList{Entries: 50_000}))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the line broke")
	gone, leave := context.WithCancel(t.Context())
	leave()
	for name, tc := range map[string]struct {
		ctx  context.Context
		r    io.Reader
		lim  crl.Limits
		want error
	}{
		"zeros":                      {t.Context(), io.LimitReader(endless(0), 10<<20), crl.Limits{}, crl.ErrMalformed},
		"ten million of one octet":   {t.Context(), io.LimitReader(endless(0x30), 10_000_000), crl.Limits{}, crl.ErrMalformed},
		"without end":                {t.Context(), endless(0x30), crl.Limits{Bytes: 4 << 20}, nil},
		"text without end":           {t.Context(), endless('-'), crl.Limits{Bytes: 4 << 20}, crl.ErrTooLarge},
		"cut":                        {t.Context(), bytes.NewReader(der[:len(der)/2]), crl.Limits{}, crl.ErrMalformed},
		"the line breaks":            {t.Context(), io.MultiReader(bytes.NewReader(der[:len(der)/2]), iotest.ErrReader(broken)), crl.Limits{}, broken},
		"the line breaks, as if cut": {t.Context(), io.MultiReader(bytes.NewReader(der[:len(der)/2]), iotest.ErrReader(io.ErrUnexpectedEOF)), crl.Limits{}, io.ErrUnexpectedEOF},
		"the line breaks at once":    {t.Context(), iotest.ErrReader(broken), crl.Limits{}, broken},
		"more than it says":          {t.Context(), io.MultiReader(bytes.NewReader(der), io.LimitReader(endless(0), 1<<20)), crl.Limits{}, crl.ErrMalformed},
		"one octet more":             {t.Context(), io.MultiReader(bytes.NewReader(der), bytes.NewReader([]byte{0})), crl.Limits{}, crl.ErrMalformed},
		"too many entries":           {t.Context(), bytes.NewReader(der), crl.Limits{Entries: 49_999}, crl.ErrTooLarge},
		"too many octets":            {t.Context(), bytes.NewReader(der), crl.Limits{Bytes: int64(len(der)) - 1}, crl.ErrTooLarge},
		"nobody waits":               {gone, bytes.NewReader(der), crl.Limits{}, context.Canceled},
		"empty":                      {t.Context(), bytes.NewReader(nil), crl.Limits{}, crl.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := crl.Read(tc.ctx, tc.r, tc.lim)
			if l != nil || err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Serials of every length, the same ones again and again, and dates that take more than 32 bits: the first stands.
func TestIndexOfOddLists(t *testing.T) {
	var entries []byte
	lengths := []int{1, 19, 20, 21, 40, 41, 100, 128}
	serial := func(length, i int) []byte {
		s := bytes.Repeat([]byte{0x11}, length)
		if length >= 4 {
			binary.BigEndian.PutUint32(s[length-4:], uint32(i))
		} else {
			s[0] = byte(1 + i%100)
		}
		return s
	}
	const each = 300
	for range 3 {
		for _, n := range lengths {
			for i := range each {
				entries = append(entries, rawEntry(serial(n, i))...)
			}
		}
	}
	far := tlv(0x30, tlv(2, []byte{0x55, 1}), []byte("\x18\x0f99991231235959Z"))
	near := tlv(0x30, tlv(2, []byte{0x55, 1}), []byte("\x17\x0d260101000000Z"))
	entries = append(append(entries, far...), near...)
	l, err := crl.Read(t.Context(), ragged{bytes.NewReader(assemble(entries))}, crl.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range lengths {
		for i := range each {
			if _, ok, _ := l.Lookup(l.Issuer, new(big.Int).SetBytes(serial(n, i))); !ok {
				t.Fatalf("%d octets, %d", n, i)
			}
			if n >= 4 {
				if _, ok, _ := l.Lookup(l.Issuer, new(big.Int).SetBytes(serial(n, i+each))); ok {
					t.Fatalf("%d octets, %d is not listed", n, i+each)
				}
			}
		}
	}
	if e, ok, _ := l.Lookup(l.Issuer, bigInt(0x5501)); !ok || e.Date.Year() != 2026 {
		t.Errorf("the earlier date counts: %+v %t", e, ok)
	}
	count := 0
	for range l.All {
		count++
	}
	if want := 100 + 7*each + 2; count != want {
		t.Errorf("%d entries, want %d", count, want)
	}
	if _, ok, _ := l.Lookup(l.Issuer, new(big.Int).Lsh(bigInt(1), 5000)); ok {
		t.Error("a number that no list can hold")
	}
}
