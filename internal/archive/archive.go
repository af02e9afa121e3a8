// SPDX-License-Identifier: Apache-2.0

// Package archive answers one question: is this file whole, and whose is it.
//
// An archive is a stream of named parts and, as its last part, a manifest: how
// many parts there are, the digest over all of them, and what the maker says
// about them, signed where the maker has a key (golang.org/x/mod/sumdb/note).
// It is a tar file compressed with Zstandard (RFC 8878), so that it can be
// looked into without this program. A file that was cut off has no manifest and
// is refused. Left out: what the parts mean.
package archive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"
)

// MaxPart bounds one part, in bytes.
const MaxPart = 192 << 20

// maxMemory bounds what decompression may hold, in bytes.
const maxMemory = 64 << 20

// manifestName is the name of the last part.
const manifestName = "manifest"

// Errors of a Reader. ErrBroken: cut off, changed or no archive. ErrSigner: nobody known has signed it.
var (
	ErrBroken = errors.New("the archive is not whole")
	ErrSigner = errors.New("the archive's signature does not hold")
)

// manifest is the text that is signed, as one line of JSON.
type manifest struct {
	Parts  int64           `json:"parts"`
	Digest string          `json:"digest"` // SHA-256 over name and digest of every part in order
	About  json.RawMessage `json:"about"`
}

// sum runs over the parts in order.
type sum struct {
	hash  hash.Hash
	parts int64
}

func (s *sum) add(name string, content []byte) {
	if s.hash == nil {
		s.hash = sha256.New()
	}
	digest := sha256.Sum256(content)
	s.hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(name))))
	s.hash.Write([]byte(name))
	s.hash.Write(digest[:])
	s.parts++
}

func (s *sum) hex() string {
	if s.hash == nil {
		s.hash = sha256.New()
	}
	return hex.EncodeToString(s.hash.Sum(nil))
}

// Writer makes an archive. Not safe for concurrent use.
type Writer struct {
	tar  *tar.Writer
	zstd *zstd.Encoder
	sum  sum
	at   time.Time
}

// NewWriter begins an archive that is dated at.
func NewWriter(to io.Writer, at time.Time) (*Writer, error) {
	z, err := zstd.NewWriter(to, zstd.WithEncoderConcurrency(2))
	if err != nil {
		return nil, err
	}
	return &Writer{tar: tar.NewWriter(z), zstd: z, at: at}, nil
}

// Add writes a part of at most MaxPart bytes.
func (w *Writer) Add(name string, content []byte) error {
	if name == manifestName || name == "" || len(content) > MaxPart {
		return fmt.Errorf("archive: %q with %d bytes cannot be a part", name, len(content))
	}
	w.sum.add(name, content)
	return w.add(name, content)
}

func (w *Writer) add(name string, content []byte) error {
	err := w.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o400, Size: int64(len(content)), ModTime: w.at, Format: tar.FormatPAX})
	if err == nil {
		_, err = w.tar.Write(content)
	}
	return err
}

// Close ends the archive with what the maker says about it, signed where key is not nil. It does not close the file.
func (w *Writer) Close(about any, key note.Signer) error {
	said, err := json.Marshal(about)
	if err != nil {
		return err
	}
	text, err := json.Marshal(manifest{Parts: w.sum.parts, Digest: w.sum.hex(), About: said})
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if key != nil {
		if text, err = note.Sign(&note.Note{Text: string(text)}, key); err != nil {
			return err
		}
	}
	if err := w.add(manifestName, text); err != nil {
		return err
	}
	return errors.Join(w.tar.Close(), w.zstd.Close())
}

// Reader reads an archive. What it gives is proven only when Next has returned
// io.EOF: until then keep it where nobody takes it for true. Not safe for
// concurrent use.
type Reader struct {
	// Key must have signed the manifest. Optional. If nil, a signature is not looked at.
	Key note.Verifier

	tar   *tar.Reader
	zstd  *zstd.Decoder
	sum   sum
	about json.RawMessage
}

// NewReader begins to read.
func NewReader(from io.Reader) (*Reader, error) {
	z, err := zstd.NewReader(from, zstd.WithDecoderMaxMemory(maxMemory), zstd.WithDecoderConcurrency(2))
	if err != nil {
		return nil, err
	}
	return &Reader{tar: tar.NewReader(z), zstd: z}, nil
}

// Close gives back what reading holds; the file stays open.
func (r *Reader) Close() { r.zstd.Close() }

// Next gives the next part, io.EOF once the archive has proven to be whole, else ErrBroken or ErrSigner.
func (r *Reader) Next() (name string, content []byte, err error) {
	if name, content, err = r.read(); err != nil {
		return "", nil, err
	}
	if name != manifestName {
		r.sum.add(name, content)
		return name, content, nil
	}
	if err := r.prove(content); err != nil {
		return "", nil, err
	}
	if _, _, err := r.read(); !errors.Is(err, errEnd) {
		return "", nil, fmt.Errorf("%w: something stands behind its manifest", ErrBroken)
	}
	return "", nil, io.EOF
}

// errEnd: the file ends where no part was cut off; without a manifest before it this is no end of an archive.
var errEnd = fmt.Errorf("%w: it ends before its manifest", ErrBroken)

func (r *Reader) read() (string, []byte, error) {
	h, err := r.tar.Next()
	if errors.Is(err, io.EOF) {
		return "", nil, errEnd
	}
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if h.Typeflag != tar.TypeReg || h.Size > MaxPart {
		return "", nil, fmt.Errorf("%w: the part %.100q is no file, or larger than %d bytes", ErrBroken, h.Name, MaxPart)
	}
	// The size is the file's word: memory grows with what is really there.
	content := bytes.NewBuffer(make([]byte, 0, min(h.Size, 1<<20)))
	if _, err := io.Copy(content, r.tar); err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return h.Name, content.Bytes(), nil
}

func (r *Reader) prove(signed []byte) error {
	text, _, _ := strings.Cut(string(signed), "\n")
	if r.Key != nil {
		n, err := note.Open(signed, note.VerifierList(r.Key))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSigner, err)
		}
		text = n.Text
	}
	var m manifest
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return fmt.Errorf("%w: its manifest cannot be read", ErrBroken)
	}
	if m.Parts != r.sum.parts || m.Digest != r.sum.hex() {
		return fmt.Errorf("%w: parts were changed, left out or added: its manifest names %d with the digest %s, there are %d with %s",
			ErrBroken, m.Parts, m.Digest, r.sum.parts, r.sum.hex())
	}
	r.about = m.About
	return nil
}

// About gives what the maker said, after io.EOF.
func (r *Reader) About(into any) error {
	if r.about == nil {
		return errEnd
	}
	if err := json.Unmarshal(r.about, into); err != nil {
		return fmt.Errorf("%w: what its manifest says cannot be read: %w", ErrBroken, err)
	}
	return nil
}
