// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
)

// A large index is mapped and asked before it is checked whole. Where its file rotted, no answer comes from the rotten part,
// neither "listed" nor "not listed", whoever asks first; the file goes, and the list comes from the network.
func TestDamagedIndex(t *testing.T) {
	const entries = 400_000 // an index of over 8 MiB
	ca := bigCA(t)
	name := bigFile(t, ca, testpki.BigList{Entries: entries})
	dir := t.TempDir()
	const url = "http://crl.example/big.crl"
	check := signedBy(ca.Certificate)
	now := func() time.Time { return at }
	first := crl.NewSource(crl.SourceOptions{Fetch: file(name), Folder: dir, Now: now})
	if _, err := first.List(context.Background(), url, check); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	index := waitFile(t, dir, "*.index")
	good, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	var revoked []*big.Int
	for i := range 3000 {
		s := testpki.BigSerial(0, i*entries/3000)
		revoked = append(revoked, new(big.Int).SetBytes(s[:]))
	}
	never := testpki.BigSerial(1, 0)
	for round, change := range map[string]func(b []byte){
		"records": func(b []byte) { // every serial number of a megabyte
			for i := len(b) / 2; i < len(b)/2+1<<20; i += 7 {
				b[i] ^= 0x55
			}
		},
		"the way to the records": func(b []byte) {
			for i := len(b) - 1<<20; i < len(b); i += 4 {
				b[i] ^= 1
			}
		},
		"all zero": func(b []byte) { clear(b[1<<20:]) },
	} {
		t.Run(round, func(t *testing.T) {
			bad := bytes.Clone(good)
			change(bad)
			write(t, index, bad)
			log := &journal{}
			s := crl.NewSource(crl.SourceOptions{Fetch: nobody{}, Folder: dir, Now: now, Log: log.log()})
			l, err := s.List(context.Background(), url, check)
			if err == nil {
				damaged := 0
				for _, serial := range revoked {
					_, listed, err := l.Lookup(l.Issuer, serial)
					switch {
					case errors.Is(err, crl.ErrDamaged):
						damaged++
					case !listed:
						t.Fatalf("%x is not listed: %v", serial, err)
					}
				}
				if damaged == 0 {
					t.Error("the rotten part was never met")
				}
				if _, listed, _ := l.Lookup(l.Issuer, new(big.Int).SetBytes(never[:])); listed {
					t.Error("a serial number that never was is listed")
				}
				leaf := *ca.Certificate
				leaf.Serial, leaf.Issuer, leaf.BasicConstraints = revoked[0], ca.Certificate.Subject, nil
				for _, serial := range revoked { // the verdict, too
					leaf.Serial = serial
					if a := crl.Judge(context.Background(), question(&leaf, ca.Certificate, l)); a.Status == crl.Good {
						t.Fatalf("%x is good", serial)
					} else if a.Status == crl.Unknown && a.RetryAfter.IsZero() {
						t.Fatalf("%+v", a)
					}
				}
			} else if !errors.Is(err, crl.ErrUnavailable) { // already found out
				t.Fatal(err)
			}
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
				if all, _ := filepath.Glob(filepath.Join(dir, "*.index")); len(all) == 0 {
					break
				}
			}
			if all, _ := filepath.Glob(filepath.Join(dir, "*.index")); len(all) != 0 || !log.has("damaged and dropped") {
				t.Errorf("%v", all)
			}
			if st := s.States()[0]; st.Refused == 0 {
				t.Errorf("%+v", st)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			mended := crl.NewSource(crl.SourceOptions{Fetch: file(name), Folder: dir, Now: now})
			l, err = mended.List(context.Background(), url, check)
			if err != nil {
				t.Fatal(err)
			}
			for _, serial := range revoked {
				if _, listed, err := l.Lookup(l.Issuer, serial); err != nil || !listed {
					t.Fatal(listed, err)
				}
			}
			if err := mended.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// question asks about a certificate that issuer, an anchor, signed.
func question(leaf, issuer *pki.Certificate, l *crl.List) crl.Query {
	return crl.Query{Certificate: leaf, Issuer: trust.AnchorOf(issuer), IssuerCert: issuer, Anchor: trust.AnchorOf(issuer), Lists: []*crl.List{l}, At: at}
}
