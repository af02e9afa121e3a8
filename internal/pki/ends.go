// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// AlgorithmEnd says until when an algorithm counts by DefaultAlgorithms.
type AlgorithmEnd struct {
	Name  string    // "SHA-256", "RSA, 2048 bits or more"
	Until time.Time // zero: no end in sight, or Never
	Never bool      // does not count at any time
}

// AlgorithmEnds lists the tables of DefaultAlgorithms for people: digests by name, then keys, where the first row that fits is
// taken.
func AlgorithmEnds() []AlgorithmEnd {
	end := func(name string, until time.Time) AlgorithmEnd {
		e := AlgorithmEnd{Name: name, Until: until}
		switch until {
		case never:
			e.Never = true
		case always:
			e.Until = time.Time{}
		}
		return e
	}
	var out []AlgorithmEnd
	for _, o := range slices.SortedFunc(maps.Keys(hashEnds), func(a, b OID) int { return cmp.Compare(HashName(a), HashName(b)) }) {
		if n := len(out); n > 0 && out[n-1].Name == HashName(o) { // two names of one digest
			continue
		}
		out = append(out, end(HashName(o), hashEnds[o]))
	}
	for _, row := range keyEnds {
		name := row.kind + ", fewer bits"
		switch {
		case row.bits > 0:
			name = fmt.Sprintf("%s, %d bits or more", row.kind, row.bits)
		case row.kind == "Ed25519" || row.kind == "DSA":
			name = row.kind
		}
		out = append(out, end(name, row.end))
	}
	return out
}
