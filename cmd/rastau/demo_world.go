// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"rastau/internal/account"
	"rastau/internal/identity"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/licensing"
)

// world is everything around Rastau that the demo needs and a real installation finds outside: a certification authority
// with its list, OCSP and time stamps on loopback, people with keys, and an installation's configuration. All people are invented.
//
// There are two: the second, in the folder gost of the first, is the same installation whose authority, licensor and applicants
// have keys of the national algorithms.
type world struct {
	dir     string
	second  *world // nil in the second itself
	pki     *testpki.PKI
	ca, ca2 *testpki.CA  // the second issues to one applicant only: its sources are never asked before they go down
	server  *http.Server // of both worlds' responders; nil in the second
	base    string       // address of the authority's responders
	config  *Config
	tokens  map[account.Role]string
	people  people
	desk    *account.Desk
	logKey  string // public, of the checkpoints of the log
	shared  demoShared
	outside *outside // the systems around; nil in the second
	signer  *devSigner
	fee     int64 // tiyn, of the sample application
}

// people of the story.
type people struct {
	licensor, seal                          *pki.Key
	officer                                 *pki.Key // the officer's own
	head, expired, early, listed, answered  *pki.Key // heads of bodies: good, expired, not yet valid, revoked by list, revoked by OCSP
	entrepreneur, stranger, otherHead, auth *pki.Key
	enters, employee, employee2, operator   *pki.Key // the entrepreneur's for logging in; those who enter applications of others
	clerkIIN, centreBIN                     string
	outsider, outage                        *pki.Key // of an unknown root; of the second authority
	bin, otherBIN, iin                      string
}

const (
	passwordFile = "password"
	anchorFile   = "anchors/root.pem"
	secondFolder = "gost"
)

// openWorld makes the folder, the authority with its keys and the configuration, and starts the authority's responders.
// A folder that an earlier demo left is gone on with: same authority, same register. listen and second are the addresses of the
// two installations.
func openWorld(dir, listen, second string, shared demoShared) (_ *world, err error) {
	w := &world{dir: dir, shared: shared, tokens: map[account.Role]string{}}
	w.second = &world{dir: filepath.Join(dir, secondFolder), tokens: map[account.Role]string{}}
	if err := w.mayUse(); err != nil {
		return nil, err
	}
	for _, folder := range []string{w.dir, w.second.dir} {
		for _, sub := range []string{"anchors", "certificates", "keys", "lists", "licences", "tampered", "pki"} {
			if err := os.MkdirAll(filepath.Join(folder, sub), 0o700); err != nil {
				return nil, unreadablef("%v", err)
			}
		}
	}
	responders, err := w.listenAgain()
	if err != nil {
		return nil, err
	}
	w.base = "http://" + responders.Addr().String()
	w.second.base = w.base + "/" + secondFolder
	defer func() {
		if err != nil {
			responders.Close()
			if w.signer != nil {
				w.signer.server.Close()
			}
		}
	}()
	for _, one := range []*world{w, w.second} {
		if err := one.openPKI(); err != nil {
			return nil, fmt.Errorf("the demo's authority: %w", err)
		}
		if err := one.issuePeople(); err != nil {
			return nil, fmt.Errorf("the demo's people: %w", err)
		}
	}
	if err := w.openDevSigner(); err != nil {
		return nil, fmt.Errorf("the demo's signer: %w", err)
	}
	if err := errors.Join(w.writeFiles(listen), w.second.writeFiles(second)); err != nil {
		return nil, unreadablef("%v", err)
	}
	w.server = &http.Server{Handler: w.responders(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	go w.server.Serve(responders) // ends with Close
	return w, nil
}

// responders serve both authorities, the second below its folder's name.
func (w *world) responders() http.Handler {
	first, second := w.pki.Handler(), http.StripPrefix("/"+secondFolder, w.second.pki.Handler())
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { // a ServeMux would clean the base64 of an OCSP GET
		if strings.HasPrefix(r.URL.Path, "/"+secondFolder+"/") {
			second.ServeHTTP(rw, r)
			return
		}
		first.ServeHTTP(rw, r)
	})
}

// national says whether keys are of the national algorithms here.
func (w *world) national() bool { return w.second == nil }

// anchor is the only file that an auditor of this world trusts, as seen from the demo's folder.
func (w *world) anchor() string {
	if w.national() {
		return secondFolder + "/" + anchorFile
	}
	return anchorFile
}

// mayUse refuses a folder with files of somebody else's: the demo writes its own keys and configuration.
func (w *world) mayUse() error {
	entries, err := os.ReadDir(w.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unreadablef("%v", err)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "pki", "address")); len(entries) > 0 && err != nil {
		return usagef("%s is not empty and no earlier demo's folder: choose another --dir", w.dir)
	}
	return nil
}

