// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rastau/internal/account"
	"rastau/internal/egov"
	"rastau/internal/identity"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/licensing"
	"rastau/signer"
	"rastau/verifier"
)

// outside is the sandbox of the systems around the first installation: state registers, payments, notices.
type outside struct {
	*egov.Sandbox
	server *http.Server
	base   string
	peer   string // BIN of the gateway
}

// openOutside starts the sandbox with a key of its own and leaves the installation's key for talking to it. It runs before the
// configuration is written.
func (w *world) openOutside(password string) error {
	registered := time.Date(2011, 9, 1, 0, 0, 0, 0, time.UTC)
	theirs, ours := identity.NewBIN(registered, 4301), identity.NewBIN(registered, 4302)
	issue := func(name, bin string) (*pki.Key, error) {
		return w.ca.Issue(testpki.Leaf{CommonName: name, BIN: bin, Organization: name, Roles: []pki.OID{pki.OIDRoleSystem}})
	}
	system, err := issue("RASTAU (DEMO)", ours)
	if err != nil {
		return err
	}
	p12, err := testpki.PKCS12(system, password)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.dir, "keys", "system.p12"), p12, 0o600); err != nil {
		return err
	}
	gateway, err := issue("ЭЛЕКТРОНДЫҚ ҮКІМЕТ ШЛЮЗІ (DEMO)", theirs)
	if err != nil {
		return err
	}
	_, judge, err := w.engines()
	if err != nil {
		return err
	}
	question := func() verifier.Question {
		return verifier.Question{Anchors: []trust.Anchor{trust.AnchorOf(w.pki.Root().Certificate)}, Certs: []*pki.Certificate{w.ca.Certificate}}
	}
	ring, err := signer.NewRing(gateway)
	if err != nil {
		return err
	}
	key, err := signer.New(signer.Options{Keys: ring, Judge: examiner{judge, question}, Checker: stranger{}, Now: time.Now})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	o := &outside{base: "http://" + l.Addr().String(), peer: theirs}
	o.Sandbox, err = egov.NewSandbox(egov.SandboxOptions{
		Envelope: envelopeOf(envelopeSecurity, key, judge, question, ours), Base: o.base, Now: time.Now,
	})
	if err != nil {
		l.Close()
		return err
	}
	o.server = &http.Server{Handler: o.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	go o.server.Serve(l) // ends with Close
	w.outside = o
	w.fillRegisters()
	return nil
}

// stranger is a system of others: what it checks of its own signatures is not known here, and whoever receives one judges it.
type stranger struct{}

func (stranger) CheckSigned(context.Context, string, []byte, []byte, *pki.Certificate) error {
	return nil
}

// fillRegisters puts the story's people into the state registers.
func (w *world) fillRegisters() {
	p := w.people
	w.outside.AddPerson(licensing.Person{IIN: p.iin, Name: "ҮЛГІБАЕВА ҚҰНДЫЗ (DEMO)", Address: "Шымкент қ., Тәуке хан даңғылы, 3-үй", Entrepreneur: true})
	w.outside.AddBody(licensing.Body{BIN: p.bin, Name: "«ҚОҢЫРАУ ЖОЛЫ» ЖШС (DEMO)", Address: "Астана қ., Мәңгілік Ел даңғылы, 8-үй", Head: pki.HolderOf(p.head.Certificate).IIN})
	w.outside.AddBody(licensing.Body{BIN: p.otherBIN, Name: "«ӨЗГЕ ҰЙЫМ» ЖШС (DEMO)", Head: pki.HolderOf(p.otherHead.Certificate).IIN, Liquidated: true})
}

func (o *outside) config() GatewayConfig {
	return GatewayConfig{URL: o.base, Peer: o.peer, Key: KeyConfig{File: "keys/system.p12", PasswordFile: "keys/" + passwordFile}}
}

// payment is a paid one at a bank's counter for whoever files in one go; a portal without the gateway answers for its reference.
func (w *world) payment(service string, payer licensing.Applicant, amount int64) licensing.Payment {
	reference := "DEMO-0001"
	if w.outside != nil {
		var raw [4]byte
		_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
		reference = "DEMO-" + hex.EncodeToString(raw[:])
		payee := ""
		regulations, err := licensing.Embedded()
		for i := range regulations {
			if err == nil && regulations[i].Key == service {
				payee = regulations[i].Licensor.BIN
			}
		}
		w.outside.PayOver(licensing.Invoice{Reference: reference, Amount: amount, Payer: payer.IIN + payer.BIN, Payee: payee})
	}
	return licensing.Payment{Reference: reference, Amount: amount}
}

// notices waits until the sandbox's inbox holds n notices, or gives up.
func (o *outside) notices(n int) []licensing.Notice {
	for end := time.Now().Add(20 * time.Second); len(o.Inbox()) < n && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	return o.Inbox()
}

func (o *outside) String() string { return fmt.Sprintf("%s (inbox %s/sandbox/inbox)", o.base, o.base) }

// demoStaff log in to the pages with demoPassword; each name tells the role. demo-officer is the one whom the table of authorities names.
var demoStaff = []string{"demo-officer", "demo-employee", "demo-employee2", "demo-operator", "demo-auditor", "demo-admin"}

// staffNames are invented like everybody here.
var staffNames = map[string]string{
	"demo-officer": "ӘБДІҚҰЛОВ ҮМІТҺАН", "demo-employee": "ҚЫЗМЕТКЕРОВ ӘНУАР", "demo-employee2": "ҚЫЗМЕТКЕРОВ ӘНУАР", "demo-operator": "ҚЫЗМЕТКЕРОВ ӘНУАР",
	"demo-auditor": "БАҚЫЛАУОВА ҒАЛИЯ", "demo-admin": "БАСҚАРОВ ҚУАТ",
}

// enterStaff makes their accounts, unless an earlier run did.
func (w *world) enterStaff(ctx context.Context) error {
	for _, login := range demoStaff {
		n := account.NewStaff{Login: login, Name: staffNames[login], IIN: w.people.clerkIIN, BIN: pki.HolderOf(w.people.licensor.Certificate).BIN,
			Roles: []account.Role{account.Role(strings.TrimRight(strings.TrimPrefix(login, "demo-"), "2"))}, Password: demoPassword}
		switch n.Roles[0] {
		case account.Operator:
			n.BIN = w.people.centreBIN
		case account.Officer: // somebody else than those who enter
			n.IIN = pki.HolderOf(w.people.licensor.Certificate).IIN
		}
		if login == "demo-employee2" { // the second regulation has another licensor
			n.BIN = pki.HolderOf(w.people.employee2.Certificate).BIN
		}
		if _, err := w.desk.Enter(ctx, account.Account{ID: "demo"}, "", n); err != nil && !errors.Is(err, account.ErrTaken) {
			return fmt.Errorf("the demo's staff: %w", err)
		}
	}
	return nil
}
