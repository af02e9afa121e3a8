// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/gowebpki/jcs"

	"rastau/internal/cms"
	"rastau/internal/identity"
	"rastau/internal/pki"
	"rastau/verifier"
)

// Judge judges the signature over a challenge (verifier.Verifier has it). It must be safe for concurrent use.
type Judge interface {
	Document(ctx context.Context, data []byte, q verifier.Question) *verifier.Report
}

// Options of a Desk.
type Options struct {
	Store    Store                    // Required.
	Judge    Judge                    // Required.
	Question func() verifier.Question // Required. Anchors and policy for people's certificates.
	Site     string                   // Required. Stands in every challenge, so that one signed for another site is none here.
	Now      func() time.Time         // Required.
	Hash     *argon2id.Params         // Optional. If nil, 64 MiB, one pass, two lanes (RFC 9106 §4 leaves the choice to the machine).
	Idle     time.Duration            // Optional. A session that nobody used for so long has ended. If zero, 30 min.
	Lasts    time.Duration            // Optional. A session's longest life. If zero, 12 h.
	Log      *slog.Logger             // Optional. If nil, nothing is logged. Never personal data.
}

const (
	defaultIdle  = 30 * time.Minute
	defaultLasts = 12 * time.Hour

	challengeLasts = 5 * time.Minute
	maxFailures    = 5
	lockFor        = 15 * time.Minute
	seenEvery      = time.Minute // how exactly the last use of a session is known

	minPassword = 10  // characters
	maxPassword = 256 // bytes

	maxSignature = 1 << 20 // bytes, of a signed challenge

	// hashesAtOnce bounds the memory that log-ins may take: 64 MiB each.
	hashesAtOnce = 4
	hashWait     = 5 * time.Second
)

const schemaChallenge = "rastau:challenge:1"

// Desk registers people and lets them in (R024, R030–R033, R050–R052, R070). It is safe for concurrent use.
type Desk struct {
	o      Options
	places chan struct{}

	strangers strangers
	dummy     string // a hash of nothing: looking for a login that is not there takes as long as for one that is
}

