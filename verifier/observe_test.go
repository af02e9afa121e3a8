// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"rastau/verifier"
)

// The time of each group of checks is told, of a good signature with a time stamp all of them and nothing else.
func TestObserve(t *testing.T) {
	h := newHouse(t)
	took := map[verifier.Group]time.Duration{}
	o := h.o
	o.Observe = func(g verifier.Group, d time.Duration) { took[g] += d }
	signed := sign(t, h.person(t), h.stamped(h.clock()))
	if r := verifier.New(o).Document(t.Context(), signed, h.ask()); r.Indication != verifier.TotalPassed {
		t.Fatalf("%v %+v", r.Indication, r.Deciding())
	}
	want := []verifier.Group{verifier.GroupForm, verifier.GroupPath, verifier.GroupRevocation, verifier.GroupTime, verifier.GroupUse, verifier.GroupValue}
	if got := slices.Sorted(maps.Keys(took)); !slices.Equal(got, want) {
		t.Errorf("the groups told of are %q, want %q", got, want)
	}
	for g, d := range took {
		if d <= 0 {
			t.Errorf("%s took %s", g, d)
		}
	}
}
