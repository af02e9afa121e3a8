// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"rastau/internal/phrase"
	"rastau/licensing"
)

// The wizard of figures 1 to 11. Its screens are the regulation's; three are the program's own: who applies, the documents, and
// the check of all answers before signing. What is entered is saved with each screen, so that a person can leave and come back.

// Screens of the program's own.
const (
	screenApplicant = "applicant"
	screenDocuments = "documents"
	screenPayment   = "payment"
	screenCheck     = "check"
	screenSign      = "sign"
	screenDone      = "done"
)

// screen is one page of the wizard.
type screen struct {
	Key, Name string
	form      *licensing.FormStep
}

// wizard is an application on its way.
type wizard struct {
	App        *licensing.Application
	Regulation *licensing.Regulation
	Operation  licensing.Operation
	Screens    []screen
	Current    int
	Fee        *int64
	Payment    *licensing.PaymentRecord
	Unpaid     bool
	Fields     []field
	Documents  []documentLine
	Kinds      []option
	Answers    []section
	Package    string // base64: what is signed
	Refusal    *licensing.Message
	Later      *licensing.Message
}

func (w wizard) Screen() screen { return w.Screens[w.Current] }
func (w wizard) Number() int    { return w.Current + 1 }

type documentLine struct {
	licensing.Document
	Files []licensing.Attachment
}

type section struct {
	Screen  screen
	Answers []answer
}

func (s *site) regulation(key string) (*licensing.Regulation, bool) {
	for _, r := range s.o.Service.Regulations() {
		if r.Key == key {
			return r, true
		}
	}
	return nil, false
}

// channelOf is the path that a person's applications walk.
func channelOf(a licensing.Actor) licensing.Channel {
	switch {
	case a.Operator:
		return licensing.ChannelCentre
	case a.Employee:
		return licensing.ChannelProvider
	}
	return licensing.ChannelPortal
}

// begin makes the draft of a chosen request (figure 1).
func (s *site) begin(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	r, ok := s.regulation(q.FormValue("service"))
	if !ok {
		return errMissing
	}
	a := q.actor()
	n := licensing.NewApplication{Service: r.Key, Operation: q.FormValue("operation"), Channel: channelOf(a), Lang: q.lang,
		About: strings.ToUpper(strings.ReplaceAll(q.FormValue("about"), " ", ""))}
	if n.Channel == licensing.ChannelPortal {
		n.Applicant = licensing.Applicant{IIN: a.IIN, Name: a.Name}
		if a.BIN != "" {
			n.Applicant.IIN, n.Applicant.BIN = "", a.BIN
		}
	} else {
		n.OnPaper = true
		n.Applicant = licensing.Applicant{Kind: licensing.ApplicantKind(q.FormValue("kind")), IIN: q.FormValue("iin"), BIN: q.FormValue("bin"),
			Name: q.FormValue("name"), Address: q.FormValue("address")}
	}
	app, err := s.o.Service.Save(q.Context(), a, "", n)
	if err != nil {
		return err
	}
	return q.redirect("/apply/" + app.ID + "/" + screenApplicant)
}

// goOn leads to where a draft was left.
func (s *site) goOn(q *request) error {
	w, err := s.wizard(q, screenApplicant)
	if err != nil {
		return err
	}
	switch {
	case w.App.Status != licensing.Draft:
		return q.redirect("/my/" + w.App.ID)
	case len(w.App.Package) > 0:
		return q.redirect("/apply/" + w.App.ID + "/" + screenSign)
	}
	return q.redirect("/apply/" + w.App.ID + "/" + screenApplicant)
}

