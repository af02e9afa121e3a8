// SPDX-License-Identifier: Apache-2.0

package pdf_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rastau/internal/pdf"
)

func items(texts ...string) []pdf.Item {
	var out []pdf.Item
	for _, t := range texts {
		out = append(out, pdf.Item{DER: []byte(t)})
	}
	return out
}

func contents(list []pdf.Item) string {
	var out []string
	for _, i := range list {
		s := string(i.DER)
		out = append(out, s[:min(len(s), 8)])
	}
	return strings.Join(out, " ")
}

// A licence becomes LT and LTA, is renewed, and every step is an update that its signature allows.
func TestAppendDSS(t *testing.T) {
	key := licensor(t)
	plain := page(t, 2, []byte("{}"))
	files := map[string]func(*testing.T) []byte{
		"table":  func(*testing.T) []byte { return plain },
		"packed": func(t *testing.T) []byte { return packed(t) },
		"hybrid and linearised": func(t *testing.T) []byte {
			return qpdf(t, plain, "--linearize", "--object-streams=generate")
		},
	}
	long := strings.Repeat("a list ", 1000)
	for name, make := range files {
		for _, certify := range []int{0, 1, 2} {
			t.Run(name+" "+string(rune('0'+certify)), func(t *testing.T) {
				signed := sign(t, key, make(t), pdf.PrepareOptions{Certify: certify, Size: 4096})
				d := open(t, signed)
				if d.DSS() != nil {
					t.Error("a store out of nothing")
				}
				base := d.Revisions()
				vri := d.Signatures()[0].VRIKey()
				first, err := pdf.AppendDSS(signed, &pdf.DSS{
					Material: pdf.Material{Certificates: items("ca", "root")},
					VRI:      map[string]pdf.Material{vri: {Certificates: items("ca"), CRLs: items(long), OCSPs: items("answer")}},
				})
				if err != nil {
					t.Fatal(err)
				}
				if len(first)-len(signed) > 4000 {
					t.Errorf("%d bytes for a list that can be packed", len(first)-len(signed))
				}
				agreed(t, first, 1, false)
				stamped := sign(t, key, first, pdf.PrepareOptions{SubFilter: "ETSI.RFC3161", Size: 4096})
				again, err := pdf.AppendDSS(stamped, &pdf.DSS{
					Material: pdf.Material{Certificates: items("ca", "tsa", "tsa"), CRLs: items(long)},
					VRI:      map[string]pdf.Material{vri: {OCSPs: items("answer", "later")}},
				})
				if err != nil {
					t.Fatal(err)
				}
				last := sign(t, key, again, pdf.PrepareOptions{SubFilter: "ETSI.RFC3161", Size: 4096})
				agreed(t, last, 1, false)
				if same, err := pdf.AppendDSS(last, &pdf.DSS{Material: pdf.Material{Certificates: items("tsa")}}); err != nil || !bytes.Equal(same, last) {
					t.Errorf("nothing new, %d bytes more: %v", len(same)-len(last), err)
				}
				d = open(t, last)
				s := d.DSS()
				if s == nil || contents(s.Certificates) != "ca root tsa" || contents(s.CRLs) != "a list a" || contents(s.OCSPs) != "answer later" || s.Skipped != 0 {
					t.Fatalf("%+v", s)
				}
				if r := s.Certificates; r[0].Revision != base || r[2].Revision != base+2 || s.OCSPs[1].Revision != base+2 {
					t.Errorf("revisions: %+v", r)
				}
				sigs := d.Signatures()
				if m, ok := s.For(sigs[0]); !ok || contents(m.Certificates) != "ca" || contents(m.OCSPs) != "answer later" {
					t.Errorf("of the signature: %v %+v", ok, m)
				}
				if _, ok := s.For(sigs[1]); ok {
					t.Error("something of the time-stamp")
				}
				var kinds []string
				for _, c := range sigs[0].Changes {
					kinds = append(kinds, c.Kind)
					if !c.Justified || c.Visible {
						t.Errorf("%+v", c)
					}
				}
				want := []string{pdf.ValidationData, pdf.DocumentTimestamp, pdf.ValidationData, pdf.DocumentTimestamp}
				if !slices.Equal(kinds, want) || len(sigs) != 3 || !sigs[2].IsTimestamp() || !sigs[2].CoversAll {
					t.Errorf("%v, %+v", kinds, sigs[2])
				}
				if !bytes.Contains(last[len(signed):], []byte("/DocTimeStamp")) {
					t.Error("no /Type /DocTimeStamp")
				}
			})
		}
	}
}

