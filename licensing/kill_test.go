// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rastau/internal/store"
	"rastau/licensing"
)

// killFolder names the folder in which the child process of TestKilled works.
const killFolder = "RASTAU_TEST_KILL_FOLDER"

// TestKilledChild is the process that TestKilled kills: it registers and
// approves for ever and prints each number after the call has returned.
func TestKilledChild(t *testing.T) {
	folder := os.Getenv(killFolder)
	if folder == "" {
		t.Skip("only run as the child of TestKilled")
	}
	h := newHouseIn(t, folder)
	for i := 0; ; i++ {
		app := h.registered(t)
		fmt.Printf("registered %s\n", app.Number)
		if i%2 == 0 {
			done, err := h.service.Decide(t.Context(), officer, app.ID, approval)
			must(t, err)
			fmt.Printf("approved %s\n", done.Licence)
		}
	}
}

// TestKilled kills a working process without warning: everything whose number
// it had told is in the store, and the log proves.
func TestKilled(t *testing.T) {
	folder := t.TempDir()
	for round := range 3 {
		t.Run(fmt.Sprintf("round %d", round+1), func(t *testing.T) {
			told := killAfter(t, folder, 8+5*round)
			s, err := store.Open(t.Context(), store.Options{Database: filepath.Join(folder, "register.db")})
			must(t, err)
			defer s.Close()
			if _, err := licensing.CheckRegister(t.Context(), s); err != nil {
				t.Error(err)
			}
			must(t, s.View(t.Context(), func(tx licensing.Tx) error {
				for _, line := range told {
					what, number, _ := strings.Cut(line, " ")
					var err error
					if what == "approved" {
						_, err = tx.Licence(number)
					} else {
						_, err = tx.ApplicationNumbered(number)
					}
					if err != nil {
						t.Errorf("%s was told and is lost: %v", line, err)
					}
				}
				return nil
			}))
		})
	}
}

// killAfter starts the child and kills it once it has told so many numbers.
func killAfter(t *testing.T, folder string, lines int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilledChild$", "-test.v=false")
	child.Env = append(os.Environ(), killFolder+"="+folder)
	out, err := child.StdoutPipe()
	must(t, err)
	child.Stderr = os.Stderr
	must(t, child.Start())
	var told []string
	in := bufio.NewScanner(out)
	for in.Scan() {
		line := in.Text()
		if !strings.HasPrefix(line, "registered ") && !strings.HasPrefix(line, "approved ") {
			continue
		}
		if told = append(told, line); len(told) == lines {
			must(t, child.Process.Kill())
		}
	}
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) {
		t.Fatalf("the child ended by itself: %v", err)
	}
	if len(told) < lines {
		t.Fatalf("the child told only %d numbers: %q", len(told), told)
	}
	return told
}
