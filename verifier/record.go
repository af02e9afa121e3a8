// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

// MaxContent is how much detached content a record keeps, in bytes; of more it
// keeps the digests alone.
const MaxContent = 16 << 20

// PieceKind says what a piece of evidence is.
type PieceKind string

// The kinds.
const (
	PieceCertificate PieceKind = "certificate"
	PieceAnchor      PieceKind = "anchor"
	PieceList        PieceKind = "list"
	PieceResponse    PieceKind = "ocsp"
	PieceTimestamp   PieceKind = "timestamp"
)

// Piece is one thing that a verdict rests on.
type Piece struct {
	Kind   PieceKind
	Source string // given, embedded, network
	SHA256 [32]byte
	Bytes  []byte // DER; shared with whoever gave it, never to be changed
	Used   bool   // a finding names it; the others were at hand and did not serve
}

// ContentRecord is the detached content as it was shown.
type ContentRecord struct {
	Bytes      []byte      // nil where it was larger than MaxContent or never read
	Size       int64       // of what was read
	SHA256     [32]byte    // of what was read
	Digests    cms.Digests // that the signatures use, or that the asker gave
	Read       bool        // it was needed
	Unreadable bool        // reading it failed
}

// Record is everything that a verdict rests on: enough to reach it again without
// anything else. What was at hand and did not serve is part of it, because "nothing
// usable" is a statement about that too. Only given and network pieces serve a
// replay; the embedded ones stand in the document and are shown for people.
type Record struct {
	Question   Question // as it was judged: the time fixed, anchors, what was given
	TimeSource string   // "clock" or "given"
	Document   []byte
	Content    *ContentRecord // nil: none was shown
	Pieces     []Piece
	Answers    []Answer // of the network, in the order of their keys
	Missing    error    // a piece that could not be kept: from this record alone the verdict would be another
}

// Response is an OCSP response with the nonce that was sent for it.
type Response struct{ DER, Nonce []byte }

// Answer is what the network gave for one certificate, with what went wrong.
type Answer struct {
	Key       string // what was asked: kind, digests of the certificate and of its issuer's key
	Lists     []*crl.List
	Responses []Response
	Issuers   []*pki.Certificate
	Failures  []string
	RetryAt   time.Time
}

// Replay stands in for the network: each certificate gets the answers that it got
// when the record was made, and nothing else. So an answer for one certificate
// never turns up for another, and the judgement goes the same way.
type Replay struct {
	TimeSource string // of Question.At
	Answers    []Answer
}

// replay puts the recorded answers where those of the network would stand.
func (in *inquiry) replay() {
	r := in.q.Replay
	if r == nil {
		return
	}
	if r.TimeSource == "clock" {
		in.source = r.TimeSource
	}
	for _, a := range r.Answers {
		out := fetched{issuers: a.Issuers, failures: a.Failures, retry: a.RetryAt}
		out.addLists(network, a.Lists)
		for _, r := range a.Responses {
			out.responses = append(out.responses, heldResponse{der: r.DER, from: network, nonce: r.Nonce})
		}
		in.asked = append(in.asked, asked{askedKeyOf(a.Key), out})
	}
}

// keeper gathers the record while a question is judged. A nil keeper keeps nothing.
type keeper struct {
	record   Record
	inquiry  *inquiry
	embedded []Piece
	seen     map[pieceID]bool
}

type pieceID struct {
	kind   PieceKind
	source origin
	sum    [32]byte
}

func newKeeper(in *inquiry) *keeper {
	k := &keeper{inquiry: in, seen: map[pieceID]bool{}}
	k.record.Question, k.record.TimeSource = in.q, in.source
	switch {
	case in.q.Content != nil:
		k.record.Content = &ContentRecord{}
		open := in.q.Content
		in.q.Content = func() (io.ReadCloser, error) {
			r, err := open()
			if err != nil {
				k.record.Content.Read, k.record.Content.Unreadable = true, true
				return nil, err
			}
			return &shownContent{ReadCloser: r, sum: sha256.New()}, nil
		}
	case len(in.q.Digests) > 0:
		k.record.Content = &ContentRecord{Digests: maps.Clone(in.q.Digests)}
	}
	k.record.Question.Content, k.record.Question.Digests, k.record.Question.Replay = nil, nil, nil
	return k
}

func (k *keeper) document(data []byte) {
	if k != nil {
		k.record.Document = data
	}
}

// keep remembers a piece found in the document, each once.
func (k *keeper) keep(kind PieceKind, from origin, der []byte) {
	if k != nil {
		k.embedded = k.add(k.embedded, kind, from, der)
	}
}

func (k *keeper) keepPath(p *trust.Path) {
	if k == nil {
		return
	}
	for _, c := range p.Certificates {
		k.keep(PieceCertificate, embedded, c.Raw)
	}
}

