// SPDX-License-Identifier: Apache-2.0

package ocsp_test

import (
	"strings"
	"testing"
)

// national says whether a test runs under TestNationalAlgorithms: then whoever makes keys for it makes them of GOST 34.10-2015.
func national(t testing.TB) bool { return strings.HasPrefix(t.Name(), "TestNationalAlgorithms/") }

// TestNationalAlgorithms runs the tests that make their own authorities once more, on the national algorithms. What another
// library thinks of answers is left out: it knows none of them.
func TestNationalAlgorithms(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"Judge", TestJudge},
		{"ExpiredCertificate", TestExpiredCertificate},
		{"EveryBitCounts", TestEveryBitCounts},
		{"Reasons", TestReasons},
		{"UnknownHashOfTheCertificateID", TestUnknownHashOfTheCertificateID},
		{"ErrorStatusesDecideNothing", TestErrorStatusesDecideNothing},
		{"Request", TestRequest},
	} {
		t.Run(test.name, test.run)
	}
}
