// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A checkpoint is a head that the log has signed: whoever keeps one finds any
// change of what stood before it. It is a signed note (golang.org/x/mod/sumdb/note)
// of three lines, as the tlog-checkpoint format has it: the log's name, the
// number of entries, the root in base64.

// maxCheckpoint bounds a checkpoint before it is parsed.
const maxCheckpoint = 16 << 10

// ErrCheckpoint: a checkpoint cannot be read, or nobody known has signed it.
var ErrCheckpoint = errors.New("the checkpoint does not hold")

// ErrRewritten: what stood before a checkpoint was changed, removed or slipped in.
var ErrRewritten = errors.New("the log was rewritten")

// Sign makes a checkpoint of a head.
func Sign(h Head, key note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", key.Name(), h.Size, base64.StdEncoding.EncodeToString(h.Root[:]))}, key)
}

// OpenCheckpoint reads a checkpoint that key has signed.
func OpenCheckpoint(msg []byte, key note.Verifier) (Head, error) {
	if len(msg) > maxCheckpoint {
		return Head{}, fmt.Errorf("%w: it has more than %d bytes", ErrCheckpoint, maxCheckpoint)
	}
	n, err := note.Open(msg, note.VerifierList(key))
	if err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	return readHead(n.Text, key.Name())
}

// ReadCheckpoint reads a checkpoint whose signature nobody checks: for a file that was kept in a safe place.
func ReadCheckpoint(msg []byte) (Head, error) {
	if len(msg) > maxCheckpoint {
		return Head{}, fmt.Errorf("%w: it has more than %d bytes", ErrCheckpoint, maxCheckpoint)
	}
	text, _, found := bytes.Cut(msg, []byte("\n\n"))
	if !found {
		return Head{}, fmt.Errorf("%w: it is no signed note", ErrCheckpoint)
	}
	origin, _, _ := strings.Cut(string(text), "\n")
	return readHead(string(text)+"\n", origin)
}

func readHead(text, origin string) (h Head, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 || lines[0] != origin {
		return Head{}, fmt.Errorf("%w: it is not of the log %q", ErrCheckpoint, origin)
	}
	if h.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || h.Size < 0 || strconv.FormatInt(h.Size, 10) != lines[1] {
		return Head{}, fmt.Errorf("%w: its size is no number", ErrCheckpoint)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Head{}, fmt.Errorf("%w: its root is no hash", ErrCheckpoint)
	}
	copy(h.Root[:], root)
	return h, nil
}

// Since holds the whole log, which must have been checked, to a head that was kept earlier.
func Since(s Storage, before Head) error {
	if before.Size == 0 {
		return nil
	}
	now, err := At(s, before.Size)
	if errors.Is(err, ErrRange) {
		return fmt.Errorf("%w: it is shorter than the checkpoint's %d entries: %w", ErrRewritten, before.Size, err)
	}
	if err != nil {
		return err
	}
	if now.Root != before.Root {
		return fmt.Errorf("%w: the first %d entries had the root %s and have %s", ErrRewritten, before.Size, before.Root, now.Root)
	}
	return nil
}

// maxLine bounds one line of an exported log.
const maxLine = maxEntry + 1

// Replay computes the head of an exported log: one entry a line, in order.
// With heads that were kept earlier, or are claimed now, it finds whether
// anything before one of them was rewritten (ErrRewritten). Nothing but the
// export is needed.
func Replay(export io.Reader, kept ...Head) (Head, error) {
	lines := bufio.NewScanner(export)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	var t tree
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			return Head{}, fmt.Errorf("%w: line %d is empty", ErrBroken, t.size+1)
		}
		t.add(lines.Bytes())
		for _, h := range kept {
			if t.size == h.Size && t.root() != h.Root {
				return Head{}, fmt.Errorf("%w: the first %d entries had the root %s and have %s", ErrRewritten, h.Size, h.Root, t.root())
			}
		}
	}
	if err := lines.Err(); err != nil {
		return Head{}, fmt.Errorf("%w: line %d: %w", ErrBroken, t.size+1, err)
	}
	for _, h := range kept {
		if t.size < h.Size {
			return Head{}, fmt.Errorf("%w: it has %d entries and had %d", ErrRewritten, t.size, h.Size)
		}
	}
	return Head{Size: t.size, Root: t.root()}, nil
}

// tree is the right edge of a Merkle tree (RFC 6962 §2.1): the roots of its
// perfect subtrees, the largest first.
type tree struct {
	size  int64
	peaks []tlog.Hash
}

func (t *tree) add(entry []byte) {
	h := tlog.RecordHash(entry)
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		h = tlog.NodeHash(t.peaks[last], h)
		t.peaks = t.peaks[:last]
	}
	t.peaks = append(t.peaks, h)
	t.size++
}

func (t *tree) root() tlog.Hash {
	if t.size == 0 {
		empty, _ := tlog.TreeHash(0, nil) // reads nothing
		return empty
	}
	h := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i], h)
	}
	return h
}