// wizard reads the application and lists its screens.
func (s *site) wizard(q *request, at string) (*wizard, error) {
	app, err := s.o.Service.Application(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	r, ok := s.regulation(app.Service)
	if !ok {
		return nil, errMissing
	}
	w := &wizard{App: app, Regulation: r}
	w.Operation, _ = r.Operation(app.Operation)
	v := q.view("apply.title")
	own := func(key string) { w.Screens = append(w.Screens, screen{Key: key, Name: v.T("apply." + key)}) }
	own(screenApplicant)
	for _, f := range r.Screens(app.Applicant.Kind, app.Operation) {
		if f.Part == "" {
			w.Screens = append(w.Screens, screen{Key: f.Key, Name: f.Name.In(q.lang), form: &f})
		}
	}
	own(screenDocuments)
	if fee, err := s.o.Service.Fee(app.Service, app.Operation); err == nil && fee > 0 {
		w.Fee = &fee
		own(screenPayment)
	}
	own(screenCheck)
	own(screenSign)
	w.Current = slices.IndexFunc(w.Screens, func(x screen) bool { return x.Key == at })
	if w.Current < 0 {
		return nil, errMissing
	}
	return w, nil
}

// step shows a screen.
func (s *site) step(q *request) error {
	if q.PathValue("step") == screenDone {
		return s.done(q)
	}
	w, err := s.wizard(q, q.PathValue("step"))
	if err != nil {
		return err
	}
	if sealed := len(w.App.Package) > 0; sealed != (w.Screen().Key == screenSign) || w.App.Status != licensing.Draft {
		if !sealed && w.Screen().Key == screenSign {
			return q.redirect("/apply/" + w.App.ID + "/" + screenCheck)
		}
		return s.goOn(q)
	}
	return s.showStep(q, http.StatusOK, w, nil)
}

func (s *site) showStep(q *request, status int, w *wizard, errs []fieldError) error {
	v := q.view("apply.title")
	v.Path, v.Title, v.Errors = "/apply/"+w.App.ID+"/"+w.Screen().Key, w.Screen().Name, errs
	if w.Current > 0 && w.Screen().Key != screenSign {
		v.Back = "/apply/" + w.App.ID + "/" + w.Screens[w.Current-1].Key
	}
	name := "step"
	switch w.Screen().Key {
	case screenApplicant:
		name = "applicant"
		for _, a := range w.Regulation.Applicants {
			if w.App.Channel == licensing.ChannelPortal && (a.Number == "bin") != (w.App.Applicant.BIN != "") {
				continue
			}
			w.Kinds = append(w.Kinds, option{Value: string(a.Kind), Label: a.Name.In(q.lang), Chosen: a.Kind == w.App.Applicant.Kind})
		}
		if len(w.Kinds) == 1 {
			w.Kinds[0].Chosen = true
		}
	case screenDocuments:
		name = "documents"
		w.listDocuments()
	case screenPayment:
		name = "payment"
		// A gateway that cannot be asked now is said on the page: nothing is lost.
		p, err := s.o.Service.Pay(q.Context(), q.actor(), w.App.ID)
		switch {
		case errors.Is(err, licensing.ErrLater):
			v.Errors = append(v.Errors, fieldError{"pay", v.T("apply.gateway_down")})
		case errors.Is(err, licensing.ErrState): // no gateway: the reference is asked for
		case err != nil:
			return s.backTo(q, w, err)
		}
		w.Payment = p
	case screenCheck:
		name = "check"
		values := valuesOf(w.App.Fields)
		for _, x := range w.Screens {
			if x.form != nil {
				w.Answers = append(w.Answers, section{x, answersOf(*x.form, values, q.lang, v.T("yes"))})
			}
		}
		w.listDocuments()
	case screenSign:
		name = "sign"
		w.Package = base64.StdEncoding.EncodeToString(w.App.Package)
	default:
		w.Fields = fieldsOf(*w.Screen().form, w.App.Operation, valuesOf(w.App.Fields), q.lang, errs)
	}
	v.Data = w
	return q.render(status, name, v)
}

func (w *wizard) listDocuments() { w.Documents = documentLines(w.Regulation, w.App) }

// missing complains of each document that is required and not attached.
func (w *wizard) missing(lang langCode) []fieldError {
	var out []fieldError
	for _, d := range documentLines(w.Regulation, w.App) {
		if d.Required && len(d.Files) == 0 {
			out = append(out, fieldError{"document." + d.Key, phrase.Say("console.apply.document_missing", "name", d.Name.In(lang)).In(lang)})
		}
	}
	return out
}

// draftOf is the draft as it can be saved again.
func draftOf(a *licensing.Application) licensing.NewApplication {
	n := licensing.NewApplication{Service: a.Service, Operation: a.Operation, Channel: a.Channel, About: a.About, Applicant: a.Applicant, Fields: a.Fields,
		OnPaper: a.OnPaper, Payment: a.Payment, Lang: a.Lang}
	for _, at := range a.Attachments {
		n.Attachments = append(n.Attachments, licensing.NewAttachment{Document: at.Document, Name: at.Name, Type: at.Type, SHA256: at.SHA256})
	}
	return n
}

// saveStep keeps a screen and goes on to the next, or shows what is wrong with it.
func (s *site) saveStep(q *request) error {
	if err := q.ParseMultipartForm(2 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	w, err := s.wizard(q, q.PathValue("step"))
	if err != nil {
		return err
	}
	if w.Screen().Key == screenCheck {
		return s.seal(q, w)
	}
	n := draftOf(w.App)
	n.Lang = q.lang
	var errs []fieldError
	again := false
	switch w.Screen().Key {
	case screenApplicant:
		errs = s.readApplicant(q, &n, w)
	case screenDocuments:
		if again, err = readDocuments(q, &n, w.Regulation.Checklist(n.Applicant.Kind, n.Operation, n.Channel, n.Fields)); err != nil {
			return err
		}
	case screenPayment:
		if ref := strings.TrimSpace(q.FormValue("reference")); ref != "" {
			n.Payment.Reference = ref
			if w.Fee != nil {
				n.Payment.Amount = *w.Fee
			}
		}
	case screenSign:
		return errMissing
	default:
		fields := valuesOf(w.App.Fields)
		posted(*w.Screen().form, q.Form, fields)
		if name := q.FormValue("add"); name != "" {
			addRow(fields, name)
			again = true
		}
		if n.Fields, err = json.Marshal(fields); err != nil {
			return err
		}
		if !again {
			errs = complaints(q, w.Regulation.CheckScreen(*w.Screen().form, n.Operation, n.Fields))
		}
	}
	app, err := s.o.Service.Save(q.Context(), q.actor(), w.App.ID, n)
	if err != nil {
		if field := fieldOf(q, err); field != "" {
			return s.showStep(q, http.StatusUnprocessableEntity, w, []fieldError{{nameOf(err), field}})
		}
		return err
	}
	w.App = app
	if w.Screen().Key == screenDocuments && !again {
		errs = w.missing(q.lang)
	}
	if len(errs) > 0 {
		return s.showStep(q, http.StatusUnprocessableEntity, w, errs)
	}
	if again {
		return q.redirect("/apply/" + app.ID + "/" + w.Screen().Key)
	}
	// The kind of applicant decides which screens there are.
	if w, err = s.wizard(q, w.Screen().Key); err != nil {
		return err
	}
	return q.redirect("/apply/" + app.ID + "/" + w.Screens[w.Current+1].Key)
}

func (s *site) readApplicant(q *request, n *licensing.NewApplication, w *wizard) []fieldError {
	a := &n.Applicant
	a.Kind = licensing.ApplicantKind(q.FormValue("kind"))
	a.Name, a.Address = strings.TrimSpace(q.FormValue("name")), strings.TrimSpace(q.FormValue("address"))
	a.Email, a.Phone = strings.TrimSpace(q.FormValue("email")), strings.TrimSpace(q.FormValue("phone"))
	n.OnPaper = n.Channel != licensing.ChannelPortal && q.FormValue("onPaper") == "yes"
	v := q.view("apply.title")
	var errs []fieldError
	if _, ok := w.Regulation.Applicant(a.Kind); !ok {
		errs = append(errs, fieldError{"kind", v.T("apply.choose_kind")})
	}
	for _, f := range []struct{ name, value string }{{"name", a.Name}, {"address", a.Address}} {
		if f.value == "" {
			errs = append(errs, fieldError{f.name, v.T("apply.required")})
		}
	}
	return errs
}

// readDocuments takes what was uploaded and what was crossed out. Where one file is asked for, another takes its place.
func readDocuments(q *request, n *licensing.NewApplication, asked []licensing.Document) (again bool, err error) {
	if drop := q.FormValue("drop"); drop != "" {
		n.Attachments = slices.DeleteFunc(n.Attachments, func(a licensing.NewAttachment) bool { return a.SHA256 == drop })
		return true, nil
	}
	if q.MultipartForm == nil {
		return false, nil
	}
	for name, files := range q.MultipartForm.File {
		document, ok := strings.CutPrefix(name, "document.")
		if !ok {
			continue
		}
		for _, f := range files {
			if f.Size == 0 {
				continue
			}
			file, err := f.Open()
			if err != nil {
				return false, err
			}
			content, err := io.ReadAll(file)
			file.Close()
			if err != nil {
				return false, err
			}
			if i := slices.IndexFunc(asked, func(d licensing.Document) bool { return d.Key == document }); i >= 0 && !asked[i].Many {
				n.Attachments = slices.DeleteFunc(n.Attachments, func(a licensing.NewAttachment) bool { return a.Document == document })
			}
			n.Attachments = append(n.Attachments, licensing.NewAttachment{Document: document, Name: f.Filename, Type: http.DetectContentType(content), Content: content})
		}
	}
	return q.FormValue("more") != "", nil
}

// complaints are the schema's, in the page's language and by the names of the inputs.
func complaints(q *request, all []*licensing.InputError) []fieldError {
	var out []fieldError
	for _, e := range all {
		out = append(out, fieldError{strings.TrimPrefix(e.Field, "fields."), phrase.Remark(e.Problem).In(q.lang)})
	}
	return out
}

func nameOf(err error) string {
	var input *licensing.InputError
	if !errors.As(err, &input) {
		return ""
	}
	name := strings.TrimPrefix(strings.TrimPrefix(input.Field, "fields."), "applicant.")
	return name
}

// seal holds the draft to every rule; what is wrong is shown on the check page with the way to mend it.
func (s *site) seal(q *request, w *wizard) error {
	app, err := s.o.Service.Seal(q.Context(), q.actor(), w.App.ID)
	if err != nil {
		return s.backTo(q, w, err)
	}
	return q.redirect("/apply/" + app.ID + "/" + screenSign)
}

// backTo shows the check page with what keeps the draft from being sealed.
func (s *site) backTo(q *request, w *wizard, err error) error {
	var refusal *licensing.RefusalError
	w.Current = slices.IndexFunc(w.Screens, func(x screen) bool { return x.Key == screenCheck })
	switch {
	case errors.As(err, &refusal):
		w.Refusal = &refusal.Message
		return s.showStep(q, http.StatusUnprocessableEntity, w, []fieldError{{"refusal", refusal.Message.Text.In(q.lang)}})
	case isInput(err):
		errs := []fieldError{{screenOf(w, nameOf(err)), fieldOf(q, err)}}
		if missing := w.missing(q.lang); errs[0].Field == screenDocuments && len(missing) > 0 {
			errs = missing
			for i := range errs {
				errs[i].Field = screenDocuments
			}
		}
		return s.showStep(q, http.StatusUnprocessableEntity, w, errs)
	case errors.Is(err, licensing.ErrLater):
		return s.showStep(q, http.StatusServiceUnavailable, w, []fieldError{{"refusal", q.view("apply.title").T("error.later.text")}})
	}
	return err
}

// screenOf is the screen that asks for a field.
func screenOf(w *wizard, name string) string {
	first, _, _ := strings.Cut(name, ".")
	for _, x := range w.Screens {
		if x.form == nil {
			continue
		}
		if props, _ := x.form.Schema["properties"].(map[string]any); props[first] != nil {
			return x.Key
		}
	}
	if first == "attachments" {
		return screenDocuments
	}
	return screenApplicant
}

// checkCertificate is condition C3, asked by the page's script before the person signs.
func (s *site) checkCertificate(q *request) error {
	raw, err := io.ReadAll(q.Body)
	if err != nil {
		return err
	}
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil {
		der = raw
	}
	check, err := s.o.Service.CheckCertificate(q.Context(), q.actor(), q.PathValue("id"), der)
	if err != nil {
		return err
	}
	if check.Verdict != nil {
		s.o.Verdict("certificate", check.Verdict)
	}
	answer := map[string]string{"ok": strconv.FormatBool(check.Message == nil)}
	if check.Message != nil {
		answer["text"], answer["next"] = check.Message.Text.In(q.lang), check.Message.Next.In(q.lang)
	}
	q.w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(q.w).Encode(answer)
}

// sign takes the signature: from the script in a field, or as a file from whoever signed elsewhere.
func (s *site) sign(q *request) error {
	if err := q.ParseMultipartForm(2 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	w, err := s.wizard(q, screenSign)
	if err != nil {
		return err
	}
	v := q.view("apply.title")
	signature, err := signatureOf(q)
	if err != nil {
		return err
	}
	if len(signature) == 0 {
		return s.showStep(q, http.StatusUnprocessableEntity, w, []fieldError{{"sign", v.T("apply.unsigned")}})
	}
	sub, err := s.o.Service.Submit(q.Context(), q.actor(), w.App.ID, signature)
	if err != nil {
		return err
	}
	if sub.Verdict != nil {
		s.o.Verdict("application", sub.Verdict)
	}
	switch sub.Message.Code {
	case licensing.CodeRegistered:
		return q.redirect("/apply/" + w.App.ID + "/" + screenDone)
	case licensing.CodeLater:
		w.Later = &sub.Message
		return s.showStep(q, http.StatusServiceUnavailable, w, []fieldError{{"sign", sub.Message.Text.In(q.lang)}})
	}
	w.Refusal = &sub.Message
	return s.showStep(q, http.StatusUnprocessableEntity, w, []fieldError{{"sign", sub.Message.Text.In(q.lang)}})
}

// done shows the number and the receipt.
func (s *site) done(q *request) error {
	app, err := s.o.Service.Application(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return err
	}
	if app.Status == licensing.Draft {
		return s.goOn(q)
	}
	v := q.view("done.title")
	v.Data = app
	return q.render(http.StatusOK, "done", v)
}
