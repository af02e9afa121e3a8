// SPDX-License-Identifier: Apache-2.0

package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/journal"
	"rastau/internal/store"
	"rastau/internal/testpki"
	"rastau/licensing"
)

// TestLogVerifyServer: the log of a running service is replayed page by page, and what does not answer proves nothing.
func TestLogVerifyServer(t *testing.T) {
	const size = pageOfEntries + 7
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := strconv.Atoi(r.URL.Query().Get("from"))
		if err != nil || r.URL.Path != "/v1/log/entries" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		for i := from; i < min(size, from+pageOfEntries); i++ {
			fmt.Fprintf(w, "{\"n\":%d}\n", i)
		}
	}))
	defer server.Close()
	code, out, problems := call(t, "log", "verify", "--server", server.URL)
	if code != 0 || !strings.Contains(out, strconv.Itoa(size)) {
		t.Errorf("%d %s %s", code, out, problems)
	}
	if code, out, _ := call(t, "log", "verify", "--server", server.URL+"/nowhere"); code == 0 {
		t.Errorf("another address: %s", out)
	}
}

// logged is an installation whose register holds only a log.
type logged struct {
	*installation
	t      *testing.T
	config *Config
}

func (l *logged) store() *store.Store {
	return made(store.Open(l.t.Context(), store.Options{Database: filepath.Join(l.dir, "rastau.db")}))
}

