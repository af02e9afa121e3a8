// SPDX-License-Identifier: Apache-2.0

// Package console answers one question: what does a person see who applies, enters, decides, audits or administers.
//
// The pages are rendered here and use the same services as the API (licensing, account, verifier), never its HTTP. Forms, lists
// and diagrams come from the regulation's data, so that a new regulation needs no page. Every address shows Kazakh, Russian or
// English; everything but signing works without JavaScript; nothing is inline and nothing comes from outside (Content-Security-
// Policy). Styles, fonts and scripts are made by assets/build.sh and committed.
//
// Left out: who may do what (licensing, account), how a signature is made (NCALayer, on the person's own machine).
package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"rastau/crl"
	"rastau/internal/account"
	"rastau/internal/batch"
	"rastau/internal/cache"
	"rastau/licensing"
	"rastau/verifier"
)

// Options of a Handler.
type Options struct {
	Service  *licensing.Service       // Required.
	Desk     *account.Desk            // Required.
	Verifier *verifier.Verifier       // Required.
	Question func() verifier.Question // Required. Anchors and policy of this installation.
	Lists    *crl.Source              // Optional. If nil, the administrator sees no lists.
	Calendar *licensing.Calendar      // Required. Dates are shown in its zone.
	NCALayer string                   // Optional. Address of the signing program on people's machines. If empty, wss://127.0.0.1:13579/.
	Demo     bool                     // Optional. Every page says that everything is invented; sample log-ins are shown.
	// Optional. The API's openapi.json, shown at /docs; if nil, there is no such page.
	Description []byte
	Batches     *batch.Service             // Optional. Batches of files for auditors; if nil, there are none.
	Gate        *batch.Gate                // Optional. Batches give way to whoever waits for a verdict on a page; if nil, they do not.
	Settings    func() Settings            // Optional. What the configuration says, for administrators; if nil, nothing.
	Problems    []Problem                  // Optional. The API's kinds of refusals; each has a page.
	Secure      bool                       // Optional. Cookies go over https only; set it wherever TLS stands in front.
	Address     func(*http.Request) string // Optional. Where a request comes from. If nil, the connection's other end.
	Now         func() time.Time           // Required.
	Cache       cache.Store                // Optional. Keeps the evidence of verdicts for a while; if nil, this process's memory.
	Log         *slog.Logger               // Required.
	// Optional. Verdict is told of every verdict that a page gives, with the API's word for the question: application, certificate or
	// licence. A page that shows a verdict again from its evidence tells nothing: it was told when it was given.
	Verdict func(question string, r *verifier.Report)
}

// defaultNCALayer is where NCALayer listens.
const defaultNCALayer = "wss://127.0.0.1:13579/"

// Bounds of what is posted.
const (
	maxForm   = 1 << 20  // a page's fields
	maxUpload = 34 << 20 // a page with files

	judgingAtOnce = 4 // files that are judged at one time
)

type site struct {
	o      Options
	zone   *time.Location
	pages  *pages
	policy string

	written   written
	described *docs // nil: no description was given
	shelf     shelf
	judging   chan struct{} // a place for each file that is being judged
}

// Handler serves the pages. It is safe for concurrent use.
func Handler(o Options) (http.Handler, error) {
	switch {
	case o.Service == nil || o.Desk == nil || o.Verifier == nil || o.Question == nil || o.Calendar == nil:
		return nil, errors.New("console: Service, Desk, Verifier, Question and Calendar are required")
	case o.Now == nil || o.Log == nil:
		return nil, errors.New("console: Now and Log are required")
	}
	if o.NCALayer == "" {
		o.NCALayer = defaultNCALayer
	}
	loaded, err := readAssets()
	if err != nil {
		return nil, err
	}
	p, err := parsePages(loaded)
	if err != nil {
		return nil, err
	}
	if o.Verdict == nil {
		o.Verdict = func(string, *verifier.Report) {}
	}
	if o.Settings == nil {
		o.Settings = func() Settings { return Settings{} }
	}
	if o.Cache == nil {
		o.Cache = cache.NewMemory(64 << 20)
	}
	s := &site{o: o, zone: o.Calendar.Zone(), pages: p, shelf: shelf{o.Cache}, judging: make(chan struct{}, judgingAtOnce)}
	s.policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self' " +
		strings.TrimSuffix(o.NCALayer, "/") + "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	if s.written, err = readWritten(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /static/{version}/{file}", loaded)
	if s.described, err = readDocs(o.Description); err != nil {
		return nil, err
	}
	for _, r := range append(s.routes(), s.watchRoutes()...) {
		mux.Handle(r.pattern, s.serve(r))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.serve(route{page: s.missing}).ServeHTTP(w, r) })
	// A form of another site that posts here is refused by its Origin or Sec-Fetch-Site header (RFC 6454; Fetch Metadata).
	guard := http.NewCrossOriginProtection()
	return guard.Handler(mux), nil
}

// route is one line of the table of all pages.
type route struct {
	pattern string
	roles   []account.Role // one of them is needed; none: everybody
	page    func(*request) error
	upload  bool // takes files
}

