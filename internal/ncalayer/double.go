// SPDX-License-Identifier: Apache-2.0

// Package ncalayer answers one question: what does NCALayer, the signing program on people's machines, say to a web page?
//
// It is a double for development: it speaks NCALayer's messages over a WebSocket (greeting, heartbeat, the modules basics and
// commonUtils) and really signs, CMS and XML, with the keys that it was handed, of RSA, ECDSA or the national algorithms. Where the
// program would open a window and let a person choose among the keys that fit, the double takes the first that fits, or the one
// named beforehand; every way in which the program can fail can be ordered for the next question.
//
// Left out: tokens and key files, passwords, windows, making certificates, reading files by their path. A page must never trust
// it: package verifier judges what it signed as it judges everything else.
package ncalayer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"rastau/internal/pki"
)

// Version is what the greeting states: the protocol that the double speaks.
const Version = "1.4"

// maxMessage is the largest question in bytes: a document of 32 MB in base64 with its envelope.
const maxMessage = 45 << 20

// Fault is a way in which NCALayer fails a page.
type Fault string

// The faults that can be ordered. Each befalls one question.
const (
	Works     Fault = ""
	Absent    Fault = "absent"    // the program is not running: the connection ends before it is one
	Cancelled Fault = "cancelled" // the person closes the window
	Failing   Fault = "error"     // the program reports an error
	Dropped   Fault = "dropped"   // the connection breaks after the question was asked
	Garbled   Fault = "garbled"   // the answer is no JSON
)

// faults are all that can be ordered.
var faults = []Fault{Works, Absent, Cancelled, Failing, Dropped, Garbled}

// Next is what befalls the next question.
type Next struct {
	Fault Fault
	Slow  time.Duration // how long the person looks for the key
	Key   string        // alias of the key that is chosen; "" takes the first that fits
}

// Key is a key in the double's storage.
type Key struct {
	Alias string // Required. Unique; stands where NCALayer shows the name of a key.
	*pki.Key
}

// Options of a Double.
type Options struct {
	Keys []Key // Required.
	// Stamp gives an RFC 3161 token over a signature value, where a page asks for one. Optional. If nil, such questions fail.
	Stamp func(ctx context.Context, signature []byte) ([]byte, error)
	Now   func() time.Time // Required.
	Log   *slog.Logger     // Required.
}

// Double is NCALayer's double. It is safe for concurrent use.
type Double struct {
	o    Options
	mu   sync.Mutex
	next Next
}

// New makes a double over keys.
func New(o Options) (*Double, error) {
	if len(o.Keys) == 0 || o.Now == nil || o.Log == nil {
		return nil, errors.New("ncalayer: Keys, Now and Log are required")
	}
	seen := map[string]bool{}
	for _, k := range o.Keys {
		if k.Alias == "" || k.Key == nil || seen[k.Alias] {
			return nil, fmt.Errorf("ncalayer: the key %q has no name of its own or no certificate", k.Alias)
		}
		seen[k.Alias] = true
	}
	return &Double{o: o}, nil
}

// Order says what befalls the next question; one that was ordered and not asked for is replaced.
func (d *Double) Order(n Next) error {
	known := false
	for _, f := range faults {
		known = known || f == n.Fault
	}
	if !known {
		return fmt.Errorf("ncalayer: no fault %q; there are %q", n.Fault, faults[1:])
	}
	if _, ok := d.byAlias(n.Key); n.Key != "" && !ok {
		return fmt.Errorf("ncalayer: no key %q", n.Key)
	}
	if n.Slow < 0 || n.Slow > time.Minute {
		return errors.New("ncalayer: slow is between 0s and 1m")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next = n
	return nil
}

// take is what was ordered, once. Absent befalls the connection, everything else the question.
func (d *Double) take(connecting bool) Next {
	d.mu.Lock()
	defer d.mu.Unlock()
	if (d.next.Fault == Absent) != connecting {
		return Next{}
	}
	n := d.next
	d.next = Next{}
	return n
}

func (d *Double) byAlias(alias string) (Key, bool) {
	for _, k := range d.o.Keys {
		if k.Alias == alias {
			return k, true
		}
	}
	return Key{}, false
}

// ServeHTTP speaks to pages of this machine by WebSocket; asked in a plain way it tells what it is (GET /) and takes orders
// (POST /next with fault, slow, key).
func (d *Double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		d.talk(w, r)
	case r.Method == http.MethodGet && r.URL.Path == "/":
		d.introduce(w)
	case r.Method == http.MethodPost && r.URL.Path == "/next":
		http.NewCrossOriginProtection().Handler(http.HandlerFunc(d.ordered)).ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (d *Double) introduce(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "A development signer that speaks as NCALayer does. It asks nobody and signs with test keys: never let it near real ones.\n\n")
	fmt.Fprintf(w, "POST /next    fault=%s   slow=2s   key=NAME   for the next question\n\nkeys\n", joined(faults[1:]))
	for _, k := range d.o.Keys {
		h := pki.HolderOf(k.Certificate)
		fmt.Fprintf(w, "  %-28s %s  IIN %s  BIN %s\n", k.Alias, h.CommonName, or(h.IIN), or(h.BIN))
	}
}

func or(number string) string {
	if number == "" {
		return "—"
	}
	return number
}

func joined(all []Fault) string {
	var words []string
	for _, f := range all {
		words = append(words, string(f))
	}
	return strings.Join(words, "|")
}

func (d *Double) ordered(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	n := Next{Fault: Fault(r.FormValue("fault")), Key: r.FormValue("key")}
	var err error
	if slow := r.FormValue("slow"); slow != "" {
		n.Slow, err = time.ParseDuration(slow)
	}
	if err == nil {
		err = d.Order(n)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// talk is one connection: greeting, then one question after another.
func (d *Double) talk(w http.ResponseWriter, r *http.Request) {
	if d.take(true).Fault == Absent {
		// A connection that ends before the handshake is, to a page, no program at all.
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			c.Close()
		}
		return
	}
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: []string{"127.0.0.1:*", "localhost:*", "[[]::1]:*"}})
	if err != nil {
		d.o.Log.Debug("no connection", "error", err.Error())
		return
	}
	defer c.CloseNow() // again where the page closed it: that error says nothing
	c.SetReadLimit(maxMessage)
	ctx := r.Context()
	if err := write(ctx, c, map[string]any{"result": map[string]string{"version": Version}}); err != nil {
		return
	}
	for {
		kind, question, err := c.Read(ctx)
		if err != nil || kind != websocket.MessageText {
			return
		}
		if string(question) == heartbeat {
			if c.Write(ctx, websocket.MessageText, question) != nil {
				return
			}
			continue
		}
		n := d.take(false)
		select {
		case <-time.After(n.Slow):
		case <-ctx.Done():
			return
		}
		switch n.Fault {
		case Dropped:
			return
		case Garbled:
			err = c.Write(ctx, websocket.MessageText, []byte("<html>"))
		default:
			err = write(ctx, c, d.answer(ctx, question, n))
		}
		if err != nil {
			return
		}
	}
}

const heartbeat = "--heartbeat--"

func write(ctx context.Context, c *websocket.Conn, answer any) error {
	data, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return c.Write(ctx, websocket.MessageText, data)
}
