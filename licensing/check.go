// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"rastau/internal/pdf"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/verifier"
)

// CheckLicence is the auditor's question about a licence file or number: is it one of ours, unchanged, in force, signed by someone entitled on that date.
// r is the verifier's report on the file, nil where there is only a number. It never fails: what cannot be told is said in Why.
func (s *Service) CheckLicence(ctx context.Context, r *verifier.Report, file []byte, number string) LicenceCheck {
	written, appendix := "", ""
	if len(file) > 0 {
		d := documentIn(file)
		written, appendix = d.Number, d.Appendix
	}
	c := LicenceCheck{Number: number, Appendix: appendix}
	if c.Number == "" {
		c.Number = written
	}
	if c.Number == "" || ParseNumber(c.Number) != nil {
		c.Number = ""
		c.Why = phrase.Get("workflow.check.no_number", nil)
		return c
	}
	var l *LicenceRecord
	known := registeredFile{}
	err := s.o.Store.View(ctx, func(tx Tx) (err error) {
		if l, err = tx.Licence(c.Number); err != nil {
			return err
		}
		if known, err = fileOf(tx, l, appendix); err != nil {
			return err
		}
		subject := c.Number
		if appendix != "" {
			subject = Appendix{Licence: c.Number, Number: appendix}.ID()
		}
		known.renewals, err = tx.Renewals(subject)
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
		c.SameFile = sum == known.pdf || sum == digest(known.signed) ||
			slices.ContainsFunc(known.renewals, func(r Renewal) bool { return sum == r.PDF || sum == r.Signed })
	}
	c.Entitled = s.entitledSigners(ctx, r, l.Licence.LicensorBIN, known)
	c.Why = phrase.Get("workflow.check."+c.reason(len(file) > 0, written != "" && written != c.Number), nil)
	return c
}

// registeredFile is the licence, or one of its appendices, as the register holds it.
type registeredFile struct {
	pdf, signedBy string
	signed        []byte
	issued        time.Time
	renewals      []Renewal
}

func fileOf(tx Tx, l *LicenceRecord, appendix string) (registeredFile, error) {
	if appendix == "" {
		return registeredFile{pdf: l.Licence.PDFSHA256, signedBy: l.Licence.SignedBy, signed: l.Licence.Signed, issued: l.Licence.Issued}, nil
	}
	all, err := tx.Appendices(l.Licence.Number)
	if err != nil {
		return registeredFile{}, err
	}
	for _, a := range all {
		if a.Number == appendix {
			return registeredFile{pdf: a.PDFSHA256, signedBy: a.SignedBy, signed: a.Signed, issued: a.Issued}, nil
		}
	}
	return registeredFile{}, ErrNotFound
}

// reason names the first thing that is wrong.
func (c LicenceCheck) reason(file, otherNumber bool) string {
	switch {
	case otherNumber:
		return "other_number"
	case file && !c.SameFile:
		return "changed"
	case c.Entitled == nil:
		return "unknown"
	case !*c.Entitled:
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
func (s *Service) entitledSigners(ctx context.Context, r *verifier.Report, licensorBIN string, known registeredFile) *bool {
	table, err := s.authorities(ctx)
	if err != nil {
		s.o.Log.ErrorContext(ctx, "the table of signers could not be read", "error", err)
		return nil
	}
	if r == nil {
		ok := mayHaveSigned(table, known.signedBy, licensorBIN, known.issued)
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
		all = all && mayHaveSigned(table, sig.Certificate.SHA256Hex(), licensorBIN, known.issued)
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
	Appendix    string `json:"appendix"`
	LicensorBIN string `json:"licensorBIN"`
	Issued      string `json:"issued"`
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
	if json.Unmarshal(document, &l) != nil || l.Schema != schemaLicence && l.Schema != schemaAppendix {
		return none
	}
	return l
}
