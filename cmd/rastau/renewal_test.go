// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/internal/outbox"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/licensing"
	"rastau/signer"
	"rastau/verifier"
)

// TestRenewedByItself: a running service renews the time-stamp on a licence when its time has come, once, whoever else tries, and
// hands out the renewed file from then on; the register proves as before.
func TestRenewedByItself(t *testing.T) {
	ctx := t.Context()
	w := made(openWorld(t.TempDir(), "127.0.0.1:1", "127.0.0.1:2", demoShared{})) // the addresses stand in the configuration only
	defer w.Close()
	service := func(name string, ends time.Time) {
		w.pki.UseTSA(made(w.ca.Issue(testpki.Leaf{CommonName: name, NotBefore: time.Now().Add(-time.Hour), NotAfter: ends,
			KeyUsage: pki.DigitalSignature, ExtKeyUsage: []pki.OID{pki.OIDTimeStamping}})))
	}
	// The renewal comes due in twenty minutes: ninety days before the service's certificate ends.
	service("TSA A", time.Now().Add(90*24*time.Hour+20*time.Minute))
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	a := made(newApp(ctx, w.config, appOptions{Log: quietLog(), Now: now}))
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	w.fee = made(a.Service.Fee("passenger-transport", "issue"))
	server := httptest.NewUnstartedServer(a.Handler)
	server.Listener.Close()
	server.Listener = made(net.Listen("tcp", "127.0.0.1:0"))
	server.Start()
	defer server.Close()
	s := &story{world: w, client: newClient(server.URL, w.tokens), out: io.Discard}
	if err := s.licence(ctx); err != nil {
		t.Fatal(err)
	}
	number := s.number
	for _, q := range []licensing.MoveRequest{ // and it is in force again
		{Move: licensing.MoveSuspend, Ground: "court", Reference: "№ 7", Reason: "сот"}, {Move: licensing.MoveResume, Ground: "court", Reference: "№ 8", Reason: "сот"},
	} {
		if err := s.client.call(ctx, account.Officer, "/v1/licences/"+number+"/moves", q, new(licensing.Licence)); err != nil {
			t.Fatal(err)
		}
	}
	corrected := correctedOnce(t, s)
	before := made(a.Service.Licence(ctx, number))
	view := func(look func(tx licensing.Tx) error) {
		t.Helper()
		db := made(w.config.openStore(ctx))
		defer db.Close()
		if err := db.View(ctx, look); err != nil {
			t.Fatal(err)
		}
		if _, err := licensing.CheckRegister(ctx, db); err != nil {
			t.Fatal(err)
		}
	}
	of := func(subject string) (all []licensing.Renewal) {
		t.Helper()
		view(func(tx licensing.Tx) (err error) {
			all, err = tx.Renewals(subject)
			return err
		})
		return all
	}
	renewals := func() []licensing.Renewal { t.Helper(); return of(number) }

	// Before its time nothing happens, however often it is asked for.
	if err := a.Service.Renew(ctx, number); err != nil || len(renewals()) != 0 {
		t.Fatalf("too early: %v", err)
	}
	ahead.Store(int64(30 * time.Minute))
	// Renewing by the same service would gain nothing, and is not done.
	if err := a.Service.Renew(ctx, number); err == nil || len(renewals()) != 0 {
		t.Fatalf("by a service that ends as soon: %v", err)
	}
	w.pki.SetDown(false, false, true)
	if err := a.Service.Renew(ctx, number); !errors.Is(err, licensing.ErrLater) || len(renewals()) != 0 {
		t.Fatalf("by a service that does not answer: %v", err)
	}
	w.pki.SetDown(false, false, false)
	service("TSA B", time.Now().AddDate(9, 0, 0))
	var together sync.WaitGroup
	for range 4 {
		together.Go(func() {
			if err := a.Service.Renew(ctx, number); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	all := renewals()
	if len(all) != 1 || all[0].Until.Before(time.Now().AddDate(8, 0, 0)) {
		t.Fatalf("renewals: %+v", all)
	}
	after := made(a.Service.Licence(ctx, number))
	if !bytes.HasPrefix(after.PDF, before.PDF) || len(after.PDF) == len(before.PDF) || bytes.Equal(after.Signed, before.Signed) || after.PDFSHA256 != all[0].PDF {
		t.Error("the renewed file is not handed out, or not all of the first stands in it")
	}
	for name, file := range map[string][]byte{"first PDF": before.PDF, "renewed PDF": after.PDF, "first CAdES": before.Signed, "renewed CAdES": after.Signed} {
		if check := a.Service.CheckLicence(ctx, a.Verifier.Document(ctx, file, w.question(t)), file, number); !check.SameFile || !check.InForce || check.Entitled == nil || !*check.Entitled {
			t.Errorf("%s: %+v", name, check)
		}
	}
	q := w.question(t)
	q.Offline = true
	wants(t, a.Verifier.Document(ctx, after.PDF, q), signer.LevelLTA)
	wants(t, a.Verifier.Document(ctx, after.Signed, q), signer.LevelLTA)

	// So it goes with what else was signed on the way: the receipt, the decision, a move of the licence, and what the applicants signed
	// themselves, detached.
	var id string
	first, content := map[string][]byte{}, map[string][]byte{}
	view(func(tx licensing.Tx) error {
		app, err := tx.ApplicationNumbered(before.Application)
		if err != nil {
			return err
		}
		id = app.ID
		reg, err := tx.Registration(id)
		if err != nil {
			return err
		}
		ruling, err := tx.Ruling(id)
		if err != nil {
			return err
		}
		moves, err := tx.Moves(number)
		if err != nil {
			return err
		}
		first["receipt:"+app.Number], first["decision:"+app.Number], first["move:"+number+"/1"] = reg.Receipt, ruling.Signed, moves[0].Signed
		first["signature:"+app.Number], content["signature"] = reg.Stamped, app.Package
		m, err := tx.AmendmentNumbered(corrected.ID, 1)
		if err != nil {
			return err
		}
		first["correction:"+corrected.Number+"/1"], content["correction"] = m.Stamped, m.Package
		return nil
	})
	begun := map[string]bool{} // the care for each, by itself
	view(func(tx licensing.Tx) error {
		items, err := tx.Items(outbox.Filter{Kind: licensing.JobRenew, Limit: 100})
		for _, i := range items {
			begun[i.Key] = true
		}
		return err
	})
	whoever := licensing.Actor{ID: "admin", Admin: true}
	for subject, was := range first {
		kind, _, _ := strings.Cut(subject, ":")
		if !begun[subject+"#1"] {
			t.Errorf("nobody would renew the %s", kind)
		}
		for range 2 { // once, however often
			if err := a.Service.Renew(ctx, subject); err != nil {
				t.Fatal(kind, err)
			}
		}
		all := of(subject)
		if len(all) != 1 || all[0].Until.Before(time.Now().AddDate(8, 0, 0)) || all[0].PDF != all[0].Signed {
			t.Fatalf("%s renewals: %+v", kind, all)
		}
		view(func(tx licensing.Tx) error { // it is no page of a licence
			if of, err := tx.FileOf(all[0].Signed); err == nil {
				t.Errorf("%s is taken for a page of %q", kind, of)
			}
			return nil
		})
		now := made(a.Service.Ruling(ctx, whoever, id)).Signed
		q := q
		switch kind {
		case "signature", "correction": // kept as evidence; the applicant has the first
			view(func(tx licensing.Tx) (err error) {
				now, err = tx.Blob(all[0].Signed)
				return err
			})
			q.Content = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content[kind])), nil }
		case "receipt":
			now = made(a.Service.Receipt(ctx, whoever, id))
		case "move":
			now = made(a.Service.Moves(ctx, number))[0].Signed
		}
		if bytes.Equal(now, was) {
			t.Errorf("the renewed %s is not handed out", kind)
		}
		wants(t, a.Verifier.Document(ctx, now, q), signer.LevelLTA)
	}
}

