// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"encoding/json"
	"time"

	"rastau/internal/phrase"
)

// Licence is the structured licence; its RFC 8785 bytes are what the licensor signs.
type Licence struct {
	Number      string          `json:"number"`
	State       LicenceState    `json:"state"` // now, by the register (not part of the signed document)
	Service     string          `json:"service"`
	Operation   string          `json:"operation,omitempty"`
	Application string          `json:"application"` // number of the application
	Holder      Applicant       `json:"holder"`
	Activity    phrase.Text     `json:"activity"`
	Licensor    phrase.Text     `json:"licensor"`
	LicensorBIN string          `json:"licensorBIN"`
	Issued      time.Time       `json:"issued"`
	FirstIssued *time.Time      `json:"firstIssued,omitempty"` // where it took the place of an earlier one
	Reissued    []time.Time     `json:"reissued,omitempty"`    // re-issues, oldest first
	Predecessor string          `json:"predecessor,omitempty"` // number of the licence whose place it took
	Successor   string          `json:"successor,omitempty"`   // number of the licence that took its place
	Duplicate   bool            `json:"duplicate,omitempty"`
	Deemed      bool            `json:"deemed,omitempty"` // issued by the licensor's silence, under the system's seal
	ValidUntil  *time.Time      `json:"validUntil"`       // null: unlimited
	Fields      json.RawMessage `json:"fields"`
	Signed      []byte          `json:"-"` // CAdES over the canonical JSON
	PDF         []byte          `json:"-"`
	PDFSHA256   string          `json:"pdfSHA256"`
	SignedBy    string          `json:"signedBy"` // SHA-256 of the licensor's certificate that signed, hex
	Entry       int64           `json:"entry"`    // of the register's log, counted from zero
}

// LicenceCheck gives three answers, each with its reason.
type LicenceCheck struct {
	Number     string       `json:"number,omitempty"`
	Appendix   string       `json:"appendix,omitempty"` // of the licence, where the file is one
	Registered bool         `json:"registered"`         // a licence of that number stands in the register
	SameFile   bool         `json:"sameFile"`           // the file's digest is the registered one
	InForce    bool         `json:"inForce"`
	State      LicenceState `json:"state,omitempty"`
	Entitled   *bool        `json:"entitled"` // signed with a key listed for that licensor on that date; null where it cannot be told
	Why        phrase.Text  `json:"why"`
}