// add appends entries from one number to before another; odd changes entry 40.
func (l *logged) add(from, until int, odd string) {
	l.t.Helper()
	db := l.store()
	defer db.Close()
	if err := db.Update(l.t.Context(), func(tx licensing.Tx) error {
		for i := from; i < until; i++ {
			body := fmt.Sprintf(`{"kind":"refusal","number":"PT-%08d"}`, i)
			if i == 40 {
				body = strings.Replace(body, "refusal", "refusal"+odd, 1)
			}
			if _, err := journal.Append(tx, []byte(body)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		l.t.Fatal(err)
	}
}

// empty takes everything from the log, as somebody who has the file can.
func (l *logged) empty() {
	l.t.Helper()
	db := made(sql.Open("sqlite", filepath.Join(l.dir, "rastau.db")))
	defer db.Close()
	triggers := made(db.QueryContext(l.t.Context(), `SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('log_entries', 'log_hashes')`))
	var names []string
	for triggers.Next() {
		var name string
		if err := triggers.Scan(&name); err != nil {
			l.t.Fatal(err)
		}
		names = append(names, "DROP TRIGGER "+name)
	}
	if err := triggers.Err(); err != nil {
		l.t.Fatal(err)
	}
	for _, statement := range slices.Concat(names, []string{"DELETE FROM log_entries", "DELETE FROM log_hashes"}) {
		if _, err := db.ExecContext(l.t.Context(), statement); err != nil {
			l.t.Fatal(err)
		}
	}
}

// fetched is an answer of the service, kept in a file.
func (l *logged) fetched(server *served, path, name string) string {
	l.t.Helper()
	res := made(http.Get(server.base + path))
	defer res.Body.Close()
	body := made(io.ReadAll(res.Body))
	if res.StatusCode != http.StatusOK {
		l.t.Fatalf("%s: %s %s", path, res.Status, body)
	}
	l.put(l.t, name, body)
	return filepath.Join(l.dir, name)
}

// TestLogOfAService: whoever keeps a checkpoint of a running service finds by it whatever was rewritten since, however well the
// new log agrees with itself, and proofs are checked against checkpoints alone.
func TestLogOfAService(t *testing.T) {
	p := made(testpki.New(testpki.Options{Now: time.Now, EC: true}))
	l := &logged{installation: newInstallation(t, p.Root(), made(p.NewCA(""))), t: t}
	key := made(writeLogKey("licence.example.kz/log", filepath.Join(l.dir, "log.key")))
	stranger := made(writeLogKey("licence.example.kz/log", filepath.Join(l.dir, "other.key")))
	l.config = l.installation.config(func(c *Config) { c.LogKey, c.Listen = "log.key", freeAddress(t) })
	l.add(0, 100, "")
	server := startServe(t, rastau(t), l.dir, "config.yaml", l.config)
	before := l.fetched(server, "/v1/log/checkpoint", "before.txt")
	want := func(code int, text string, args ...string) {
		t.Helper()
		if got, out, problems := call(t, append([]string{"log"}, args...)...); got != code || !strings.Contains(out+problems, text) {
			t.Errorf("log %v: %d %s%s, want %d %q", args, got, out, problems, code, text)
		}
	}
	l.add(100, 150, "") // while it runs, as everything below
	all := func(more ...string) []string { return append([]string{"verify", "--server", server.base}, more...) }
	want(0, "150 entries", all()...)
	want(0, "the first 100 are those of the checkpoint", all("--since", before, "--key", key)...)
	want(exitFailed, "checkpoint does not hold", all("--since", before, "--key", stranger)...)
	want(exitFailed, "checkpoint does not hold", all("--key", stranger)...)

	after := l.fetched(server, "/v1/log/checkpoint", "after.txt")
	entry := l.fetched(server, "/v1/log/proof?entry=40&size=150", "entry.json")
	growth := l.fetched(server, "/v1/log/growth?from=100&to=150", "growth.json")
	want(0, `entry 40 stands in the log of 150 entries`, "check", entry, "--checkpoint", after, "--key", key)
	want(0, `begins with the 100 of the earlier checkpoint`, "check", growth, "--since", before, "--checkpoint", after, "--key", key)
	spread := filepath.Join(l.dir, "spread.json")
	var proof any
	if err := json.Unmarshal(made(os.ReadFile(entry)), &proof); err != nil {
		t.Fatal(err)
	}
	l.put(t, "spread.json", made(json.MarshalIndent(proof, "", "  ")))
	want(0, "entry 40 stands", "check", spread, "--checkpoint", after)
	l.put(t, "spread.json", []byte(strings.Replace(string(made(os.ReadFile(entry))), "PT-00000040", "PT-00000041", 1)))
	want(exitFailed, "the proof does not hold", "check", spread, "--checkpoint", after)
	want(exitFailed, "ask for the proof with size 100", "check", entry, "--checkpoint", before)
	want(exitFailed, "from 100 to 150", "check", growth, "--since", after, "--checkpoint", after)
	want(exitUsage, "--since is required", "check", growth, "--checkpoint", after)
	want(exitUsage, "of an entry", "check", entry, "--since", before, "--checkpoint", after)
	want(exitUsage, "--checkpoint is required", "check", entry)
	l.put(t, "nothing.json", []byte("{}"))
	want(exitUnreadable, "no proof of the log", "check", filepath.Join(l.dir, "nothing.json"), "--checkpoint", after)

	l.empty()
	l.add(0, 150, "s") // one letter, and a log that agrees with itself
	want(0, "150 entries", all()...)
	want(exitFailed, "the log was rewritten", all("--since", before, "--key", key)...)
	rewritten := l.fetched(server, "/v1/log/checkpoint", "rewritten.txt")
	want(exitFailed, "the proof does not hold", "check", entry, "--checkpoint", rewritten)
	forged := l.fetched(server, "/v1/log/growth?from=100&to=150", "forged.json")
	want(exitFailed, "the proof does not hold", "check", forged, "--since", before, "--checkpoint", rewritten)

	l.empty()
	l.add(0, 90, "") // the newest are gone
	want(exitFailed, "it has 90 entries and had 100", all("--since", before, "--key", key)...)
}

// TestLogThatIsShownOnly: a service that shows one log and signs another is found by the log's key.
func TestLogThatIsShownOnly(t *testing.T) {
	dir := t.TempDir()
	key := made(writeLogKey("licence.example.kz/log", filepath.Join(dir, "log.key")))
	config := Config{LogKey: "log.key", folder: dir}
	signed := made(journal.Replay(strings.NewReader("{\"n\":0}\n{\"n\":1}\n")))
	checkpoint := made(journal.Sign(signed, made(config.openLogKey())))
	var shown atomic.Value // string
	shown.Store("{\"n\":0}\n{\"n\":1}\n")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/log/checkpoint" {
			_, _ = w.Write(checkpoint)
			return
		}
		fmt.Fprint(w, shown.Load())
	}))
	defer server.Close()
	if code, out, problems := call(t, "log", "verify", "--server", server.URL, "--key", key); code != 0 {
		t.Errorf("an honest service: %d %s%s", code, out, problems)
	}
	shown.Store("{\"n\":0}\n{\"n\":2}\n")
	if code, out, problems := call(t, "log", "verify", "--server", server.URL, "--key", key); code != exitFailed || !strings.Contains(problems, "the log was rewritten") {
		t.Errorf("another log is shown than signed: %d %s%s", code, out, problems)
	}
}
