// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"encoding/json"
	"fmt"
	"time"

	"rastau/internal/phrase"
	"rastau/verifier"
)

// The verdict is kept as the JSON that was shown. readReport reads it back, so
// that a repeated submission shows the same verdict again; marshalling the
// result gives the stored bytes.

type storedFinding struct {
	Key, Citation, Detail string
	Outcome               string
	Evidence              []string
}

type storedSignature struct {
	Field, Indication, Level string
	SubIndication            *string
	Intact                   *bool
	Signer                   *verifier.Person
	SigningTime, ClaimedTime *time.Time
	Findings                 []storedFinding
	RetryAfter               *time.Time
}

type storedReport struct {
	File, Format, Indication string
	SubIndication            *string
	Intact                   *bool
	Signatures               []storedSignature
	Findings                 []storedFinding
	RetryAfter               *time.Time
	Time                     verifier.JudgedTime
	Policy                   struct{ Algorithms string }
}

func readReport(data []byte) (*verifier.Report, error) {
	var in storedReport
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("the stored verdict cannot be read: %w", err)
	}
	out := &verifier.Report{
		File: in.File, Document: true, Format: in.Format, Indication: indication(in.Indication), SubIndication: sub(in.SubIndication),
		Intact: in.Intact, Findings: findings(in.Findings), RetryAfter: in.RetryAfter, Time: in.Time, Algorithms: in.Policy.Algorithms,
	}
	for _, s := range in.Signatures {
		out.Signatures = append(out.Signatures, verifier.SignatureReport{
			Field: s.Field, Indication: indication(s.Indication), SubIndication: sub(s.SubIndication), Intact: s.Intact, Signer: s.Signer,
			SigningTime: s.SigningTime, ClaimedTime: s.ClaimedTime, Level: s.Level, Findings: findings(s.Findings), RetryAfter: s.RetryAfter,
		})
	}
	return out, nil
}

func findings(in []storedFinding) []verifier.Finding {
	var out []verifier.Finding
	for _, f := range in {
		out = append(out, verifier.Finding{Key: f.Key, Outcome: outcome(f.Outcome), Citation: f.Citation, Text: &phrase.Text{KK: f.Detail, RU: f.Detail, EN: f.Detail}, Evidence: f.Evidence})
	}
	return out
}

func sub(s *string) verifier.SubIndication {
	if s == nil {
		return ""
	}
	return verifier.SubIndication(*s)
}

// indication fails closed: what is not known is INDETERMINATE.
func indication(s string) verifier.Indication {
	for _, i := range []verifier.Indication{verifier.TotalPassed, verifier.TotalFailed} {
		if i.String() == s {
			return i
		}
	}
	return verifier.Indeterminate
}

func outcome(s string) verifier.Outcome {
	for _, o := range []verifier.Outcome{verifier.Pass, verifier.Warn, verifier.Fail, verifier.NotApplicable} {
		if o.String() == s {
			return o
		}
	}
	return verifier.Unknown
}
