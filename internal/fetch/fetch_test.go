// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/fetch"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func client(t testing.TB, o fetch.Options) *fetch.Client {
	t.Helper()
	c, err := fetch.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// counted serves and counts how many connections it took.
func counted(t *testing.T, h http.Handler) (url string, connections *atomic.Int32) {
	t.Helper()
	connections = new(atomic.Int32)
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, connections
}

func TestSpecialAddressesAreNeverDialled(t *testing.T) {
	u, connections := counted(t, http.NotFoundHandler())
	port := u[strings.LastIndex(u, ":"):]
	c := client(t, fetch.Options{Timeout: 3 * time.Second})
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "127.1.2.3", "[::ffff:127.0.0.1]", "[::127.0.0.1]",
		"[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "169.254.169.254", "[fe80::1%25lo]",
		"10.0.0.1", "192.168.1.1", "172.31.255.255", "100.64.0.1", "224.0.0.1", "255.255.255.255", "[fc00::1]", "[fec0::1]",
		"[ff02::1]", "[2001:db8::1]", "[4000::1]",
		"127.1", "2130706433", "0x7f000001", "0177.0.0.1", // forms that only an old resolver reads as an address
	} {
		_, err := c.Get(context.Background(), "http://"+host+port+"/x", 1)
		if !errors.Is(err, fetch.ErrRefused) && !errors.Is(err, fetch.ErrUnreachable) {
			t.Errorf("%s: got %v", host, err)
		}
		if strings.ContainsAny(host, ":[") || strings.Count(host, ".") == 3 && host[0] != '0' || host == "localhost" {
			if !errors.Is(err, fetch.ErrRefused) {
				t.Errorf("%s: want refused, got %v", host, err)
			}
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestPublicAddressesAreNotSpecial(t *testing.T) {
	for _, a := range []string{"8.8.8.8", "195.12.113.1", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2a00:1450::1", "2001:4860::1", "2606:4700::1"} {
		if row, special := fetch.Special(netip.MustParseAddr(a)); special {
			t.Errorf("%s is %s", a, row)
		}
	}
	if _, special := fetch.Special(netip.Addr{}); !special {
		t.Error("no address at all is allowed")
	}
}

func TestRedirectsAreJudgedAnew(t *testing.T) {
	target, touched := counted(t, http.NotFoundHandler())
	to := ""
	from, _ := counted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to, http.StatusFound)
	}))
	at, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	// Only the one server's own address is allowed: what it points to is not. Nothing else is ever on its way to be dialled.
	watch := func(address string) error {
		if address != at.Host {
			t.Errorf("%s was about to be dialled", address)
			return errors.New("not in a test")
		}
		return nil
	}
	c := client(t, fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Timeout: 3 * time.Second, Watch: watch})
	for _, to = range []string{
		"http://127.0.0.2" + target[strings.LastIndex(target, ":"):], "http://[::1]:80/", "http://169.254.169.254/latest/meta-data/",
		"http://[fe80::1]/", "http://[::ffff:169.254.169.254]/",
		"file:///etc/passwd", "gopher://127.0.0.1/", "http://user:secret@" + at.Host + "/", "ftp://127.0.0.1/",
	} {
		if _, err := c.Get(context.Background(), from, 10); !errors.Is(err, fetch.ErrRefused) {
			t.Errorf("%s: got %v", to, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats a password: %v", err)
		}
	}
	to = from // round and round
	if _, err := c.Get(context.Background(), from, 10); !errors.Is(err, fetch.ErrRefused) {
		t.Errorf("a circle: got %v", err)
	}
	if n := touched.Load(); n != 0 {
		t.Errorf("the target was dialled %d times", n)
	}
}

