// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

// suite returns the folder of a conformance suite, or skips the test.
func suite(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("RASTAU_SUITES")
	if root == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				break
			}
		}
		root = filepath.Join(dir, "..", "shared", "suites")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatalf("the suite %s is required and absent: %v", name, err)
		}
		t.Skipf("the suite %s is not on this machine", name)
	}
	return dir
}

type pathCase struct {
	ID            string
	Section       string
	TargetCert    string `json:"target_cert"`
	Intermediates []string
	CRLs          []string `json:"crls"`
	Anchors       []string
	Expect        string
	Reason        string
	Policies      []pki.OID `json:"expect_user_constrained_policy_set"`
	Settings      struct {
		Time             string
		InitialPolicySet []pki.OID `json:"initial_policy_set"`
		Explicit         bool      `json:"require_explicit_policy"`
		NoMapping        bool      `json:"inhibit_policy_mapping"`
		NoAny            bool      `json:"inhibit_any_policy"`
		MaxChainDepth    *int      `json:"max_chain_depth"`
	}
}

func pathCases(t *testing.T, dir string) []pathCase {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []pathCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("the manifest is empty")
	}
	return cases
}

func readCertificates(t *testing.T, files ...string) ([]*pki.Certificate, error) {
	t.Helper()
	var out []*pki.Certificate
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		certificates, err := pki.ReadCertificates(data)
		if err != nil {
			return nil, err
		}
		out = append(out, certificates...)
	}
	return out, nil
}

// query reads a case; the error is that of a certificate that cannot be read.
func (c pathCase) query(t *testing.T, dir string) (trust.Query, error) {
	t.Helper()
	under := func(files []string) []string {
		out := make([]string, len(files))
		for i, f := range files {
			out[i] = filepath.Join(dir, f)
		}
		return out
	}
	var q trust.Query
	leaf, err := readCertificates(t, under([]string{c.TargetCert})...)
	if err != nil {
		return q, err
	}
	anchors, err := readCertificates(t, under(c.Anchors)...)
	if err != nil {
		return q, err
	}
	bag, err := readCertificates(t, under(c.Intermediates)...)
	if err != nil {
		return q, err
	}
	at, err := time.Parse(time.RFC3339, c.Settings.Time)
	if err != nil {
		t.Fatal(err)
	}
	q = trust.Query{
		Leaf: leaf[0], Candidates: bag, At: at,
		Policies:              c.Settings.InitialPolicySet,
		RequireExplicitPolicy: c.Settings.Explicit,
		InhibitPolicyMapping:  c.Settings.NoMapping,
		InhibitAnyPolicy:      c.Settings.NoAny,
		Algorithms:            pki.LegacyAlgorithms,
	}
	for _, a := range anchors {
		q.Anchors = append(q.Anchors, trust.AnchorOf(a))
	}
	return q, nil
}

// explain shows the best path's failures for a test's message.
func explain(paths []trust.Path, hint string) string {
	if len(paths) == 0 {
		return "no path: " + hint
	}
	var b strings.Builder
	for _, f := range paths[0].Failures {
		b.WriteString(string(f.Reason) + " (" + f.Citation + "): " + f.Detail + " ")
	}
	return b.String()
}

// pkitsReasons says which failure must be on the best path for what the suite
// gives as its reason. Reasons of revocation are missing: lists decide those.
var pkitsReasons = map[string]trust.Reason{
	"signature-invalid":          trust.Signature,
	"outside-validity":           "", // Expired or NotYetValid
	"issuer-name-mismatch":       "", // no path
	"basic-constraints":          "", // NotCA or PathLength
	"key-usage":                  trust.KeyUsage,
	"no-valid-policy":            trust.PolicyConstraint,
	"name-constraints":           trust.NameConstraint,
	"unknown-critical-extension": trust.CriticalExtension,
}

func TestPKITS(t *testing.T) {
	dir := suite(t, "pkits")
	decided, right := 0, 0
	for _, c := range pathCases(t, dir) {
		want, byPath := pkitsReasons[c.Reason]
		// 4.7.4 and 4.7.5 are about cRLSign: the path itself is good.
		if c.Expect != "valid" && (!byPath || c.Reason == "key-usage" && strings.Contains(c.TargetCert, "cRLSign")) {
			continue
		}
		decided++
		q, err := c.query(t, dir)
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		paths, hint := trust.Find(context.Background(), q)
		valid := len(paths) > 0 && paths[0].Valid()
		switch {
		case valid != (c.Expect == "valid"):
			t.Errorf("%s %s: expected %s (%s): %s", c.ID, c.TargetCert, c.Expect, c.Reason, explain(paths, hint))
			continue
		case valid && !sameSet(paths[0].Policies, c.Policies):
			t.Errorf("%s: user-constrained-policy-set %v, expected %v", c.ID, paths[0].Policies, c.Policies)
			continue
		case want != "" && !slices.ContainsFunc(paths[0].Failures, func(f trust.Failure) bool { return f.Reason == want }):
			t.Errorf("%s: refused, but not for %s: %s", c.ID, want, explain(paths, hint))
			continue
		}
		right++
	}
	t.Logf("%d of the cases are decided by paths alone, %d rightly", decided, right)
	if right != decided || decided != 202 {
		t.Errorf("%d of %d cases right, held at 202 of 202", right, decided)
	}
}

func sameSet(a, b []pki.OID) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// limboWaived are the cases that paths do not decide, each with its reason.
var limboWaived = map[string]string{
	"crl::revoked-certificate-with-crl": "a list decides",
	"rfc5280::aki::leaf-missing-aki":    "RFC 5280 §4.2.1.1 binds CAs; key identifiers are hints for building, §6.1 does not ask for them",
	"rfc5280::eku::ee-wrong-eku":        "missing input: the purpose asked for; the leaf's purpose is judged elsewhere",
	"rfc5280::serial::zero":             "RFC 5280 §4.1.2.2: users SHOULD handle serial numbers of zero gracefully",
	"rfc5280::validity::expired-root":   "RFC 5280 §6.1.1 (d): an anchor is a name and a key, it does not expire",
}

func TestLimbo(t *testing.T) {
	dir := suite(t, "limbo")
	decided := 0
	for _, c := range pathCases(t, dir) {
		if strings.HasPrefix(c.ID, "webpki::") {
			continue
		}
		_, waived := limboWaived[c.ID]
		if !waived {
			decided++
		}
		q, err := c.query(t, dir)
		if err != nil {
			if c.Expect == "valid" {
				t.Errorf("%s: %v", c.ID, err)
			}
			continue
		}
		q.Policies = nil
		q.AnchorConstraints = true
		if d := c.Settings.MaxChainDepth; d != nil {
			q.Limits.Depth = *d + 1
		}
		started := time.Now()
		paths, hint := trust.Find(context.Background(), q)
		if spent := time.Since(started); spent > time.Second {
			t.Errorf("%s took %v", c.ID, spent)
		}
		switch valid := len(paths) > 0 && paths[0].Valid(); {
		case waived && valid == (c.Expect == "valid"):
			t.Errorf("%s agrees: its waiver can go", c.ID)
		case !waived && valid != (c.Expect == "valid"):
			t.Errorf("%s: expected %s: %s", c.ID, c.Expect, explain(paths, hint))
		}
	}
	if decided != 68 {
		t.Errorf("%d cases decided, held at 68", decided)
	}
}
