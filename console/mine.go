// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"rastau/licensing"
)

// What an applicant does after the first signature: corrects what was asked for and signs again, appeals, opens a licence and asks
// for another in its place.

type correctionPage struct {
	*licensing.Application
	Service   string
	Request   eventBody
	Named     []string // what is to be put right, in words
	Held      bool
	Groups    []correctionGroup
	Documents []documentLine
	Dropped   map[string]bool
}

type correctionGroup struct {
	Name   string
	Fields []field
}

// correctionForm shows what is to be put right and the whole application to do it in.
func (s *site) correctionForm(q *request) error {
	app, err := s.o.Service.Application(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return err
	}
	return s.showCorrection(q, http.StatusOK, app, valuesOf(app.Fields), nil)
}

func (s *site) showCorrection(q *request, status int, app *licensing.Application, values map[string]any, errs []fieldError) error {
	r, ok := s.regulation(app.Service)
	if !ok {
		return errMissing
	}
	file, err := s.o.Service.File(q.Context(), q.actor(), app.ID)
	if err != nil {
		return err
	}
	m := mattersOf(file.Events)
	if app.Status != licensing.Registered || !m.Correction && !m.Held {
		return q.redirect("/my/" + app.ID)
	}
	p := correctionPage{Application: app, Service: r.Name.In(q.lang), Request: m.Request, Held: m.Held, Documents: documentLines(r, app), Dropped: map[string]bool{}}
	for _, o := range partsOf(r, app, q) {
		if slices.Contains(m.Request.Fields, o.Value) {
			p.Named = append(p.Named, o.Label)
		}
	}
	for _, f := range r.Screens(app.Applicant.Kind, app.Operation) {
		if f.Part == "" {
			p.Groups = append(p.Groups, correctionGroup{f.Name.In(q.lang), fieldsOf(f, app.Operation, values, q.lang, errs)})
		}
	}
	for _, sum := range q.Form["drop"] {
		p.Dropped[sum] = true
	}
	v := q.view("correction.title")
	v.Data, v.Errors, v.Back = p, errs, "/my/"+app.ID
	return q.render(status, "correction", v)
}