func TestRedirectsFollowed(t *testing.T) {
	mux := http.NewServeMux()
	for i := 3; i > 0; i-- {
		mux.Handle(fmt.Sprintf("/%d", i), http.RedirectHandler(fmt.Sprintf("/%d", i-1), http.StatusMovedPermanently))
	}
	mux.Handle("/4", http.RedirectHandler("/3", http.StatusTemporaryRedirect))
	mux.HandleFunc("/0", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })
	u, _ := counted(t, mux)
	c := client(t, fetch.Options{Allow: loopback})
	if b, err := c.Get(context.Background(), u+"/3", 10); err != nil || string(b) != "here" {
		t.Errorf("three redirects: %q %v", b, err)
	}
	if _, err := c.Get(context.Background(), u+"/4", 10); !errors.Is(err, fetch.ErrRefused) {
		t.Errorf("four redirects: %v", err)
	}
	if _, err := client(t, fetch.Options{Allow: loopback, Redirects: -1}).Get(context.Background(), u+"/1", 10); !errors.Is(err, fetch.ErrRefused) {
		t.Errorf("none allowed: %v", err)
	}
	if _, err := c.Post(context.Background(), u+"/1", "text/plain", []byte("x"), 10); !errors.Is(err, fetch.ErrRefused) {
		t.Errorf("a POST that would become a GET: %v", err)
	}
}

func TestBounds(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	mux := http.NewServeMux()
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(make([]byte, 1000)) })
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < 1000; i++ {
			if _, err := w.Write(make([]byte, 1000)); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/short", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write(make([]byte, 500))
	})
	mux.HandleFunc("/zip", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("asks for %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(zipped.Bytes())
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		for {
			select {
			case <-stop:
				return
			case <-r.Context().Done():
				return
			case <-time.After(20 * time.Millisecond): // each byte in time, the whole never
				_, _ = w.Write([]byte{0})
				w.(http.Flusher).Flush()
			}
		}
	})
	u, _ := counted(t, mux)
	c := client(t, fetch.Options{Allow: loopback, Timeout: 500 * time.Millisecond})
	for _, tc := range []struct {
		path string
		max  int64
		want error
	}{
		{"/bytes", 1000, nil}, {"/bytes", 999, fetch.ErrTooLarge}, {"/stream", 5000, fetch.ErrTooLarge}, {"/stream", 1000000, nil},
		{"/short", 5000, fetch.ErrUnreachable}, {"/zip", 1 << 22, fetch.ErrUnreachable}, {"/slow", 5000, fetch.ErrUnreachable},
	} {
		began := time.Now()
		b, err := c.Get(context.Background(), u+tc.path, tc.max)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s up to %d: want %v, got %d bytes, %v", tc.path, tc.max, tc.want, len(b), err)
		}
		if err != nil && b != nil {
			t.Errorf("%s: bytes beside an error", tc.path)
		}
		if time.Since(began) > 5*time.Second {
			t.Errorf("%s took %s", tc.path, time.Since(began))
		}
	}
}

func TestStatusAndPost(t *testing.T) {
	u, _ := counted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/echo":
			b, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Header.Get("Content-Type"), r.Header.Get("User-Agent"), b)
		case "/nothing":
			w.WriteHeader(http.StatusNoContent)
		default:
			http.Error(w, "<html>error page</html>", http.StatusServiceUnavailable)
		}
	}))
	c := client(t, fetch.Options{Allow: loopback, UserAgent: "test"})
	b, err := c.Post(context.Background(), u+"/echo#part", "application/ocsp-request", []byte("body"), 100)
	if want := "POST application/ocsp-request test body"; err != nil || string(b) != want {
		t.Errorf("want %q, got %q %v", want, b, err)
	}
	var status *fetch.StatusError
	if _, err = c.Get(context.Background(), u+"/x", 100); !errors.As(err, &status) || status.Code != 503 {
		t.Errorf("got %v", err)
	}
	if _, err = c.Get(context.Background(), u+"/nothing", 100); !errors.As(err, &status) || status.Code != 204 {
		t.Errorf("got %v", err)
	}
}

