// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"rastau/crl"
	"rastau/internal/pki"
	"rastau/internal/trust"
	"rastau/verifier"
)

// entryTime is the time of every entry: the earliest that the format can say.
var entryTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// shelf is where pieces of one kind stand in the archive.
var shelf = map[verifier.PieceKind]struct{ folder, ending string }{
	verifier.PieceAnchor:      {"anchors", "cer"},
	verifier.PieceCertificate: {"certs", "cer"},
	verifier.PieceList:        {"lists", "crl"},
	verifier.PieceResponse:    {"ocsp", "ors"},
	verifier.PieceTimestamp:   {"timestamps", "tst"},
}

// shelves is their order in the archive.
var shelves = []verifier.PieceKind{verifier.PieceAnchor, verifier.PieceCertificate, verifier.PieceList, verifier.PieceResponse, verifier.PieceTimestamp}

// archive gathers entries before they are written, each once by kind and bytes.
type archive struct {
	listed []listing
	bytes  [][]byte
	size   int64
	names  map[string]string // kind and digest to name
	counts map[verifier.PieceKind]int
}

func (a *archive) put(l listing, data []byte) {
	sum := sha256.Sum256(data)
	l.SHA256, l.Size = hex.EncodeToString(sum[:]), int64(len(data))
	a.listed, a.bytes = append(a.listed, l), append(a.bytes, data)
	a.size += l.Size + 256 // the headers
}

func (a *archive) piece(p verifier.Piece) {
	key := string(p.Kind) + hex.EncodeToString(p.SHA256[:])
	if a.names[key] != "" {
		return // given and fetched too: the bytes are the same
	}
	a.counts[p.Kind]++
	s := shelf[p.Kind]
	name := fmt.Sprintf("%s/%04d-%s.%s", s.folder, a.counts[p.Kind], hex.EncodeToString(p.SHA256[:8]), s.ending)
	a.names[key] = name
	a.put(listing{Name: name, Kind: string(p.Kind), Source: p.Source, Used: p.Used}, p.Bytes)
}

// name finds the entry of bytes that were put on a shelf.
func (a *archive) name(kind verifier.PieceKind, data []byte) string {
	sum := sha256.Sum256(data)
	return a.names[string(kind)+hex.EncodeToString(sum[:])]
}

// Write writes the evidence of a report made with Question.KeepRecord. file is the
// name of the file judged, without its folder. ErrTooLarge where it does not fit.
func Write(w io.Writer, file string, r *verifier.Report) error {
	rec := r.Record
	if rec == nil {
		return errors.New("evidence: the report keeps no record")
	}
	if rec.Missing != nil {
		return fmt.Errorf("evidence: a list is too long to be kept; give it as a file: %w", rec.Missing)
	}
	shown := *r
	shown.File = file
	report, err := JSON(&shown)
	if err != nil {
		return err
	}
	a := &archive{names: map[string]string{}, counts: map[verifier.PieceKind]int{}}
	a.put(listing{Name: nameReport, Kind: "report"}, report)
	if r.Document {
		xml, err := XML(&shown)
		if err != nil {
			return err
		}
		a.put(listing{Name: nameXML, Kind: "report"}, xml)
	}
	a.put(listing{Name: nameDocument, Kind: "document", Source: "given", Used: true}, rec.Document)
	if rec.Content != nil && rec.Content.Bytes != nil {
		a.put(listing{Name: nameContent, Kind: "content", Source: "given", Used: true}, rec.Content.Bytes)
	}
	for _, kind := range shelves {
		for _, p := range rec.Pieces {
			if p.Kind == kind {
				a.piece(p)
			}
		}
	}
	q := asked(r, file)
	a.refer(&q, rec)
	q.Entries = a.listed
	notes, err := json.MarshalIndent(q, "", " ")
	if err != nil {
		return err
	}
	if a.size+int64(len(notes)) > MaxFile || len(a.listed) >= maxEntries || len(notes) > maxNotes {
		return ErrTooLarge
	}
	return a.write(w, append(notes, '\n'))
}

// JSON is a report as --json prints it: one line.
func JSON(r *verifier.Report) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(r)
	return out.Bytes(), err
}

// list names a list's piece. The record vouches that its DER can be had.
func (a *archive) list(l *crl.List) string {
	der, err := l.DER()
	if err != nil {
		return ""
	}
	return a.name(verifier.PieceList, der)
}

// refer names the pieces where the question speaks of them.
func (a *archive) refer(q *question, rec *verifier.Record) {
	anchors := func(all []trust.Anchor) []string {
		out := []string{}
		for _, x := range all {
			if x.Certificate != nil {
				out = append(out, a.name(verifier.PieceAnchor, x.Certificate.Raw))
			}
		}
		return out
	}
	certs := func(all []*pki.Certificate) (out []string) {
		for _, c := range all {
			out = append(out, a.name(verifier.PieceCertificate, c.Raw))
		}
		return out
	}
	q.Anchors, q.TSAAnchors = anchors(rec.Question.Anchors), anchors(rec.Question.TSAAnchors)
	q.Certs = certs(rec.Question.Certs)
	for _, l := range rec.Question.Lists {
		q.Lists = append(q.Lists, a.list(l))
	}
	for _, der := range rec.Question.OCSPs {
		q.OCSP = append(q.OCSP, a.name(verifier.PieceResponse, der))
	}
	for _, from := range rec.Answers {
		to := answer{Asked: from.Key, Failures: from.Failures, Certs: certs(from.Issuers)}
		if !from.RetryAt.IsZero() {
			to.RetryAt = from.RetryAt.UTC().Format(time.RFC3339Nano)
		}
		for _, l := range from.Lists {
			to.Lists = append(to.Lists, a.list(l))
		}
		for _, r := range from.Responses {
			to.OCSP = append(to.OCSP, response{a.name(verifier.PieceResponse, r.DER), hex.EncodeToString(r.Nonce)})
		}
		q.Network = append(q.Network, to)
	}
}

func (a *archive) write(w io.Writer, notes []byte) error {
	z := zip.NewWriter(w)
	put := func(name string, data []byte) error {
		// Stored, not compressed: the bytes depend on no library's version, and no
		// archive can be larger inside than outside.
		e, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: entryTime})
		if err == nil {
			_, err = e.Write(data)
		}
		return err
	}
	if err := put(nameQuestion, notes); err != nil {
		return err
	}
	for i, l := range a.listed {
		if err := put(l.Name, a.bytes[i]); err != nil {
			return err
		}
	}
	return z.Close()
}