// NewDesk checks the options.
func NewDesk(o Options) (*Desk, error) {
	if o.Store == nil || o.Judge == nil || o.Question == nil || o.Site == "" || o.Now == nil {
		return nil, errors.New("account: Store, Judge, Question, Site and Now are required")
	}
	if o.Hash == nil {
		o.Hash = &argon2id.Params{Memory: 64 << 10, Iterations: 1, Parallelism: 2, SaltLength: 16, KeyLength: 32}
	}
	if o.Idle == 0 {
		o.Idle = defaultIdle
	}
	if o.Lasts == 0 {
		o.Lasts = defaultLasts
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Desk{o: o, places: make(chan struct{}, hashesAtOnce)}
	var err error
	d.dummy, err = argon2id.CreateHash(randomHex(16), o.Hash)
	return d, err
}

// Purposes of a challenge.
const (
	PurposeRegister = "register"
	PurposeLogin    = "login"
)

// Challenge makes the text that a person signs with the certificate for logging in.
func (d *Desk) Challenge(ctx context.Context, purpose string) (*Challenge, error) {
	if purpose != PurposeRegister && purpose != PurposeLogin {
		return nil, fmt.Errorf("%w: a challenge is for %s or %s", ErrUnknown, PurposeRegister, PurposeLogin)
	}
	c := &Challenge{Nonce: randomHex(32), Purpose: purpose, Expires: d.now().Add(challengeLasts)}
	raw, err := json.Marshal(map[string]string{
		"schema": schemaChallenge, "site": d.o.Site, "purpose": purpose, "nonce": c.Nonce, "expires": c.Expires.Format(time.RFC3339),
	})
	if err != nil {
		return nil, err
	}
	if c.Text, err = jcs.Transform(raw); err != nil {
		return nil, err
	}
	return c, d.o.Store.AddChallenge(ctx, c)
}

// CertificateError says why a certificate opens nothing: the verdict has the reason.
type CertificateError struct{ Report *verifier.Report }

func (e *CertificateError) Error() string {
	return "the certificate was not accepted: " + e.Report.Indication.String()
}

// Unwrap makes it an ErrLogin.
func (e *CertificateError) Unwrap() error { return ErrLogin }

// holder judges the signature over a challenge and answers who signed. The certificate must be one for logging in (C1): a signing
// certificate is for documents. Errors: ErrLogin, *CertificateError.
func (d *Desk) holder(ctx context.Context, purpose, nonce string, signature []byte) (pki.Holder, error) {
	var none pki.Holder
	if len(signature) == 0 || len(signature) > maxSignature {
		return none, fmt.Errorf("%w: the signature must have 1 to %d bytes", ErrLogin, maxSignature)
	}
	if len(nonce) != 64 || strings.Trim(nonce, "0123456789abcdef") != "" {
		return none, fmt.Errorf("%w: the challenge is unknown or was used: ask for a new one", ErrLogin)
	}
	c, err := d.o.Store.TakeChallenge(ctx, nonce)
	if errors.Is(err, ErrUnknown) {
		return none, fmt.Errorf("%w: the challenge is unknown or was used: ask for a new one", ErrLogin)
	}
	if err != nil {
		return none, err
	}
	if c.Purpose != purpose || d.now().After(c.Expires) {
		return none, fmt.Errorf("%w: the challenge is for something else or has ended: ask for a new one", ErrLogin)
	}
	der, err := cms.Decode(signature)
	if err != nil {
		return none, fmt.Errorf("%w: what was sent is no signature", ErrLogin)
	}
	sd, err := cms.Parse(der, cms.Limits{Bytes: maxSignature})
	if err != nil || len(sd.Signers) != 1 {
		return none, fmt.Errorf("%w: what was sent is not one signature", ErrLogin)
	}
	if !sd.Detached && string(sd.Content) != string(c.Text) {
		return none, fmt.Errorf("%w: something else than the challenge was signed", ErrLogin)
	}
	q := d.o.Question()
	q.Purpose, q.IIN, q.BIN, q.Applicant, q.Digests = verifier.PurposeAuth, "", "", "", nil
	q.Content = contentOf(c.Text)
	r := d.o.Judge.Document(ctx, signature, q)
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if r.Indication != verifier.TotalPassed || len(r.Signatures) != 1 || r.Signatures[0].Certificate == nil {
		return none, &CertificateError{Report: r}
	}
	h := pki.HolderOf(r.Signatures[0].Certificate)
	if len(h.IINs) != 1 || len(h.BINs) > 1 {
		return none, fmt.Errorf("%w: the certificate must name one person and at most one body", ErrLogin)
	}
	if _, err := identity.Parse(h.IIN); err != nil {
		return none, fmt.Errorf("%w: the certificate's IIN is none", ErrLogin)
	}
	return h, nil
}

// Register makes an applicant's account from the certificate that signed the challenge, with a password for coming back.
// The numbers and the name are the certificate's. ErrTaken where the person is registered.
func (d *Desk) Register(ctx context.Context, nonce string, signature []byte, password, from string) (*Person, error) {
	if err := checkPassword(password); err != nil {
		return nil, err
	}
	h, err := d.holder(ctx, PurposeRegister, nonce, signature)
	if err != nil {
		return nil, err
	}
	if strings.Contains(password, h.IIN) || h.BIN != "" && strings.Contains(password, h.BIN) {
		return nil, fmt.Errorf("%w: it must not contain the IIN or BIN", ErrPassword)
	}
	p := &Person{ID: "p-" + randomHex(12), Login: h.IIN, Name: nameOf(h), IIN: h.IIN, BIN: h.BIN, Roles: []Role{Applicant}, Created: d.now()}
	if h.BIN != "" {
		p.Login = h.BIN
	}
	if p.Password, err = d.hash(ctx, password); err != nil {
		return nil, err
	}
	e := Event{At: p.Created, Person: p.ID, Kind: "registered", From: from}
	err = d.o.Store.AddPerson(ctx, p, e)
	if errors.Is(err, ErrTaken) && h.BIN != "" {
		// Another person of the same body came first: both numbers tell them apart.
		if _, lerr := d.o.Store.PersonByNumbers(ctx, h.IIN, h.BIN); errors.Is(lerr, ErrUnknown) {
			p.Login = h.BIN + "-" + h.IIN
			err = d.o.Store.AddPerson(ctx, p, e)
		}
	}
	if err != nil {
		return nil, err
	}
	d.o.Log.InfoContext(ctx, "person registered", "person", p.ID)
	return p, nil
}

// Login is condition C1: the login and its password. Errors: ErrLogin, ErrLocked, ErrBusy.
func (d *Desk) Login(ctx context.Context, login, password, from string) (*Person, string, error) {
	if len(login) > maxName || strings.ContainsFunc(login, unicode.IsControl) {
		login = "" // nobody's
	}
	p, err := d.o.Store.PersonByLogin(ctx, login)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return nil, "", err
	}
	now := d.now()
	if p == nil && d.strangers.locked(login, now) {
		return nil, "", ErrLocked
	}
	hash := d.dummy
	if p != nil && p.Password != "" {
		hash = p.Password
	}
	if p != nil && now.Before(p.Locked) {
		return nil, "", ErrLocked
	}
	right, err := d.compare(ctx, password, hash)
	if err != nil {
		return nil, "", err
	}
	if p == nil || p.Password == "" || p.Disabled || !right {
		return nil, "", d.refused(ctx, p, login, now, from, !right)
	}
	return d.open(ctx, p, ByPassword, now, from)
}

