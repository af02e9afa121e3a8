// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"encoding/json"
	"strconv"
	"time"

	"rastau/internal/phrase"
)

// Schema ids stand in everything that is signed, so that no document can be
// taken for one of another kind.
const (
	schemaPackage  = "rastau:application-package:1"
	schemaReceipt  = "rastau:receipt:1"
	schemaDecision = "rastau:decision:1"
	schemaRefusal  = "rastau:refusal:1"
	schemaLicence  = "rastau:licence:1"
	schemaAppendix = "rastau:licence-appendix:1"
	schemaAppeal   = "rastau:appeal-answer:1"
	schemaMove     = "rastau:licence-move:1"
)

// applicationPackage is what the applicant signs, in RFC 8785 form: the whole
// application and what the person was shown. The regulation's digest fixes the
// schema that the fields were judged by.
type applicationPackage struct {
	Schema       schemaRef       `json:"schema"`
	Channel      Channel         `json:"channel"`
	Service      string          `json:"service"`
	Operation    string          `json:"operation"`
	About        string          `json:"about,omitempty"`
	Applicant    Applicant       `json:"applicant"`
	Clerk        *Clerk          `json:"clerk,omitempty"`
	Fields       json.RawMessage `json:"fields"`
	OnPaper      bool            `json:"onPaper,omitempty"`
	Attachments  []Attachment    `json:"attachments"`
	Payment      Payment         `json:"payment"`
	Licensor     string          `json:"licensorBIN"`
	LicensorName phrase.Text     `json:"licensorName"`
	Text         shownText       `json:"text"`
	Draft        string          `json:"draft"`
	Nonce        string          `json:"nonce"`
	Time         string          `json:"time"`
}

type schemaRef struct {
	ID     string `json:"id"`
	SHA256 string `json:"sha256"` // of the regulation
}

type shownText struct {
	Lang   phrase.Lang `json:"lang"`
	Shown  string      `json:"shown"`
	SHA256 string      `json:"sha256"`
}

// pack writes the package of a draft; now is when it was shown.
func (s *Service) pack(r *Regulation, op Operation, a *Application, nonce string, now time.Time) ([]byte, error) {
	shown := phrase.Get(a.Channel.statement(), map[string]string{
		"operation": op.Name.In(a.Lang),
		"service":   r.Name.In(a.Lang),
		"licensor":  r.Licensor.Name.In(a.Lang),
		"documents": strconv.Itoa(len(a.Attachments)),
		"applicant": a.Applicant.Name,
	}).In(a.Lang)
	return canonical(applicationPackage{
		Schema:       schemaRef{ID: schemaPackage, SHA256: r.digest},
		Channel:      a.Channel,
		Service:      a.Service,
		Operation:    a.Operation,
		About:        a.About,
		Applicant:    a.Applicant,
		Clerk:        a.Clerk,
		Fields:       a.Fields,
		OnPaper:      a.OnPaper,
		Attachments:  a.Attachments,
		Payment:      a.Payment,
		Licensor:     r.Licensor.BIN,
		LicensorName: r.Licensor.Name,
		Text:         shownText{Lang: a.Lang, Shown: shown, SHA256: digest([]byte(shown))},
		Draft:        a.ID,
		Nonce:        nonce,
		Time:         now.Format(time.RFC3339Nano),
	})
}
