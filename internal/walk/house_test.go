// SPDX-License-Identifier: Apache-2.0

package walk_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// house is one demo and one browser, shared by all walks of a run.
type house struct {
	dir, base, signer, secret string
	chromium                  string
	person, body              string // log-ins of the two applicants
	pictures                  string // folder; "" takes none
	axe                       string
	browser                   context.Context
	outside                   *sync.Map // what pages asked of other machines
}

var shared struct {
	sync.Once
	*house
	err  error
	skip string
	ends []func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.house != nil {
		shared.outside.Range(func(address, _ any) bool {
			fmt.Println("FAIL: a page asked another machine:", address)
			code = 1
			return true
		})
	}
	if folder := os.Getenv("RASTAU_PICTURES"); folder != "" && code == 0 {
		if err := index(folder); err != nil {
			fmt.Println("FAIL:", err)
			code = 1
		}
	}
	for i := len(shared.ends) - 1; i >= 0; i-- {
		shared.ends[i]()
	}
	os.Exit(code)
}

// open is the shared house; a test is skipped where the browser or axe-core is missing, and fails where they are required.
func open(t *testing.T) *house {
	t.Helper()
	shared.Do(func() { shared.house, shared.skip, shared.err = build() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	if shared.skip != "" {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") != "" {
			t.Fatal("required here: " + shared.skip)
		}
		t.Skip(shared.skip + "; `make tools` installs it")
	}
	return shared.house
}

func build() (h *house, skip string, err error) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return nil, "chromium is not installed", nil
	}
	axe, err := os.ReadFile(filepath.Join("node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		return nil, "axe-core is not installed", nil
	}
	h = &house{chromium: chromium, axe: string(axe), outside: &sync.Map{}, pictures: os.Getenv("RASTAU_PICTURES")}
	if h.dir, err = os.MkdirTemp("", "rastau-walk-"); err != nil {
		return nil, "", err
	}
	shared.ends = append(shared.ends, func() { os.RemoveAll(h.dir) })
	if err := h.startDemo(); err != nil {
		return nil, "", err
	}
	return h, "", h.startBrowser(chromium)
}

// startDemo builds and starts the program, and reads from what it prints where its pages are and who can log in.
func (h *house) startDemo() error {
	program := filepath.Join(h.dir, "rastau")
	if out, err := exec.Command("go", "build", "-o", program, "rastau/cmd/rastau").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	cmd := exec.Command(program, "demo", "--dir", filepath.Join(h.dir, "demo"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	shared.ends = append(shared.ends, func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended: Wait tells
		_ = cmd.Wait()
	})
	want := map[string]*regexp.Regexp{
		"base": regexp.MustCompile(`^pages +(http://\S+)/ `), "signer": regexp.MustCompile(`^NCALayer .*(http://\S+)/ `),
		"secret": regexp.MustCompile(`^log in .* password (.+)$`), "person": regexp.MustCompile(`^applicants .* (\d{12}) \(a person\)`),
		"body": regexp.MustCompile(`^applicants .* (\d{12}) \(a body\)`),
	}
	got := map[string]string{}
	lines := bufio.NewScanner(out)
	for len(got) < len(want) && lines.Scan() {
		for name, line := range want {
			if m := line.FindStringSubmatch(lines.Text()); m != nil {
				got[name] = m[1]
			}
		}
	}
	if len(got) < len(want) {
		return fmt.Errorf("the demo printed only %v", got)
	}
	go func() {
		for lines.Scan() { // the rest is for people; unread it would stop the demo
		}
	}()
	h.base, h.signer, h.secret, h.person, h.body = got["base"], got["signer"], got["secret"], got["person"], got["body"]
	return nil
}

// startBrowser starts Chromium so that it asks nobody for anything by itself, and finds no host but this machine.
func (h *house) startBrowser(chromium string, more ...chromedp.ExecAllocatorOption) error {
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.UserDataDir(filepath.Join(h.dir, fmt.Sprint("profile", len(shared.ends)))), chromedp.Flag("headless", true), chromedp.Flag("no-sandbox", true),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	}, more...)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, end := chromedp.NewContext(ctx)
	shared.ends = append(shared.ends, func() { end(); stop() })
	h.browser = browser
	return chromedp.Do(browser)
}

// order says what NCALayer's double does with the next question.
func (h *house) order(t testing.TB, values url.Values) {
	t.Helper()
	r, err := (&http.Client{Timeout: 10 * time.Second}).PostForm(h.signer+"/next", values)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusNoContent {
		t.Fatalf("the signer takes no order %v: %s", values, r.Status)
	}
}

// full says whether everything is walked in every language, not only what a change needs to be tried on.
func full() bool { return os.Getenv("RASTAU_WALK") == "full" || os.Getenv("RASTAU_PICTURES") != "" }

func local(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "data" || u.Scheme == "blob" || u.Scheme == "about" || strings.HasPrefix(u.Host, "127.0.0.1:"))
}
