// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"io"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"rastau/internal/identity"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/licensing"
	"rastau/verifier"
)

// judging is what a caller may say about how to judge. Anchors are not among it:
// trust is the installation's own.
type judging struct {
	At         *string `json:"at"`         // RFC 3339
	IIN        *string `json:"iin"`        // expected of the holder
	BIN        *string `json:"bin"`        // expected of the holder
	Applicant  *string `json:"applicant"`  // kind of applicant that the holder must be able to act as
	Purpose    *string `json:"purpose"`    // sign, auth, any
	Revocation *string `json:"revocation"` // require, none
	MaxAge     *string `json:"maxAge"`     // as Go writes durations: 168h
	Lang       *string `json:"lang"`       // kk, ru, en
	Algorithms *string `json:"algorithms"` // default, legacy
}

var judgingNames = []string{"at", "iin", "bin", "applicant", "purpose", "revocation", "maxAge", "lang", "algorithms"}

func judgingOf(form map[string][]byte) judging {
	v := func(name string) *string { return wordOf(form, name) }
	return judging{v("at"), v("iin"), v("bin"), v("applicant"), v("purpose"), v("revocation"), v("maxAge"), v("lang"), v("algorithms")}
}

// words are the fields in the order of judgingNames.
func (j judging) words() []*string {
	return []*string{j.At, j.IIN, j.BIN, j.Applicant, j.Purpose, j.Revocation, j.MaxAge, j.Lang, j.Algorithms}
}

// wordOf is a short value of a form, nil where it was not given.
func wordOf(form map[string][]byte, name string) *string {
	data, given := form[name]
	if !given {
		return nil
	}
	word := string(data)
	return &word
}

// word is what was given, "" where nothing was.
func word(given *string) string {
	if given == nil {
		return ""
	}
	return *given
}

// stated refuses a value that was given and is empty: a client that lost it on the way
// would take the answer to another question for the answer to its own.
func stated(field string, given *string) error {
	if given != nil && *given == "" {
		return badInput(field, "must not be empty; leave it out where it is not asked")
	}
	return nil
}

// question is the installation's question, narrowed as the caller asks. Without
// the caller's word the purpose is byDefault.
func (s *server) question(c echo.Context, j judging, byDefault verifier.Purpose) (verifier.Question, error) {
	q := s.o.Question()
	for i, given := range j.words() {
		if err := stated(judgingNames[i], given); err != nil {
			return q, err
		}
	}
	var err error
	if q.Lang, err = langOf(c, word(j.Lang)); err != nil {
		return q, err
	}
	if word(j.At) != "" {
		if q.At, err = time.Parse(time.RFC3339, word(j.At)); err != nil {
			return q, badInput("at", "must be a time of RFC 3339, for example 2026-04-15T00:00:00Z")
		}
	}
	for field, number := range map[string]string{"iin": word(j.IIN), "bin": word(j.BIN)} {
		if _, err := identity.Parse(number); number != "" && err != nil {
			return q, badInput(field, "must have exactly twelve digits")
		}
	}
	q.IIN, q.BIN = word(j.IIN), word(j.BIN)
	if q.Applicant = verifier.Applicant(word(j.Applicant)); word(j.Applicant) != "" && !slices.Contains(verifier.Applicants(), q.Applicant) {
		return q, badInput("applicant", "must be one of the kinds that the documentation names, for example legal-entity")
	}
	switch q.Purpose = verifier.Purpose(word(j.Purpose)); q.Purpose {
	case verifier.PurposeSign, verifier.PurposeAuth, verifier.PurposeAny:
	case "":
		q.Purpose = byDefault
	default:
		return q, badInput("purpose", "must be sign, auth or any")
	}
	switch word(j.Revocation) {
	case "":
	case "require":
		q.NoRevocation = false
	case "none":
		q.NoRevocation = true
	default:
		return q, badInput("revocation", "must be require or none")
	}
	if word(j.MaxAge) != "" {
		if q.MaxAge, err = time.ParseDuration(word(j.MaxAge)); err != nil || q.MaxAge <= 0 {
			return q, badInput("maxAge", "must be a duration above zero, for example 168h")
		}
	}
	switch word(j.Algorithms) {
	case "":
	case "default":
		q.Algorithms = pki.DefaultAlgorithms
	case "legacy":
		q.Algorithms = pki.LegacyAlgorithms
	default:
		return q, badInput("algorithms", "must be default or legacy")
	}
	return q, nil
}

// langOf is the language asked for in the body, else the one that the client prefers.
func langOf(c echo.Context, asked string) (phrase.Lang, error) {
	if asked == "" {
		return preferredLang(c), nil
	}
	l, ok := phrase.ParseLang(asked)
	if !ok {
		return "", badInput("lang", "must be kk, ru or en")
	}
	return l, nil
}

type signatureQuestion struct {
	Document      *[]byte `json:"document"`
	Content       *[]byte `json:"content"`       // detached content
	ContentDigest *string `json:"contentDigest"` // of the detached content, "sha256:HEX"
	judging
}