// refused counts a wrong password and journals the refusal.
func (d *Desk) refused(ctx context.Context, p *Person, login string, now time.Time, from string, count bool) error {
	if p == nil {
		if err := d.o.Store.AddEvent(ctx, Event{At: now, Kind: "refused", From: from}); err != nil {
			return err
		}
		if d.strangers.wrong(login, now) {
			return ErrLocked
		}
		return ErrLogin
	}
	locked := false
	err := d.o.Store.ChangePerson(ctx, p.ID, func(x *Person) (*Event, error) {
		e := &Event{At: now, Person: x.ID, Kind: "refused", From: from}
		if count {
			x.Failures++
		}
		if x.Failures >= maxFailures {
			x.Failures, x.Locked = 0, now.Add(lockFor)
			e.Kind, locked = "locked", true
		}
		return e, nil
	})
	if err != nil {
		return err
	}
	if locked {
		d.o.Log.WarnContext(ctx, "account locked after wrong passwords", "person", p.ID)
		return ErrLocked
	}
	return ErrLogin
}

// LoginCertificate lets in whoever signed the challenge with a certificate for logging in, if they are registered.
// Errors: ErrLogin, *CertificateError.
func (d *Desk) LoginCertificate(ctx context.Context, nonce string, signature []byte, from string) (*Person, string, error) {
	h, err := d.holder(ctx, PurposeLogin, nonce, signature)
	now := d.now()
	if err != nil {
		if errors.Is(err, ErrLogin) {
			if jerr := d.o.Store.AddEvent(ctx, Event{At: now, Kind: "refused", From: from}); jerr != nil {
				return nil, "", jerr
			}
		}
		return nil, "", err
	}
	p, err := d.o.Store.PersonByNumbers(ctx, h.IIN, h.BIN)
	if errors.Is(err, ErrUnknown) || err == nil && p.Disabled {
		if jerr := d.refused(ctx, p, "", now, from, false); jerr != nil && !errors.Is(jerr, ErrLogin) {
			return nil, "", jerr
		}
		return nil, "", fmt.Errorf("%w: nobody is registered with this certificate's numbers", ErrLogin)
	}
	if err != nil {
		return nil, "", err
	}
	return d.open(ctx, p, ByCertificate, now, from)
}

