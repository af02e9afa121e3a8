// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rastau/internal/account"
	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/licensing"
	"rastau/verifier"
)

// story plays the whole of what Rastau is for against a running API and compares every verdict with what it must be.
type story struct {
	world  *world
	client *client
	out    io.Writer
	wrong  int
	passed int
	number string          // of the licence issued in the first scene
	known  map[string]bool // messages that were told, where telling once is enough
}

// scene is one application that must end as the table says.
type scene struct {
	title     string
	applicant licensing.Applicant
	sign      func(pkg []byte) ([]byte, error)
	verdict   string // indication and sub-indication
	finding   string // that decided
	reason    string // of the message
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// check prints one line of the transcript and counts.
func (s *story) check(ok bool, format string, args ...any) {
	mark := "  ✓ "
	if !ok {
		mark, s.wrong = "  ✗ ", s.wrong+1
	} else {
		s.passed++
	}
	s.say(mark+format, args...)
}

func (s *story) tell(m told) {
	for _, line := range []struct{ lang, text, next string }{{"kk", m.Text.KK, m.Next.KK}, {"ru", m.Text.RU, m.Next.RU}, {"en", m.Text.EN, m.Next.EN}} {
		s.say("    %s: %s %s", line.lang, line.text, line.next)
	}
}

// play runs all scenes; the error is for what kept the story from being told, wrong verdicts are counted.
func (s *story) play(ctx context.Context) error {
	for _, part := range []func(context.Context) error{s.goodLicence, s.nationalLicence, s.refusals, s.outage, s.tamperedLicence, s.threePaths, s.licences} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	s.say("\n%d checks as they must be, %d not.", s.passed, s.wrong)
	return nil
}

func (w *world) body() licensing.Applicant {
	return licensing.Applicant{Kind: licensing.LegalEntity, BIN: w.people.bin, Name: "«Қоңырау жолы» ЖШС (DEMO)",
		Address: "Астана қ., Мәңгілік Ел даңғылы, 8-үй", Email: "demo@example.com", Phone: "+7 700 000 00 00"}
}

func (w *world) entrepreneurs() licensing.Applicant {
	return licensing.Applicant{Kind: licensing.SoleEntrepreneur, IIN: w.people.iin, Name: "ҮЛГІБАЕВА ҚҰНДЫЗ (DEMO)",
		Address: "Шымкент қ., Тәуке хан даңғылы, 3-үй", Email: "demo@example.com", Phone: "+7 700 000 00 01"}
}

// apply files an application and returns its id and the canonical package to be signed.
func (s *story) apply(ctx context.Context, a licensing.Applicant) (*licensing.Application, error) {
	var app licensing.Application
	err := s.client.call(ctx, account.Applicant, "/v1/applications", s.world.sampleApplication(a), &app)
	return &app, err
}

func (s *story) submit(ctx context.Context, id string, signature []byte) (*submission, error) {
	var sub submission
	err := s.client.call(ctx, account.Applicant, "/v1/applications/"+id+"/signature", map[string][]byte{"signature": signature}, &sub)
	return &sub, err
}

// signedBy makes the applicant's detached CAdES signature over the package.
func signedBy(k *pki.Key) func([]byte) ([]byte, error) {
	return func(pkg []byte) ([]byte, error) {
		return cms.Sign(context.Background(), cms.SignOptions{Content: pkg, Detached: true, Key: k.Signer, Certificate: k.Certificate, Chain: k.Chain, SigningTime: time.Now()})
	}
}

func (s *story) goodLicence(ctx context.Context) error {
	s.say("1. A good application for a passenger-transport licence")
	return s.licence(ctx)
}

// nationalLicence is the same with keys of the national algorithms: first the applicant's alone, then everybody's.
func (s *story) nationalLicence(ctx context.Context) error {
	s.say("\n1b. The same with the national algorithms, GOST 34.10-2015 of 512 bits")
	app, err := s.apply(ctx, s.world.body())
	if err != nil {
		return err
	}
	signature, err := signedBy(s.world.second.people.head)(app.Package)
	if err != nil {
		return err
	}
	sub, err := s.submit(ctx, app.ID, signature)
	if err != nil {
		return err
	}
	s.check(sub.Verdict.String() == "TOTAL-PASSED" && sub.Application.Number != "", "an applicant with a GOST key, where the licensor's is RSA: %s, registered under number %s", &sub.Verdict, sub.Application.Number)

	s.say("  The second installation: authority, licensor, time stamps and applicant, all GOST; its own register in %s", secondFolder)
	n := &story{world: s.world.second, client: newClient(s.world.second.config.PublicURL, s.world.second.tokens), out: s.out}
	err = n.licence(ctx)
	s.passed, s.wrong = s.passed+n.passed, s.wrong+n.wrong
	return err
}

// licence is the way from an application to a licence that everybody can check.
func (s *story) licence(ctx context.Context) error {
	app, err := s.apply(ctx, s.world.body())
	if err != nil {
		return err
	}
	s.check(app.Status == licensing.Draft && len(app.Package) > 0, "draft %s: %d bytes of canonical JSON to be signed", app.ID, len(app.Package))
	signature, err := signedBy(s.world.people.head)(app.Package)
	if err != nil {
		return err
	}
	sub, err := s.submit(ctx, app.ID, signature)
	if err != nil {
		return err
	}
	s.check(sub.Verdict.String() == "TOTAL-PASSED", "the applicant's signature: %s", &sub.Verdict)
	s.check(sub.Application.Status == string(licensing.Registered) && sub.Application.Number != "", "registered under number %s, receipt of %d bytes signed by the licensor", sub.Application.Number, len(sub.Receipt))
	if !s.world.national() { // once is enough
		s.tell(sub.Message)
	}

	var decided licensing.Application
	if err := s.client.call(ctx, account.Officer, "/v1/applications/"+app.ID+"/decision", licensing.Decision{Approve: true, Checklist: sampleChecklist()}, &decided); err != nil {
		return err
	}
	s.number = decided.Licence
	s.check(decided.Status == licensing.Approved && licensing.ParseNumber(s.number) == nil, "approved by the officer: licence %s", s.number)

	path := filepath.Join(s.world.dir, "licences", s.number+".pdf")
	for _, file := range []string{path, strings.TrimSuffix(path, ".pdf") + ".p7m"} {
		kind := map[string]string{".pdf": "/pdf", ".p7m": "/signed"}[filepath.Ext(file)]
		data, err := s.client.raw(ctx, account.Auditor, "/v1/licences/"+s.number+kind, nil)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
		v, err := s.audit(ctx, file)
		if err != nil {
			return err
		}
		s.check(v.String() == "TOTAL-PASSED" && v.Intact != nil && *v.Intact, "the auditor, who trusts only %s, checks %s: %s, level %s", s.world.anchor(), filepath.Base(file), v, v.Signatures[0].Level)
		if s.world.national() {
			used := v.detail("signature.algorithm")
			s.check(strings.Contains(used, "GOST 34.10-2015-512"), "%s", used)
		}
	}
	check, err := s.register(ctx, path)
	if err != nil {
		return err
	}
	s.check(check.Registered && check.SameFile && check.InForce && check.Entitled != nil && *check.Entitled, "the register: this very file, in force, signed by someone entitled")
	return nil
}

// audit judges a file as `rastau verify --anchors D/anchors` does: with nothing but the anchor.
func (s *story) audit(ctx context.Context, file string) (*verdict, error) {
	anchors, err := readAnchors("--anchors", []string{filepath.Join(s.world.dir, "anchors")})
	if err != nil {
		return nil, err
	}
	data, err := readFile(file)
	if err != nil {
		return nil, err
	}
	auditor, err := s.world.auditor()
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(auditor.Document(ctx, data, verifier.Question{Anchors: anchors, Purpose: verifier.PurposeSign, Lang: "en"}))
	if err != nil {
		return nil, err
	}
	var v verdict
	if err := json.Unmarshal(encoded, &v); err != nil {
		return nil, err
	}
	if len(v.Signatures) == 0 {
		return &v, fmt.Errorf("%s has no signature", file)
	}
	return &v, nil
}

// register asks the API about a licence file.
func (s *story) register(ctx context.Context, file string) (*licensing.LicenceCheck, error) {
	data, err := readFile(file)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Licence licensing.LicenceCheck `json:"licence"`
	}
	err = s.client.call(ctx, account.Auditor, "/v1/licences/verify", map[string][]byte{"document": data}, &answer)
	return &answer.Licence, err
}

