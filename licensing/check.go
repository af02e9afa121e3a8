// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"

	"rastau/internal/pdf"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/verifier"
)

// CheckLicence is the auditor's question about a licence file or number: is it one of ours, unchanged, in force, signed by someone entitled on that date.
// r is the verifier's report on the file, nil where there is only a number. It never fails: what cannot be told is said in Why.
func (s *Service) CheckLicence(ctx context.Context, r *verifier.Report, file []byte, number string) LicenceCheck {
	written := ""
	if len(file) > 0 {
		written = documentIn(file).Number
	}
	c := LicenceCheck{Number: number}
	if c.Number == "" {
		c.Number = written
	}
	if c.Number == "" || ParseNumber(c.Number) != nil {
		c.Number = ""
		c.Why = phrase.Get("workflow.check.no_number", nil)
		return c
	}
	var l *LicenceRecord
	err := s.o.Store.View(ctx, func(tx Tx) (err error) {
		l, err = tx.Licence(c.Number)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		c.Why = phrase.Get("workflow.check.not_registered", nil)
		return c
	}
	if err != nil {
		s.o.Log.ErrorContext(ctx, "the register could not be read", "error", err)
		c.Why = phrase.Get("workflow.check.unknown", nil)
		return c
	}
	c.Registered, c.State = true, l.Licence.State
	now := s.now()
	c.InForce = l.Licence.State.InForce() && (l.Licence.ValidUntil == nil || now.Before(*l.Licence.ValidUntil))
	if len(file) > 0 {
		sum := digest(file)
		c.SameFile = sum == l.Licence.PDFSHA256 || sum == digest(l.Licence.Signed)
	}
	c.Entitled = s.entitledSigners(r, l)
	c.Why = phrase.Get("workflow.check."+c.reason(len(file) > 0, written != "" && written != c.Number), nil)
	return c
}

// reason names the first thing that is wrong.
func (c LicenceCheck) reason(file, otherNumber bool) string {
	switch {
	case otherNumber:
		return "other_number"
	case file && !c.SameFile:
		return "changed"
	case c.Entitled == nil && file:
		return "unknown"
	case c.Entitled != nil && !*c.Entitled:
		return "not_entitled"
	case !c.InForce:
		return "not_in_force"
	case !file:
		return "number_good"
	}
	return "good"
}

// entitledSigners reports whether every signature of the file was made with a
// key that the table lists for the licensor on the day of issue. Without a
// report the registered signature is asked about; nil where the file holds no
// signature with a certificate.
func (s *Service) entitledSigners(r *verifier.Report, l *LicenceRecord) *bool {
	if r == nil {
		ok := s.entitled(l.Licence.SignedBy, l.Licence.LicensorBIN, l.Licence.Issued)
		return &ok
	}
	if len(r.Signatures) == 0 {
		return nil
	}
	all := true
	for _, sig := range r.Signatures {
		if sig.Certificate == nil {
			return nil
		}
		all = all && s.entitled(sig.Certificate.SHA256Hex(), l.Licence.LicensorBIN, l.Licence.Issued)
	}
	return &all
}

// CheckFile is CheckLicence for whoever has no register at hand: is the file a licence, and did the licensor that it names
// sign it. Whether that body is really the licensor, and whether the licence is still in force, it cannot tell: Registered,
// SameFile and InForce stay false, Entitled is false where a signer is of another body than the file names, else nil.
func CheckFile(r *verifier.Report, file []byte) LicenceCheck {
	document := documentIn(file)
	if ParseNumber(document.Number) != nil || document.LicensorBIN == "" {
		return LicenceCheck{Why: phrase.Get("workflow.check.no_number", nil)}
	}
	c := LicenceCheck{Number: document.Number, Why: phrase.Get("workflow.check.no_register", map[string]string{"bin": document.LicensorBIN})}
	for _, s := range r.Signatures {
		if s.Certificate == nil || pki.HolderOf(s.Certificate).BIN != document.LicensorBIN {
			no := false
			c.Entitled, c.Why = &no, phrase.Get("workflow.check.other_body", nil)
		}
	}
	return c
}

// signedDocument is what a licence file says of itself.
type signedDocument struct {
	Schema      string `json:"schema"`
	Number      string `json:"number"`
	LicensorBIN string `json:"licensorBIN"`
}

// documentIn reads what a licence file bears: the JSON embedded in the PDF, or the content of the CAdES. Empty where there is none.
func documentIn(file []byte) (none signedDocument) {
	var document []byte
	if pdf.Is(file) {
		d, err := pdf.Open(file, pdf.Limits{})
		if err != nil {
			return none
		}
		document, _ = d.Attachment(licenceFile)
	} else if sd := readCMS(file); sd != nil {
		document = sd.Content
	}
	if len(document) == 0 || len(document) > maxFields*4 {
		return none
	}
	var l signedDocument
	if json.Unmarshal(document, &l) != nil || l.Schema != schemaLicence {
		return none
	}
	return l
}
