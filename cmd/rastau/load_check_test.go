// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"rastau/internal/testpostgres"
	"rastau/licensing"
	"rastau/verifier"
)

// prove opens the register when all processes have gone: everything that was
// acknowledged is there with the same number and receipt, the log holds, no
// number is missing, and the stored signatures are judged again.
func (l *load) prove(database string) {
	t := l.t
	c, err := loadConfig(filepath.Join(l.w.dir, "load0.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("RASTAU_TEST_PASSWORD", testpostgres.Password)
	db, err := c.openStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	head, err := licensing.CheckRegister(t.Context(), db)
	if err != nil {
		t.Errorf("the register does not hold: %v", err)
	}
	judge, err := l.w.auditor()
	if err != nil {
		t.Fatal(err)
	}
	anchors, err := readAnchors("anchors", c.paths(c.Anchors))
	if err != nil {
		t.Fatal(err)
	}
	extra, err := readCertificates(c.paths(c.Certificates))
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	err = db.View(t.Context(), func(tx licensing.Tx) error {
		for i, r := range l.told {
			app, err := tx.Application(r.id)
			if err != nil {
				return fmt.Errorf("%s was acknowledged and is lost: %w", r.number, err)
			}
			reg, err := tx.Registration(r.id)
			if err != nil {
				return fmt.Errorf("%s was acknowledged and is lost: %w", r.number, err)
			}
			if app.Number != r.number || reg.Number != r.number || !bytes.Equal(reg.Receipt, r.receipt) {
				t.Errorf("%s was acknowledged and stands as %s", r.number, app.Number)
			}
			if i%20 != 0 {
				continue
			}
			q := verifier.Question{Anchors: anchors, Certs: extra, Purpose: verifier.PurposeSign, IIN: app.Applicant.IIN,
				Content: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(app.Package)), nil }}
			report := judge.Document(t.Context(), reg.Signature, q)
			if report.Indication != verifier.TotalPassed {
				t.Errorf("%s: the stored signature is %s", r.number, report.Indication)
			}
			judged++
		}
		list, err := tx.Applications(licensing.Filter{NotDrafts: true})
		if err != nil {
			return err
		}
		numbers := map[string]bool{}
		var last int
		for _, a := range list {
			n, err := strconv.Atoi(a.Number[strings.LastIndexByte(a.Number, '-')+1:])
			if err != nil || numbers[a.Number] {
				return fmt.Errorf("number %q: twice, or none: %w", a.Number, err)
			}
			numbers[a.Number], last = true, max(last, n)
		}
		// An application that was not registered may hold a number for its next try.
		failed := 0
		for _, n := range l.failures {
			failed += n
		}
		if last-len(list) > failed {
			t.Errorf("%d numbers, the last is %d", len(list), last)
		}
		t.Logf("proved: %d acknowledged of %d registered, %d entries of the log, %d stored signatures judged again", len(l.told), len(list), head.Size, judged)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
