// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"rastau/internal/fetch"
)

func TestOpen(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 100_000)
	for _, tc := range []struct {
		name  string
		serve http.HandlerFunc
		ask   fetch.Ask
		open  error // of Open itself
		read  error // while reading
	}{
		{"whole", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }, fetch.Ask{Max: int64(len(body))}, nil, nil},
		{"one octet too long, announced", func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
		}, fetch.Ask{Max: int64(len(body)) - 1}, fetch.ErrTooLarge, nil},
		{"one octet too long, not announced", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = w.Write(body)
		}, fetch.Ask{Max: int64(len(body)) - 1}, nil, fetch.ErrTooLarge},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write(body[:1000])
		}, fetch.Ask{Max: 2_000_000}, nil, fetch.ErrUnreachable},
		{"stalled", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(body[:1000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, fetch.Ask{Max: 2_000_000}, nil, fetch.ErrUnreachable},
		{"says nothing", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, fetch.Ask{Max: 10}, fetch.ErrUnreachable, nil},
		{"compressed", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(body)
			_ = z.Close()
		}, fetch.Ask{Max: 2_000_000}, fetch.ErrUnreachable, nil},
		{"not modified, unasked", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, fetch.Ask{Max: 10}, &fetch.StatusError{Code: 304}, nil},
		{"to a special address", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		}, fetch.Ask{Max: 10}, fetch.ErrRefused, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(tc.serve)
			defer s.Close()
			c := client(t, fetch.Options{Allow: loopback, Timeout: 500 * time.Millisecond})
			a, err := c.Open(context.Background(), s.URL, tc.ask)
			if tc.open != nil {
				var status *fetch.StatusError
				if !errors.Is(err, tc.open) && !errors.As(err, &status) {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(a.Body)
			if !errors.Is(err, tc.read) || tc.read == nil && !bytes.Equal(got, body) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if err := a.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A body that takes longer than Timeout but never stalls is read whole: Timeout bounds each read.
func TestOpenSlowly(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 12 {
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	}))
	defer s.Close()
	c := client(t, fetch.Options{Allow: loopback, Timeout: 400 * time.Millisecond})
	a, err := c.Open(context.Background(), s.URL, fetch.Ask{Max: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if got, err := io.ReadAll(a.Body); err != nil || len(got) != 12 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestOpenConditional(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), bytes.NewReader([]byte("list")))
	}))
	defer s.Close()
	c := client(t, fetch.Options{Allow: loopback})
	first, err := c.Open(context.Background(), s.URL, fetch.Ask{Max: 100})
	if err != nil || first.NotModified || first.Size != 4 || first.ETag != `"1"` || first.LastModified == "" {
		t.Fatalf("%+v %v", first, err)
	}
	_ = first.Body.Close()
	for _, ask := range []fetch.Ask{{Max: 100, ETag: first.ETag}, {Max: 100, LastModified: first.LastModified}} {
		if a, err := c.Open(context.Background(), s.URL, ask); err != nil || !a.NotModified || a.Body != nil {
			t.Errorf("%+v %v", a, err)
		}
	}
}
