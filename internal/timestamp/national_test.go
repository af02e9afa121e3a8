// SPDX-License-Identifier: Apache-2.0

package timestamp_test

import (
	"strings"
	"testing"
)

// national says whether a test runs under TestNationalAlgorithms: then whoever makes keys for it makes them of GOST 34.10-2015.
func national(t testing.TB) bool { return strings.HasPrefix(t.Name(), "TestNationalAlgorithms/") }

// TestNationalAlgorithms runs the tests that make their own authorities once more, on the national algorithms. The one whose
// tokens the library writes is left out.
func TestNationalAlgorithms(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"ParseReadsEveryField", TestParseReadsEveryField},
		{"ClientStamps", TestClientStamps},
		{"StrictInfo", TestStrictInfo},
		{"ParseRefuses", TestParseRefuses},
	} {
		t.Run(test.name, test.run)
	}
}
