// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// call runs the program as another program would.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(rastau(t), args...)
	cmd.Dir = "../.."
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), problems.String()
}

var judged = []string{"--offline", "--at", "2026-11-02T00:00:00Z", "--anchors", "testdata/session/root.pem", "--crl", "testdata/session/lists"}

func with(command string, more ...string) []string {
	return append(append([]string{command}, judged...), more...)
}

// Exit codes and what is said, as the contract of the command line has it.
func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	garbage := file("garbage.pem", "this is no certificate")
	empty := file("empty.p7s", "")
	root, err := filepath.Abs("../../testdata/session/root.pem")
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"empty", "links"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(root, filepath.Join(dir, "links", "root.pem")); err != nil {
		t.Fatal(err)
	}
	const good, revoked, altered = "testdata/session/good.p7s", "testdata/session/revoked.p7s", "testdata/session/altered.p7s"
	for _, c := range []struct {
		name string
		args []string
		code int
		says string // on either stream
	}{
		{"passed", with("verify", good), 0, "TOTAL-PASSED"},
		{"indeterminate", with("verify", revoked), 3, "REVOKED_NO_POE"},
		{"failed", with("verify", altered), 1, "HASH_FAILURE"},
		{"failed outranks indeterminate", with("verify", revoked, altered, good), 1, "HASH_FAILURE"},
		{"unreadable outranks failed", with("verify", altered, dir+"/none.p7s"), 4, "no such file"},
		{"a folder is no file", with("verify", dir), 4, "is a folder"},
		{"empty file", with("verify", empty), 1, "FORMAT_FAILURE"},
		{"no list at hand", []string{"verify", "--offline", "--at", "2026-11-02T00:00:00Z", "--anchors", "testdata/session/root.pem", good}, 3, "TRY_LATER"},
		{"revocation not asked", []string{"verify", "--offline", "--at", "2026-11-02T00:00:00Z", "--anchors", "testdata/session/root.pem", "--revocation", "none", good}, 0, "TOTAL-PASSED"},
		{"no anchor", []string{"verify", "--offline", good}, 3, "NO_CERTIFICATE_CHAIN_FOUND"},
		{"broken anchor", []string{"verify", "--anchors", garbage, good}, 4, "is no certificate"},
		{"missing anchor", []string{"verify", "--anchors", dir + "/none", good}, 4, "no such file"},
		{"broken list is a finding", append(with("verify", good), "--crl", garbage), 0, "input.crl"},
		{"broken certificate is a finding", append(with("verify", good), "--certs", garbage), 0, "input.certs"},
		{"broken answer is a finding", append(with("verify", good), "--ocsp", garbage), 0, "TOTAL-PASSED"},
		{"holder asked for", with("verify", "--iin", "930101300006", good), 3, "holder.iin"},
		{"language", with("verify", "--lang", "kk", altered), 1, "өзгертілген"},
		{"the policy", with("verify", altered), 1, "Validation policy: urn:rastau:policy:default, version "},
		{"the policy in Kazakh", with("verify", "--lang", "kk", garbage), 1, "Тексеру саясаты: urn:rastau:policy:default"},
		{"empty value", with("verify", "--iin", "", good), 2, "--iin is empty"},
		{"empty time", []string{"verify", "--at", "", good}, 2, "--at is empty"},
		{"folder without files", []string{"verify", "--anchors", filepath.Join(dir, "empty"), good}, 4, "holds no file"},
		{"anchor by a link", []string{"verify", "--offline", "--at", "2026-11-02T00:00:00Z", "--revocation", "none", "--anchors", filepath.Join(dir, "links"), good}, 0, "TOTAL-PASSED"},
		{"number with flags of a file", []string{"licence", "verify", "--server", "http://127.0.0.1:1", "--iin", "123456789011", "KZ18ZZZ00000001"}, 2, "about a file"},
		{"demo in somebody's folder", []string{"demo", "--check", "--dir", dir}, 2, "not empty"},
		{"demo beyond loopback", []string{"demo", "--listen", "0.0.0.0:0"}, 2, "loopback only"},
		{"negative age", []string{"ocsp", "check", "--max-age", "-1h", good}, 2, "negative"},
		{"no file", []string{"verify"}, 2, "at least one file"},
		{"unknown flag", []string{"verify", "--nonsense", good}, 2, "unknown flag"},
		{"unknown command", []string{"nonsense"}, 2, "unknown command"},
		{"no command", []string{"no-such-command"}, 2, "unknown command"},
		{"bad time", []string{"verify", "--at", "yesterday", good}, 2, "RFC 3339"},
		{"bad number", []string{"verify", "--iin", "12", good}, 2, "twelve digits"},
		{"bad purpose", []string{"verify", "--purpose", "fun", good}, 2, "--purpose"},
		{"bad revocation", []string{"verify", "--revocation", "maybe", good}, 2, "--revocation"},
		{"bad algorithms", []string{"verify", "--algorithms", "all", good}, 2, "--algorithms"},
		{"bad policy", []string{"verify", "--policy", "x", good}, 2, "--policy"},
		{"bad language", []string{"verify", "--lang", "de", good}, 2, "--lang"},
		{"bad digest", []string{"verify", "--content-digest", "sha256:00", good}, 2, "64 hexadecimal digits"},
		{"content twice", []string{"verify", "--content", garbage, "--content-digest", "sha256:" + strings.Repeat("0", 64), good}, 2, "not both"},
		{"broken anchor, as JSON", []string{"verify", "--json", "--anchors", garbage, good}, 4, `"error"`},
		{"missing anchor", []string{"verify", "--anchors", dir + "/none.pem", good}, 4, "there is no such file; check the path"},
		{"broken request", []string{"ocsp", "check", "--json", "--request", garbage, "--cert", "testdata/session/root.pem", "--issuer", "testdata/session/root.pem", good}, 4, "is no OCSP request"},
		{"missing content", []string{"verify", "--content", dir + "/none", good}, 4, "--content"},
		{"certificate has no content", []string{"certificate", "--content", garbage, good}, 2, "unknown flag"},
		{"certificate of garbage", with("certificate", garbage), 1, "FORMAT_FAILURE"},
		{"anchor is its own path", with("certificate", "testdata/session/root.pem"), 0, "TOTAL-PASSED"},
		{"number without a register", []string{"licence", "verify", "KZ18ZZZ00000001"}, 2, "--config or --server"},
		{"number with wrong check digits", []string{"licence", "verify", "KZ19ZZZ00000001"}, 2, "no licence number"},
		{"configuration missing", []string{"serve"}, 2, "--config"},
		{"configuration unreadable", []string{"serve", "--config", dir + "/none"}, 4, "no such file"},
		{"configuration wrong", []string{"config", "check", file("c.yaml", "anchor: [x]\n")}, 2, "anchor"},
		{"list index without issuer", []string{"crl", "index", "testdata/session/lists/ca.crl"}, 0, "not checked"},
		{"list index of nothing", []string{"crl", "index", "--json", dir + "/none.crl"}, 4, `"error"`},
		{"list that is empty", []string{"crl", "index", file("empty.crl", "")}, 1, "is empty"},
		{"list that is a page", []string{"crl", "index", file("page.crl", "\n<!DOCTYPE html><html></html>")}, 1, "a page for people"},
		{"list kept in no folder", []string{"crl", "fetch", "--issuer", "testdata/session/root.pem", "--out", dir + "/none/x.crl", "http://127.0.0.1:1/x.crl"}, 4, "/none/x.crl: no such file or directory"},
		{"list kept without issuer", []string{"crl", "fetch", "--out", dir + "/x.crl", "http://127.0.0.1:1/x.crl"}, 2, "--issuer"},
		{"list at a special address", []string{"crl", "index", "http://127.0.0.1:1/x.crl"}, 4, "127.0.0.1"},
		{"list of another issuer", []string{"crl", "index", "--issuer", "testdata/session/root.pem", "testdata/session/lists/ca.crl"}, 1, "another issuer"},
		{"list is sound", []string{"crl", "index", "--issuer", "testdata/session/root.pem", "testdata/session/lists/root.crl"}, 0, "signature valid"},
		{"regulation is sound", []string{"regulation", "check", "licensing/regulations/passenger-transport.yaml"}, 0, "no mistakes"},
		{"pipelines are sound", []string{"regulation", "check", "licensing/regulations/trunk-pipelines.yaml"}, 0, "no mistakes"},
		{"a path drawn", []string{"regulation", "draw", "--path", "centre", "--lang", "kk", "licensing/regulations/trunk-pipelines.yaml"}, 0, "№ 3 диаграммасы"},
		{"all paths drawn", []string{"regulation", "draw", "licensing/regulations/passenger-transport.yaml"}, 0, "Diagram 2."},
		{"no such path", []string{"regulation", "draw", "--path", "door", "licensing/regulations/passenger-transport.yaml"}, 2, ""},
		{"no such language", []string{"regulation", "draw", "--lang", "de", "licensing/regulations/passenger-transport.yaml"}, 2, ""},
		{"nothing sound to draw", []string{"regulation", "draw", file("s.yaml", "key: x\n")}, 1, ""},
		{"nothing to draw", []string{"regulation", "draw", "none.yaml"}, 4, ""},
		{"regulation is not", []string{"regulation", "check", file("r.yaml", "key: x\n")}, 1, ""},
		{"version", []string{"version"}, 0, "rastau"},
		{"help", []string{"verify", "--help"}, 0, "--anchors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, problems := call(t, c.args...)
			if code != c.code || !strings.Contains(out+problems, c.says) {
				t.Errorf("rastau %s\nexit %d, want %d, saying %q\n%s%s", strings.Join(c.args, " "), code, c.code, c.says, out, problems)
			}
			if strings.Contains(problems, "panic") || strings.Contains(problems, "goroutine") {
				t.Errorf("it panicked:\n%s", problems)
			}
		})
	}
}

