// SPDX-License-Identifier: Apache-2.0

package account_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"rastau/crl"
	"rastau/internal/account"
	"rastau/internal/cms"
	"rastau/internal/fetch"
	"rastau/internal/identity"
	"rastau/internal/pki"
	"rastau/internal/store"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/verifier"
)

const password = "құпия сөз 42"

// reception is a desk with a real database, certificates and a clock that can be moved.
type reception struct {
	desk *account.Desk
	ca   *testpki.CA
	skip time.Duration
}

func newReception(t *testing.T) *reception {
	t.Helper()
	r := &reception{}
	p, err := testpki.New(testpki.Options{Now: time.Now, EC: true})
	must(t, err)
	server := httptest.NewServer(p.Handler())
	t.Cleanup(server.Close)
	p.SetBaseURL(server.URL)
	r.ca, err = p.NewCA("")
	must(t, err)
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	must(t, err)
	db, err := store.Open(t.Context(), store.Options{Database: filepath.Join(t.TempDir(), "a.db")})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	r.desk, err = account.NewDesk(account.Options{
		Store: db.Accounts(), Site: "https://licence.example", Now: func() time.Time { return time.Now().Add(r.skip) },
		Judge: verifier.New(verifier.Options{Now: time.Now, Web: web, Lists: crl.NewSource(crl.SourceOptions{Fetch: web, Now: time.Now})}),
		Question: func() verifier.Question {
			return verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(p.Root().Certificate)}}
		},
		Hash: &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32},
	})
	must(t, err)
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *reception) issue(t *testing.T, l testpki.Leaf) *pki.Key {
	t.Helper()
	key, err := r.ca.Issue(l)
	must(t, err)
	return key
}

func (r *reception) signed(t *testing.T, purpose string, key *pki.Key) (nonce string, signature []byte) {
	t.Helper()
	c, err := r.desk.Challenge(t.Context(), purpose)
	must(t, err)
	return c.Nonce, sign(t, key, c.Text)
}

func sign(t *testing.T, key *pki.Key, content []byte) []byte {
	t.Helper()
	out, err := cms.Sign(context.Background(), cms.SignOptions{Content: content, Key: key.Signer, Certificate: key.Certificate, Chain: key.Chain})
	must(t, err)
	return out
}

func iin(serial int) string {
	return identity.NewIIN(time.Date(1988, 7, 9, 0, 0, 0, 0, time.UTC), true, serial)
}

func bin(serial int) string {
	return identity.NewBIN(time.Date(2010, 6, 1, 0, 0, 0, 0, time.UTC), serial)
}

func (r *reception) registered(t *testing.T, l testpki.Leaf) (*account.Person, *pki.Key) {
	t.Helper()
	l.Auth = true
	key := r.issue(t, l)
	nonce, signature := r.signed(t, account.PurposeRegister, key)
	p, err := r.desk.Register(t.Context(), nonce, signature, password, "127.0.0.1")
	must(t, err)
	return p, key
}

// TestRegisterAndLogIn: the certificate's numbers make the account (R024); both ways in lead to it (R031, R032); a session ends.
func TestRegisterAndLogIn(t *testing.T) {
	r := newReception(t)
	p, key := r.registered(t, testpki.Leaf{CommonName: "ҮЛГІБАЕВА ҚҰНДЫЗ", IIN: iin(1)})
	if p.Login != iin(1) || p.Name != "ҮЛГІБАЕВА ҚҰНДЫЗ" || p.BIN != "" || strings.Contains(p.Password, password) {
		t.Errorf("registered %+v", p)
	}
	in, token, err := r.desk.Login(t.Context(), iin(1), password, "127.0.0.1")
	must(t, err)
	a, s, err := r.desk.BySession(t.Context(), token)
	must(t, err)
	if in.ID != p.ID || a.ID != p.ID || a.IIN != iin(1) || !a.Has(account.Applicant) || s.Method != account.ByPassword {
		t.Errorf("logged in as %+v, %+v", a, s)
	}
	nonce, signature := r.signed(t, account.PurposeLogin, key)
	_, second, err := r.desk.LoginCertificate(t.Context(), nonce, signature, "")
	must(t, err)
	if _, s, err = r.desk.BySession(t.Context(), second); err != nil || s.Method != account.ByCertificate {
		t.Errorf("by certificate: %+v %v", s, err)
	}
	must(t, r.desk.Logout(t.Context(), token, ""))
	if _, _, err := r.desk.BySession(t.Context(), token); !errors.Is(err, account.ErrToken) {
		t.Errorf("after logging out: %v", err)
	}
	r.skip = 29 * time.Minute
	if _, _, err := r.desk.BySession(t.Context(), second); err != nil {
		t.Errorf("a session in use: %v", err)
	}
	r.skip = 58 * time.Minute
	if _, _, err := r.desk.BySession(t.Context(), second); err != nil {
		t.Errorf("a session in use, later: %v", err)
	}
	r.skip = 90 * time.Minute
	if _, _, err := r.desk.BySession(t.Context(), second); !errors.Is(err, account.ErrToken) {
		t.Errorf("an idle session: %v", err)
	}
	events, err := r.desk.Events(t.Context(), p.ID, 10)
	must(t, err)
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	if got := strings.Join(kinds, " "); got != "logged-out logged-in logged-in registered" {
		t.Errorf("journal: %s", got)
	}
}