// request is one page being answered.
type request struct {
	*http.Request
	w       http.ResponseWriter
	site    *site
	lang    langCode
	user    *account.Account // nil: nobody is logged in
	session *account.Session
}

// actor is the person as the workflow knows them.
func (q *request) actor() licensing.Actor {
	if q.user == nil {
		return licensing.Actor{}
	}
	a := q.user
	return licensing.Actor{
		ID: a.ID, Name: a.Name, IIN: a.IIN, BIN: a.BIN, Applicant: a.Has(account.Applicant), Employee: a.Has(account.Employee),
		Operator: a.Has(account.Operator), Officer: a.Has(account.Officer), Admin: a.Has(account.Admin),
	}
}

// serve finds out who asks and in which language, bounds what was posted, and turns errors into pages.
func (s *site) serve(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", s.policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "loopback-network=(self), camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Accept-Language, Cookie")
		limit := int64(maxForm)
		if r.upload {
			limit = maxUpload
		}
		req.Body = http.MaxBytesReader(w, req.Body, limit)
		q := &request{Request: req, w: w, site: s}
		if s.chooseLang(q) {
			return
		}
		h.Set("Content-Language", string(q.lang))
		if err := s.admit(q, r); err != nil {
			s.fail(q, err)
			return
		}
		if err := s.journal(q); err != nil {
			s.fail(q, err)
			return
		}
		if err := r.page(q); err != nil {
			s.fail(q, err)
		}
	})
}

// errLogIn: the page is for people who are logged in.
var errLogIn = errors.New("log in first")

// errRole: the person has no role for this page.
var errRole = errors.New("not for this account")

// admit finds the person of the session and holds them to the page's roles.
func (s *site) admit(q *request, r route) error {
	if token := sessionToken(q.Request); token != "" {
		a, session, err := s.o.Desk.BySession(q.Context(), token)
		switch {
		case err == nil:
			q.user, q.session = &a, session
		case !errors.Is(err, account.ErrToken):
			return err
		}
	}
	if len(r.roles) == 0 {
		return nil
	}
	if q.user == nil {
		return errLogIn
	}
	for _, role := range r.roles {
		if q.user.Has(role) {
			return nil
		}
	}
	return errRole
}

// journal notes every change that somebody asks for, with who and from where, before it is made. Logging in and out have lines of
// their own.
func (s *site) journal(q *request) error {
	if q.user == nil || q.Method == http.MethodGet || q.Method == http.MethodHead || q.URL.Path == "/login" || q.URL.Path == "/logout" || q.URL.Path == "/register" {
		return nil
	}
	return s.o.Desk.Journal(q.Context(), *q.user, q.URL.Path, q.from())
}

// redirect goes on with another page after something was done (303, RFC 9110 §15.4.4).
func (q *request) redirect(to string) error {
	http.Redirect(q.w, q.Request, to, http.StatusSeeOther)
	return nil
}

// fail turns an error into a page that says what to do.
func (s *site) fail(q *request, err error) {
	var refusal *licensing.RefusalError
	var tooLarge *http.MaxBytesError
	status, key := http.StatusInternalServerError, "internal"
	var message *licensing.Message
	switch {
	case errors.Is(err, errLogIn):
		_ = q.redirect("/login?next=" + escapeQuery(q.URL.RequestURI()))
		return
	case errors.Is(err, errRole), errors.Is(err, licensing.ErrNotAuthority):
		status, key = http.StatusForbidden, "role"
	case errors.Is(err, licensing.ErrNotFound), errors.Is(err, licensing.ErrForbidden), errors.Is(err, account.ErrUnknown), errors.Is(err, errMissing):
		status, key = http.StatusNotFound, "missing"
	case errors.Is(err, errShelf):
		status, key = http.StatusGone, "shelf"
	case errors.As(err, &refusal):
		status, key, message = http.StatusUnprocessableEntity, "refused", &refusal.Message
	case isInput(err):
		status, key = http.StatusUnprocessableEntity, "input"
	case errors.Is(err, licensing.ErrState):
		status, key = http.StatusConflict, "state"
	case errors.Is(err, licensing.ErrNotInForce):
		status, key = http.StatusUnprocessableEntity, "not_in_force"
	case errors.As(err, &tooLarge):
		status, key = http.StatusRequestEntityTooLarge, "too_large"
	case errors.Is(err, licensing.ErrLater), errors.Is(err, context.DeadlineExceeded):
		status, key = http.StatusServiceUnavailable, "later"
	case errors.Is(err, context.Canceled):
		return
	default:
		s.o.Log.ErrorContext(q.Context(), "page not answered", "path", q.URL.Path, "error", err.Error())
	}
	v := q.view("error." + key + ".title")
	v.Data = errorPage{Key: key, Message: message, Field: fieldOf(q, err)}
	_ = q.render(status, "error", v)
}

type errorPage struct {
	Key     string
	Message *licensing.Message
	Field   string
}

var errMissing = errors.New("no such page")

func (s *site) missing(*request) error { return errMissing }

func isInput(err error) bool {
	var input *licensing.InputError
	return errors.As(err, &input) || errors.Is(err, account.ErrInput)
}
