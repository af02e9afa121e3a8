// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"rastau/licensing"
)

type startPage struct{ Services []*licensing.Regulation }

func (s *site) start(q *request) error {
	v := q.view("start.title")
	v.Data = startPage{s.o.Service.Regulations()}
	return q.render(http.StatusOK, "start", v)
}

type servicePage struct {
	*licensing.Regulation
	Lines []operationLine
	Open  bool // the regulation takes applications
}

type operationLine struct {
	licensing.Operation
	Fee *int64
}

// service is the description of a service (figure 2), from its passport.
func (s *site) service(q *request) error {
	r, ok := s.regulation(q.PathValue("key"))
	if !ok {
		return errMissing
	}
	p := servicePage{Regulation: r, Open: s.o.Service.Takes(r)}
	for _, op := range r.Operations {
		line := operationLine{Operation: op}
		if fee, err := s.o.Service.Fee(r.Key, op.Key); err == nil {
			line.Fee = &fee
		}
		p.Lines = append(p.Lines, line)
	}
	v := q.view("service.title")
	v.Title, v.Back, v.Data = r.Name.In(q.lang), "/", p
	return q.render(http.StatusOK, "service", v)
}

type myPage struct {
	Applications []licensing.Application
	Names        map[string]string // of services
	Status       string
	Licences     []licenceLine
}

// licenceLine is a licence of the person's own.
type licenceLine struct {
	licensing.RegisterLine
	Days int  // until it ends; only where Soon
	Soon bool // it ends within the time in which the licensee is reminded
}

// remindDays before its end a licence is pointed out to its holder.
const remindDays = 30

// maxOwn bounds the licences on a person's page.
const maxOwn = 200

// my lists a person's applications and licences, newest first.
func (s *site) my(q *request) error {
	status := q.FormValue("status")
	list, err := s.o.Service.Applications(q.Context(), q.actor(), licensing.Status(status), 200)
	if isInput(err) {
		return errMissing
	}
	if err != nil {
		return err
	}
	p := myPage{Applications: list, Names: s.names(q), Status: status}
	if a := q.actor(); a.Applicant {
		own := licensing.Search{IIN: a.IIN, BIN: a.BIN, Limit: maxOwn}
		if a.BIN != "" {
			own.IIN = "" // whoever acts for a body sees the body's
		}
		if own.IIN != "" || own.BIN != "" {
			page, err := s.o.Service.Register(q.Context(), own)
			if err != nil {
				return err
			}
			for _, l := range page.Licences {
				p.Licences = append(p.Licences, s.licenceLine(l))
			}
		}
	}
	v := q.view("my.title")
	v.Data = p
	return q.render(http.StatusOK, "my", v)
}

func (s *site) licenceLine(l licensing.RegisterLine) licenceLine {
	line := licenceLine{RegisterLine: l}
	if now := s.o.Now(); l.InForce && l.ValidUntil != nil && l.ValidUntil.Before(now.AddDate(0, 0, remindDays)) {
		line.Soon, line.Days = true, int(l.ValidUntil.Sub(now).Hours()/24)
	}
	return line
}

func (s *site) names(q *request) map[string]string {
	out := map[string]string{}
	for _, r := range s.o.Service.Regulations() {
		out[r.Key] = r.Name.In(q.lang)
	}
	return out
}

type applicationPage struct {
	*licensing.Application
	Service   string
	Operation string
	Steps     []eventLine
	Matters   matters
	Days      int // until the deadline
	Late      bool
	Licence   *licensing.Licence
	Survey    *licensing.Survey
	MayAppeal bool
}

// myApplication shows how far an application is, and the result where there is one.
func (s *site) myApplication(q *request) error {
	app, err := s.o.Service.Application(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return err
	}
	return s.showApplication(q, http.StatusOK, app, nil)
}

func (s *site) showApplication(q *request, status int, app *licensing.Application, errs []fieldError) error {
	v := q.view("application.title")
	r, ok := s.regulation(app.Service)
	if !ok {
		return errMissing
	}
	op, _ := r.Operation(app.Operation)
	p := applicationPage{Application: app, Service: r.Name.In(q.lang), Operation: op.Name.In(q.lang)}
	file, err := s.o.Service.File(q.Context(), q.actor(), app.ID)
	if err != nil {
		return err
	}
	p.Matters = mattersOf(file.Events)
	p.Steps = s.timeline(v, r, app, file.Events)
	if app.Status == licensing.Registered && app.Deadline != nil {
		left := app.Deadline.Sub(s.o.Now())
		p.Late, p.Days = left < 0, int(left.Hours()/24)
	}
	p.MayAppeal = app.Decided != nil && !p.Matters.Appeal
	if number, _, _ := strings.Cut(app.Licence, "/"); number != "" {
		if p.Licence, err = s.o.Service.Licence(q.Context(), number); err != nil && !errors.Is(err, licensing.ErrNotFound) {
			return err
		}
	}
	if app.Decided != nil {
		if p.Survey, err = s.o.Service.Survey(q.Context(), q.actor(), app.ID); err != nil && !errors.Is(err, licensing.ErrNotFound) && !errors.Is(err, licensing.ErrState) && !errors.Is(err, licensing.ErrForbidden) {
			return err
		}
	}
	v.Path, v.Data, v.Back, v.Errors = "/my/"+app.ID, p, "/my", errs
	return q.render(status, "application", v)
}

