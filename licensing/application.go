// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"encoding/json"
	"time"

	"rastau/internal/phrase"
	"rastau/verifier"
)

// Actor is who acts, from the token or session: ID is the journal's name, Name the person's.
type Actor struct {
	ID, Name  string
	IIN, BIN  string // of the person, and of the body they act for; both "" for a portal's token, which speaks for many
	Applicant bool   // applies on the portal
	Employee  bool   // of the licensor: enters applications on the provider's path
	Operator  bool   // of a public service centre: enters applications there
	Admin     bool   // sees every application
	Officer   bool   // sees every registered application and decides
}

// ApplicantKind is one of the kinds that the regulation names; more come with the data.
type ApplicantKind string

// The kinds that the matching of holder and applicant knows.
const (
	NaturalPerson    ApplicantKind = "natural-person"
	SoleEntrepreneur ApplicantKind = "sole-entrepreneur"
	LegalEntity      ApplicantKind = "legal-entity"
)

// Applicant is the person or body that asks for the licence.
type Applicant struct {
	Kind    ApplicantKind `json:"kind"`
	IIN     string        `json:"iin,omitempty"`
	BIN     string        `json:"bin,omitempty"`
	Name    string        `json:"name"`
	Address string        `json:"address"`
	Email   string        `json:"email,omitempty"`
	Phone   string        `json:"phone,omitempty"`
}

// NewApplication is what the portal sends. Fields are judged by the regulation's JSON Schema.
type NewApplication struct {
	Service     string          `json:"service"`   // "passenger-transport"
	Operation   string          `json:"operation"` // "issue"
	Channel     Channel         `json:"channel"`   // "" is the portal
	About       string          `json:"about"`     // number of the licence that a re-issue, duplicate, … is about; "" for an issue
	Applicant   Applicant       `json:"applicant"`
	Fields      json.RawMessage `json:"fields"`  // form fields of the regulation
	OnPaper     bool            `json:"onPaper"` // provider and centre: the documents are there on paper, the attachments are their scans
	Attachments []NewAttachment `json:"attachments"`
	Payment     Payment         `json:"payment"`
	Lang        phrase.Lang     `json:"lang"`
}

// NewAttachment is one document of the checklist.
type NewAttachment struct {
	Document string `json:"document"` // checklist key of the regulation
	Name     string `json:"name"`
	Type     string `json:"type"`    // application/pdf, image/png, image/jpeg
	Content  []byte `json:"content"` // base64 in JSON
	SHA256   string `json:"sha256"`  // instead of the content: an attachment that the draft already has
}

// Payment of the licence fee; it is made before the application is signed.
type Payment struct {
	Reference string     `json:"reference"`
	Amount    int64      `json:"amount"`            // tiyn
	Paid      *time.Time `json:"paid,omitempty"`    // by the payment gateway
	Receipt   string     `json:"receipt,omitempty"` // the gateway's
}

// Status of an application.
type Status string

// An application is a draft until its signature is accepted, and refused or
// approved once an officer decided. A refused signature leaves it a draft.
const (
	Draft      Status = "draft"
	Registered Status = "registered"
	Refused    Status = "refused"
	Approved   Status = "approved"
)

// Application as shown.
type Application struct {
	ID          string          `json:"id"`
	Number      string          `json:"number,omitempty"` // given at registration (R153)
	Status      Status          `json:"status"`
	Service     string          `json:"service"`
	Operation   string          `json:"operation"`
	Channel     Channel         `json:"channel"`
	About       string          `json:"about,omitempty"` // number of the licence that it is about
	Applicant   Applicant       `json:"applicant"`
	Clerk       *Clerk          `json:"clerk,omitempty"` // who entered and certifies it, where that is not the applicant
	Fields      json.RawMessage `json:"fields"`
	OnPaper     bool            `json:"onPaper,omitempty"`
	Attachments []Attachment    `json:"attachments"`
	Payment     Payment         `json:"payment"`
	Lang        phrase.Lang     `json:"lang"`
	Created     time.Time       `json:"created"`
	Registered  *time.Time      `json:"registered"`
	Deadline    *time.Time      `json:"deadline"` // end of the last working day allowed
	Decided     *time.Time      `json:"decided"`
	Package     []byte          `json:"package"`           // canonical bytes (RFC 8785) to be signed; base64 in JSON
	Licence     string          `json:"licence,omitempty"` // number once approved
	Refusal     *Message        `json:"refusal,omitempty"`
	Owner       string          `json:"-"`
}

// Attachment as it stands in the package; its bytes are kept by SHA-256 (hex).
type Attachment struct {
	Document string `json:"document"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
}

// Submission is the answer to a signed package.
type Submission struct {
	Application Application      `json:"application"`
	Verdict     *verifier.Report `json:"verdict"`
	Message     Message          `json:"message"` // registered, refused, or try later
	RetryAfter  *time.Time       `json:"retryAfter"`
	Receipt     []byte           `json:"receipt,omitempty"` // CAdES of the signed receipt
}

// Decision of an officer.
type Decision struct {
	Approve   bool            `json:"approve"`
	Grounds   string          `json:"grounds"`             // required for a refusal
	Checklist map[string]bool `json:"checklist,omitempty"` // keys of the regulation's documents and review questions
}