// A proxy named by the environment is passed by; one named by the operator is used, and its own address is not judged.
func TestProxy(t *testing.T) {
	proxy, used := counted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "by proxy "+r.URL.Host) }))
	u, _ := counted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "direct") }))
	t.Setenv("HTTP_PROXY", proxy)
	t.Setenv("http_proxy", proxy)
	if b, err := client(t, fetch.Options{Allow: loopback}).Get(context.Background(), u, 100); err != nil || string(b) != "direct" || used.Load() != 0 {
		t.Errorf("%q %v", b, err)
	}
	c := client(t, fetch.Options{Proxy: proxy})
	if b, err := c.Get(context.Background(), "http://crl.example.kz/a.crl", 100); err != nil || string(b) != "by proxy crl.example.kz" {
		t.Errorf("%q %v", b, err)
	}
	if _, err := c.Get(context.Background(), "http://169.254.169.254/", 100); !errors.Is(err, fetch.ErrRefused) {
		t.Errorf("a number behind the proxy: %v", err)
	}
	for _, bad := range []string{"::", "ftp://x", "nohost"} {
		if _, err := fetch.New(fetch.Options{Proxy: bad}); err == nil {
			t.Errorf("proxy %q is taken", bad)
		}
	}
}

func TestURLs(t *testing.T) {
	for _, bad := range []string{
		"", "crl.example.kz/a.crl", "ldap://example.kz/cn=x", "file:///etc/passwd", "http:///a", "http:a.crl", "http://u@h/", "http://u:p@h/",
		"http://h\r\nX: y/", "javascript:alert(1)", "http://" + strings.Repeat("a", 3000), "http://\x00/", "https://", "http://h:port/", "http://a b/",
	} {
		if u, err := fetch.ParseURL(bad); !errors.Is(err, fetch.ErrRefused) {
			t.Errorf("%q: got %v %v", bad, u, err)
		}
	}
	for _, good := range []string{"http://crl.pki.gov.kz/nca_rsa_2022.crl", "HTTPS://h:8443/a?b=c#d", "http://[2a00::1]/"} {
		if u, err := fetch.ParseURL(good); err != nil || u.Fragment != "" {
			t.Errorf("%q: %v %v", good, u, err)
		}
	}
}

func FuzzURL(f *testing.F) {
	for _, s := range []string{"http://crl.example.kz/a.crl", "https://[::1%25lo]:80/", "http://u:p@127.0.0.1", "http://0x7f.1/", "ldap://h", "http://[::ffff:10.0.0.1]/"} {
		f.Add(s)
	}
	c := client(f, fetch.Options{Timeout: time.Millisecond, Proxy: "http://127.0.0.1:1"}) // nothing listens there: no name is resolved
	f.Fuzz(func(t *testing.T, s string) {
		u, err := fetch.ParseURL(s)
		if err != nil {
			if u != nil || !errors.Is(err, fetch.ErrRefused) {
				t.Fatalf("%v %v", u, err)
			}
			return
		}
		if u.User != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
			t.Fatalf("%q passes as %#v", s, u)
		}
		// What is read once reads the same again: no second reader sees another host.
		again, err := fetch.ParseURL(u.String())
		if err != nil || again.Host != u.Host {
			t.Fatalf("%q becomes %q: %v", u, again, err)
		}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil {
			if _, special := fetch.Special(a); special {
				if _, err := c.Get(context.Background(), s, 1); !errors.Is(err, fetch.ErrRefused) {
					t.Fatalf("%q: %v", s, err)
				}
			}
		}
	})
}

func ExampleSpecial() {
	for _, a := range []string{"127.0.0.1", "195.12.113.1", "::ffff:169.254.169.254", "fd00::1"} {
		row, special := fetch.Special(netip.MustParseAddr(a))
		fmt.Printf("%s: %t %q\n", a, special, row)
	}
	// Output:
	// 127.0.0.1: true "loopback (RFC 1122)"
	// 195.12.113.1: false ""
	// ::ffff:169.254.169.254: true "link-local (RFC 3927)"
	// fd00::1: true "unique-local (RFC 4193)"
}