func (s *story) refusals(ctx context.Context) error {
	s.say("\n2. Refused by the workflow, each for its own reason")
	p, body, one := s.world.people, s.world.body(), s.world.entrepreneurs()
	for _, c := range []scene{
		{"the certificate has expired", body, signedBy(p.expired), "INDETERMINATE/OUT_OF_BOUNDS_NO_POE", "cert.validity", "expired"},
		{"the certificate is not yet valid", body, signedBy(p.early), "INDETERMINATE/OUT_OF_BOUNDS_NO_POE", "cert.validity", "not_yet_valid"},
		{"the certificate is revoked: the list says so", body, signedBy(p.listed), "INDETERMINATE/REVOKED_NO_POE", "cert.revocation", "revoked"},
		{"the certificate is revoked: OCSP says so", body, signedBy(p.answered), "INDETERMINATE/REVOKED_NO_POE", "cert.revocation", "revoked"},
		{"the IIN is someone else's", one, signedBy(p.stranger), "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE", "holder.iin", "holder_iin"},
		{"the BIN is another body's", body, signedBy(p.otherHead), "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE", "holder.bin", "holder_bin"},
		{"an authentication certificate was used to sign", body, signedBy(p.auth), "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE", "cert.purpose", "purpose"},
		{"the content was altered after signing", body, alteredAfterSigning(p.head), "TOTAL-FAILED/HASH_FAILURE", "signature.digest", "altered"},
		{"the chain leads to an unknown root", body, signedBy(p.outsider), "INDETERMINATE/NO_CERTIFICATE_CHAIN_FOUND", "cert.path", "chain"},
		{"there is no signature in the file", body, withoutSigners(p.head), "INDETERMINATE/NO_SIGNATURE_FOUND", "document.signature", "no_signature"},
		{"the signer's certificate is missing", body, withoutCertificates(p.head), "INDETERMINATE/NO_SIGNING_CERTIFICATE_FOUND", "signature.certificate", "no_certificate"},
	} {
		app, err := s.apply(ctx, c.applicant)
		if err != nil {
			return err
		}
		signature, err := c.sign(app.Package)
		if err != nil {
			return err
		}
		sub, err := s.submit(ctx, app.ID, signature)
		if err != nil {
			return err
		}
		s.refused(c, sub)
	}
	return nil
}

