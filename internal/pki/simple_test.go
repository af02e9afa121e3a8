// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"strconv"
	"strings"
	"testing"
)

// A value that is taken without preparation gets the key that preparation would give it.
func TestSimpleIsPrepared(t *testing.T) {
	taken := 0
	for _, s := range []string{"", " ", "a", "A b", " A", "A ", "A  B", "IIN123456789011", "Kazakhstan (KZ) @*&", "ß", "Ә", "A\tB", "A\x7fB", "\x00", "A\u00a0B", "~", "!"} {
		if !simple(s) {
			continue
		}
		taken++
		got := string(appendKey(nil, Attribute{Type: OIDCommonName, Tag: tagUTF8, Value: s}))
		if want := "s" + strconv.Itoa(len(prepare(s))) + ":" + prepare(s); !strings.HasSuffix(got, "="+want) {
			t.Errorf("%q has the key %q, want %q", s, got, want)
		}
	}
	if taken != 6 {
		t.Errorf("%d values were simple, want 6", taken)
	}
}

// Attributes that share their room do not reach into each other.
func TestNamesShareNoAttribute(t *testing.T) {
	var rdns []RDN
	for range 20 {
		rdns = append(rdns, RDN{{Type: OIDCommonName, Tag: tagUTF8, Value: "x", Raw: []byte("\x0c\x01x")}})
	}
	n, err := Name{RDNs: rdns}.Append(RDN{{Type: OIDSurname, Tag: tagUTF8, Value: "y", Raw: []byte("\x0c\x01y")}})
	if err != nil || len(n.RDNs) != 21 {
		t.Fatal(n, err)
	}
	for i := range n.RDNs {
		_ = append(n.RDNs[i], Attribute{Value: "z"})
	}
	for i, r := range n.RDNs {
		if want := "x"; i < 20 && r[0].Value != want || len(r) != 1 {
			t.Errorf("RDN %d is %v", i, r)
		}
	}
	if last := n.RDNs[20][0]; last.Type != OIDSurname || last.Value != "y" {
		t.Errorf("the last RDN is %v", last)
	}
}
