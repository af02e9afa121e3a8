// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"rastau/internal/account"
	"rastau/internal/fetch"
	"rastau/internal/identity"
	"rastau/internal/ncalayer"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/timestamp"
)

// devSigner stands where NCALayer stands on people's machines: the pages of both installations ask it for signatures. It signs with
// the keys of the demo's people, without asking anybody.
type devSigner struct {
	*ncalayer.Double
	server  *http.Server
	address string // host:port
}

// pages is the address that the pages connect to. Plain ws is enough on loopback; the real program has wss.
func (d *devSigner) pages() string { return "ws://" + d.address + "/" }

func (d *devSigner) String() string {
	return fmt.Sprintf("in NCALayer's place, with test keys: http://%s/ (says which keys, takes orders to fail)", d.address)
}

// openDevSigner starts it, before the configurations are written.
func (w *world) openDevSigner() error {
	var keys []ncalayer.Key
	for _, one := range []*world{w, w.second} {
		kind := ""
		if one.national() {
			kind = "-gost"
		}
		p := one.people
		newcomer := testpki.Leaf{Surname: "ЖАҢАБАЕВ", CommonName: "ЖАҢАБАЕВ ҺАМИТ", IIN: identity.NewIIN(time.Date(1990, 11, 2, 0, 0, 0, 0, time.UTC), true, 7303), Roles: []pki.OID{roleIndividual}}
		newcomerSigns, err := one.ca.Issue(newcomer)
		if err != nil {
			return err
		}
		newcomer.Auth = true
		newcomerEnters, err := one.ca.Issue(newcomer)
		if err != nil {
			return err
		}
		for _, k := range []ncalayer.Key{
			{Alias: "person", Key: p.entrepreneur}, {Alias: "person-login", Key: p.enters}, {Alias: "body", Key: p.head}, {Alias: "body-login", Key: p.auth},
			{Alias: "employee", Key: p.employee}, {Alias: "employee2", Key: p.employee2}, {Alias: "operator", Key: p.operator}, {Alias: "officer", Key: p.licensor}, {Alias: "officer-own", Key: p.officer},
			{Alias: "newcomer", Key: newcomerSigns}, {Alias: "newcomer-login", Key: newcomerEnters}, {Alias: "stranger", Key: p.stranger}, {Alias: "revoked", Key: p.listed},
		} {
			k.Alias += kind
			keys = append(keys, k)
		}
	}
	web, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		return err
	}
	stamper := &timestamp.Client{URL: w.base + "/tsp", HTTP: web}
	double, err := ncalayer.New(ncalayer.Options{Keys: keys, Stamp: stamper.Stamp, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.signer = &devSigner{Double: double, address: l.Addr().String(), server: &http.Server{Handler: double, ReadHeaderTimeout: 10 * time.Second}}
	w.second.signer = w.signer
	go w.signer.server.Serve(l) // ends with Close
	return nil
}

// enterApplicants registers the story's entrepreneur and body with their certificates for logging in, unless an earlier run did.
func (w *world) enterApplicants(ctx context.Context) error {
	for _, key := range []*pki.Key{w.people.enters, w.people.auth} {
		c, err := w.desk.Challenge(ctx, account.PurposeRegister)
		if err != nil {
			return err
		}
		signature, err := signedBy(key)(c.Text)
		if err != nil {
			return err
		}
		if _, err := w.desk.Register(ctx, c.Nonce, signature, demoPassword, "127.0.0.1"); err != nil && !errors.Is(err, account.ErrTaken) {
			return fmt.Errorf("the demo's applicants: %w", err)
		}
	}
	return nil
}
