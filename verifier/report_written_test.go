// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"rastau/internal/phrase"
	"rastau/verifier"
)

// Whatever a file or a certificate says of itself, the report is the JSON that
// encoding/json would write, and reads back as it was.
func TestReportJSONEscapes(t *testing.T) {
	for _, odd := range []string{"", "Өтініш", `"\`, "<a href='x'>&", "a\nb\x00\x1f\x7f", "\u2028\u2029", "\xff\xfe", "🖋"} {
		at := time.Date(2026, 3, 2, 14, 0, 0, 999, time.FixedZone("", 5*3600))
		yes, no := true, false
		f := []verifier.Finding{{Key: odd, Citation: odd, Text: &phrase.Text{EN: odd}, Outcome: verifier.Warn, Evidence: []string{odd, odd}}, {}}
		r := &verifier.Report{File: odd, Format: odd, Document: true, Intact: &yes, Findings: f, Time: verifier.JudgedTime{Value: at, Source: odd}, RetryAfter: &at,
			Signatures: []verifier.SignatureReport{{Field: odd, Level: odd, Intact: &no, Findings: f, SigningTime: &at, SubIndication: verifier.TryLater,
				Signer: &verifier.Person{Subject: odd, Issuer: odd, Serial: odd, IIN: &odd}}, {}}}
		for range 2 {
			own, err := r.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			// json.Marshal compacts and escapes what a value writes of itself.
			if through := marshal(t, r); !bytes.Equal(own, through) {
				t.Errorf("%q:\n%s\n%s", odd, own, through)
			}
			want, err := json.Marshal(odd)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(own, append([]byte(`"file":`), want...)) {
				t.Errorf("%q is written as %s, want %s", odd, own, want)
			}
			object(t, own)
			r.Document = false
		}
	}
}