// listenAgain takes the address that stands in the certificates of an earlier run, or a free one.
func (w *world) listenAgain() (net.Listener, error) {
	remembered := filepath.Join(w.dir, "pki", "address")
	if old, err := os.ReadFile(remembered); err == nil {
		l, err := net.Listen("tcp", string(old))
		if err != nil {
			return nil, unreadablef("the demo in %s answers at %s, which is taken: stop the other program or choose another --dir", w.dir, old)
		}
		return l, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, unreadablef("%v", err)
	}
	return l, os.WriteFile(remembered, []byte(l.Addr().String()), 0o600)
}

func (w *world) Close() error {
	all := []error{w.signer.server.Close(), w.server.Close()}
	if w.outside != nil {
		all = append(all, w.outside.server.Close())
	}
	return errors.Join(all...)
}

func (w *world) openPKI() error {
	var err error
	state := filepath.Join(w.dir, "pki")
	o := testpki.Options{Now: time.Now, BaseURL: w.base, EC: w.shared.EC, GOST: w.national()}
	if _, err := os.Stat(filepath.Join(state, "pki.json")); err == nil {
		if w.pki, err = testpki.Load(state, o); err != nil {
			return err
		}
		cas := w.pki.CAs()
		if len(cas) != 2 {
			return fmt.Errorf("%s holds %d authorities, not two: choose another --dir", state, len(cas))
		}
		w.ca, w.ca2 = cas[0], cas[1]
		return nil
	}
	if w.pki, err = testpki.New(o); err != nil {
		return err
	}
	if w.ca, err = w.pki.NewCA(""); err != nil {
		return err
	}
	if w.ca2, err = w.pki.NewCA("ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ DEMO 2"); err != nil {
		return err
	}
	if _, err = w.pki.NewTSA(w.ca); err != nil {
		return err
	}
	return w.pki.Save(state)
}

// Role identifiers of the national register of object identifiers.
const (
	roleIndividual pki.OID = "1.2.398.3.3.4.1.1"
	roleBody       pki.OID = "1.2.398.3.3.4.1.2"
	roleHead       pki.OID = "1.2.398.3.3.4.1.2.1"
)

