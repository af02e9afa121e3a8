// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"encoding/json"
	"time"
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
	var w written
	w.finding(&f)
	return w, nil
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
	var w written
	w.signature(&s)
	return w, nil
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

// MarshalJSON writes one JSON object; the same report gives the same bytes.
func (r *Report) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil) }

// AppendJSON appends what MarshalJSON writes to out.
func (r *Report) AppendJSON(out []byte) ([]byte, error) {
	w := written(out)
	w.open()
	w.text("file", r.File)
	w.text("format", r.Format)
	w.text("indication", r.Indication.String())
	w.orNull("subIndication", string(r.SubIndication))
	if r.Document {
		w.truth("intact", r.Intact)
		w.name("signatures")
		w.list(len(r.Signatures), func(i int) { w.signature(&r.Signatures[i]) })
	} else if err := w.certificate(r); err != nil {
		return nil, err
	}
	w.findings(r.Findings)
	w.time("retryAfter", r.RetryAfter)
	w.name("time")
	w.open()
	w.time("value", &r.Time.Value)
	w.text("source", r.Time.Source)
	w.close()
	w.name("policy")
	w.open()
	w.text("id", PolicyID)
	w.text("version", PolicyVersion)
	w.text("algorithms", r.Algorithms)
	w.close()
	w.close()
	return w, nil
}