func (s *story) refused(c scene, sub *submission) {
	deciding := findingDoc{}
	for _, f := range sub.Verdict.failing() {
		if f.Key == c.finding {
			deciding = f
			break
		}
	}
	ok := sub.Verdict.String() == c.verdict && deciding.Key != "" && sub.Message.Reason == c.reason && sub.Message.Code == "M3" &&
		sub.Application.Number == "" && sub.Application.Status == string(licensing.Draft)
	s.check(ok, "%s: %s by %s (%s)", c.title, &sub.Verdict, deciding.Key, deciding.Citation)
	if !ok {
		s.say("    expected %s by %s, message M3 %s; got message %s %s, status %s, findings %v", c.verdict, c.finding, c.reason, sub.Message.Code, sub.Message.Reason, sub.Application.Status, sub.Verdict.failing())
	}
	s.tell(sub.Message)
}

func (s *story) outage(ctx context.Context) error {
	s.say("\n3. Both revocation sources are down")
	w := s.world
	w.pki.SetCADown(w.ca2, true, true)
	app, err := s.apply(ctx, w.body())
	if err != nil {
		return err
	}
	signature, err := signedBy(w.people.outage)(app.Package)
	if err != nil {
		return err
	}
	sub, err := s.submit(ctx, app.ID, signature)
	if err != nil {
		return err
	}
	s.check(sub.Verdict.String() == "INDETERMINATE/TRY_LATER" && sub.RetryAfter != nil && sub.Application.Number == "", "neither OCSP nor the list answers: %s, retry after %s; not registered, not refused", &sub.Verdict, timeOf(sub.RetryAfter))
	s.tell(sub.Message)

	w.pki.SetCADown(w.ca2, false, false)
	deadline := time.Now().Add(2 * time.Minute)
	for sub.Verdict.String() == "INDETERMINATE/TRY_LATER" && time.Now().Before(deadline) {
		wait := time.Second
		if sub.RetryAfter != nil {
			wait = min(max(time.Until(*sub.RetryAfter), 100*time.Millisecond), 30*time.Second)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		if sub, err = s.submit(ctx, app.ID, signature); err != nil {
			return err
		}
	}
	s.check(sub.Verdict.String() == "TOTAL-PASSED" && sub.Application.Number != "", "they are back, and the same application passes: %s, registered under number %s", &sub.Verdict, sub.Application.Number)
	return nil
}

func timeOf(t *time.Time) string {
	if t == nil {
		return "(no time given)"
	}
	return t.UTC().Format(time.RFC3339)
}

func (s *story) tamperedLicence(ctx context.Context) error {
	s.say("\n4. A licence that was tampered with")
	genuine, err := readFile(filepath.Join(s.world.dir, "licences", s.number+".pdf"))
	if err != nil {
		return err
	}
	for _, c := range []struct {
		title, file, finding string
		change               func([]byte) ([]byte, error)
	}{
		{"one byte of the licence changed", "one-byte.pdf", "signature.digest", changeOneByte},
		{"a page appended after the signature", "page-appended.pdf", "document.revision", appendPage},
	} {
		changed, err := c.change(genuine)
		if err != nil {
			return err
		}
		path := filepath.Join(s.world.dir, "tampered", c.file)
		if err := os.WriteFile(path, changed, 0o644); err != nil {
			return err
		}
		v, err := s.audit(ctx, path)
		if err != nil {
			return err
		}
		why := "no finding says why"
		found := false
		for _, f := range v.failing() {
			if f.Key == c.finding {
				why, found = f.Detail, true
			}
		}
		s.check(v.Indication == "TOTAL-FAILED" && found && v.Intact != nil && !*v.Intact, "%s: %s by %s: %s", c.title, v, c.finding, why)
		check, err := s.register(ctx, path)
		if err != nil {
			return err
		}
		s.check(!check.SameFile, "the register: not the file that was issued")
	}
	return nil
}

var errStory = errors.New("the story did not go as it must")
