// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"hash"
	"io"
	"sync"
	"sync/atomic"

	"rastau/internal/pki"
)

const (
	chunkSize = 128 << 10
	chunks    = 16       // that are under way at once: more than a list may have before its entries
	alone     = 64 << 10 // a list up to that size is not worth several goroutines
	maxPEM    = 64 << 20 // PEM is read whole
	maxHeader = 6        // octets of the longest tag and length that are taken
)

// Parse reads DER or PEM. Inner and outer algorithm that differ by NULL only are accepted (a live Kazakh list is like that),
// any other difference is an error, as is any byte that DER or RFC 5280 §5.1 does not allow. The list keeps data: the caller
// must not change it. Errors: ErrMalformed, ErrTooLarge.
func Parse(data []byte, lim Limits) (*List, error) {
	lim = lim.orDefault()
	if int64(len(data)) > lim.Bytes {
		return nil, tooLarge("%d bytes, %d allowed", len(data), lim.Bytes)
	}
	if len(data) > 0 && data[0] != 0x30 {
		block, rest := pem.Decode(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))) // editors put a byte order mark before text
		if block == nil || block.Type != "X509 CRL" {
			return nil, malformed("neither DER nor PEM of a list")
		}
		if len(bytes.TrimSpace(rest)) > 0 {
			return nil, malformed("bytes after the PEM block")
		}
		data = block.Bytes
	}
	r := newReading(lim)
	r.walker.b = data
	signed := func() {
		s, ok := <-r.known
		if !ok {
			return
		}
		if h := r.hash(s); h != nil {
			h.Write(s.within(data, 0))
			r.l.digest = h.Sum(nil)
		}
	}
	var wg sync.WaitGroup
	if len(data) > alone {
		wg.Go(signed)
	}
	err := r.walk()
	if err == nil {
		r.finish()
		if len(data) <= alone {
			signed()
		}
	}
	wg.Wait()
	if err != nil {
		return nil, err
	}
	r.l.Raw = data
	return r.l, nil
}