func (k *keeper) add(pieces []Piece, kind PieceKind, from origin, der []byte) []Piece {
	id := pieceID{kind, from, sha256.Sum256(der)}
	if k.seen[id] {
		return pieces
	}
	k.seen[id] = true
	return append(pieces, Piece{Kind: kind, Source: string(from), SHA256: id.sum, Bytes: der})
}

// addList keeps a list as it was signed. A long one that is held as an index only cannot be kept: the record says so.
func (k *keeper) addList(out *Record, from origin, l *crl.List) {
	der, err := l.DER()
	if err != nil {
		out.Missing = errors.Join(out.Missing, err)
		return
	}
	out.Pieces = k.add(out.Pieces, PieceList, from, der)
}

// shownContent remembers the head of what is read through it, and its digest.
type shownContent struct {
	io.ReadCloser
	head [][]byte // in blocks: a buffer that doubles would take three times the room
	sum  hash.Hash
	size int64
}

const headBlock = 1 << 20

func (s *shownContent) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.size += int64(n)
	s.sum.Write(p[:n])
	switch {
	case s.size <= MaxContent:
		s.hold(p[:n])
	default:
		s.head = nil // too large to keep: the digests stand for it
	}
	return n, err
}

func (s *shownContent) hold(p []byte) {
	for len(p) > 0 {
		last := len(s.head) - 1
		if last < 0 || len(s.head[last]) == headBlock {
			s.head = append(s.head, make([]byte, 0, headBlock))
			last++
		}
		room := min(headBlock-len(s.head[last]), len(p))
		s.head[last] = append(s.head[last], p[:room]...)
		p = p[room:]
	}
}

// read notes what was read of the content that the asker showed.
func (k *keeper) read(r io.Reader, d cms.Digests, err error) {
	s, shown := r.(*shownContent)
	if k == nil || !shown {
		return
	}
	c := k.record.Content
	if c.Read = true; err != nil {
		c.Unreadable = true
		return
	}
	c.Size, c.Digests = s.size, d
	s.sum.Sum(c.SHA256[:0])
	if s.size <= MaxContent {
		c.Bytes = bytes.Join(s.head, []byte{})
	}
}

// finish gives the record of a finished report.
func (k *keeper) finish(r *Report) *Record {
	if k == nil {
		return nil
	}
	out := k.record
	q := out.Question
	for _, a := range slices.Concat(q.Anchors, q.TSAAnchors) {
		if a.Certificate != nil {
			out.Pieces = k.add(out.Pieces, PieceAnchor, given, a.Certificate.Raw)
		}
	}
	for _, c := range q.Certs {
		out.Pieces = k.add(out.Pieces, PieceCertificate, given, c.Raw)
	}
	for _, l := range q.Lists {
		k.addList(&out, given, l)
	}
	for _, der := range q.OCSPs {
		out.Pieces = k.add(out.Pieces, PieceResponse, given, der)
	}
	for _, f := range slices.SortedFunc(slices.Values(k.inquiry.asked), func(a, b asked) int { return strings.Compare(a.key.String(), b.key.String()) }) {
		a := Answer{Key: f.key.String(), Issuers: f.issuers, Failures: f.failures, RetryAt: f.retry}
		for _, c := range f.issuers {
			out.Pieces = k.add(out.Pieces, PieceCertificate, network, c.Raw)
		}
		for _, l := range f.lists {
			a.Lists = append(a.Lists, l.List)
			k.addList(&out, network, l.List)
		}
		for _, h := range f.responses {
			a.Responses = append(a.Responses, Response{h.der, h.nonce})
			out.Pieces = k.add(out.Pieces, PieceResponse, network, h.der)
		}
		out.Answers = append(out.Answers, a)
	}
	named := r.named()
	known := map[[32]byte]bool{}
	for i := range out.Pieces {
		known[out.Pieces[i].SHA256] = true
		out.Pieces[i].Used = named[hex.EncodeToString(out.Pieces[i].SHA256[:])]
	}
	for _, p := range k.embedded {
		// What else a message carries decided nothing; it can be read in the document.
		if p.Used = named[hex.EncodeToString(p.SHA256[:])]; p.Used && !known[p.SHA256] {
			out.Pieces = append(out.Pieces, p)
		}
	}
	return &out
}

// named lists the digests that the findings name as evidence.
func (r *Report) named() map[string]bool {
	out := map[string]bool{}
	note := func(findings []Finding) {
		for _, f := range findings {
			for _, line := range f.Evidence {
				digest, _, _ := strings.Cut(strings.TrimPrefix(line, "sha256:"), " ")
				out[digest] = true
			}
		}
	}
	note(r.Findings)
	for _, s := range r.Signatures {
		note(s.Findings)
	}
	return out
}