func (s *server) verifySignature(c echo.Context) error {
	var a signatureQuestion
	kind, params, err := contentType(c, typeJSON, typeMultipart)
	if err != nil {
		return err
	}
	if kind == typeJSON {
		a, err = s.readQuestion(c)
	} else {
		var form map[string][]byte
		form, err = s.readForm(c, params, []string{"document", "content"}, append([]string{"contentDigest"}, judgingNames...))
		a = signatureQuestion{bytesOf(form, "document"), bytesOf(form, "content"), wordOf(form, "contentDigest"), judgingOf(form)}
	}
	if err != nil {
		return err
	}
	if a.Document == nil {
		return badInput("document", "is required: the signed file")
	}
	q, err := s.question(c, a.judging, verifier.PurposeSign)
	if err != nil {
		return err
	}
	switch {
	case a.Content != nil && a.ContentDigest != nil:
		return badInput("contentDigest", "give the content or its digest, not both")
	case a.Content != nil:
		content := *a.Content
		q.Content = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	case a.ContentDigest != nil:
		if q.Digests, err = pki.ParseDigest(*a.ContentDigest); err != nil {
			return badInput("contentDigest", err.Error())
		}
	}
	c.Response().Header().Add(echo.HeaderVary, echo.HeaderAccept)
	r := s.o.Verifier.Document(c.Request().Context(), *a.Document, q)
	return s.verdict(c, "signature", r)
}

// readQuestion reads the JSON body of a question about a signature.
func (s *server) readQuestion(c echo.Context) (signatureQuestion, error) {
	body, err := s.readBody(c)
	if err != nil {
		return signatureQuestion{}, err
	}
	if a, ok := flatQuestion(body); ok {
		return a, nil
	}
	var a signatureQuestion
	err = decodeJSON(body, &a)
	return a, err
}

// verdict answers with a report, unless the time of the request ran out: then
// what was found says more of the haste than of the file.
func (s *server) verdict(c echo.Context, question string, r *verifier.Report) error {
	if err := c.Request().Context().Err(); err != nil {
		return err
	}
	s.o.Memory.Verdict(s.o.Log, question, r)
	if r.Document && prefersXML(c) {
		return validationReport(c, r)
	}
	return ok(c, r)
}

func bytesOf(form map[string][]byte, name string) *[]byte {
	data, given := form[name]
	if !given {
		return nil
	}
	return &data
}

type certificateQuestion struct {
	Certificate *[]byte `json:"certificate"`
	judging
}

func (s *server) verifyCertificate(c echo.Context) error {
	var a certificateQuestion
	kind, params, err := contentType(c, typeJSON, typeMultipart)
	if err != nil {
		return err
	}
	if kind == typeJSON {
		err = s.readJSON(c, &a)
	} else {
		var form map[string][]byte
		form, err = s.readForm(c, params, []string{"certificate"}, judgingNames)
		a = certificateQuestion{bytesOf(form, "certificate"), judgingOf(form)}
	}
	if err != nil {
		return err
	}
	if a.Certificate == nil {
		return badInput("certificate", "is required: DER or PEM")
	}
	q, err := s.question(c, a.judging, verifier.PurposeAny)
	if err != nil {
		return err
	}
	r := s.o.Verifier.CertificateFile(c.Request().Context(), *a.Certificate, q)
	return s.verdict(c, "certificate", r)
}

type licenceQuestion struct {
	Document *[]byte `json:"document"`
	Number   *string `json:"number"`
	Lang     *string `json:"lang"`
}

// licenceAnswer is what the file's signature says and what the register says.
type licenceAnswer struct {
	Verdict *verifier.Report       `json:"verdict"` // null where no file was given
	Licence licensing.LicenceCheck `json:"licence"`
}

func (s *server) verifyLicence(c echo.Context) error {
	var a licenceQuestion
	kind, params, err := contentType(c, typeJSON, typeMultipart)
	if err != nil {
		return err
	}
	if kind == typeJSON {
		err = s.readJSON(c, &a)
	} else {
		var form map[string][]byte
		form, err = s.readForm(c, params, []string{"document"}, []string{"number", "lang"})
		a = licenceQuestion{bytesOf(form, "document"), wordOf(form, "number"), wordOf(form, "lang")}
	}
	if err != nil {
		return err
	}
	if err := stated("number", a.Number); err != nil {
		return err
	}
	if a.Document == nil && a.Number == nil {
		return badInput("document", "give the licence's file, its number, or both")
	}
	if a.Number != nil {
		if err := licensing.ParseNumber(*a.Number); err != nil {
			return err
		}
	}
	q, err := s.question(c, judging{Lang: a.Lang}, verifier.PurposeSign)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	var out licenceAnswer
	var data []byte
	if a.Document != nil {
		data = *a.Document
		out.Verdict = s.o.Verifier.Document(ctx, data, q)
	}
	out.Licence = s.o.Service.CheckLicence(ctx, out.Verdict, data, word(a.Number))
	if err := ctx.Err(); err != nil {
		return err
	}
	if out.Verdict != nil {
		s.o.Memory.Verdict(s.o.Log, "licence", out.Verdict)
	}
	return ok(c, out)
}
