// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/verifier"
)

// question is question.json. Pieces are named by their entries.
type question struct {
	Format string `json:"format"`
	Kind   string `json:"kind"` // document or certificate
	File   string `json:"file"` // name of the file judged, without its folder
	Policy struct {
		ID      string `json:"id"`
		Version string `json:"version"`
	} `json:"policy"`
	Time struct {
		Value  string `json:"value"` // RFC 3339 with nanoseconds
		Source string `json:"source"`
	} `json:"time"`
	Lang                  string    `json:"lang"`
	Purpose               string    `json:"purpose"`
	IIN                   string    `json:"iin"`
	BIN                   string    `json:"bin"`
	Applicant             string    `json:"applicant"`
	Subordinates          bool      `json:"subordinates"`
	Policies              []pki.OID `json:"policies"`
	RequireExplicitPolicy bool      `json:"requireExplicitPolicy"`
	InhibitPolicyMapping  bool      `json:"inhibitPolicyMapping"`
	InhibitAnyPolicy      bool      `json:"inhibitAnyPolicy"`
	Revocation            string    `json:"revocation"` // require or none
	MaxAge                string    `json:"maxAge"`     // as Go writes durations; "" until nextUpdate
	Algorithms            string    `json:"algorithms"`
	Offline               bool      `json:"offline"`

	Content    *content  `json:"content"` // null: none was shown
	Anchors    []string  `json:"anchors"`
	TSAAnchors []string  `json:"tsaAnchors"` // null: the same as anchors
	Certs      []string  `json:"certs"`
	Lists      []string  `json:"lists"`
	OCSP       []string  `json:"ocsp"`
	Broken     []broken  `json:"broken"`  // inputs that could not be read
	Network    []answer  `json:"network"` // what the network gave, by what was asked
	Entries    []listing `json:"entries"` // every other entry of the archive, in order
}

// content is the detached content: the entry "content", or its digests alone.
type content struct {
	Kept       bool              `json:"kept"`
	Read       bool              `json:"read"`
	Unreadable bool              `json:"unreadable"`
	Size       int64             `json:"size"`
	SHA256     string            `json:"sha256"`  // "" where nothing was read
	Digests    map[string]string `json:"digests"` // object identifier to hexadecimal digest
}

type broken struct {
	Key      string      `json:"key"`
	Citation string      `json:"citation"`
	Text     phrase.Text `json:"text"`
}

type answer struct {
	Asked    string     `json:"asked"`
	Certs    []string   `json:"certs"`
	Lists    []string   `json:"lists"`
	OCSP     []response `json:"ocsp"`
	Failures []string   `json:"failures"`
	RetryAt  string     `json:"retryAt"`
}

type response struct {
	Entry string `json:"entry"`
	Nonce string `json:"nonce"`
}

type listing struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Source string `json:"source"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	Used   bool   `json:"used"` // the verdict names it
}

// asked writes down the question of a record, but for its pieces.
func asked(r *verifier.Report, file string) question {
	q, rec := r.Record.Question, r.Record
	out := question{
		Format: format, Kind: "certificate", File: file, Lang: string(q.Lang), Purpose: string(q.Purpose), IIN: q.IIN, BIN: q.BIN,
		Applicant: string(q.Applicant), Subordinates: q.Subordinates, Policies: q.Policies, RequireExplicitPolicy: q.RequireExplicitPolicy, InhibitPolicyMapping: q.InhibitPolicyMapping,
		InhibitAnyPolicy: q.InhibitAnyPolicy, Revocation: "require", Algorithms: q.Algorithms.Name, Offline: q.Offline,
	}
	if r.Document {
		out.Kind = "document"
	}
	if q.NoRevocation {
		out.Revocation = "none"
	}
	if q.MaxAge > 0 {
		out.MaxAge = q.MaxAge.String()
	}
	out.Policy.ID, out.Policy.Version = verifier.PolicyID, verifier.PolicyVersion
	out.Time.Value, out.Time.Source = q.At.UTC().Format(time.RFC3339Nano), rec.TimeSource
	for _, f := range q.Broken {
		out.Broken = append(out.Broken, broken{f.Key, f.Citation, f.Texts()})
	}
	if c := rec.Content; c != nil {
		out.Content = &content{Kept: c.Bytes != nil, Read: c.Read, Unreadable: c.Unreadable, Size: c.Size, Digests: map[string]string{}}
		if c.Read && !c.Unreadable {
			out.Content.SHA256 = hex.EncodeToString(c.SHA256[:])
		}
		for _, o := range slices.Sorted(maps.Keys(c.Digests)) {
			out.Content.Digests[string(o)] = hex.EncodeToString(c.Digests[o])
		}
	}
	return out
}
