// SPDX-License-Identifier: Apache-2.0

// Package fetch answers one question: may this machine ask that address, and what did it answer. It is the guarded HTTP
// client for every address found in a certificate or configured by an operator.
//
// An address in a certificate was written by somebody else. So: http and https only, no credentials, and the address
// actually dialled is judged on the socket (after the name was resolved, on each redirect again) against the IANA
// special-purpose registries. Answers are bounded in size and in time. No proxy is taken from the environment.
//
// Left out: retries and caching (crl.Source, internal/ocsp), cookies, compression, any judgement of what the bytes say.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Options of a Client.
type Options struct {
	// Allow lists networks that may be dialled although the IANA special-purpose registries name them (internal CAs;
	// the demo's loopback). Optional.
	Allow []netip.Prefix
	// Timeout bounds one request with its redirects and its whole body. Optional. If zero, 10 s.
	Timeout time.Duration
	// Redirects at most. Optional. If zero, 3; negative for none.
	Redirects int
	// Proxy address for all requests (http, https or socks5). Optional. With a proxy it is the proxy that resolves names
	// and dials, so only addresses written as numbers are judged here: names are the proxy's to refuse.
	Proxy string
	// UserAgent. Optional. If empty, "rastau".
	UserAgent string
	// Watch is told of each address that was found right, just before it is dialled; its error keeps it from being dialled.
	// Optional. Not asked where there is a proxy.
	Watch func(address string) error
	// Prepare may add headers to each question before it goes out. Optional; only for systems that the configuration names.
	Prepare func(ctx context.Context, header http.Header)
}

const (
	defaultTimeout   = 10 * time.Second
	defaultRedirects = 3
	maxHeaderBytes   = 64 << 10
	firstBuffer      = 64 << 10
)

// Client is safe for concurrent use.
type Client struct {
	http      *http.Client
	allow     []netip.Prefix
	timeout   time.Duration
	userAgent string
	watch     func(address string) error
	prepare   func(ctx context.Context, header http.Header)
}

// New makes a Client. The error says which option is wrong.
func New(o Options) (*Client, error) {
	c := &Client{timeout: o.Timeout, userAgent: o.UserAgent, watch: o.Watch, prepare: o.Prepare}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.userAgent == "" {
		c.userAgent = "rastau"
	}
	for _, p := range o.Allow {
		if !p.IsValid() {
			return nil, errors.New("an allowed network is not a valid prefix")
		}
		c.allow = append(c.allow, p.Masked())
	}
	redirects := o.Redirects
	switch {
	case redirects == 0:
		redirects = defaultRedirects
	case redirects < 0:
		redirects = 0
	}

	dialer := &net.Dialer{Timeout: c.timeout, KeepAlive: 30 * time.Second}
	tr := &http.Transport{
		// Nil and not ProxyFromEnvironment: a variable of the environment must not decide whom this process talks to.
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		DisableCompression:     true, // a compressed answer could be larger than what was counted
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        60 * time.Second,
		TLSHandshakeTimeout:    c.timeout,
		ResponseHeaderTimeout:  c.timeout,
	}
	if o.Proxy != "" {
		p, err := url.Parse(o.Proxy)
		if err != nil || p.Host == "" {
			return nil, errors.New("the proxy address is not an URL with a host")
		}
		switch p.Scheme {
		case "http", "https", "socks5":
		default:
			return nil, fmt.Errorf("the proxy's scheme %q is none of http, https, socks5", p.Scheme)
		}
		tr.Proxy = http.ProxyURL(p) // the one address dialled is the operator's own: no control on the socket
	} else {
		dialer.ControlContext = c.control
	}
	c.http = &http.Client{
		Transport: tr,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > redirects {
				return fmt.Errorf("%w: more than %d redirects", ErrRefused, redirects)
			}
			if req.Method != via[0].Method {
				return fmt.Errorf("%w: a redirect turns %s into %s", ErrRefused, via[0].Method, req.Method)
			}
			return c.guard(req.URL)
		},
	}
	return c, nil
}

// Get answers the whole body of a 200, at most max bytes.
// Errors: ErrRefused, ErrTooLarge, *StatusError, ErrUnreachable.
func (c *Client) Get(ctx context.Context, url string, max int64) ([]byte, error) {
	return c.do(ctx, http.MethodGet, url, "", nil, max)
}

// Post sends body and answers like Get.
func (c *Client) Post(ctx context.Context, url, contentType string, body []byte, max int64) ([]byte, error) {
	return c.do(ctx, http.MethodPost, url, contentType, body, max)
}

func (c *Client) do(ctx context.Context, method, raw, contentType string, body []byte, max int64) ([]byte, error) {
	u, err := ParseURL(raw)
	if err != nil {
		return nil, err
	}
	if err := c.guard(u); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	var r io.Reader
	if method == http.MethodPost {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), r)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrRefused, err)
	}
	req.Header.Set("User-Agent", c.userAgent)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.prepare != nil {
		c.prepare(ctx, req.Header)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &StatusError{Code: resp.StatusCode}
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, fmt.Errorf("%w: an answer encoded as %.20q was not asked for", ErrUnreachable, e)
	}
	if resp.ContentLength > max {
		return nil, fmt.Errorf("%w: %d bytes announced, %d allowed", ErrTooLarge, resp.ContentLength, max)
	}
	return readAll(resp.Body, resp.ContentLength, max)
}

// readAll reads at most max bytes. announced is the Content-Length or -1; it sizes the buffer, but a server that
// announces much and sends little must not cost memory: what is reserved stays under what was received twice over.
func readAll(r io.Reader, announced, max int64) ([]byte, error) {
	first := int64(firstBuffer)
	if announced >= 0 && announced < first {
		first = announced
	}
	buf := bytes.NewBuffer(make([]byte, 0, first+bytes.MinRead))
	n, err := buf.ReadFrom(io.LimitReader(r, max+1))
	if err != nil {
		return nil, unreachable(err)
	}
	if n > max {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, max)
	}
	return buf.Bytes(), nil
}

// unreachable keeps a refusal and wraps the rest.
func unreachable(err error) error {
	// The URL is in the caller's hand and may carry a query, a redirect's even a password: say what happened, not where.
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if errors.Is(err, ErrRefused) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}