// open makes the session.
func (d *Desk) open(ctx context.Context, p *Person, m Method, now time.Time, from string) (*Person, string, error) {
	token, digest, err := NewToken()
	if err != nil {
		return nil, "", err
	}
	if p.Failures > 0 || !p.Locked.IsZero() {
		err := d.o.Store.ChangePerson(ctx, p.ID, func(x *Person) (*Event, error) {
			x.Failures, x.Locked = 0, time.Time{}
			return nil, nil
		})
		if err != nil {
			return nil, "", err
		}
	}
	s := &Session{TokenSHA256: digest, Person: p.ID, Method: m, Created: now, Seen: now}
	if err := d.o.Store.AddSession(ctx, s, Event{At: now, Person: p.ID, Kind: "logged-in", From: from}); err != nil {
		return nil, "", err
	}
	return p, token, nil
}

// BySession finds the person of a session's token: ErrToken where there is none, or it has ended, or the person may no longer enter.
func (d *Desk) BySession(ctx context.Context, token string) (Account, *Session, error) {
	digest, ok := digestOf(token)
	if !ok {
		return Account{}, nil, ErrToken
	}
	s, p, err := d.o.Store.Session(ctx, digest)
	if errors.Is(err, ErrUnknown) {
		return Account{}, nil, ErrToken
	}
	if err != nil {
		return Account{}, nil, err
	}
	now := d.now()
	if !s.Ended.IsZero() || now.Sub(s.Seen) > d.o.Idle || now.Sub(s.Created) > d.o.Lasts {
		return Account{}, nil, ErrToken
	}
	if p.Disabled {
		return Account{}, nil, ErrToken
	}
	if now.Sub(s.Seen) > seenEvery {
		if err := d.o.Store.SeeSession(ctx, digest, now); err != nil {
			return Account{}, nil, err
		}
	}
	return p.Account(), s, nil
}

// Logout ends a session; one that is not there has ended already.
func (d *Desk) Logout(ctx context.Context, token, from string) error {
	digest, ok := digestOf(token)
	if !ok {
		return nil
	}
	s, _, err := d.o.Store.Session(ctx, digest)
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.o.Store.EndSession(ctx, digest, Event{At: d.now(), Person: s.Person, Kind: "logged-out", From: from})
}

func digestOf(token string) (string, bool) {
	if token == "" || len(token) > maxToken {
		return "", false
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:]), true
}

func (d *Desk) now() time.Time { return d.o.Now().UTC().Truncate(time.Millisecond) }

func checkPassword(password string) error {
	switch {
	case !utf8.ValidString(password) || len(password) > maxPassword:
		return fmt.Errorf("%w: it must be UTF-8 and have at most %d bytes", ErrPassword, maxPassword)
	case utf8.RuneCountInString(password) < minPassword:
		return fmt.Errorf("%w: it must have at least %d characters", ErrPassword, minPassword)
	case strings.Count(password, string([]rune(password)[0])) == utf8.RuneCountInString(password):
		return fmt.Errorf("%w: it must not be one character repeated", ErrPassword)
	}
	return nil
}

// place waits for one of the few places in which a password may be hashed.
func (d *Desk) place(ctx context.Context) (leave func(), err error) {
	t := time.NewTimer(hashWait)
	defer t.Stop()
	select {
	case d.places <- struct{}{}:
		return func() { <-d.places }, nil
	case <-t.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *Desk) hash(ctx context.Context, password string) (string, error) {
	leave, err := d.place(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return argon2id.CreateHash(password, d.o.Hash)
}

func (d *Desk) compare(ctx context.Context, password, hash string) (bool, error) {
	if len(password) > maxPassword {
		password = "" // never right, and as slow as any other
	}
	leave, err := d.place(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	return argon2id.ComparePasswordAndHash(password, hash)
}

func randomHex(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	return hex.EncodeToString(raw)
}
