// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"rastau/internal/outbox"
	"rastau/internal/store"
	"rastau/internal/testpostgres"
	"rastau/licensing"
)

// report prints what was played and how it went.
func (r *faultRun) report(seed uint64, length time.Duration) {
	for _, name := range slices.Sorted(maps.Keys(r.played)) {
		r.t.Logf("%3d × %s", r.played[name], name)
	}
	for _, v := range slices.Sorted(maps.Keys(r.verdicts)) {
		r.t.Logf("verdicts: %5d %s", r.verdicts[v], v)
	}
	r.t.Logf("seed %d, %s: %d applications registered, %d licences, %d refusals; from draft to number: median %s, longest %s; to the decision at most %s; %d requests sent again",
		seed, length, len(r.told), len(r.licences), len(r.refused), quantile(r.took, 0.5), quantile(r.took, 1), r.slowest.Round(time.Millisecond), r.repeated.Load())
	// Whoever reads that people were slow must know whether the machine was free to serve them. It excuses nothing: the bound stands.
	if spent := processorsWanted() - r.busy; spent > 0 {
		r.t.Logf("in %d %% of the run somebody on this machine waited for a processor", 100*spent/time.Since(r.began))
	}
	for what, n := range r.failures {
		r.t.Errorf("%d people did not get through within %s: %s", n, faultBudget, what)
	}
	if len(r.told) == 0 || len(r.licences) == 0 || len(r.refused) == 0 {
		r.t.Error("nothing was played: no licence or no refusal")
	}
}

// drain waits until what has to be done later is done: notices are sent, licences are sealed.
func (r *faultRun) drain() {
	r.t.Setenv("RASTAU_TEST_PASSWORD", testpostgres.Password)
	db := r.open()
	defer db.Close()
	for end := time.Now().Add(healBudget); ; time.Sleep(200 * time.Millisecond) {
		due := 0
		var waiting []outbox.Item
		err := db.View(r.t.Context(), func(tx licensing.Tx) (err error) {
			waiting, err = tx.Items(outbox.Filter{State: outbox.Waiting, Limit: 1000})
			return err
		})
		if err != nil {
			r.t.Fatal(err)
		}
		for _, m := range waiting {
			if m.Due.Before(time.Now()) {
				due++
			}
		}
		if due == 0 {
			return
		}
		if time.Now().After(end) {
			r.t.Errorf("%d messages are due and not done, for example %+v", due, waiting[0])
			return
		}
	}
}

func (r *faultRun) open() *store.Store {
	c, err := loadConfig(filepath.Join(r.w.dir, "load0.yaml"))
	if err != nil {
		r.t.Fatal(err)
	}
	db, err := c.openStore(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return db
}

// proveDecisions opens the register when all processes have gone: every decision that was acknowledged stands, every licence once;
// nobody was told of anything twice; every payment serves one application.
func (r *faultRun) proveDecisions() {
	db := r.open()
	defer db.Close()
	numbers := map[string]string{}
	references := map[string]string{}
	err := db.View(context.Background(), func(tx licensing.Tx) error {
		all, err := tx.Applications(licensing.Filter{NotDrafts: true})
		if err != nil {
			return err
		}
		for i := range all {
			app := &all[i]
			if app.Licence != "" {
				if other := numbers[app.Licence]; other != "" {
					return fmt.Errorf("the licence %s stands on two applications, %s and %s", app.Licence, app.ID, other)
				}
				numbers[app.Licence] = app.ID
			}
			if other := references[app.Payment.Reference]; other != "" {
				return fmt.Errorf("the payment %s serves two applications, %s and %s", app.Payment.Reference, app.ID, other)
			}
			references[app.Payment.Reference] = app.ID
		}
		for id, licence := range r.licences {
			if numbers[licence] != id {
				r.t.Errorf("the licence %s was acknowledged for %s and stands on %q", licence, id, numbers[licence])
			}
			if _, err := tx.Licence(licence); err != nil {
				r.t.Errorf("the licence %s was acknowledged and is lost: %v", licence, err)
			}
		}
		for id := range r.refused {
			if app, err := tx.Application(id); err != nil || app.Status != licensing.Refused {
				r.t.Errorf("the refusal of %s was acknowledged and is lost: %v", id, err)
			}
		}
		return nil
	})
	if err != nil {
		r.t.Error(err)
	}
	sent := map[string]bool{}
	for _, n := range r.w.outside.Inbox() {
		key := n.Channel + " " + n.To + " " + n.Subject + " " + n.Text
		if sent[n.ID] {
			r.t.Errorf("a notice was delivered twice: %s", key)
		}
		sent[n.ID] = true
	}
	r.t.Logf("proved: %d licences, each once; %d refusals; %d payments, each for one application; %d notices, none twice", len(numbers), len(r.refused), len(references), len(sent))
}

// processorsWanted is for how long, since the machine started, at least one task waited for a processor (the kernel's pressure stall
// information); zero where the kernel does not tell.
func processorsWanted() time.Duration {
	told, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(`some .*total=([0-9]+)`).FindSubmatch(told)
	if m == nil {
		return 0
	}
	return time.Duration(made(strconv.ParseInt(string(m[1]), 10, 64))) * time.Microsecond
}
