// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

// TestKazakhstan judges certificates that the State has published.
func TestKazakhstan(t *testing.T) {
	dir := suite(t, "kz")
	read := func(names ...string) []*pki.Certificate {
		t.Helper()
		files := make([]string, len(names))
		for i, n := range names {
			files[i] = filepath.Join(dir, n)
		}
		out, err := readCertificates(t, files...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	all := []string{"ca/nca_rsa.pem", "ca/nca_rsa_2015.pem", "ca/nca_rsa_2022.cer", "ca/root_rsa.pem", "ca/root_rsa_2020.cer", "ca/nca_gost.pem", "ca/btsd_gost.cer", "ca/root_gost_2020.cer"}
	const leaf2018 = "certs/test_individual_rsa_auth_2018_prodchain.cer"
	for _, tt := range []struct {
		name, leaf, anchor, at string
		bag                    []string
		length                 int // certificates on the best path, 0 = no path
		reasons                []trust.Reason
	}{
		{"production chain", leaf2018, "ca/root_rsa.pem", "2019-01-01T00:00:00Z", all, 2, nil},
		{"production chain, anchored at the national authority", leaf2018, "ca/nca_rsa.pem", "2019-01-01T00:00:00Z", nil, 1, nil},
		{"after the leaf's time", leaf2018, "ca/root_rsa.pem", "2020-01-01T00:00:00Z", all, 2, []trust.Reason{trust.Expired}},
		{"before the leaf's time", leaf2018, "ca/root_rsa.pem", "2018-08-10T00:00:00Z", all, 2, []trust.Reason{trust.NotYetValid}},
		{"the root of 2020 has the same common name and is another", leaf2018, "ca/root_rsa_2020.cer", "2019-01-01T00:00:00Z", all, 0, nil},
		{"national authority under its root", "ca/nca_rsa.pem", "ca/root_rsa.pem", "2019-01-01T00:00:00Z", nil, 1, nil},
		{"national authority under the root of 2020", "ca/nca_rsa.pem", "ca/root_rsa_2020.cer", "2021-01-01T00:00:00Z", nil, 0, nil},
		{"national authority of 2022", "ca/nca_rsa_2022.cer", "ca/root_rsa_2020.cer", "2023-01-01T00:00:00Z", all, 1, nil},
		{"GOST national authority", "ca/nca_gost.pem", "ca/root_gost.pem", "2020-01-01T00:00:00Z", all, 1, nil},
		{"GOST national authority under the root of 2020", "ca/nca_gost.pem", "ca/root_gost_2020.cer", "2021-01-01T00:00:00Z", all, 0, nil},
		{"GOST national authority of 2022", "ca/nca_gost_2022.pem", "ca/root_gost_2022.pem", "2023-01-01T00:00:00Z", all, 1, nil},
		{"authority of state bodies", "ca/ucgo_gost.cer", "ca/root_gost_2020.cer", "2044-01-01T00:00:00Z", all, 1, nil},
		{"test contour", "certs/individual_valid_sign_2004_rsa.cer", "ca/nca_rsa_test.crt", "2022-04-15T00:00:00Z", all, 1, nil},
		{"an anchor as leaf", "ca/root_rsa.pem", "ca/root_rsa.pem", "2019-01-01T00:00:00Z", all, 1, nil},
		{"an anchor as leaf, expired", "ca/root_rsa.pem", "ca/root_rsa.pem", "2026-01-01T00:00:00Z", all, 1, []trust.Reason{trust.Expired}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			paths, hint := trust.Find(context.Background(), trust.Query{
				Leaf: read(tt.leaf)[0], Anchors: []trust.Anchor{trust.AnchorOf(read(tt.anchor)[0])}, Candidates: read(tt.bag...), At: at,
			})
			if tt.length == 0 {
				if len(paths) != 0 || hint == "" {
					t.Fatalf("expected no path and a hint: %s", explain(paths, hint))
				}
				return
			}
			checkReasons(t, paths, hint, tt.length, tt.reasons)
		})
	}

	// This authority is older than the root above it: periods need not nest.
	t.Run("older than its root", func(t *testing.T) {
		paths, hint := trust.Find(context.Background(), trust.Query{
			Leaf: read("ca/btsd_gost.cer")[0], Anchors: []trust.Anchor{trust.AnchorOf(read("ca/root_gost_2020.cer")[0])},
			At: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC),
		})
		checkReasons(t, paths, hint, 1, nil)
	})
}

// checkReasons holds the best path's length and the reasons of its failures.
func checkReasons(t *testing.T, paths []trust.Path, hint string, length int, want []trust.Reason) {
	t.Helper()
	if len(paths) == 0 {
		t.Fatalf("no path: %s", hint)
	}
	best := paths[0]
	if len(best.Certificates) != length {
		t.Errorf("a path of %d certificates, expected %d", len(best.Certificates), length)
	}
	var got []trust.Reason
	for _, f := range best.Failures {
		got = append(got, f.Reason)
		if f.Citation == "" || f.Detail == "" || f.Certificate == nil {
			t.Errorf("the failure says too little: %+v", f)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("failures %v, expected %v: %s", got, want, explain(paths, hint))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("failures %v, expected %v: %s", got, want, explain(paths, hint))
		}
	}
}