// timeline is what has happened to an application, as its applicant may know it: officers are not named.
func (s *site) timeline(v *view, r *licensing.Regulation, app *licensing.Application, events []licensing.Event) []eventLine {
	out := []eventLine{{Text: v.T("timeline.saved"), At: app.Created}}
	if app.Registered != nil {
		out = append(out, eventLine{Text: v.T("timeline.registered", "number", app.Number), At: *app.Registered})
	}
	for i, line := range eventLines(v, r, app, events) {
		if events[i].Kind == licensing.EventDecided {
			continue
		}
		if actor := events[i].Actor; actor != app.Owner && actor != licensing.System {
			line.By = r.Licensor.Name.In(v.Lang)
		}
		out = append(out, line)
	}
	if app.Decided != nil {
		out = append(out, eventLine{Text: v.T("timeline." + string(app.Status)), At: *app.Decided})
	}
	slices.SortStableFunc(out, func(a, b eventLine) int { return a.At.Compare(b.At) })
	return out
}

// receipt is the licensor's signed receipt as a file.
func (s *site) receipt(q *request) error {
	receipt, err := s.o.Service.Receipt(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return err
	}
	return q.file("receipt-"+q.PathValue("id")[:8]+".p7m", "application/pkcs7-mime", receipt, true)
}

// licencePDF is the result: "open" shows it, "save" keeps it (R110, R111). Of an appendix it is the appendix.
func (s *site) licencePDF(q *request) error {
	app, err := s.o.Service.Application(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return err
	}
	if app.Licence == "" {
		return errMissing
	}
	number, appendix, _ := strings.Cut(app.Licence, "/")
	return s.sendLicence(q, number, appendix)
}

func (s *site) sendLicence(q *request, number, appendix string) error {
	save := q.FormValue("save") != ""
	if appendix == "" {
		l, err := s.o.Service.Licence(q.Context(), number)
		if err != nil {
			return err
		}
		return q.file(number+".pdf", "application/pdf", l.PDF, save)
	}
	list, err := s.o.Service.Appendices(q.Context(), number)
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.Number == appendix {
			return q.file(number+"-"+appendix+".pdf", "application/pdf", x.PDF, save)
		}
	}
	return errMissing
}

func (q *request) file(name, kind string, content []byte, save bool) error {
	h := q.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	how := "inline"
	if save {
		how = "attachment"
	}
	h.Set("Content-Disposition", how+`; filename="`+strings.Map(harmless, name)+`"`)
	_, _ = q.w.Write(content)
	return nil
}

func harmless(r rune) rune {
	if r == '"' || r == '\\' || r < ' ' || r > '~' {
		return '_'
	}
	return r
}

func (s *site) survey(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	app, err := s.o.Service.Application(q.Context(), q.actor(), q.PathValue("id"))
	if err != nil {
		return err
	}
	survey, err := s.o.Service.Survey(q.Context(), q.actor(), app.ID)
	if err != nil {
		return err
	}
	answers := map[string]int{}
	var errs []fieldError
	for _, question := range survey.Questions {
		n, err := strconv.Atoi(q.FormValue(question.Key))
		if err != nil {
			errs = append(errs, fieldError{question.Key, q.view("application.title").T("survey.choose")})
		}
		answers[question.Key] = n
	}
	if len(errs) > 0 {
		return s.showApplication(q, http.StatusUnprocessableEntity, app, errs)
	}
	if err := s.o.Service.AnswerSurvey(q.Context(), q.actor(), app.ID, answers); err != nil {
		return err
	}
	return q.redirect("/my/" + app.ID)
}

type entryPage struct {
	Services []*licensing.Regulation
	Service  string
	Kind     string
	Number   string
	Found    *licensing.Found
	Refusal  *licensing.Message
	Chosen   *licensing.Regulation
}

// entry is where an employee or an operator begins: which service, for whom.
func (s *site) entry(q *request) error {
	return s.showEntry(q, http.StatusOK, entryPage{Service: q.FormValue("service")}, nil)
}

func (s *site) showEntry(q *request, status int, p entryPage, errs []fieldError) error {
	p.Services = s.o.Service.Regulations()
	if r, ok := s.regulation(p.Service); ok {
		p.Chosen = r
	}
	v := q.view("entry.title")
	v.Data, v.Errors = p, errs
	return q.render(status, "entry", v)
}

// lookUp asks the state registers for the applicant's data (refusal M6 where they have none).
func (s *site) lookUp(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	p := entryPage{Service: q.FormValue("service"), Kind: q.FormValue("kind"), Number: strings.ReplaceAll(q.FormValue("number"), " ", "")}
	found, err := s.o.Service.LookUp(q.Context(), q.actor(), p.Service, channelOf(q.actor()), licensing.ApplicantKind(p.Kind), p.Number)
	var refusal *licensing.RefusalError
	v := q.view("entry.title")
	switch {
	case errors.As(err, &refusal):
		p.Refusal = &refusal.Message
		return s.showEntry(q, http.StatusUnprocessableEntity, p, []fieldError{{"number", refusal.Message.Text.In(q.lang)}})
	case isInput(err):
		return s.showEntry(q, http.StatusUnprocessableEntity, p, []fieldError{{"number", fieldOf(q, err)}})
	case errors.Is(err, licensing.ErrLater):
		return s.showEntry(q, http.StatusServiceUnavailable, p, []fieldError{{"number", v.T("error.later.text")}})
	case err != nil:
		return err
	}
	p.Found = found
	return s.showEntry(q, http.StatusOK, p, nil)
}
