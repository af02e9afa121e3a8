// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/pem"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rastau/internal/cms"
	"rastau/internal/identity"
	"rastau/internal/testpki"
)

var update = flag.Bool("update", false, "make testdata/session anew")

// sessionTime is the time that README's session judges.
var sessionTime = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

const session = "../../testdata/session"

// TestMakeSession makes the files of README's session where -update is given: a root, lists, a good signature, one by a
// revoked certificate, one whose content was altered.
func TestMakeSession(t *testing.T) {
	if !*update {
		if _, err := os.Stat(filepath.Join(session, "root.pem")); err != nil {
			t.Fatalf("%v: make the session's files with `go test ./cmd/rastau -run MakeSession -update`", err)
		}
		return
	}
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return sessionTime }})
	if err != nil {
		t.Fatal(err)
	}
	ca, err := p.NewCA("")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(session, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	born := time.Date(1991, 6, 1, 0, 0, 0, 0, time.UTC)
	content := []byte(`{"application":"a licence to carry passengers","applicant":"Үлгібаева Құндыз"}` + "\n")
	for name, revoked := range map[string]bool{"good": false, "revoked": true} {
		key, err := ca.Issue(testpki.Leaf{Surname: "ҮЛГІБАЕВА", CommonName: "ҮЛГІБАЕВА ҚҰНДЫЗ", IIN: identity.NewIIN(born, false, 8801), NotBefore: sessionTime.Add(-48 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if revoked {
			ca.Revoke(key.Certificate, sessionTime.Add(-24*time.Hour), 1)
		}
		signed, err := cms.Sign(context.Background(), cms.SignOptions{Content: content, Key: key.Signer, Certificate: key.Certificate, Chain: key.Chain, SigningTime: sessionTime.Add(-time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		write(name+".p7s", pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: signed}))
		if !revoked {
			altered := []byte(string(signed))
			at := 0
			for i := range altered {
				if string(altered[i:min(i+7, len(altered))]) == "licence" {
					at = i
					break
				}
			}
			altered[at] = 'L'
			write("altered.p7s", pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: altered}))
		}
	}
	write("root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Root().Certificate.Raw}))
	for name, authority := range map[string]*testpki.CA{"root": p.Root(), "ca": ca} {
		list, err := authority.CRL(testpki.CRLOptions{ThisUpdate: sessionTime.Add(-time.Hour), NextUpdate: sessionTime.Add(7 * 24 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		write("lists/"+name+".crl", list)
	}
}