// TestTwoOfOneBody: each person of a body has an account of their own.
func TestTwoOfOneBody(t *testing.T) {
	r := newReception(t)
	first, _ := r.registered(t, testpki.Leaf{IIN: iin(1), BIN: bin(7), Organization: "ҮЛГІ"})
	second, key := r.registered(t, testpki.Leaf{IIN: iin(2), BIN: bin(7), Organization: "ҮЛГІ"})
	if first.Login != bin(7) || second.Login != bin(7)+"-"+iin(2) {
		t.Errorf("logins %s, %s", first.Login, second.Login)
	}
	nonce, signature := r.signed(t, account.PurposeLogin, key)
	in, _, err := r.desk.LoginCertificate(t.Context(), nonce, signature, "")
	must(t, err)
	if in.ID != second.ID {
		t.Errorf("the second entered as %s", in.ID)
	}
	nonce, signature = r.signed(t, account.PurposeRegister, key)
	if _, err := r.desk.Register(t.Context(), nonce, signature, password, ""); !errors.Is(err, account.ErrTaken) {
		t.Errorf("registered twice: %v", err)
	}
}

// TestCertificatesThatOpenNothing: each for its own reason, none leaves a session.
func TestCertificatesThatOpenNothing(t *testing.T) {
	r := newReception(t)
	_, good := r.registered(t, testpki.Leaf{IIN: iin(1)})
	revoked := r.issue(t, testpki.Leaf{IIN: iin(1), Auth: true})
	r.ca.Revoke(revoked.Certificate, time.Now().Add(-time.Hour), 1)
	used, signature := r.signed(t, account.PurposeLogin, good)
	_, _, err := r.desk.LoginCertificate(t.Context(), used, signature, "")
	must(t, err)
	stale, _ := r.signed(t, account.PurposeLogin, good)

	for name, c := range map[string]struct {
		nonce     string
		signature []byte
		purpose   string
		key       *pki.Key
		reason    string
	}{
		"a signing certificate":    {purpose: account.PurposeLogin, key: r.issue(t, testpki.Leaf{IIN: iin(1)}), reason: "INDETERMINATE"},
		"revoked":                  {purpose: account.PurposeLogin, key: revoked, reason: "INDETERMINATE"},
		"nobody registered":        {purpose: account.PurposeLogin, key: r.issue(t, testpki.Leaf{IIN: iin(9), Auth: true}), reason: "nobody is registered"},
		"a challenge to register":  {purpose: account.PurposeRegister, key: good, reason: "something else"},
		"a challenge used before":  {nonce: used, signature: signature, reason: "was used"},
		"an unknown challenge":     {nonce: strings.Repeat("0f", 32), signature: signature, reason: "unknown"},
		"another challenge's text": {nonce: stale, signature: signature, reason: "something else than the challenge"},
		"no signature":             {purpose: account.PurposeLogin, signature: []byte("text"), reason: "no signature"},
		"nothing":                  {purpose: account.PurposeLogin, reason: "1 to"},
	} {
		t.Run(name, func(t *testing.T) {
			nonce, signature := c.nonce, c.signature
			if c.key != nil {
				nonce, signature = r.signed(t, c.purpose, c.key)
			} else if nonce == "" {
				ch, err := r.desk.Challenge(t.Context(), c.purpose)
				must(t, err)
				nonce = ch.Nonce
			}
			_, token, err := r.desk.LoginCertificate(t.Context(), nonce, signature, "")
			if token != "" || !errors.Is(err, account.ErrLogin) || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("answered %q, %v", token, err)
			}
		})
	}
	r.skip = 6 * time.Minute
	c, err := r.desk.Challenge(t.Context(), account.PurposeLogin)
	must(t, err)
	r.skip = 12 * time.Minute
	if _, _, err := r.desk.LoginCertificate(t.Context(), c.Nonce, sign(t, good, c.Text), ""); !errors.Is(err, account.ErrLogin) {
		t.Errorf("an old challenge: %v", err)
	}
}

