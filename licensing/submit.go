// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"rastau/internal/cms"
	"rastau/internal/journal"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/verifier"
)

// maxSignature bounds a signature before it is parsed: an attached one carries
// the package, and a package holds digests of the attachments, not the attachments.
const maxSignature = 4 << 20

// retryUnavailable is when to try again where a service of ours gave no time itself.
const retryUnavailable = time.Minute

// Submit judges the signature over the package; TOTAL-PASSED registers (durable before it returns), TRY_LATER keeps the draft, the rest refuses with its reason.
// The same signature sent again after registration answers the same; another one is ErrState.
func (s *Service) Submit(ctx context.Context, a Actor, id string, signature []byte) (*Submission, error) {
	if len(signature) == 0 {
		return nil, badInput("signature", "is missing")
	}
	if len(signature) > maxSignature {
		return nil, badInput("signature", "must not have more than %d bytes", maxSignature)
	}
	unlock, err := s.running.lock(ctx, id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	app, err := s.loadDraft(ctx, id)
	if err != nil {
		return nil, err
	}
	if app.Owner != a.ID && !a.Admin {
		return nil, ErrForbidden
	}
	if app.Status != Draft {
		return s.repeated(ctx, app, signature)
	}
	if len(app.Package) == 0 {
		return nil, fmt.Errorf("%w: the draft is not sealed yet: there is nothing to sign", ErrState)
	}
	r, ok := s.regulations[app.Service]
	if !ok {
		return nil, fmt.Errorf("%w: the service %q is no longer offered", ErrState, app.Service)
	}
	if err := s.inForce(r, s.o.Calendar.Day(s.now())); err != nil {
		return nil, err
	}
	report, sd, err := s.judge(ctx, r, app, signature)
	if err != nil {
		return nil, err
	}
	rule, _ := r.Applicant(app.Applicant.Kind)
	switch {
	case report.Indication == verifier.TotalPassed && app.Clerk == nil && refuseCapacity(rule, report):
		overrule(report, app.Lang, verifier.Finding{
			Key: "holder.capacity", Citation: "Law on the electronic document and EDS, art. 10 (1)(3)",
			Sub: verifier.ChainConstraintsFailure, Indication: verifier.Indeterminate,
		}, "workflow.finding.capacity")
		return s.refuseSignature(ctx, r, app, signature, report, reasonCapacity)
	case report.Indication == verifier.TotalPassed:
		return s.register(ctx, r, app, signature, sd, report)
	case report.Indication == verifier.Indeterminate && report.SubIndication == verifier.TryLater:
		return s.later(ctx, app, signature, report, "status_unknown", report.RetryAfter)
	}
	return s.refuseSignature(ctx, r, app, signature, report, reasonOf(report))
}

// judge asks the verifier whether every signature is the applicant's, over
// exactly this package. The parsed message is nil where it is no CMS.
func (s *Service) judge(ctx context.Context, r *Regulation, app *Application, signature []byte) (*verifier.Report, *cms.SignedData, error) {
	return s.judgeAt(ctx, r, app, signature, time.Time{})
}

// judgeAt is judge for a time that has passed; the zero time is now.
func (s *Service) judgeAt(ctx context.Context, r *Regulation, app *Application, signature []byte, at time.Time) (*verifier.Report, *cms.SignedData, error) {
	q := s.question(app)
	q.At = at
	q.Content = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(app.Package)), nil }
	report := s.o.Judge.Document(ctx, signature, q)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if report == nil {
		return nil, nil, errors.New("the judge gave no report")
	}
	sd := readCMS(signature)
	if report.Indication != verifier.TotalPassed {
		return report, sd, nil
	}
	xml, same := signedXML(signature, app.Package)
	switch {
	case xml && !same:
		overrule(report, app.Lang, verifier.Finding{
			Key: "signature.digest", Citation: "XMLDSig 1.1 §4.4.3", Sub: verifier.HashFailure, Indication: verifier.TotalFailed,
		}, "workflow.finding.content")
	case xml:
	case sd == nil:
		// A signed PDF may pass as a document, but it is not this package.
		overrule(report, app.Lang, verifier.Finding{
			Key: "document.format", Citation: "RFC 5652 §5.1", Sub: verifier.FormatFailure, Indication: verifier.TotalFailed,
		}, "workflow.finding.format")
	case !sd.Detached && !bytes.Equal(sd.Content, app.Package):
		// A good signature over something else: the person signed another text
		// than this application.
		overrule(report, app.Lang, verifier.Finding{
			Key: "signature.digest", Citation: "RFC 5652 §5.2", Sub: verifier.HashFailure, Indication: verifier.TotalFailed,
		}, "workflow.finding.content")
	}
	return report, sd, nil
}

