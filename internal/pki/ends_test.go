// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"testing"
	"time"

	"rastau/internal/pki"
)

// The table for people says what the policy does.
func TestAlgorithmEnds(t *testing.T) {
	table := map[string]pki.AlgorithmEnd{}
	for _, e := range pki.AlgorithmEnds() {
		if _, twice := table[e.Name]; twice {
			t.Errorf("%s stands twice", e.Name)
		}
		table[e.Name] = e
	}
	for name, hash := range map[string]pki.OID{"SHA-1": pki.OIDSHA1, "SHA-224": pki.OIDSHA224, "SHA-256": pki.OIDSHA256} {
		e, ok := table[name]
		if !ok {
			t.Errorf("%s is missing", name)
		}
		for _, at := range []time.Time{time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)} {
			counts := !e.Never && (e.Until.IsZero() || !at.After(e.Until))
			if err := pki.DefaultAlgorithms.AcceptHash(hash, at); (err == nil) != counts {
				t.Errorf("%s at %s: %v, the table says %v", name, at, err, counts)
			}
		}
	}
	if !table["DSA"].Never || !table["RSA, fewer bits"].Never || table["RSA, 2048 bits or more"].Until.IsZero() || table["Ed25519"].Never {
		t.Errorf("%+v", table)
	}
}
