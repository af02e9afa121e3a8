// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

// suites is the folder of conformance data, outside the project.
func suites(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("RASTAU_SUITES")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "suites")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatalf("the suite %s is required and not there: %v", name, err)
		}
		t.Skipf("the suite %s is not there: set RASTAU_SUITES to the folder that holds it", name)
	}
	return dir
}

type pathCase struct {
	ID            string   `json:"id"`
	Title         string   `json:"title"`
	Target        string   `json:"target_cert"`
	Intermediates []string `json:"intermediates"`
	CRLs          []string `json:"crls"`
	Anchors       []string `json:"anchors"`
	Settings      struct {
		Time      time.Time `json:"time"`
		MaxAge    int       `json:"max_age_seconds"`
		Policies  []pki.OID `json:"initial_policy_set"`
		Explicit  bool      `json:"require_explicit_policy"`
		NoMapping bool      `json:"inhibit_policy_mapping"`
		NoAny     bool      `json:"inhibit_any_policy"`
	} `json:"settings"`
	Expect string `json:"expect"`
	Status string `json:"revocation_status"`
}

func readSuite(t *testing.T, name string) (string, []pathCase) {
	t.Helper()
	dir := suites(t, name)
	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []pathCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("the suite is empty")
	}
	return dir, cases
}

// run says what the suite's runner would: valid where some path breaks no rule and every certificate on it is good.
func run(dir string, c pathCase) (valid bool, last crl.Answer, why string) {
	read := func(names []string) (out []*pki.Certificate, err error) {
		for _, n := range names {
			data, err := os.ReadFile(filepath.Join(dir, n))
			if err != nil {
				return nil, err
			}
			certs, err := pki.ReadCertificates(data)
			if err != nil {
				return nil, err
			}
			out = append(out, certs...)
		}
		return out, nil
	}
	leaf, err := read([]string{c.Target})
	if err != nil {
		return false, last, err.Error()
	}
	bag, err := read(c.Intermediates)
	if err != nil {
		return false, last, err.Error()
	}
	roots, err := read(c.Anchors)
	if err != nil {
		return false, last, err.Error()
	}
	var anchors []trust.Anchor
	for _, r := range roots {
		anchors = append(anchors, trust.AnchorOf(r))
	}
	var lists []*crl.List
	for _, n := range c.CRLs {
		data, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			return false, last, err.Error()
		}
		l, err := crl.Parse(data, crl.Limits{})
		if err != nil {
			why += err.Error() + "; "
			continue
		}
		lists = append(lists, l)
	}
	paths, hint := trust.Find(context.Background(), trust.Query{
		Leaf: leaf[0], Anchors: anchors, Candidates: bag, At: c.Settings.Time, Algorithms: pki.LegacyAlgorithms,
		Policies: c.Settings.Policies, RequireExplicitPolicy: c.Settings.Explicit,
		InhibitPolicyMapping: c.Settings.NoMapping, InhibitAnyPolicy: c.Settings.NoAny,
	})
	why += hint
	for i := range paths {
		p := &paths[i]
		if len(p.Failures) > 0 {
			why += "path: " + string(p.Failures[0].Reason) + " " + p.Failures[0].Detail + "; "
			continue
		}
		good := true
		for n, cert := range p.Certificates {
			issuer := p.Issuer(n)
			last = crl.Judge(context.Background(), crl.Query{
				Certificate: cert, Issuer: issuer, IssuerCert: issuer.Certificate, Anchor: p.Anchor, Anchors: anchors, Lists: lists, Candidates: bag,
				At: c.Settings.Time, MaxAge: time.Duration(c.Settings.MaxAge) * time.Second, Algorithms: pki.LegacyAlgorithms,
			})
			if last.Status != crl.Good {
				why += last.Status.String() + ": " + last.Why + "; "
				good = false
				break
			}
		}
		if good {
			return true, last, why
		}
	}
	return false, last, why
}

// waived are cases whose expected answer is not the standard's, each with the reason.
var waived = map[string]string{
	"BSSL-CRL-bad_idp_indirectcrl": "an indirect list of the certificate's own issuer, its distribution point named by the certificate, covers it: " +
		"RFC 5280 §6.3.3 (b)(1) asks for cRLIssuer only where the issuers differ, §4.2.1.13 forbids it where they do not, and PKITS 4.14.22 " +
		"calls such a list valid; the case comes from a library that reads no indirect lists at all",
}

func TestSuiteOfLists(t *testing.T) {
	dir, cases := readSuite(t, "crl")
	passed, named := 0, 0
	for _, c := range cases {
		valid, last, why := run(dir, c)
		ok := valid == (c.Expect == "valid")
		if ok && (c.Status == "revoked") != (last.Status == crl.Revoked) {
			ok = false
		}
		if reason, is := waived[c.ID]; is {
			if ok {
				t.Errorf("%s is waived but passes", c.ID)
			}
			t.Logf("waived %s: %s", c.ID, reason)
			named++
			continue
		}
		if !ok {
			t.Errorf("%s (%s): want %s %s, got %v %s: %s", c.ID, c.Title, c.Expect, c.Status, valid, last.Status, why)
			continue
		}
		passed++
	}
	t.Logf("lists: %d of %d pass, %d waived by name", passed, len(cases), named)
}

func TestSuitePKITS(t *testing.T) {
	dir, cases := readSuite(t, "pkits")
	passed, all, about := 0, 0, 0
	for _, c := range cases {
		id := strings.TrimPrefix(c.ID, "PKITS-")
		lists := strings.HasPrefix(id, "4.4.") || strings.HasPrefix(id, "4.5.") || strings.HasPrefix(id, "4.7.") ||
			strings.HasPrefix(id, "4.14.") || strings.HasPrefix(id, "4.15.")
		if lists {
			about++
		}
		all++
		valid, last, why := run(dir, c)
		if valid != (c.Expect == "valid") {
			t.Errorf("%s (%s): want %s, got %v %s: %s", c.ID, c.Title, c.Expect, valid, last.Status, why)
			continue
		}
		passed++
	}
	if about < 70 {
		t.Errorf("only %d cases about lists found", about)
	}
	t.Logf("PKITS, path and lists: %d of %d, %d of them about lists", passed, all, about)
}

// Files made to break readers: none may bring this one down, hold it up or make it disagree with itself.
func TestSuiteMalformed(t *testing.T) {
	dir := suites(t, "malformed")
	archives, err := filepath.Glob(filepath.Join(dir, "*.tar.gz"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	read, all := 0, 0
	for _, name := range archives {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(z); ; {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			all++
			began := time.Now()
			if l, err := crl.Parse(data, crl.Limits{}); err == nil {
				read++
				n := 0
				for e := range l.All {
					n++
					if _, ok, _ := l.Lookup(e.Issuer, e.Serial); !ok {
						t.Errorf("%s/%s: entry %d is not found", filepath.Base(name), h.Name, n)
					}
				}
				if n != l.Entries {
					t.Errorf("%s/%s: %d of %d entries", filepath.Base(name), h.Name, n, l.Entries)
				}
			}
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("%s/%s took %s", filepath.Base(name), h.Name, d)
			}
		}
		_ = f.Close()
	}
	t.Logf("malformed: %d of %d read as lists", read, all)
}
