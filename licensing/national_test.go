// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"strings"
	"testing"
)

// national says whether a test runs under TestNationalAlgorithms: then whoever makes keys for it makes them of GOST 34.10-2015.
func national(t testing.TB) bool { return strings.HasPrefix(t.Name(), "TestNationalAlgorithms/") }

// rsaKeys says whether a test's keys are RSA.
func rsaKeys(t testing.TB) bool { return strings.HasSuffix(t.Name(), "/RSA") }

// TestNationalAlgorithms runs the tests around signatures once more: applicants, licensor and time stamps of the national algorithms.
func TestNationalAlgorithms(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"FromApplicationToLicence", TestFromApplicationToLicence},
		{"RefusedSignatures", TestRefusedSignatures},
		{"SourcesDown", TestSourcesDown},
		{"SeveralSignatures", TestSeveralSignatures},
		{"CheckLicence", TestCheckLicence},
		{"SubmitXML", submitXML},
		{"Refusal", TestRefusal},
		{"ConcurrentDecide", TestConcurrentDecide},
	} {
		t.Run(test.name, test.run)
	}
}
