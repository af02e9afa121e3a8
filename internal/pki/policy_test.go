// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"errors"
	"testing"
	"time"

	"rastau/internal/pki"
)

func TestAlgorithmPolicy(t *testing.T) {
	day := func(y int) time.Time { return time.Date(y, 1, 2, 0, 0, 0, 0, time.UTC) }
	rsa, p224, p256, ed := publicKey(t, key("RSA")), publicKey(t, key("P-224")), publicKey(t, key("P-256")), publicKey(t, key("Ed25519"))
	gost512, gost2004, gost256 := publicKey(t, key("GOST 512")), publicKey(t, key("GOST 2004")), publicKey(t, key("GOST 256"))
	none := &pki.PublicKey{Algorithm: algorithm(t, pki.OIDGOST2015Key512, nil)}
	weak, unsupported := errors.New("weak"), pki.ErrUnsupported
	for _, test := range []struct {
		name        string
		alg         pki.Algorithm
		key         *pki.PublicKey
		at          time.Time
		def, legacy error
	}{
		{"RSA with SHA-256", algorithm(t, pki.OIDSHA256WithRSA, null), rsa, day(2026), nil, nil},
		{"RSA 2048 in 2035", algorithm(t, pki.OIDSHA256WithRSA, null), rsa, day(2035), nil, nil},
		{"RSA 2048 in 2036", algorithm(t, pki.OIDSHA256WithRSA, null), rsa, day(2036), weak, nil},
		{"rsaEncryption", algorithm(t, pki.OIDRSA, null), rsa, day(2026), nil, nil},
		{"SHA-1", algorithm(t, pki.OIDSHA1WithRSA, null), rsa, day(2001), weak, nil},
		{"MD5", algorithm(t, pki.OIDMD5WithRSA, null), rsa, day(1999), weak, nil},
		{"MD4", algorithm(t, pki.OIDMD4WithRSA, null), rsa, day(1999), weak, weak},
		{"MD2", algorithm(t, pki.OIDMD2WithRSA, null), rsa, day(1999), weak, weak},
		{"SHA-224 in 2025", algorithm(t, pki.OIDECDSAWithSHA224, nil), p256, day(2025), nil, nil},
		{"SHA-224 in 2026", algorithm(t, pki.OIDECDSAWithSHA224, nil), p256, day(2026), weak, nil},
		{"P-224", algorithm(t, pki.OIDECDSAWithSHA256, nil), p224, day(2026), weak, nil},
		{"P-256 in 2100", algorithm(t, pki.OIDECDSAWithSHA256, nil), p256, day(2100), nil, nil},
		{"Ed25519", algorithm(t, pki.OIDEd25519, nil), ed, day(2026), nil, nil},
		{"DSA", algorithm(t, pki.OIDDSAWithSHA256, nil), nil, day(2026), weak, nil},
		{"PSS", pss(t, pki.OIDSHA256, pki.OIDSHA256, 32), rsa, day(2026), nil, nil},
		{"PSS masked with SHA-1", pss(t, pki.OIDSHA256, pki.OIDSHA1, 32), rsa, day(2026), weak, nil},
		{"PSS without parameters", algorithm(t, pki.OIDRSAPSS, nil), rsa, day(2026), pki.ErrAlgorithm, pki.ErrAlgorithm},
		{"GOST 512", algorithm(t, pki.OIDGOST2015Sign512, null), gost512, day(2100), nil, nil},
		{"GOST 256", algorithm(t, pki.OIDGOST2015Sign256, null), gost256, day(2026), nil, nil},
		{"GOST 2004", algorithm(t, pki.OIDGOST2004Sign, null), gost2004, day(2045), nil, nil},
		{"GOST 2004 in 2046", algorithm(t, pki.OIDGOST2004Sign, null), gost2004, day(2046), weak, nil},
		{"GOST 2004 by its old name", algorithm(t, pki.OIDGammaSign, null), gost2004, day(2026), nil, nil},
		{"GOST key without parameters", algorithm(t, pki.OIDGOST2015Sign512, null), none, day(2026), unsupported, unsupported},
		{"unknown", algorithm(t, "1.2.3", nil), rsa, day(2026), unsupported, unsupported},
		{"a digest", algorithm(t, pki.OIDSHA256, nil), nil, day(2026), nil, nil},
		{"a weak digest", algorithm(t, pki.OIDSHA1, nil), nil, day(2026), weak, nil},
		{"a national digest", algorithm(t, pki.OIDGOST512Hash, nil), nil, day(2026), nil, nil},
		{"the old national digest in 2046", algorithm(t, pki.OIDGOST95Hash, nil), nil, day(2046), weak, nil},
		{"no time", algorithm(t, pki.OIDSHA256WithRSA, null), rsa, time.Time{}, weak, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			for policy, want := range map[*pki.AlgorithmPolicy]error{pki.DefaultAlgorithms: test.def, pki.LegacyAlgorithms: test.legacy} {
				err := policy.Accept(test.alg, test.key, test.at)
				var w *pki.WeakError
				switch {
				case want == weak && !errors.As(err, &w), want == nil && err != nil, want != nil && want != weak && !errors.Is(err, want):
					t.Errorf("%s: %v, want %v", policy.Name, err, want)
				case w != nil && (w.Algorithm == "" || w.Why == ""):
					t.Errorf("%s: no reason in %v", policy.Name, err)
				}
			}
		})
	}
}