func readCMS(signature []byte) *cms.SignedData {
	der, err := cms.Decode(signature)
	if err != nil {
		return nil
	}
	sd, err := cms.Parse(der, cms.Limits{Bytes: maxSignature})
	if err != nil || len(sd.Signers) == 0 {
		return nil
	}
	return sd
}

// overrule adds the finding that decides against a report that had passed.
func overrule(r *verifier.Report, lang phrase.Lang, f verifier.Finding, text string) {
	f.Outcome = verifier.Fail
	said := phrase.Get(text, nil)
	f.Text, f.Lang = &said, lang
	r.Findings = append(r.Findings, f)
	r.Indication, r.SubIndication = f.Indication, f.Sub
}

// refuseSignature keeps the draft open for another signature and tells why this
// one was not accepted.
func (s *Service) refuseSignature(ctx context.Context, r *Regulation, app *Application, signature []byte, report *verifier.Report, reason string) (*Submission, error) {
	code, err := r.refusal(app.Channel, onCertificate)
	if err != nil {
		return nil, err
	}
	if err := s.attempt(ctx, app, signature, report, "refused", reason); err != nil {
		return nil, err
	}
	return &Submission{Application: *app, Verdict: report, Message: refusalMessage(code, reason, nil)}, nil
}

func (s *Service) later(ctx context.Context, app *Application, signature []byte, report *verifier.Report, reason string, retry *time.Time) (*Submission, error) {
	if retry == nil {
		t := s.now().Add(retryUnavailable)
		retry = &t
	}
	if err := s.attempt(ctx, app, signature, report, "later", reason); err != nil {
		return nil, err
	}
	return &Submission{Application: *app, Verdict: report, Message: laterMessage(reason), RetryAfter: retry}, nil
}

// attempt notes a signature that was not accepted, without naming anybody. A
// serial that an earlier, interrupted try had reserved goes back.
func (s *Service) attempt(ctx context.Context, app *Application, signature []byte, report *verifier.Report, outcome, reason string) error {
	key := ""
	if f := report.Deciding(); f != nil {
		key = f.Key
	}
	err := s.o.Store.Update(ctx, func(tx Tx) error {
		if outcome == "refused" {
			if err := s.releaseDraft(tx, app); err != nil {
				return err
			}
		}
		return tx.AddAttempt(Attempt{
			Application: app.ID, At: s.now(), SignatureSHA256: digest(signature), Outcome: outcome, Reason: reason,
			SubIndication: string(report.SubIndication), FindingKey: key,
		})
	})
	if err != nil {
		return fmt.Errorf("noting the attempt: %w", err)
	}
	s.o.Log.InfoContext(ctx, "signature not accepted", "application", app.ID, "outcome", outcome, "reason", reason,
		"indication", report.Indication.String(), "subIndication", string(report.SubIndication), "finding", key)
	return nil
}

// releaseDraft gives the reserved serial back, unless another process has
// registered the application with it meanwhile.
func (s *Service) releaseDraft(tx Tx, app *Application) error {
	current, err := tx.Application(app.ID)
	if err != nil || current.Status != Draft {
		return err
	}
	return tx.Release(applicationSeries(s.regulations[app.Service]), app.ID)
}

func applicationSeries(r *Regulation) string { return "application/" + r.Numbering.Prefix }

// register gives the application its number and the applicant the signed
// receipt. The serial is reserved first, because the receipt that is signed
// outside any transaction must name it; the last transaction makes everything
// true at once.
func (s *Service) register(ctx context.Context, r *Regulation, app *Application, signature []byte, sd *cms.SignedData, report *verifier.Report) (*Submission, error) {
	stamped, err := s.stamp(ctx, signature, sd)
	if err != nil {
		s.o.Log.WarnContext(ctx, "no time-stamp for a signature", "application", app.ID, "error", err)
		return s.later(ctx, app, signature, report, "unavailable", nil)
	}
	now := s.now()
	op, _ := r.Operation(app.Operation)
	deadline, err := s.o.Calendar.Deadline(now, op.Deadline.WorkingDays)
	if err != nil {
		return nil, err
	}
	serial, err := s.reserve(ctx, applicationSeries(r), app.ID)
	if err != nil {
		return nil, err
	}
	done := *app
	done.Number = applicationNumber(r, serial)
	done.Status, done.Registered, done.Deadline = Registered, &now, &deadline
	receipt, err := s.receipt(ctx, r, &done, signature, report)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.o.Log.WarnContext(ctx, "receipt not signed", "application", app.ID, "error", err)
		return s.later(ctx, app, signature, report, "unavailable", nil)
	}
	evidence, err := json.Marshal(report)
	if err != nil {
		return nil, fmt.Errorf("writing the verdict: %w", err)
	}
	reg := &Registration{
		Application: app.ID, Number: done.Number, At: now, SignatureSHA256: digest(signature), Signature: signature,
		Stamped: stamped, Report: evidence, Receipt: receipt,
	}
	preserve, err := s.preserve(receiptOf+done.Number, receipt, nil)
	if err != nil {
		return nil, err
	}
	preserveSignature, err := s.preserveApplicants(signatureOf+done.Number, stamped, sd)
	if err != nil {
		return nil, err
	}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		return errors.Join(s.enter(tx, r, &done, serial, reg), preserve(tx), preserveSignature(tx))
	})
	if errors.Is(err, ErrOvertaken) {
		// Another process was faster; its answer counts.
		if app, err = s.load(ctx, app.ID); err != nil {
			return nil, err
		}
		return s.repeated(ctx, app, signature)
	}
	if err != nil {
		return nil, fmt.Errorf("registering: %w", err)
	}
	s.o.Log.InfoContext(ctx, "application registered", "application", app.ID, "number", done.Number)
	return &Submission{
		Application: done, Verdict: report, Receipt: receipt,
		Message: registeredMessage(done.Number, deadline, s.o.Calendar.zone),
	}, nil
}

