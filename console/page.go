// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"rastau/internal/account"
	"rastau/internal/batch"
	"rastau/internal/phrase"
	"rastau/licensing"
	"rastau/verifier"
)

//go:embed pages
var pageFiles embed.FS

type langCode = phrase.Lang

// pages are the templates: each with the layout around it.
type pages struct{ byName map[string]*template.Template }

func parsePages(loaded *assets) (*pages, error) {
	base, err := template.New("layout").Funcs(template.FuncMap{
		"dict": dict, "lower": strings.ToLower, "plus": func(a, b int) int { return a + b },
		"list": func(all ...any) []any { return all }, "static": loaded.address,
	}).ParseFS(pageFiles, "pages/layout.html", "pages/parts*.html")
	if err != nil {
		return nil, err
	}
	p := &pages{byName: map[string]*template.Template{}}
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		name := strings.TrimSuffix(path.Base(f), ".html")
		if name == "layout" || strings.HasPrefix(name, "parts") {
			continue
		}
		t, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if p.byName[name], err = t.ParseFS(pageFiles, f); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// dict makes named arguments for a part: dict "Name" value …
func dict(pairs ...any) (map[string]any, error) {
	out := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, errors.New("dict: a name must be a string")
		}
		out[name] = pairs[i+1]
	}
	return out, nil
}

// view is what every page's template gets.
type view struct {
	Lang     langCode
	Title    string // without the service's name
	Path     string // of this page, for the language links
	User     *account.Account
	Demo     bool
	NCALayer string
	Back     string // address of the page before; "" shows no link
	Notice   string // what was just done
	Errors   []fieldError
	Data     any

	zone  *time.Location
	query url.Values // of this page
}

// To is this page in another language, with the same question.
func (v *view) To(l langCode) string {
	values := maps.Clone(v.query)
	if values == nil {
		values = url.Values{}
	}
	values.Set("lang", string(l))
	return (&url.URL{Path: v.Path, RawQuery: values.Encode()}).String()
}

// fieldError is a complaint about one field, shown beside it and in the summary.
type fieldError struct{ Field, Text string }

// view begins a page whose title stands in the catalogue under console.KEY.
func (q *request) view(titleKey string, pairs ...string) *view {
	v := &view{Lang: q.lang, Path: q.URL.Path, User: q.user, Demo: q.site.o.Demo, NCALayer: q.site.o.NCALayer, zone: q.site.zone}
	if q.Method == http.MethodGet {
		v.query = q.URL.Query()
	}
	v.Title = v.T(titleKey, pairs...)
	return v
}

// T is a text of the catalogue under console.KEY, with named arguments.
func (v *view) T(key string, pairs ...string) string {
	return phrase.Say("console."+key, pairs...).In(v.Lang)
}

// In is a text of the data in the page's language.
func (v *view) In(t phrase.Text) string { return t.In(v.Lang) }

// Day is a date as people in Kazakhstan write it.
func (v *view) Day(t any) string { return v.at(t, "02.01.2006") }

// Moment is a date with the time of day.
func (v *view) Moment(t any) string { return v.at(t, "02.01.2006 15:04") }

// Second is a date with the time of day to the second.
func (v *view) Second(t time.Time) string { return v.at(t, "02.01.2006 15:04:05") }

// Written is Moment of a time in RFC 3339.
func (v *view) Written(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return "—"
	}
	return v.Moment(t)
}

// Span is a length of time in days, hours and minutes, without what is too small to count.
func (v *view) Span(d time.Duration) string {
	switch {
	case d <= 0:
		return "—"
	case d < time.Hour:
		return v.T("span.minutes", "n", strconv.Itoa(int(d.Minutes())))
	case d < 48*time.Hour:
		return v.T("span.hours", "n", strconv.Itoa(int(d.Hours())))
	}
	return v.T("span.days", "n", strconv.Itoa(int(d.Hours()/24)))
}

// Weekday is the name of a day's weekday.
func (v *view) Weekday(d licensing.Day) string {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return ""
	}
	return v.T("weekday." + strconv.Itoa(int(t.Weekday())))
}

// Verdict says what an indication with its sub-indication means.
func (v *view) Verdict(s string) string {
	indication, sub, _ := strings.Cut(s, "/")
	if sub != "" {
		return phrase.Get("sub."+sub, nil).In(v.Lang)
	}
	if indication == batch.NoVerdict {
		return v.T("checks.no_verdict")
	}
	return phrase.Get("indication."+indication, nil).In(v.Lang)
}

// Detail is what a finding says, in the page's language.
func (v *view) Detail(f verifier.Finding) string { return f.In(v.Lang) }