// The names of the JSON are a contract: other programs read them.
func TestJSONNames(t *testing.T) {
	_, out, _ := call(t, with("verify", "--json", "testdata/session/good.p7s", "testdata/session/none.p7s", "testdata/session/root.pem")...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines for three files:\n%s", len(lines), out)
	}
	var report map[string]json.RawMessage
	if err := json.Unmarshal([]byte(lines[0]), &report); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "indication", "subIndication", "findings", "retryAfter", "intact", "signatures", "time"} {
		if _, ok := report[name]; !ok {
			t.Errorf("the report has no %q", name)
		}
	}
	if string(report["subIndication"]) != "null" || string(report["retryAfter"]) != "null" {
		t.Errorf("absent is null: %s, %s", report["subIndication"], report["retryAfter"])
	}
	var signatures []map[string]json.RawMessage
	if err := json.Unmarshal(report["signatures"], &signatures); err != nil || len(signatures) != 1 {
		t.Fatalf("signatures: %v, %s", err, report["signatures"])
	}
	for _, name := range []string{"indication", "subIndication", "intact", "signer", "signingTime", "claimedTime", "level"} {
		if _, ok := signatures[0][name]; !ok {
			t.Errorf("the signature has no %q", name)
		}
	}
	var when struct{ Value, Source string }
	if err := json.Unmarshal(report["time"], &when); err != nil || when.Value != "2026-11-02T00:00:00Z" || when.Source != "given" {
		t.Errorf("time: %+v, %v", when, err)
	}
	var failed map[string]string
	if err := json.Unmarshal([]byte(lines[1]), &failed); err != nil || failed["file"] == "" || failed["error"] == "" || len(failed) != 2 {
		t.Errorf("a file that cannot be opened: %s", lines[1])
	}
	if !strings.Contains(lines[2], `"signatures":[]`) || !strings.Contains(lines[2], `"subIndication":"FORMAT_FAILURE"`) {
		t.Errorf("a file that is no signature: %s", lines[2])
	}
}

// The example in docs/CONFIG.md names every key that the program knows, and no other.
func TestDocumentedConfiguration(t *testing.T) {
	page, err := os.ReadFile("../../docs/CONFIG.md")
	if err != nil {
		t.Fatal(err)
	}
	all := blocks(string(page))
	i := slices.IndexFunc(all, func(b block) bool { return b.kind == "yaml" })
	if i < 0 {
		t.Fatal("docs/CONFIG.md shows no configuration")
	}
	dec := yaml.NewDecoder(strings.NewReader(all[i].text))
	dec.KnownFields(true)
	var c Config
	if err := dec.Decode(&c); err != nil {
		t.Fatal(err)
	}
	whole, err := yaml.Marshal(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(whole), "\n") {
		key, _, ok := strings.Cut(strings.TrimSpace(line), ":")
		if ok && !strings.Contains(all[i].text, key+":") {
			t.Errorf("docs/CONFIG.md does not show %q", key)
		}
	}
}
