// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"time"

	"rastau/crl"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/trust"
	"rastau/verifier"
)

// File is an evidence file that has been read.
type File struct {
	Name        string // of the file judged
	Certificate bool   // the question was about a certificate
	Document    []byte
	Question    verifier.Question // asks the same again, of the file alone
}

// The signatures of the archive's records (APPNOTE.TXT §4.3.7, §4.3.16).
var (
	localHeader = []byte("PK\x03\x04")
	endRecord   = []byte("PK\x05\x06")
)

const (
	localLength = 30
	endLength   = 22
	// maxDirectory bounds the central directory: 46 bytes an entry, its name and the
	// time's extra field.
	maxDirectory = maxEntries * 128
)

// Is reports whether data starts as an evidence file does: an archive whose first
// entry is question.json. Whether it is a whole one, Open says.
func Is(data []byte) bool {
	return bytes.HasPrefix(data, localHeader) && len(data) > localLength &&
		int(binary.LittleEndian.Uint16(data[26:])) == len(nameQuestion) && bytes.HasPrefix(data[localLength:], []byte(nameQuestion))
}

// Open reads an evidence file. What it gives shares memory with data. Every error is
// ErrMalformed.
func Open(data []byte) (*File, error) {
	entries, err := unpack(data)
	if err != nil {
		return nil, err
	}
	notes := entries[nameQuestion]
	var q question
	dec := json.NewDecoder(bytes.NewReader(notes))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&q); err != nil {
		return nil, malformed("question.json: %v", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, malformed("question.json: more than one value")
	}
	if q.Format != format {
		return nil, malformed("format %q; this program reads %s", q.Format, format)
	}
	if err := q.check(entries); err != nil {
		return nil, err
	}
	f := &File{Name: q.File, Document: entries[nameDocument]}
	switch q.Kind {
	case "document":
	case "certificate":
		f.Certificate = true
	default:
		return nil, malformed("kind %q", q.Kind)
	}
	r := &reader{entries: entries, certs: map[string]*pki.Certificate{}, lists: map[string]*crl.List{}}
	f.Question = r.question(&q)
	if r.err != nil {
		return nil, r.err
	}
	return f, nil
}

// unpack finds the entries. Nothing is decompressed and nothing copied.
func unpack(data []byte) (map[string][]byte, error) {
	if len(data) > MaxFile {
		return nil, malformed("larger than %d bytes", MaxFile)
	}
	if !Is(data) || len(data) < localLength+endLength {
		return nil, malformed("the archive does not start with question.json")
	}
	// The library reads a directory as far as it goes, so its size is bounded here:
	// one end record, at the end, right behind the directory.
	end := data[len(data)-endLength:]
	size, offset := binary.LittleEndian.Uint32(end[12:]), binary.LittleEndian.Uint32(end[16:])
	if !bytes.HasPrefix(end, endRecord) || size > maxDirectory || int64(offset)+int64(size) != int64(len(data)-endLength) {
		return nil, malformed("the archive's directory is damaged or too large")
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, malformed("%v", err)
	}
	if len(z.File) > maxEntries {
		return nil, malformed("more than %d entries", maxEntries)
	}
	entries := map[string][]byte{}
	for i, e := range z.File {
		_, twice := entries[e.Name]
		switch {
		case twice:
			return nil, malformed("an entry stands twice")
		case (i == 0) != (e.Name == nameQuestion), i > 0 && !entryName.MatchString(e.Name):
			return nil, malformed("an entry has a name that does not belong here")
		case e.Method != zip.Store || e.CompressedSize64 != e.UncompressedSize64 || e.Flags&1 != 0:
			return nil, malformed("%s is compressed or encrypted", e.Name)
		case (e.Name == nameQuestion || e.Name == nameReport || e.Name == nameXML) && e.UncompressedSize64 > maxNotes:
			return nil, malformed("%s is too large", e.Name)
		}
		at, err := e.DataOffset()
		if err != nil || at < 0 || e.UncompressedSize64 > uint64(len(data)) || at+int64(e.UncompressedSize64) > int64(len(data)) {
			return nil, malformed("%s is cut off", e.Name)
		}
		body := data[at : at+int64(e.UncompressedSize64)]
		entries[e.Name] = body[:len(body):len(body)]
	}
	return entries, nil
}

// check holds the entries against what question.json says of them.
func (q *question) check(entries map[string][]byte) error {
	if len(q.Entries) != len(entries)-1 {
		return malformed("question.json lists %d entries, the archive has %d", len(q.Entries), len(entries)-1)
	}
	total, seen := 0, map[string]bool{}
	for _, l := range q.Entries {
		data, there := entries[l.Name]
		sum := sha256.Sum256(data)
		if !there || seen[l.Name] || l.Name == nameQuestion || l.Size != int64(len(data)) || l.SHA256 != hex.EncodeToString(sum[:]) {
			return malformed("%.64s is not what question.json says", l.Name)
		}
		seen[l.Name] = true
		if total += len(data); total > MaxFile {
			return malformed("the entries overlap") // together they are larger than the archive
		}
	}
	if !seen[nameDocument] {
		return malformed("the document is missing")
	}
	return nil
}

