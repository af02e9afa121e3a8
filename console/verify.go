// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"rastau/internal/evidence"
	"rastau/internal/page"
	"rastau/internal/phrase"
	"rastau/licensing"
	"rastau/verifier"
)

// judgeWait is how long a page waits for one of the places in which files are judged.
const judgeWait = 10 * time.Second

// verdictPage is what was found about a file, the plain sentence first.
type verdictPage struct {
	File       string // its name, "" where it was not sent
	Known      bool   // the file was not sent: its digest is a registered page's
	Answers    []threeAnswer
	Report     *verifier.Report
	Check      licensing.LicenceCheck
	Sentence   string // in one sentence
	Why, Todo  string // of the verdict on the signature; "" where it passed
	Mark       string // yes, no or open
	Signatures []signatureLine
	Chain      []link
	Token      string // of the evidence; "" where none is kept
	At         string // asked for
	Again      bool   // judged anew at another time
	Version    string // of the policy
}

// threeAnswer is one of the three that whoever holds a licence wants.
type threeAnswer struct{ Question, Is, Why, Todo string }

// signatureLine is a signature in the words of people.
type signatureLine struct {
	Who, Issuer string
	When        time.Time
	Proven      bool // by a time stamp; else the signer's own word
	Level, Mark string
	Indication  string
	Findings    []verifier.Finding
}

type verifyForm struct {
	Number, At string
}

// verifyForm asks for a number or a file.
func (s *site) verifyForm(q *request) error {
	if number := compact(q.FormValue("number")); number != "" {
		if licensing.ParseNumber(number) != nil {
			v := q.view("verify.title")
			v.Data, v.Errors = verifyForm{Number: q.FormValue("number")}, []fieldError{{"number", v.T("verify.bad_number")}}
			return q.render(http.StatusUnprocessableEntity, "verify", v)
		}
		return q.redirect("/v/" + number)
	}
	v := q.view("verify.title")
	v.Data = verifyForm{}
	return q.render(http.StatusOK, "verify", v)
}

// compact is a number as it is registered, however it was typed.
func compact(number string) string {
	return strings.ToUpper(strings.Join(strings.Fields(strings.ReplaceAll(number, "-", "")), ""))
}

