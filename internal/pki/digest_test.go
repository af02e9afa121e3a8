// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"strings"
	"testing"

	"rastau/internal/pki"
)

// Every digest that a signature may be made over can be given instead of the content.
func TestParseDigest(t *testing.T) {
	for name, o := range map[string]pki.OID{
		"sha1": pki.OIDSHA1, "sha256": pki.OIDSHA256, "SHA384": pki.OIDSHA384, "sha512": pki.OIDSHA512,
		"sha3-256": pki.OIDSHA3x256, "sha3-512": pki.OIDSHA3x512, "streebog256": pki.OIDGOST256Hash, "streebog512": pki.OIDGOST512Hash,
	} {
		size, err := pki.HashSize(o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pki.ParseDigest(name + ":" + strings.Repeat("aB", size))
		if err != nil || len(got[o]) != size {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		for _, digits := range []string{"", strings.Repeat("ab", size-1), strings.Repeat("ab", size+1), strings.Repeat("xy", size)} {
			if _, err := pki.ParseDigest(name + ":" + digits); err == nil {
				t.Errorf("%s: %q is no digest", name, digits)
			}
		}
	}
	for _, text := range []string{"", ":", "md5:" + strings.Repeat("00", 16), strings.Repeat("00", 32)} {
		if _, err := pki.ParseDigest(text); err == nil {
			t.Errorf("%q is no digest", text)
		}
	}
}