// reader turns names of entries into what they hold; the first mistake stays.
type reader struct {
	entries map[string][]byte
	certs   map[string]*pki.Certificate
	lists   map[string]*crl.List
	err     error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = malformed(format, args...)
	}
}

func (r *reader) entry(name string) []byte {
	data, ok := r.entries[name]
	if !ok {
		r.fail("%.64s is missing", name)
	}
	return data
}

func (r *reader) certificates(names []string) (out []*pki.Certificate) {
	for _, n := range names {
		c := r.certs[n]
		if c == nil {
			var err error
			if c, err = pki.ParseCertificate(r.entry(n)); err != nil {
				r.fail("%.64s: %v", n, err)
				return nil
			}
			r.certs[n] = c
		}
		out = append(out, c)
	}
	return out
}

func (r *reader) anchors(names []string) []trust.Anchor {
	if names == nil {
		return nil
	}
	out := []trust.Anchor{}
	for _, c := range r.certificates(names) {
		out = append(out, trust.AnchorOf(c))
	}
	return out
}

func (r *reader) revocationLists(names []string) (out []*crl.List) {
	for _, n := range names {
		l := r.lists[n]
		if l == nil {
			var err error
			if l, err = crl.Parse(r.entry(n), crl.Limits{}); err != nil {
				r.fail("%.64s: %v", n, err)
				return nil
			}
			r.lists[n] = l
		}
		out = append(out, l)
	}
	return out
}

func (r *reader) time(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		r.fail("%.64q is no time", s)
	}
	return t.UTC()
}

func (r *reader) hex(s string) []byte {
	data, err := hex.DecodeString(s)
	if err != nil {
		r.fail("not hexadecimal")
	}
	return data
}

// question reads everything that was asked.
func (r *reader) question(q *question) verifier.Question {
	out := verifier.Question{
		At: r.time(q.Time.Value), Lang: phrase.Lang(q.Lang), Anchors: r.anchors(q.Anchors), TSAAnchors: r.anchors(q.TSAAnchors),
		Certs: r.certificates(q.Certs), Lists: r.revocationLists(q.Lists), IIN: q.IIN, BIN: q.BIN, Purpose: verifier.Purpose(q.Purpose),
		Applicant: verifier.Applicant(q.Applicant), Subordinates: q.Subordinates, Policies: q.Policies, RequireExplicitPolicy: q.RequireExplicitPolicy, InhibitPolicyMapping: q.InhibitPolicyMapping,
		InhibitAnyPolicy: q.InhibitAnyPolicy, Offline: q.Offline, Replay: &verifier.Replay{TimeSource: q.Time.Source},
	}
	if out.At.IsZero() {
		r.fail("no time was judged")
	}
	for _, n := range q.OCSP {
		out.OCSPs = append(out.OCSPs, r.entry(n))
	}
	switch q.Revocation {
	case "require":
	case "none":
		out.NoRevocation = true
	default:
		r.fail("revocation %.64q", q.Revocation)
	}
	switch q.Algorithms {
	case pki.DefaultAlgorithms.Name:
		out.Algorithms = pki.DefaultAlgorithms
	case pki.LegacyAlgorithms.Name:
		out.Algorithms = pki.LegacyAlgorithms
	default:
		r.fail("algorithms %.64q", q.Algorithms)
	}
	if q.MaxAge != "" {
		var err error
		if out.MaxAge, err = time.ParseDuration(q.MaxAge); err != nil || out.MaxAge <= 0 {
			r.fail("maxAge %.64q", q.MaxAge)
		}
	}
	for _, b := range q.Broken {
		if !strings.HasPrefix(b.Key, "input.") {
			r.fail("a finding that is not about the inputs") // whose sentence would pass for one of ours
		}
		out.Broken = append(out.Broken, verifier.Finding{Key: b.Key, Citation: b.Citation, Outcome: verifier.Warn, Text: &b.Text})
	}
	for _, n := range q.Network {
		a := verifier.Answer{Key: n.Asked, Issuers: r.certificates(n.Certs), Lists: r.revocationLists(n.Lists), Failures: n.Failures}
		if n.RetryAt != "" {
			a.RetryAt = r.time(n.RetryAt)
		}
		for _, o := range n.OCSP {
			a.Responses = append(a.Responses, verifier.Response{DER: r.entry(o.Entry), Nonce: r.hex(o.Nonce)})
		}
		out.Replay.Answers = append(out.Replay.Answers, a)
	}
	r.content(q.Content, &out)
	return out
}

// content shows the detached content as it was shown: its bytes, its digests, or the
// same failure.
func (r *reader) content(c *content, q *verifier.Question) {
	switch {
	case c == nil:
	case c.Unreadable:
		q.Content = func() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }
	case c.Kept, !c.Read && len(c.Digests) == 0:
		var data []byte // what was never read is shown as nothing and never read again
		if c.Kept {
			data = r.entry(nameContent)
		}
		q.Content = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	default:
		q.Digests = map[pki.OID][]byte{}
		for o, digits := range c.Digests {
			q.Digests[pki.OID(o)] = r.hex(digits)
		}
	}
}