func open(t *testing.T, data []byte) *pdf.Document {
	t.Helper()
	d, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDSSOfOthers(t *testing.T) {
	signed := sign(t, licensor(t), form(t), pdf.PrepareOptions{Field: "First", Size: 4096})
	catalog := object(t, signed, 1)
	data := edit(t, signed, "", map[int]string{
		1:  replaced(t, catalog, "/Pages", "/DSS 50 0 R/Pages"),
		50: "<</Certs 51 0 R/VRI<</ab<</Cert[52 0 R 54 0 R]/TU(x)>>>>/CRLs[53 0 R 99 0 R]/OCSPs[(direct)]>>",
		51: "[52 0 R 52 0 R]", 52: drawing("", "one"), 53: drawing("/Filter/FlateDecode", "not packed"), 54: drawing("", "one"),
	})
	s := open(t, data).DSS()
	if s == nil || contents(s.Certificates) != "one" || len(s.CRLs) != 0 || s.Skipped != 3 || contents(s.VRI["AB"].Certificates) != "one" {
		t.Errorf("%+v", s)
	}
	// A store that grows in an array of its own is a store that grows.
	data = edit(t, signed, "", map[int]string{1: replaced(t, catalog, "/Pages", "/DSS<</Certs 51 0 R>>/Pages"), 51: "[52 0 R]", 52: drawing("", "one")})
	data = edit(t, data, "", map[int]string{51: "[52 0 R 55 0 R]", 55: drawing("", "two")})
	d := open(t, data)
	if s := d.DSS(); contents(s.Certificates) != "one two" || s.Certificates[1].Revision != 4 {
		t.Errorf("%+v", s)
	}
	if c := d.Signatures()[0].Changes; len(c) != 2 || c[1].Kind != pdf.ValidationData || !c[0].Justified || !c[1].Justified {
		t.Errorf("%+v", c)
	}
}

func TestVRIKey(t *testing.T) {
	dir := suites(t, "pades")
	data, err := os.ReadFile(filepath.Join(dir, "dss", "PAdES-LT.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, data)
	s := d.DSS()
	found := 0
	for _, g := range d.Signatures() {
		if m, ok := s.For(g); ok && len(m.Certificates) > 0 && len(m.OCSPs) > 0 {
			found++
		}
	}
	if found != 3 || len(s.Certificates) != 11 || len(s.OCSPs) != 3 {
		t.Errorf("%d entries found of 3; %d certificates, %d answers", found, len(s.Certificates), len(s.OCSPs))
	}
}

func TestCertify(t *testing.T) {
	key := licensor(t)
	plain := page(t, 1, nil)
	sealed := sign(t, key, plain, pdf.PrepareOptions{Certify: 1, Size: 4096})
	agree(t, sealed, 1)
	if s := open(t, sealed).Signatures()[0]; s.Permission != 1 {
		t.Errorf("%+v", s)
	}
	for name, o := range map[string]pdf.PrepareOptions{
		"a further signature": {}, "a second certification": {Certify: 2},
	} {
		if _, err := pdf.Prepare(sealed, o); err == nil {
			t.Error(name)
		}
	}
	if _, err := pdf.Prepare(plain, pdf.PrepareOptions{Certify: 4}); err == nil {
		t.Error("P 4")
	}
}