// correctedOnce is an application that was corrected, with a package signed anew.
func correctedOnce(t *testing.T, s *story) *licensing.Application {
	t.Helper()
	ctx := t.Context()
	app := made(s.apply(ctx, s.world.body()))
	sub := made(s.submit(ctx, app.ID, made(signedBy(s.world.people.head)(app.Package))))
	err := s.work(ctx, app.ID, map[string]any{"step": "claim"}, map[string]any{"step": "complete"},
		map[string]any{"step": "ask-correction", "fields": []string{"applicant.address"}, "text": "Мекенжайды толық көрсетіңіз"})
	if err != nil {
		t.Fatal(err)
	}
	n := s.world.sampleApplication(s.world.body())
	n.Applicant.Address += ", 1-кеңсе"
	var amended licensing.Application
	if err := s.client.call(ctx, account.Applicant, "/v1/applications/"+app.ID+"/correction", n, &amended); err != nil {
		t.Fatal(err)
	}
	signature := made(signedBy(s.world.people.head)(amended.Package))
	if err := s.client.call(ctx, account.Applicant, "/v1/applications/"+app.ID+"/correction/signature", map[string][]byte{"signature": signature}, new(submission)); err != nil {
		t.Fatal(err)
	}
	app.Number = sub.Application.Number
	return app
}

func (w *world) question(tb testing.TB) verifier.Question {
	tb.Helper()
	return verifier.Question{Anchors: made(readAnchors("anchors", w.config.paths(w.config.Anchors))), Purpose: verifier.PurposeSign}
}
