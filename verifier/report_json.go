// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"encoding/json"
	"time"

	"rastau/internal/pki"
)

// The JSON of a report is a contract with other programs: names and order as here,
// times RFC 3339 in UTC, absent is null, lists are never null.

// MarshalJSON writes "TOTAL-PASSED" and the like.
func (i Indication) MarshalJSON() ([]byte, error) { return json.Marshal(i.String()) }

// MarshalJSON writes "pass" and the like.
func (o Outcome) MarshalJSON() ([]byte, error) { return json.Marshal(o.String()) }

// MarshalJSON writes null where there is no sub-indication.
func (s SubIndication) MarshalJSON() ([]byte, error) {
	if s == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(s))
}

// MarshalJSON writes {key, outcome, citation, detail, evidence[]}.
func (f Finding) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Key      string   `json:"key"`
		Outcome  Outcome  `json:"outcome"`
		Citation string   `json:"citation"`
		Detail   string   `json:"detail"`
		Evidence []string `json:"evidence"`
	}{f.Key, f.Outcome, f.Citation, f.Detail, list(f.Evidence)})
}

// MarshalJSON writes {subject, issuer, serial, iin, bin}.
func (p Person) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Subject string  `json:"subject"`
		Issuer  string  `json:"issuer"`
		Serial  string  `json:"serial"`
		IIN     *string `json:"iin"`
		BIN     *string `json:"bin"`
	}{p.Subject, p.Issuer, p.Serial, p.IIN, p.BIN})
}

// MarshalJSON writes {value, source}.
func (t JudgedTime) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Value  string `json:"value"`
		Source string `json:"source"`
	}{t.Value.UTC().Format(time.RFC3339), t.Source})
}

// MarshalJSON writes the verdict on one signature.
func (s SignatureReport) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Field         string        `json:"field,omitempty"`
		Indication    Indication    `json:"indication"`
		SubIndication SubIndication `json:"subIndication"`
		Intact        *bool         `json:"intact"`
		Signer        *Person       `json:"signer"`
		SigningTime   *string       `json:"signingTime"`
		ClaimedTime   *string       `json:"claimedTime"`
		Level         string        `json:"level"`
		Findings      []Finding     `json:"findings"`
		RetryAfter    *string       `json:"retryAfter"`
	}{s.Field, s.Indication, s.SubIndication, s.Intact, s.Signer, utc(s.SigningTime), utc(s.ClaimedTime),
		s.Level, list(s.Findings), utc(s.RetryAfter)})
}

// policyJSON names the rules that were applied.
type policyJSON struct {
	ID         string `json:"id"`
	Version    string `json:"version"`
	Algorithms string `json:"algorithms"`
}

// certificateJSON shows the certificate that was asked about.
type certificateJSON struct {
	Person
	NotBefore, NotAfter                   string
	PublicKey, SignatureAlgorithm, SHA256 string
}

func (c certificateJSON) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Subject            string  `json:"subject"`
		Issuer             string  `json:"issuer"`
		Serial             string  `json:"serial"`
		IIN                *string `json:"iin"`
		BIN                *string `json:"bin"`
		NotBefore          string  `json:"notBefore"`
		NotAfter           string  `json:"notAfter"`
		PublicKey          string  `json:"publicKey"`
		SignatureAlgorithm string  `json:"signatureAlgorithm"`
		SHA256             string  `json:"sha256"`
	}{c.Subject, c.Issuer, c.Serial, c.IIN, c.BIN, c.NotBefore, c.NotAfter, c.PublicKey, c.SignatureAlgorithm, c.SHA256})
}

// head is what the reports of documents and certificates share.
type head struct {
	File          string        `json:"file"`
	Format        string        `json:"format"`
	Indication    Indication    `json:"indication"`
	SubIndication SubIndication `json:"subIndication"`
}

type tail struct {
	Findings   []Finding  `json:"findings"`
	RetryAfter *string    `json:"retryAfter"`
	Time       JudgedTime `json:"time"`
	Policy     policyJSON `json:"policy"`
}

// MarshalJSON writes one JSON object; the same report gives the same bytes.
func (r *Report) MarshalJSON() ([]byte, error) {
	h := head{r.File, r.Format, r.Indication, r.SubIndication}
	t := tail{list(r.Findings), utc(r.RetryAfter), r.Time, policyJSON{PolicyID, PolicyVersion, r.Algorithms}}
	if r.Document {
		return json.Marshal(struct {
			head
			Intact     *bool             `json:"intact"`
			Signatures []SignatureReport `json:"signatures"`
			tail
		}{h, r.Intact, list(r.Signatures), t})
	}
	var c *certificateJSON
	if r.Certificate != nil && r.Holder != nil {
		c = &certificateJSON{
			Person:             *r.Holder,
			NotBefore:          r.Certificate.NotBefore.UTC().Format(time.RFC3339),
			NotAfter:           r.Certificate.NotAfter.UTC().Format(time.RFC3339),
			PublicKey:          pki.AlgorithmName(r.Certificate.PublicKey.Algorithm),
			SignatureAlgorithm: pki.AlgorithmName(r.Certificate.Algorithm),
			SHA256:             r.Certificate.SHA256Hex(),
		}
	}
	return json.Marshal(struct {
		head
		Certificate *certificateJSON `json:"certificate"`
		Policies    []pki.OID        `json:"policies"`
		tail
	}{h, c, list(r.Policies), t})
}

// list makes an empty list of none.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

func utc(t *time.Time) *string {
	if t == nil {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}
