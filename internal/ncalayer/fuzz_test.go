// SPDX-License-Identifier: Apache-2.0

package ncalayer_test

import (
	"encoding/json"
	"testing"

	"rastau/internal/ncalayer"
)

// FuzzAnswer: every question has an answer in JSON, and none ends the double.
func FuzzAnswer(f *testing.F) {
	h := newHouse(f)
	for _, question := range []string{
		"{", "--heartbeat--", "null", basics(""), basics(`"format":"cms","data":"x"`), basics(`"format":"xml","data":["<a/>"]`),
		basics(`"format":"cms","data":"eA==","signingParams":{"decode":true,"digested":true},"signerParams":{"chain":["-"],"iin":"1"}`),
		common("signXmls", `"PKCS12","",["<a/>"],"",""`), common("applyCAdEST", `"PKCS12","","AA=="`), common("getKeyInfo", ""),
	} {
		f.Add([]byte(question))
	}
	f.Fuzz(func(t *testing.T, question []byte) {
		answer, err := json.Marshal(ncalayer.Answer(h.double, t.Context(), question))
		if err != nil || len(answer) < 2 {
			t.Fatalf("%s %v", answer, err)
		}
	})
}