func (v *view) at(t any, layout string) string {
	switch x := t.(type) {
	case time.Time:
		if !x.IsZero() {
			return x.In(v.zone).Format(layout)
		}
	case *time.Time:
		if x != nil {
			return x.In(v.zone).Format(layout)
		}
	case licensing.Day:
		if d, err := time.Parse(time.DateOnly, string(x)); err == nil {
			return d.Format("02.01.2006")
		}
	}
	return "—"
}

// Tenge writes an amount of tiyn.
func (v *view) Tenge(tiyn any) string {
	var n int64
	switch x := tiyn.(type) {
	case int64:
		n = x
	case *int64:
		if x == nil {
			return "—"
		}
		n = *x
	}
	whole := fmt.Sprint(n / 100)
	var grouped []string
	for len(whole) > 3 {
		grouped = append([]string{whole[len(whole)-3:]}, grouped...)
		whole = whole[:len(whole)-3]
	}
	return strings.Join(append([]string{whole}, grouped...), " ") + fmt.Sprintf(",%02d ₸", n%100)
}

// Grouped writes an IIN, BIN or number in groups that can be read aloud.
func (v *view) Grouped(s string) string {
	if len(s) == 12 && strings.Trim(s, "0123456789") == "" {
		return s[:4] + " " + s[4:8] + " " + s[8:]
	}
	if len(s) == 15 && strings.HasPrefix(s, "KZ") {
		return s[:4] + " " + s[4:7] + " " + s[7:11] + " " + s[11:]
	}
	return s
}

// Err is the complaint about a field, "" where there is none.
func (v *view) Err(field string) string {
	for _, e := range v.Errors {
		if e.Field == field {
			return e.Text
		}
	}
	return ""
}

// Langs are the languages that a page can be read in, each by its own name.
func (v *view) Langs() []struct {
	Lang langCode
	Name string
} {
	return []struct {
		Lang langCode
		Name string
	}{{phrase.KK, "Қазақша"}, {phrase.RU, "Русский"}, {phrase.EN, "English"}}
}

// May reports whether the person has a role.
func (v *view) May(roles ...string) bool {
	if v.User == nil {
		return false
	}
	for _, r := range roles {
		if v.User.Has(account.Role(r)) {
			return true
		}
	}
	return false
}

// render writes a page whole before the first byte goes out.
func (q *request) render(status int, name string, v *view) error {
	t, ok := q.site.pages.byName[name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, "layout.html", v); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q.w.WriteHeader(status)
	_, err := out.WriteTo(q.w)
	if err != nil {
		q.site.o.Log.DebugContext(q.Context(), "page not delivered", "path", q.URL.Path)
	}
	return nil
}

const langCookie = "rastau-lang"

var langMatcher = language.NewMatcher([]language.Tag{language.Kazakh, language.Russian, language.English})

// chooseLang takes ?lang= and keeps it, else what was kept, else what the browser prefers, else Kazakh, the language of the state.
// It reports whether it has answered already, by going to the same address without the choice in it.
func (s *site) chooseLang(q *request) (answered bool) {
	if l, ok := phrase.ParseLang(q.URL.Query().Get("lang")); ok && q.Method == http.MethodGet {
		http.SetCookie(q.w, &http.Cookie{Name: langCookie, Value: string(l), Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode, Secure: s.o.Secure, HttpOnly: true})
		values := q.URL.Query()
		values.Del("lang")
		to := url.URL{Path: q.URL.Path, RawQuery: values.Encode()}
		// A path that begins with two slashes would be another host.
		if strings.HasPrefix(to.Path, "//") {
			to.Path = "/"
		}
		http.Redirect(q.w, q.Request, to.String(), http.StatusSeeOther)
		return true
	}
	q.lang = phrase.KK
	if c, err := q.Cookie(langCookie); err == nil {
		if l, ok := phrase.ParseLang(c.Value); ok {
			q.lang = l
			return false
		}
	}
	tags, _, _ := language.ParseAcceptLanguage(q.Header.Get("Accept-Language"))
	if len(tags) > 0 {
		_, i, _ := langMatcher.Match(tags...)
		q.lang = []langCode{phrase.KK, phrase.RU, phrase.EN}[i]
	}
	return false
}

func escapePath(s string) string { return url.PathEscape(s) }

func escapeQuery(s string) string { return url.QueryEscape(s) }

// fieldOf says which value is wrong and what is expected, in the page's language as far as the catalogue knows it.
func fieldOf(q *request, err error) string {
	var input *licensing.InputError
	switch {
	case errors.As(err, &input):
		return phrase.Remark(input.Problem).In(q.lang)
	case errors.Is(err, account.ErrInput), errors.Is(err, account.ErrPassword):
		return phrase.Remark(err.Error()).In(q.lang)
	}
	return ""
}
