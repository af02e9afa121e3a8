// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"rastau/internal/testpki"
	"rastau/internal/testpostgres"
	"rastau/internal/testredis"
)

// TestConfigCheck: each mistake has a sentence of its own with what to do, and one hides no other.
func TestConfigCheck(t *testing.T) {
	p := made(testpki.New(testpki.Options{Now: time.Now, EC: true}))
	p.SetBaseURL("http://127.0.0.1:1")
	ca := made(p.NewCA(""))
	date := func(off time.Duration) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	right, wrong := date(0), date(-3*time.Minute)
	for _, c := range []struct {
		name   string
		change func(*Config)
		text   func(string) string // of the file
		files  map[string]string
		env    []string
		args   []string
		code   int
		say    []string
	}{
		{name: "good", args: []string{"--clock", right}, say: []string{"no mistakes found", "from " + right}},
		{name: "compared with nothing", say: []string{"clock: compared with nothing"}},
		{name: "unknown key", text: func(s string) string { return strings.Replace(s, "listen:", "lissten:", 1) }, code: 2, say: []string{`unknown key "lissten"; did you mean listen?`}},
		{name: "unknown key below", text: func(s string) string {
			return strings.Replace(s, "passwordFile: licensor", "passwordfile: licensor", 1)
		}, code: 2, say: []string{`did you mean passwordFile?`}},
		{name: "bad address", change: func(c *Config) { c.Listen = "8080" }, code: 2, say: []string{"is no host:port; write it like"}},
		{name: "missing secret", change: func(c *Config) { c.Key.PasswordFile, c.Key.PasswordEnv = "", "NOBODY_SET_THIS" }, code: 2, say: []string{"the environment has no NOBODY_SET_THIS"}},
		{name: "unreadable key", files: map[string]string{"licensor.p12": "no key"}, code: 4, say: []string{"key: "}},
		{name: "missing anchor", change: func(c *Config) { c.Anchors = []string{"none.pem"} }, code: 4, say: []string{"none.pem: there is no such file; check the path"}},
		{name: "several at once", change: func(c *Config) { c.Anchors = []string{"none.pem"} }, files: map[string]string{"licensor.p12": "no key", "authorities.yaml": "{"}, code: 2,
			say: []string{"none.pem", "key: ", "authorities: ", "3 mistakes"}},
		{name: "clock off", args: []string{"--clock", wrong}, code: 2, say: []string{"clock: this machine is ", "ahead of " + wrong, "set it by NTP"}},
		{name: "TSA's clock", change: func(c *Config) { c.TSA = wrong }, code: 2, say: []string{"ahead of the time-stamping authority"}},
		{name: "database unreachable", change: func(c *Config) { c.Database = "postgres://rastau@127.0.0.1:1/rastau?connect_timeout=2" }, code: 4, say: []string{"database: ", "check its address, its password, and that it runs"}},
		{name: "redis unreachable", change: func(c *Config) { c.Redis = "redis://127.0.0.1:1/0" }, code: 4, say: []string{"redis: it does not answer", "starts without it"}},
		{name: "bad redis address", change: func(c *Config) { c.Redis = "127.0.0.1:6379" }, code: 2, say: []string{"write it like redis://"}},
		{name: "nothing asked", change: func(c *Config) { c.Database = "postgres://rastau@127.0.0.1:1/rastau" }, args: []string{"--offline"}, say: []string{"no mistakes found", "for nothing is asked"}},
		{name: "environment", env: []string{"RASTAU_CONFIG_LISTEN=nonsense"}, code: 2, say: []string{`listen: "nonsense" is no host:port`}},
		{name: "unknown variable", env: []string{"RASTAU_CONFIG_LISTS_KEYFIEL=x"}, code: 2, say: []string{"unknown variable RASTAU_CONFIG_LISTS_KEYFIEL; did you mean RASTAU_CONFIG_LISTS_KEYFILE?"}},
		{name: "variable of another kind", env: []string{"RASTAU_CONFIG_RATEPERMINUTE=many"}, code: 2, say: []string{"(ratePerMinute): is no whole number"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := newInstallation(t, ca, ca)
			text := string(made(yaml.Marshal(in.config(c.change))))
			if c.text != nil {
				text = c.text(text)
			}
			in.put(t, "config.yaml", []byte(text))
			for name, content := range c.files {
				in.put(t, name, []byte(content))
			}
			code, said := check(t, append([]string{"--config", in.dir + "/config.yaml"}, c.args...), c.env)
			if code != c.code {
				t.Errorf("exit %d: %s", code, said)
			}
			for _, want := range c.say {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not said:\n%s", want, said)
				}
			}
		})
	}
	t.Run("real servers", func(t *testing.T) {
		in := newInstallation(t, ca, ca)
		database, redis := testpostgres.Database(t), testredis.Start(t).URL
		address := made(url.Parse(database))
		password, _ := address.User.Password()
		address.User = url.User(address.User.Username())
		in.put(t, "config.yaml", made(yaml.Marshal(in.config(func(c *Config) { c.Database, c.Redis, c.DatabasePasswordEnv = address.String(), redis, "TEST_PASSWORD" }))))
		code, said := check(t, []string{"--config", in.dir + "/config.yaml"}, []string{"TEST_PASSWORD=" + password})
		if code != 0 || !strings.Contains(said, "from PostgreSQL") || !strings.Contains(said, "from Redis") {
			t.Errorf("exit %d: %s", code, said)
		}
	})
}

func check(t *testing.T, args, env []string) (int, string) {
	t.Helper()
	cmd := exec.Command(rastau(t), append([]string{"config", "check"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	out, _ := cmd.CombinedOutput() // the exit code tells
	return cmd.ProcessState.ExitCode(), string(out)
}
