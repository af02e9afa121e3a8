// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Ask is what Open wants of an address.
type Ask struct {
	Max int64 // bytes of the body at most. Required.
	// ETag and LastModified are what an earlier answer said. Optional: with them the server may answer that nothing changed
	// (RFC 9110 §13.1.2, §13.1.3).
	ETag, LastModified string
}

// Answer is a body on its way.
type Answer struct {
	Body               io.ReadCloser // nil where NotModified; the caller closes it
	Size               int64         // as announced, -1 where it was not
	ETag, LastModified string
	NotModified        bool // 304
}

// maxValidator bounds an ETag or a date that is sent back, in bytes.
const maxValidator = 1024

// Open answers a body to be read as it comes, at most a.Max bytes. Unlike Get it bounds by Options.Timeout only how long the
// headers, and then any one read, may take: how long the whole may is the context's. The body's reads end in ErrTooLarge,
// ErrUnreachable (also where it was cut) or io.EOF. Errors: as of Get.
func (c *Client) Open(ctx context.Context, url string, a Ask) (*Answer, error) {
	u, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	if err := c.guard(u); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("%w: %v", ErrRefused, err)
	}
	req.Header.Set("User-Agent", c.userAgent)
	if a.ETag != "" {
		req.Header.Set("If-None-Match", a.ETag)
	}
	if a.LastModified != "" {
		req.Header.Set("If-Modified-Since", a.LastModified)
	}
	idle := time.AfterFunc(c.timeout, cancel)
	resp, err := c.http.Do(req)
	if err != nil {
		idle.Stop()
		cancel()
		return nil, unreachable(err)
	}
	out := &Answer{Size: resp.ContentLength, ETag: resp.Header.Get("ETag"), LastModified: resp.Header.Get("Last-Modified")}
	if len(out.ETag) > maxValidator {
		out.ETag = ""
	}
	if len(out.LastModified) > maxValidator {
		out.LastModified = ""
	}
	body := &stream{body: resp.Body, left: a.Max, max: a.Max, idle: idle, timeout: c.timeout, cancel: cancel}
	switch e := resp.Header.Get("Content-Encoding"); {
	case resp.StatusCode == http.StatusNotModified && (a.ETag != "" || a.LastModified != ""):
		out.NotModified = true
		return out, body.Close()
	case resp.StatusCode != http.StatusOK:
		err = &StatusError{Code: resp.StatusCode}
	case e != "" && e != "identity":
		err = fmt.Errorf("%w: an answer encoded as %.20q was not asked for", ErrUnreachable, e)
	case resp.ContentLength > a.Max:
		err = fmt.Errorf("%w: %d bytes announced, %d allowed", ErrTooLarge, resp.ContentLength, a.Max)
	default:
		out.Body = body
		return out, nil
	}
	_ = body.Close() // the answer is refused already
	return nil, err
}

// stream is a body that is bounded in size, and in the time between any two reads.
type stream struct {
	body      io.ReadCloser
	left, max int64
	idle      *time.Timer
	timeout   time.Duration
	cancel    context.CancelFunc
}

func (s *stream) Read(p []byte) (int, error) {
	if int64(len(p)) > s.left+1 {
		p = p[:s.left+1]
	}
	s.idle.Reset(s.timeout)
	n, err := s.body.Read(p)
	s.idle.Stop()
	if s.left -= int64(n); s.left < 0 {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, s.max)
	}
	if err != nil && err != io.EOF {
		err = unreachable(err)
	}
	return n, err
}

// Close ends the request, whatever of it is left.
func (s *stream) Close() error {
	s.idle.Stop()
	s.cancel()
	return s.body.Close()
}