func (w *world) issuePeople() error {
	regulations, err := licensing.Embedded()
	if err != nil {
		return err
	}
	registered := time.Date(2009, 4, 1, 0, 0, 0, 0, time.UTC)
	born := time.Date(1986, 3, 8, 0, 0, 0, 0, time.UTC)
	p := &w.people
	p.bin, p.otherBIN = identity.NewBIN(registered, 4101), identity.NewBIN(registered, 4102)
	p.iin = identity.NewIIN(born, false, 7301)
	head := func(surname, name string, serial int, bin, body string) testpki.Leaf {
		return testpki.Leaf{Surname: surname, CommonName: surname + " " + name, IIN: identity.NewIIN(born, true, serial), BIN: bin, Organization: body,
			Roles: []pki.OID{roleBody, roleHead}}
	}
	person := func(surname, name, iin string) testpki.Leaf {
		return testpki.Leaf{Surname: surname, CommonName: surname + " " + name, IIN: iin, Roles: []pki.OID{roleIndividual}}
	}
	now := time.Now()
	const day = 24 * time.Hour
	const body, other = "«ҚОҢЫРАУ ЖОЛЫ» ЖШС (DEMO)", "«ӨЗГЕ ҰЙЫМ» ЖШС (DEMO)"

	expired := head("ЕСКІРГЕНОВ", "ҒАЛЫМ", 7001, p.bin, body)
	expired.NotBefore, expired.NotAfter = now.Add(-400*day), now.Add(-35*day)
	early := head("ЕРТЕҢОВ", "ҚАЙРАТ", 7002, p.bin, body)
	early.NotBefore, early.NotAfter = now.Add(30*day), now.Add(395*day)
	listed := head("ТІЗІМОВ", "ҢҰР", 7003, p.bin, body)
	listed.NoOCSP = true
	auth := head("КІРЕБЕРІСОВ", "ӘЛІ", 7004, p.bin, body)
	auth.Auth = true

	enters := person("ҮЛГІБАЕВА", "ҚҰНДЫЗ", p.iin)
	enters.Auth = true
	p.clerkIIN, p.centreBIN = identity.NewIIN(born, true, 7401), identity.NewBIN(registered, 4104)
	clerk := func(organization, bin string) testpki.Leaf {
		return testpki.Leaf{Surname: "ҚЫЗМЕТКЕРОВ", CommonName: "ҚЫЗМЕТКЕРОВ ӘНУАР", IIN: p.clerkIIN, BIN: bin, Organization: organization, Roles: []pki.OID{roleBody, pki.OIDRoleEmployee}}
	}

	issue := []struct {
		to   **pki.Key
		from *testpki.CA
		leaf testpki.Leaf
	}{
		{&p.licensor, w.ca, head("ӘБДІҚҰЛОВ", "ҮМІТҺАН", 7000, regulations[0].Licensor.BIN, "КӨЛІКТІК БАҚЫЛАУ КОМИТЕТІНІҢ АУМАҚТЫҚ ОРГАНЫ (DEMO)")},
		{&p.officer, w.ca, head("ӘБДІҚҰЛОВ", "ҮМІТҺАН", 7000, regulations[0].Licensor.BIN, "КӨЛІКТІК БАҚЫЛАУ КОМИТЕТІНІҢ АУМАҚТЫҚ ОРГАНЫ (DEMO)")},
		{&p.seal, w.ca, testpki.Leaf{CommonName: "Е-ЛИЦЕНЗИЯЛАУ МӨРІ (DEMO)", BIN: identity.NewBIN(registered, 4110), Organization: "Е-ЛИЦЕНЗИЯЛАУ (DEMO)", Roles: []pki.OID{pki.OIDRoleSystem}}},
		{&p.head, w.ca, head("ӘУЕЗҒАЛИ", "ӨРКЕН", 7010, p.bin, body)},
		{&p.expired, w.ca, expired},
		{&p.early, w.ca, early},
		{&p.listed, w.ca, listed},
		{&p.answered, w.ca, head("ЖАУАПОВ", "ІЛИЯС", 7005, p.bin, body)},
		{&p.otherHead, w.ca, head("БӨТЕНОВ", "ҺАКІМ", 7006, p.otherBIN, other)},
		{&p.auth, w.ca, auth},
		{&p.entrepreneur, w.ca, person("ҮЛГІБАЕВА", "ҚҰНДЫЗ", p.iin)},
		{&p.enters, w.ca, enters},
		{&p.employee, w.ca, clerk("ЛИЦЕНЗИАР (DEMO)", regulations[0].Licensor.BIN)},
		{&p.employee2, w.ca, clerk("ЛИЦЕНЗИАР 2 (DEMO)", regulations[1].Licensor.BIN)},
		{&p.operator, w.ca, clerk("ХАЛЫҚҚА ҚЫЗМЕТ КӨРСЕТУ ОРТАЛЫҒЫ (DEMO)", p.centreBIN)},
		{&p.stranger, w.ca, person("БАСҚАОВА", "ГҮЛ", identity.NewIIN(born, false, 7302))},
		{&p.outage, w.ca2, head("ҮЗІЛІСОВ", "ӘДІЛ", 7007, p.bin, body)},
	}
	for _, i := range issue {
		if *i.to, err = i.from.Issue(i.leaf); err != nil {
			return err
		}
	}
	w.ca.RevokeCRLOnly(p.listed.Certificate, now.Add(-3*day), 1)
	w.ca.RevokeOCSPOnly(p.answered.Certificate, now.Add(-2*day), 1)

	// An authority that calls itself the same, under a root that nobody here trusts.
	foreign, err := testpki.New(testpki.Options{Now: time.Now, BaseURL: w.base, GOST: w.national()})
	if err != nil {
		return err
	}
	ca, err := foreign.NewCA("")
	if err != nil {
		return err
	}
	p.outsider, err = ca.Issue(head("ӘУЕЗҒАЛИ", "ӨРКЕН", 7010, p.bin, body))
	return err
}