// Read is Parse of a stream, in one pass: octets are hashed, walked and sorted into the index while more come in, and none
// is held beyond that unless the list is of 4 MiB or less. PEM is read whole, up to 64 MiB. When Read returns nobody reads r
// any more. Errors: ErrMalformed, ErrTooLarge, those of r, the context's own.
func Read(ctx context.Context, r io.Reader, lim Limits) (*List, error) {
	lim = lim.orDefault()
	in := newReading(lim)
	first := make([]byte, maxHeader, 1<<10)
	n, err := readFull(r, first)
	if err != nil && err != io.EOF {
		return nil, err
	}
	in.b = first[:n:n]
	_, _, whole, _ := in.header() // where that is no header the walker will say so
	in.b = nil
	rest := io.MultiReader(bytes.NewReader(first[:n]), r)
	if first[0] == 0x30 && whole > maxRaw {
		return in.stream(ctx, rest)
	}
	most := maxRaw + int64(1) // what is kept whole is read whole; one octet more shows that it is too long
	if first[0] != 0x30 {
		most = min(lim.Bytes, maxPEM) + 1
	}
	data := bytes.NewBuffer(make([]byte, 0, min(max(whole, 1<<10), maxRaw)+bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(&stoppable{ctx, rest}, most)); err != nil {
		return nil, err
	}
	return Parse(data.Bytes(), lim)
}

// stoppable is a reader that the context ends.
type stoppable struct {
	ctx context.Context
	io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// reading is one list on its way in.
type reading struct {
	walker
	known chan signed // one value at most, closed when there will be none
}

func newReading(lim Limits) *reading {
	r := &reading{known: make(chan signed, 1)}
	r.l, r.lim = &List{}, lim
	r.begun = func(s signed) { r.l.signed = s; r.known <- s }
	return r
}

func (r *reading) walk() error {
	defer close(r.known)
	return r.walker.walk()
}

// hash makes the hash of what is signed; nil where its algorithm names none that is known.
func (r *reading) hash(s signed) hash.Hash {
	o, err := pki.SignatureHash(s.algorithm)
	if err != nil || o == "" {
		return nil
	}
	newHash, err := pki.NewHash(o)
	if err != nil {
		return nil
	}
	r.l.digestOf = o
	return newHash()
}

func (r *reading) finish() *List {
	if r.l.Entries > 0 {
		r.l.index = r.build.index()
	}
	return r.l
}

// chunk is a stretch of the list. Before it there is room for what the walker has not used of the one before.
type chunk struct {
	buf   []byte // maxElement octets of room, then the stretch
	n     int
	at    int64
	users atomic.Int32 // who still looks at it
}

func (c *chunk) octets() []byte { return c.buf[maxElement : maxElement+c.n] }

// errGivenUp: the walker came to its end, and says why.
var errGivenUp = errors.New("given up")

// readFull is io.ReadFull that tells a stream that ended (io.EOF) from one that was cut (any other error).
func readFull(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var more int
		more, err = r.Read(b[n:])
		n += more
	}
	if n == len(b) && err == io.EOF {
		err = nil // said again
	}
	return n, err
}

// stream reads, and hashes the whole, while a second goroutine hashes what is signed and a third walks: three of about equal
// length, so that two processors are both busy to the end.
func (r *reading) stream(ctx context.Context, in io.Reader) (*List, error) {
	free, walk, sign := make(chan *chunk, chunks), make(chan *chunk, chunks), make(chan *chunk, chunks)
	done := func(c *chunk) {
		if c.users.Add(-1) == 0 {
			free <- c
		}
	}
	var current *chunk
	r.more = func() bool {
		c, ok := <-walk
		if !ok {
			return false
		}
		rest := r.b[r.p:]
		start := maxElement - len(rest)
		copy(c.buf[start:], rest)
		r.base += int64(r.p)
		r.b, r.p = c.buf[start:maxElement+c.n], 0
		if current != nil {
			done(current)
		}
		current = c
		return true
	}
	var broken, walked error
	var over atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		walked = r.walk()
		over.Store(true)
		for c := range walk {
			done(c)
		}
	})
	wg.Go(func() {
		// All that comes before what is signed is known fits into the chunks under way: the walker comes to it, or to an error.
		s, ok := <-r.known
		var h hash.Hash
		if ok {
			h = r.hash(s)
		}
		for c := range sign {
			if h != nil {
				h.Write(s.within(c.octets(), c.at))
			}
			done(c)
		}
		if h != nil {
			r.l.digest = h.Sum(nil)
		}
	})

	whole := sha256.New()
	made, at := 0, int64(0)
	for {
		var c *chunk
		select {
		case c = <-free:
		default:
			if made < chunks {
				c = &chunk{buf: make([]byte, maxElement+chunkSize)}
				made++
			} else {
				c = <-free
			}
		}
		if broken = ctx.Err(); broken != nil {
			break
		}
		if over.Load() { // malformed, or more octets than the list says
			broken = errGivenUp
			break
		}
		var err error
		c.n, err = readFull(in, c.buf[maxElement:])
		c.at = at
		at += int64(c.n)
		if at > r.lim.Bytes {
			broken = tooLarge("more than %d bytes", r.lim.Bytes)
			break
		}
		if c.n > 0 {
			c.users.Store(3)
			walk <- c
			sign <- c
			if !r.lim.Nameless {
				whole.Write(c.octets())
			}
			done(c)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			broken = err
			break
		}
	}
	close(walk)
	close(sign)
	wg.Wait()
	switch {
	case broken != nil && broken != errGivenUp:
		return nil, broken
	case walked != nil:
		return nil, walked
	case broken != nil:
		return nil, malformed("bytes after the list")
	}
	if !r.lim.Nameless {
		var sum [sha256.Size]byte
		whole.Sum(sum[:0])
		r.l.name(sum)
	}
	return r.finish(), nil
}
