// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"slices"
	"time"

	"rastau/internal/pki"
	"rastau/verifier"
)

// maxCertificate bounds a certificate before it is parsed, in bytes.
const maxCertificate = 64 << 10

// CertificateCheck is the answer to condition C3: may this certificate sign this application.
type CertificateCheck struct {
	Verdict    *verifier.Report `json:"verdict"`
	Message    *Message         `json:"message"` // refusal M3, or try later; null where the certificate may sign
	RetryAfter *time.Time       `json:"retryAfter"`
}

// CheckCertificate is condition C3 before anything is signed (R039): the certificate's validity period, that it is on no list of
// revoked ones, and that its IIN and BIN are those of the application, or of the employee or operator who certifies it. The
// signature itself is judged again when it comes.
func (s *Service) CheckCertificate(ctx context.Context, a Actor, id string, certificate []byte) (*CertificateCheck, error) {
	if len(certificate) == 0 || len(certificate) > maxCertificate {
		return nil, badInput("certificate", "must have 1 to %d bytes", maxCertificate)
	}
	app, err := s.own(ctx, a, id)
	if err != nil {
		return nil, err
	}
	r, _, err := s.operation(app.Service, app.Operation)
	if err != nil {
		return nil, err
	}
	found, err := pki.ReadCertificates(certificate)
	if err != nil || len(found) != 1 {
		return nil, badInput("certificate", "must be one certificate in DER or PEM")
	}
	report := s.o.Judge.Certificate(ctx, found[0], s.question(app))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	check := &CertificateCheck{Verdict: report}
	rule, _ := r.Applicant(app.Applicant.Kind)
	switch {
	case report.Indication == verifier.TotalPassed && app.Clerk == nil && rule.Number == byIIN && len(pki.HolderOf(found[0]).BINs) > 0:
		m, err := s.certificateRefused(r, app, reasonCapacity)
		check.Message = m
		return check, err
	case report.Indication == verifier.TotalPassed:
		return check, nil
	case report.Indication == verifier.Indeterminate && report.SubIndication == verifier.TryLater:
		m := laterMessage("status_unknown")
		check.Message, check.RetryAfter = &m, report.RetryAfter
		return check, nil
	}
	check.Message, err = s.certificateRefused(r, app, reasonOf(report))
	return check, err
}

func (s *Service) certificateRefused(r *Regulation, app *Application, reason string) (*Message, error) {
	code, err := r.refusal(app.Channel, onCertificate)
	if err != nil {
		return nil, err
	}
	m := refusalMessage(code, reason, nil)
	return &m, nil
}

// question is what is asked of whoever signs this application: its applicant, or on the other two paths the one who entered it,
// who is never matched to the applicant (R081).
func (s *Service) question(app *Application) verifier.Question {
	q := s.o.Question()
	q.Purpose, q.Lang, q.Digests = verifier.PurposeSign, app.Lang, nil
	q.IIN, q.BIN = app.Applicant.IIN, app.Applicant.BIN
	if app.Clerk != nil {
		q.IIN, q.BIN = app.Clerk.IIN, app.Clerk.BIN
		return q
	}
	// Numbers alone would let a body's accountant or clerk apply in its name: the signature
	// is that of whoever has the authority (law on electronic documents, article 10).
	if a := verifier.Applicant(app.Applicant.Kind); slices.Contains(verifier.Applicants(), a) {
		q.Applicant = a
	}
	return q
}