// correct makes the package of the correction, or shows what is wrong with it.
func (s *site) correct(q *request) error {
	if err := q.ParseMultipartForm(2 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	app, err := s.o.Service.Application(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return err
	}
	r, ok := s.regulation(app.Service)
	if !ok {
		return errMissing
	}
	values := valuesOf(app.Fields)
	screens := r.Screens(app.Applicant.Kind, app.Operation)
	for _, f := range screens {
		if f.Part == "" {
			posted(f, q.Form, values)
		}
	}
	app.Applicant.Name, app.Applicant.Address = strings.TrimSpace(q.FormValue("name")), strings.TrimSpace(q.FormValue("address"))
	if name := q.FormValue("add"); name != "" {
		addRow(values, name)
		return s.showCorrection(q, http.StatusOK, app, values, nil)
	}
	n := draftOf(app)
	n.Lang = q.lang
	if n.Fields, err = json.Marshal(values); err != nil {
		return err
	}
	var errs []fieldError
	for _, f := range screens {
		if f.Part == "" {
			errs = append(errs, complaints(q, r.CheckScreen(f, app.Operation, n.Fields))...)
		}
	}
	if len(errs) > 0 {
		return s.showCorrection(q, http.StatusUnprocessableEntity, app, values, errs)
	}
	n.Attachments = slices.DeleteFunc(n.Attachments, func(x licensing.NewAttachment) bool { return slices.Contains(q.Form["drop"], x.SHA256) })
	// The button named "drop" of the wizard takes one away at once; here the ticks do.
	q.Form.Del("drop")
	if _, err := readDocuments(q, &n, r.Checklist(n.Applicant.Kind, n.Operation, n.Channel, n.Fields)); err != nil {
		return err
	}
	_, err = s.o.Service.Amend(q.Context(), q.actor(), app.ID, n)
	switch {
	case isInput(err):
		return s.showCorrection(q, http.StatusUnprocessableEntity, app, values, []fieldError{{nameOf(err), fieldOf(q, err)}})
	case errors.Is(err, licensing.ErrState):
		return q.redirect("/my/" + app.ID)
	case err != nil:
		return err
	}
	return q.redirect("/my/" + app.ID + "/correction/sign")
}

type signAgainPage struct {
	*licensing.Application
	Package  string // base64: what is signed
	IIN, BIN string
	Sections []section
	Refusal  *licensing.Message
}

// signAgainForm shows the corrected application for its signature.
func (s *site) signAgainForm(q *request) error { return s.showSignAgain(q, http.StatusOK, nil, nil) }

func (s *site) showSignAgain(q *request, status int, refusal *licensing.Message, errs []fieldError) error {
	id := q.PathValue("id")
	app, err := s.o.Service.Correcting(q.Context(), q.actor(), id)
	if errors.Is(err, licensing.ErrNotFound) || errors.Is(err, licensing.ErrState) {
		return q.redirect("/my/" + id)
	}
	if err != nil {
		return err
	}
	r, ok := s.regulation(app.Service)
	if !ok {
		return errMissing
	}
	p := signAgainPage{Application: app, Package: base64.StdEncoding.EncodeToString(app.Package), IIN: app.Applicant.IIN, BIN: app.Applicant.BIN, Refusal: refusal}
	if app.Clerk != nil {
		p.IIN, p.BIN = app.Clerk.IIN, app.Clerk.BIN
	}
	v := q.view("correction.sign")
	values := valuesOf(app.Fields)
	for _, f := range r.Screens(app.Applicant.Kind, app.Operation) {
		if f.Part == "" {
			p.Sections = append(p.Sections, section{screen{Key: f.Key, Name: f.Name.In(q.lang)}, answersOf(f, values, q.lang, v.T("yes"))})
		}
	}
	v.Path, v.Data, v.Errors, v.Back = "/my/"+app.ID+"/correction/sign", p, errs, "/my/"+app.ID+"/correction"
	return q.render(status, "correction-sign", v)
}

// signAgain takes the signature over the correction.
func (s *site) signAgain(q *request) error {
	if err := q.ParseMultipartForm(2 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	signature, err := signatureOf(q)
	if err != nil {
		return err
	}
	if len(signature) == 0 {
		return s.showSignAgain(q, http.StatusUnprocessableEntity, nil, []fieldError{{"sign", q.view("apply.title").T("apply.unsigned")}})
	}
	sub, err := s.o.Service.SubmitAmendment(q.Context(), q.actor(), q.PathValue("id"), signature)
	if err != nil {
		return err
	}
	switch sub.Message.Code {
	case licensing.CodeRegistered:
		return q.redirect("/my/" + q.PathValue("id"))
	case licensing.CodeLater:
		return s.showSignAgain(q, http.StatusServiceUnavailable, &sub.Message, []fieldError{{"sign", sub.Message.Text.In(q.lang)}})
	}
	return s.showSignAgain(q, http.StatusUnprocessableEntity, &sub.Message, []fieldError{{"sign", sub.Message.Text.In(q.lang)}})
}

// signatureOf is what the script put into the form, or the file of whoever signed elsewhere; nil where there is neither.
func signatureOf(q *request) ([]byte, error) {
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(q.FormValue("signature")))
	if err == nil && len(signature) > 0 {
		return signature, nil
	}
	file, _, err := q.FormFile("file")
	if err != nil {
		return nil, nil //nolint:nilerr // a form without a file has none
	}
	defer file.Close()
	return io.ReadAll(file)
}

// appealForm asks why the applicant does not agree.
func (s *site) appealForm(q *request) error { return s.showAppeal(q, http.StatusOK, nil) }

func (s *site) showAppeal(q *request, status int, errs []fieldError) error {
	app, err := s.o.Service.Application(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return err
	}
	if app.Decided == nil {
		return q.redirect("/my/" + app.ID)
	}
	v := q.view("appeal.title")
	v.Data, v.Errors, v.Back = struct {
		*licensing.Application
		Text string
	}{app, q.FormValue("text")}, errs, "/my/"+app.ID
	return q.render(status, "appeal", v)
}

func (s *site) appeal(q *request) error {
	err := s.o.Service.Appeal(q.Context(), q.actor(), q.PathValue("id"), strings.TrimSpace(q.FormValue("text")))
	switch {
	case isInput(err):
		return s.showAppeal(q, http.StatusUnprocessableEntity, []fieldError{{"text", fieldOf(q, err)}})
	case errors.Is(err, licensing.ErrState):
		return s.showAppeal(q, http.StatusConflict, []fieldError{{"text", why(q.lang, err.Error())}})
	case err != nil:
		return err
	}
	return q.redirect("/my/" + q.PathValue("id"))
}

type ownLicencePage struct {
	Licence    *licensing.Licence
	Line       licenceLine
	Service    string
	Moves      []licensing.MoveRecord
	Appendices []licensing.Appendix
	Requests   []licensing.Operation // that may be made about it now
}

// ownLicence shows a licence to its holder: open, save, and what may be asked for.
func (s *site) ownLicence(q *request) error {
	number := strings.ToUpper(q.PathValue("number"))
	l, err := s.holders(q, number)
	if err != nil {
		return err
	}
	p := ownLicencePage{Licence: l, Service: l.Service}
	register, err := s.o.Service.Register(q.Context(), licensing.Search{Text: number, Limit: 1})
	if err != nil {
		return err
	}
	if len(register.Licences) == 1 {
		p.Line = s.licenceLine(register.Licences[0])
	}
	if p.Moves, err = s.o.Service.Moves(q.Context(), number); err != nil {
		return err
	}
	if p.Appendices, err = s.o.Service.Appendices(q.Context(), number); err != nil {
		return err
	}
	if r, ok := s.regulation(l.Service); ok {
		p.Service = r.Name.In(q.lang)
		for _, op := range r.Operations {
			if op.OfLicence() && p.Line.InForce && op.RunsOn(string(channelOf(q.actor()))) && s.o.Service.Takes(r) {
				p.Requests = append(p.Requests, op)
			}
		}
	}
	v := q.view("licence.title")
	v.Data, v.Back = p, "/my"
	return q.render(http.StatusOK, "own-licence", v)
}

// holders is a licence of the person who asks.
func (s *site) holders(q *request, number string) (*licensing.Licence, error) {
	if licensing.ParseNumber(number) != nil {
		return nil, errMissing
	}
	if err := s.o.Service.OwnLicence(q.Context(), q.actor(), number); err != nil {
		return nil, err
	}
	return s.o.Service.Licence(q.Context(), number)
}

// ownLicencePDF opens or saves a licence or one of its appendices.
func (s *site) ownLicencePDF(q *request) error {
	number := strings.ToUpper(q.PathValue("number"))
	if _, err := s.holders(q, number); err != nil {
		return err
	}
	return s.sendLicence(q, number, q.FormValue("appendix"))
}