// ErrOvertaken: the application moved on between the reading and the writing.
var ErrOvertaken = errors.New("the application has moved on")

func (s *Service) enter(tx Tx, r *Regulation, done *Application, serial int64, reg *Registration) error {
	if err := tx.Enter(done, applicationSeries(r), serial); err != nil {
		return err
	}
	if _, err := s.aboutLicence(tx, done); err != nil {
		return err
	}
	entry, err := canonical(applicationEntry{
		Kind: entryApplication, Number: done.Number, Service: done.Service, At: reg.At.Format(time.RFC3339Nano),
		Package: digest(done.Package), Signature: reg.SignatureSHA256, Stamped: digest(reg.Stamped), Receipt: digest(reg.Receipt), Report: digest(reg.Report),
	})
	if err != nil {
		return err
	}
	if reg.Entry, err = journal.Append(tx, entry); err != nil {
		return err
	}
	if err := tx.AddRegistration(reg); err != nil {
		return err
	}
	if err := s.notify(tx, done, "registered", map[string]string{"number": done.Number, "deadline": done.Deadline.In(s.o.Calendar.zone).Format("02.01.2006")}); err != nil {
		return err
	}
	return s.termsOfApplication(tx, r, done)
}

// reserve takes a serial in a transaction of its own.
func (s *Service) reserve(ctx context.Context, series, id string) (serial int64, err error) {
	err = s.o.Store.Update(ctx, func(tx Tx) error { return tx.Reserve(series, id, &serial) })
	if err != nil {
		return 0, fmt.Errorf("reserving a number: %w", err)
	}
	return serial, nil
}

// stamp adds a signature time-stamp (EN 319 122-1 §5.3) to every signature: it
// proves that the signature existed while the certificate was valid, however
// long the review takes. Without a Stamper there is nothing to add.
func (s *Service) stamp(ctx context.Context, submitted []byte, sd *cms.SignedData) ([]byte, error) {
	if s.o.Stamper == nil {
		return nil, nil
	}
	if sd == nil { // XML
		return s.stampXML(ctx, submitted)
	}
	out := sd.Raw
	for i := range sd.Signers {
		token, err := s.o.Stamper.Stamp(ctx, sd.Signers[i].Signature)
		if err != nil {
			return nil, err
		}
		current, err := cms.Parse(out, cms.Limits{})
		if err != nil {
			return nil, err
		}
		out, err = current.AddUnsigned(i, cms.Attribute{Type: pki.OIDSignatureTimeStamp, Values: [][]byte{token}})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// repeated answers a package that was registered before: the same signature
// gets the same number and receipt.
func (s *Service) repeated(ctx context.Context, app *Application, signature []byte) (*Submission, error) {
	if app.Status == Draft {
		// Overtaken by a refused signature, which took the reserved serial back.
		return nil, ErrLater
	}
	var reg *Registration
	err := s.o.Store.View(ctx, func(tx Tx) (err error) {
		reg, err = tx.Registration(app.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the registration: %w", err)
	}
	if reg.SignatureSHA256 != digest(signature) {
		return nil, fmt.Errorf("%w: the application is %s under number %s with another signature", ErrState, app.Status, app.Number)
	}
	report, err := readReport(reg.Report)
	if err != nil {
		return nil, err
	}
	return &Submission{
		Application: *app, Verdict: report, Receipt: reg.Receipt,
		Message: registeredMessage(reg.Number, *app.Deadline, s.o.Calendar.zone),
	}, nil
}