// TestLock: wrong passwords at once all count, lock the account for a while, and tell nothing about who exists (M1).
func TestLock(t *testing.T) {
	r := newReception(t)
	p, _ := r.registered(t, testpki.Leaf{IIN: iin(1)})
	if _, _, err := r.desk.Login(t.Context(), "000000000000", password, ""); err == nil || err.Error() != account.ErrLogin.Error() {
		t.Errorf("an unknown login: %v", err)
	}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, _, err := r.desk.Login(t.Context(), p.Login, "not this one", ""); !errors.Is(err, account.ErrLogin) && !errors.Is(err, account.ErrLocked) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, _, err := r.desk.Login(t.Context(), p.Login, password, ""); !errors.Is(err, account.ErrLocked) {
		t.Errorf("after five wrong ones: %v", err)
	}
	// A login that nobody has is locked the same way; nothing in it reaches the database as it is.
	var last error
	for range 6 {
		_, _, last = r.desk.Login(t.Context(), "nobody", "not this one", "")
	}
	if !errors.Is(last, account.ErrLocked) {
		t.Errorf("a login that nobody has, six times: %v", last)
	}
	for _, login := range []string{"\x00", "a\x00b", strings.Repeat("a", 10_000), ""} {
		if _, _, err := r.desk.Login(t.Context(), login, password, ""); !errors.Is(err, account.ErrLogin) {
			t.Errorf("login %.5q: %v", login, err)
		}
	}
	r.skip = 16 * time.Minute
	if _, _, err := r.desk.Login(t.Context(), p.Login, password, ""); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// TestStaff: an administrator enters, re-keys and shuts out; nobody else does.
func TestStaff(t *testing.T) {
	r := newReception(t)
	admin := account.Account{ID: "root", Roles: []account.Role{account.Admin}}
	good := account.NewStaff{Login: "operator.1", Name: "ҚЫЗМЕТКЕР", IIN: iin(3), BIN: bin(3), Roles: []account.Role{account.Operator}, Password: password}
	p, err := r.desk.Enter(t.Context(), admin, "192.0.2.1", good)
	must(t, err)
	if _, err := r.desk.Enter(t.Context(), admin, "192.0.2.1", good); !errors.Is(err, account.ErrTaken) {
		t.Errorf("entered twice: %v", err)
	}
	for name, change := range map[string]func(*account.NewStaff){
		"an applicant's login": func(n *account.NewStaff) { n.Login = iin(4) }, "spaces": func(n *account.NewStaff) { n.Login = "a b" },
		"a turned login": func(n *account.NewStaff) { n.Login = "a\u202eb" }, "a name with a bell": func(n *account.NewStaff) { n.Name = "A\a" },
		"no name": func(n *account.NewStaff) { n.Name = "" }, "no role": func(n *account.NewStaff) { n.Roles = nil },
		"an applicant":    func(n *account.NewStaff) { n.Roles = []account.Role{account.Applicant} },
		"an unknown role": func(n *account.NewStaff) { n.Roles = []account.Role{"king"} },
		"no numbers":      func(n *account.NewStaff) { n.IIN = "" }, "no IIN": func(n *account.NewStaff) { n.IIN = "12" },
		"short password": func(n *account.NewStaff) { n.Password = "short" }, "one letter": func(n *account.NewStaff) { n.Password = "әәәәәәәәәәәә" },
	} {
		n := good
		n.Login = "other." + strings.ReplaceAll(name, " ", "-")
		change(&n)
		if _, err := r.desk.Enter(t.Context(), admin, "192.0.2.1", n); !errors.Is(err, account.ErrInput) && !errors.Is(err, account.ErrPassword) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, token, err := r.desk.Login(t.Context(), p.Login, password, "")
	must(t, err)
	if err := r.desk.SetPassword(t.Context(), p.Account(), p.ID, "not this one", "another password", ""); !errors.Is(err, account.ErrLogin) {
		t.Errorf("with a wrong old password: %v", err)
	}
	if err := r.desk.SetPassword(t.Context(), account.Account{ID: "x"}, p.ID, "", "another password", ""); !errors.Is(err, account.ErrLogin) {
		t.Errorf("by somebody else: %v", err)
	}
	must(t, r.desk.SetPassword(t.Context(), p.Account(), p.ID, password, "another password", ""))
	if _, _, err := r.desk.BySession(t.Context(), token); !errors.Is(err, account.ErrToken) {
		t.Errorf("a session of the old password: %v", err)
	}
	_, token, err = r.desk.Login(t.Context(), p.Login, "another password", "")
	must(t, err)
	if err := r.desk.Disable(t.Context(), p.Account(), "192.0.2.1", p.ID, true); !errors.Is(err, account.ErrInput) {
		t.Errorf("shut themselves out: %v", err)
	}
	must(t, r.desk.Disable(t.Context(), admin, "192.0.2.1", p.ID, true))
	if _, _, err := r.desk.BySession(t.Context(), token); !errors.Is(err, account.ErrToken) {
		t.Errorf("a session of somebody shut out: %v", err)
	}
	if _, _, err := r.desk.Login(t.Context(), p.Login, "another password", ""); !errors.Is(err, account.ErrLogin) {
		t.Errorf("shut out: %v", err)
	}
	must(t, r.desk.Disable(t.Context(), admin, "192.0.2.1", p.ID, false))
	if _, _, err := r.desk.Login(t.Context(), p.Login, "another password", ""); err != nil {
		t.Errorf("let in again: %v", err)
	}
	people, err := r.desk.People(t.Context())
	must(t, err)
	if len(people) != 1 || people[0].Login != good.Login {
		t.Errorf("people %+v", people)
	}
}