// verify judges a file that was sent. Whoever audits may ask about another time.
func (s *site) verify(q *request) error {
	if err := q.ParseMultipartForm(2 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	f := verifyForm{At: strings.TrimSpace(q.FormValue("at"))}
	file, header, err := q.FormFile("file")
	if err != nil {
		v := q.view("verify.title")
		v.Data, v.Errors = f, []fieldError{{"file", v.T("verify.choose")}}
		return q.render(http.StatusUnprocessableEntity, "verify", v)
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	at, ok := s.judgedAt(q, f.At)
	if !ok {
		v := q.view("verify.title")
		v.Data, v.Errors = f, []fieldError{{"at", v.T("verify.bad_time")}}
		return q.render(http.StatusUnprocessableEntity, "verify", v)
	}
	p, err := s.judge(q, data, path.Base(strings.ReplaceAll(header.Filename, `\`, "/")), at)
	if err != nil {
		return err
	}
	return s.showVerdict(q, p)
}

// judgedAt reads a time that auditors may ask about; others ask about now.
func (s *site) judgedAt(q *request, typed string) (at time.Time, ok bool) {
	if typed == "" || !q.view("verify.title").May("auditor", "officer", "admin") {
		return at, true
	}
	for _, layout := range []string{"02.01.2006 15:04", "02.01.2006"} {
		if at, err := time.ParseInLocation(layout, typed, s.zone); err == nil {
			return at, true
		}
	}
	return at, false
}

// knownFile answers a script that has hashed a file: whether a registered page has this SHA-256. No file is sent.
func (s *site) knownFile(q *request) error {
	if _, _, err := s.o.Service.RegisteredFile(q.Context(), strings.ToLower(q.PathValue("sha256"))); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// verifyKnown judges the registered page with a SHA-256, as if it had been sent.
func (s *site) verifyKnown(q *request) error {
	_, pdf, err := s.o.Service.RegisteredFile(q.Context(), strings.ToLower(q.PathValue("sha256")))
	if err != nil {
		return err
	}
	p, err := s.judge(q, pdf, "", time.Time{})
	if err != nil {
		return err
	}
	p.Known = true
	return s.showVerdict(q, p)
}

// judgeAgain judges what the shelf keeps at another time.
func (s *site) judgeAgain(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	f, err := s.kept(q, q.PathValue("token"))
	if err != nil {
		return err
	}
	typed := strings.TrimSpace(q.FormValue("at"))
	at, ok := s.judgedAt(q, typed)
	if !ok || typed == "" {
		v := q.view("verify.title")
		v.Data, v.Errors = verifyForm{At: typed}, []fieldError{{"at", v.T("verify.bad_time")}}
		return q.render(http.StatusUnprocessableEntity, "verify", v)
	}
	p, err := s.judge(q, f.Document, f.Name, at)
	if err != nil {
		return err
	}
	p.Again, p.At = true, typed
	return s.showVerdict(q, p)
}

func (s *site) showVerdict(q *request, p *verdictPage) error {
	v := q.view("verdict.title")
	if p.Token != "" && !p.Known {
		v.Path = "/verify/result/" + p.Token // in another language, or read anew, without the file being sent again
	}
	v.Data, v.Back = p, "/verify"
	return q.render(http.StatusOK, "verdict", v)
}

// result shows a verdict again while its evidence is kept: judged anew from that alone, so that it is the same.
func (s *site) result(q *request) error {
	token := q.PathValue("token")
	f, err := s.kept(q, token)
	if err != nil {
		return err
	}
	leave, err := s.place(q.Context())
	if err != nil {
		return err
	}
	defer leave()
	f.Question.Lang, f.Question.KeepRecord = q.lang, true
	r := s.o.Verifier.Document(q.Context(), f.Document, f.Question)
	check := s.o.Service.CheckLicence(q.Context(), r, f.Document, "")
	if err := q.Context().Err(); err != nil {
		return err
	}
	p := s.verdictOf(q, r, &check, f.Document)
	p.File, p.Token, p.Again = f.Name, token, r.Time.Source == "given"
	return s.showVerdict(q, p)
}

// place waits for one of the few places in which files of the public are judged: each takes memory and time.
func (s *site) place(ctx context.Context) (leave func(), err error) {
	t := time.NewTimer(judgeWait)
	defer t.Stop()
	select {
	case s.judging <- struct{}{}:
		away := func() {}
		if s.o.Gate != nil {
			away = s.o.Gate.Enter()
		}
		return func() { away(); <-s.judging }, nil
	case <-t.C:
		return nil, licensing.ErrLater
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// judge answers the three questions about a file and keeps the evidence.
func (s *site) judge(q *request, data []byte, name string, at time.Time) (*verdictPage, error) {
	leave, err := s.place(q.Context())
	if err != nil {
		return nil, err
	}
	defer leave()
	question := s.o.Question()
	question.Purpose, question.Lang, question.At, question.KeepRecord = verifier.PurposeSign, q.lang, at, true
	r := s.o.Verifier.Document(q.Context(), data, question)
	check := s.o.Service.CheckLicence(q.Context(), r, data, "")
	if err := q.Context().Err(); err != nil {
		return nil, err
	}
	s.o.Verdict("licence", r)
	p := s.verdictOf(q, r, &check, data)
	p.File = name
	var zip bytes.Buffer
	if evidence.Write(&zip, nameOrLicence(name), r) == nil {
		p.Token = s.shelf.put(q.Context(), zip.Bytes())
	}
	return p, nil
}

func nameOrLicence(name string) string {
	if name == "" {
		return "licence.pdf"
	}
	return name
}

// verdictOf puts a report and what the register says into words.
func (s *site) verdictOf(q *request, r *verifier.Report, check *licensing.LicenceCheck, data []byte) *verdictPage {
	p := &verdictPage{Report: r, Version: verifier.PolicyVersion, Check: *check, Mark: markOf(r.Indication), Chain: chainOf(r)}
	answers := licensing.AnswersOf(r, data, check, nil)
	v := q.view("verdict.title")
	for _, a := range []struct {
		key string
		licensing.Answer
	}{{"intact", answers.Intact}, {"today", answers.InForce}, {"really", s.really(answers.FromLicensor, check)}} {
		is := "open"
		if a.Is != nil {
			is = answerOf(*a.Is)
		}
		t := threeAnswer{Question: a.key, Is: is, Why: a.Why.In(q.lang)}
		if is != "yes" {
			t.Todo = v.T("verdict.todo." + a.key + "." + is)
		}
		p.Answers = append(p.Answers, t)
	}
	for _, x := range r.Signatures {
		l := signatureLine{Level: x.Level, Mark: markOf(x.Indication), Indication: etsi(x.Indication, x.SubIndication), Findings: x.Findings}
		if x.Certificate != nil {
			l.Who, l.Issuer = nameIn(x.Certificate.Subject), nameIn(x.Certificate.Issuer)
		}
		if x.SigningTime != nil {
			l.When, l.Proven = *x.SigningTime, true
		} else if x.ClaimedTime != nil {
			l.When = *x.ClaimedTime
		}
		p.Signatures = append(p.Signatures, l)
	}
	if r.Indication == verifier.TotalPassed {
		p.Sentence = v.T("verdict.genuine.several")
		if len(p.Signatures) == 1 {
			x := p.Signatures[0]
			key := "verdict.genuine"
			if !x.Proven {
				key = "verdict.genuine.claimed"
			}
			p.Sentence = v.T(key, "who", x.Who, "when", v.Moment(x.When))
		}
	} else {
		p.Sentence = v.T("verdict." + p.Mark)
		p.Why, p.Todo = phrase.Get("sub."+string(r.SubIndication), nil).In(q.lang), phrase.Get("todo."+string(r.SubIndication), nil).In(q.lang)
	}
	return p
}

// really is no where the register holds another file under the number: whoever signed, this is not what the licensor issued.
func (s *site) really(a licensing.Answer, c *licensing.LicenceCheck) licensing.Answer {
	if c.Registered && !c.SameFile && (a.Is == nil || *a.Is) {
		no := false
		return licensing.Answer{Is: &no, Why: phrase.Get("workflow.check.changed", nil)}
	}
	return a
}

func markOf(i verifier.Indication) string {
	switch i {
	case verifier.TotalPassed:
		return "yes"
	case verifier.TotalFailed:
		return "no"
	}
	return "open"
}

// etsi are the two words of ETSI EN 319 102-1.
func etsi(i verifier.Indication, sub verifier.SubIndication) string {
	if sub == "" {
		return i.String()
	}
	return i.String() + "/" + string(sub)
}

func answerOf(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// kept opens the evidence of a verdict that was shown lately.
func (s *site) kept(q *request, token string) (*evidence.File, error) {
	zip, err := s.shelf.get(q.Context(), token)
	if err != nil {
		return nil, err
	}
	return evidence.Open(zip)
}

// evidence gives what a verdict rests on: as the archive that judges again without a network, the report as JSON, or a protocol to
// print. All three are made from the archive.
func (s *site) evidence(q *request) error {
	token, kind, _ := strings.Cut(q.PathValue("file"), ".")
	zip, err := s.shelf.get(q.Context(), token)
	if err != nil {
		return err
	}
	if kind == "zip" {
		return q.file("evidence.zip", "application/zip", zip, true)
	}
	f, err := evidence.Open(zip)
	if err != nil {
		return err
	}
	leave, err := s.place(q.Context())
	if err != nil {
		return err
	}
	defer leave()
	f.Question.Lang, f.Question.KeepRecord = q.lang, true
	r := s.o.Verifier.Document(q.Context(), f.Document, f.Question)
	if err := q.Context().Err(); err != nil {
		return err
	}
	switch kind {
	case "json":
		r.File = f.Name
		data, err := evidence.JSON(r)
		if err != nil {
			return err
		}
		return q.file("evidence.json", "application/json", data, true)
	case "pdf":
		check := s.o.Service.CheckLicence(q.Context(), r, f.Document, "")
		p := s.verdictOf(q, r, &check, f.Document)
		p.File = f.Name
		pdf, err := page.DrawProtocol(s.protocol(q, p, f.Document))
		if err != nil {
			return err
		}
		return q.file("evidence.pdf", "application/pdf", pdf, true)
	}
	return errMissing
}