// writeFiles leaves what `rastau serve` and an auditor would use.
func (w *world) writeFiles(listen string) error {
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.pki.Root().Certificate.Raw})
	if err := os.WriteFile(filepath.Join(w.dir, anchorFile), root, 0o644); err != nil {
		return err
	}
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	password := hex.EncodeToString(secret)
	if err := os.WriteFile(filepath.Join(w.dir, "keys", passwordFile), []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	for name, key := range map[string]*pki.Key{"licensor": w.people.licensor, "seal": w.people.seal, "applicant": w.people.head} {
		p12, err := testpki.PKCS12(key, password)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(w.dir, "keys", name+".p12"), p12, 0o600); err != nil {
			return err
		}
	}
	if err := w.writeAuthorities(); err != nil {
		return err
	}
	if !w.national() {
		if err := w.openOutside(password); err != nil {
			return err
		}
		w.outside.SetCallback("http://" + listen + "/v1/payments/told")
	}
	return w.writeConfig(listen)
}

// writeAuthorities adds a line for this run's licensor key; the lines of earlier runs stay, so that their licences stay entitled.
func (w *world) writeAuthorities() error {
	name := filepath.Join(w.dir, "authorities.yaml")
	var list []licensing.Authority
	if data, err := os.ReadFile(name); err == nil {
		if list, err = licensing.LoadAuthorities(data); err != nil {
			return err
		}
	}
	regulations, err := licensing.Embedded()
	if err != nil {
		return err
	}
	head := phrase.Text{KK: "Басшы", RU: "Руководитель", EN: "Head"}
	deputy := phrase.Text{KK: "Басшының орынбасары", RU: "Заместитель руководителя", EN: "Deputy head"}
	system := phrase.Text{KK: "Ақпараттық жүйе", RU: "Информационная система", EN: "Information system"}
	since := time.Now().Add(-24 * time.Hour).UTC().Truncate(time.Second)
	for _, r := range regulations {
		for _, line := range []licensing.Authority{
			{Officer: "demo-officer", Name: "ӘБДІҚҰЛОВ ҮМІТҺАН", Position: head, Certificate: w.people.licensor.Certificate.SHA256Hex()},
			{Officer: "demo-officer", Name: "ӘБДІҚҰЛОВ ҮМІТҺАН", Position: head, Certificate: w.people.officer.Certificate.SHA256Hex()},
			{Officer: "demo-second", Name: "ҒАБИТОВА ҚЫМБАТ", Position: deputy, Certificate: w.people.licensor.Certificate.SHA256Hex()},
			{Officer: licensing.System, Name: "Е-ЛИЦЕНЗИЯЛАУ", Position: system, Certificate: w.people.seal.Certificate.SHA256Hex()},
		} {
			line.Licensor, line.From = r.Licensor.BIN, since
			list = append(list, line)
		}
	}
	data, err := yaml.Marshal(list)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

// The demo's own dates, so that it works on any day: the embedded tables end where the facts end.
const (
	demoRates    = "rates:\n  - {from: 2012-01-01, until: 2100-01-01, tenge: 4325}\n"
	demoCalendar = "zone: Asia/Almaty\ncovers: {from: 2012-01-01, until: 2100-01-01}\nweekend: [saturday, sunday]\nholidays:\n" +
		"  - {key: new-year, days: [01-01, 01-02], transfer: true, source: press}\n"
)

// writeLists leaves the authorities' lists, good for a year, so that the licences can be checked when the demo has ended:
// rastau verify --offline --anchors D/anchors --crl D/lists D/licences/*.pdf
func (w *world) writeLists() error {
	for _, ca := range append([]*testpki.CA{w.pki.Root()}, w.pki.CAs()...) {
		der, err := ca.CRL(testpki.CRLOptions{NextUpdate: time.Now().AddDate(1, 0, 0)})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(w.dir, "lists", ca.ID()+".crl"), der, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) writeDates() error {
	for name, text := range map[string]string{"rates.yaml": demoRates, "calendar.yaml": demoCalendar} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) writeConfig(listen string) error {
	if err := w.writeDates(); err != nil {
		return err
	}
	if err := w.writeLists(); err != nil {
		return err
	}
	if err := w.openLogKey(); err != nil {
		return err
	}
	for _, ca := range w.pki.CAs() {
		name := filepath.Join(w.dir, "certificates", ca.ID()+".pem")
		if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate.Raw}), 0o644); err != nil {
			return err
		}
	}
	c := &Config{
		Seal: KeyConfig{File: "keys/seal.p12", PasswordFile: "keys/" + passwordFile}, LogKey: logKeyFile,
		Rates: "rates.yaml", Calendar: "calendar.yaml", Certificates: []string{"certificates"},
		Listen: listen, PublicURL: "http://" + listen, Database: "rastau.db", Anchors: []string{"anchors"},
		Key: KeyConfig{File: "keys/licensor.p12", PasswordFile: "keys/" + passwordFile}, TSA: w.base + "/tsp",
		Levels: LevelConfig{Licence: "LTA", Receipt: "T", Decision: "T"},
		Allow:  []string{"127.0.0.0/8", "::1/128"}, Authorities: "authorities.yaml", LicenceCode: "ZZZ", AcceptRepealed: true, Specimen: true,
		RatePerMinute: 100_000, folder: w.dir, NCALayer: w.signer.pages(),
	}
	if w.outside != nil {
		c.Gateway = w.outside.config()
	}
	if !w.national() { // applicants may come with keys of either kind
		c.Anchors, c.Certificates = append(c.Anchors, secondFolder+"/anchors"), append(c.Certificates, secondFolder+"/certificates")
	}
	for _, role := range []account.Role{account.Applicant, account.Officer, account.Auditor, account.Admin} {
		token, digest, err := account.NewToken()
		if err != nil {
			return err
		}
		w.tokens[role] = token
		c.Accounts = append(c.Accounts, account.Account{ID: "demo-" + string(role), Name: "Demo " + string(role), Roles: []account.Role{role}, TokenSHA256: digest})
	}
	token, digest, err := account.NewToken()
	if err != nil {
		return err
	}
	w.tokens[secondOfficer] = token
	c.Accounts = append(c.Accounts, account.Account{ID: "demo-second", Name: "Demo second officer", Roles: []account.Role{account.Officer}, TokenSHA256: digest})
	if !w.national() {
		if err := w.shared.apply(c); err != nil {
			return err
		}
	}
	data, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	w.config = c
	return os.WriteFile(filepath.Join(w.dir, "config.yaml"), data, 0o600)
}
