// SPDX-License-Identifier: Apache-2.0

package crl_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"rastau/crl"
)

// Both readings of a UTCTime agree with the library's, on every day there is and on what is none.
func TestDates(t *testing.T) {
	base := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)
	same := func(text string) {
		t.Helper()
		want, err := time.Parse("20060102150405Z", map[bool]string{true: "20", false: "19"}[text[0] < '5']+text)
		slow, ok := crl.ReadDate(0x17, []byte(text))
		fast, fok := crl.ReadUTC([]byte(text))
		if ok != (err == nil) || fok != ok {
			t.Fatalf("%s: read %t and %t, %v", text, ok, fok, err)
		}
		if ok && (slow != want.Unix() || int64(fast) != want.Unix()-base.Unix()) {
			t.Fatalf("%s: %d and %d, want %d", text, slow, fast, want.Unix())
		}
	}
	for day := base; day.Year() < 2050; day = day.AddDate(0, 0, 1) {
		same(day.Add(time.Duration(rand.IntN(86400)) * time.Second).Format("060102150405Z"))
	}
	for _, bad := range []string{
		"260230000000Z", "250229000000Z", "260100000000Z", "260001000000Z", "261301000000Z", "260101240000Z", "260101006000Z",
		"260101000060Z", "26010100000:Z", "2601010000/0Z", "/60101000000Z", ":60101000000Z", "260101000000z", "2601 1000000Z", "26010100000\xb0Z", "\xff60101000000Z",
	} {
		if _, ok := crl.ReadUTC([]byte(bad)); ok {
			t.Errorf("%q is read", bad)
		}
		if _, ok := crl.ReadDate(0x17, []byte(bad)); ok {
			t.Errorf("%q is read slowly", bad)
		}
	}
	for _, text := range []string{"00000101000000Z", "00010101000000Z", "19491231235959Z", "20860207062816Z", "99991231235959Z", "19000228235959Z", "20000229000000Z"} {
		want, err := time.Parse("20060102150405Z", text)
		if got, ok := crl.ReadDate(0x18, []byte(text)); err != nil || !ok || got != want.Unix() {
			t.Errorf("%s: %d, want %d", text, got, want.Unix())
		}
	}
}
