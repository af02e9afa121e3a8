// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"rastau/internal/cms"
	"rastau/internal/pdf"
)

// batchState is the file in the output folder that says what a batch has begun and done.
const batchState = ".rastau-batch"

// maxBatchFile bounds a file to be signed in bytes; several are in memory at once.
const maxBatchFile = 256 << 20

// BatchOptions of [Signer.Batch].
type BatchOptions struct {
	Out      string          // folder for what is signed; required
	PDF      PDFOptions      // of every PDF
	JSON     JSONOptions     // of everything else
	Parallel int             // signatures under way at once; if zero, one for each processor
	Progress func(BatchItem) // optional; called once for each file, one at a time
}

// BatchItem is what became of one file.
type BatchItem struct {
	File, Out string
	Before    bool  // it was signed by an earlier run
	Err       error // nil: it is signed, checked and on the disk
}

// ErrOutput: where the signed file should go stands another one.
var ErrOutput = errors.New("another file is there already")

// Batch signs files into a folder: a PDF under its own name, everything else as name.p7m (name.p7s where detached). Each is checked before
// it is written, whole or not at all. The folder remembers what was begun and done, on the disk before the next step is taken: run again
// after a crash, or kill -9, Batch goes on with what is missing, and what is signed already is not signed again. What is empty, larger than
// 256 MiB, no regular file, or bears a signature that does not hold is not signed. The error is for what stops all; of one file its
// item tells.
func (s *Signer) Batch(ctx context.Context, files []string, o BatchOptions) error {
	b := &batch{s: s, o: o, done: map[string]batchRecord{}}
	names := map[string]string{}
	for _, f := range files {
		out := filepath.Base(f)
		if other, twice := names[out]; twice {
			return fmt.Errorf("%s and %s would be written to the same name; sign them into two folders", other, f)
		}
		names[out] = f
	}
	if err := b.open(); err != nil {
		return err
	}
	n := o.Parallel
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	next := make(chan string)
	var working sync.WaitGroup
	for range min(n, len(files)) {
		working.Go(func() {
			for f := range next {
				b.tell(b.one(ctx, f))
			}
		})
	}
	for _, f := range files {
		if ctx.Err() != nil {
			break
		}
		next <- f
	}
	close(next)
	working.Wait()
	return errors.Join(ctx.Err(), b.state.Close())
}

// batchRecord is one line of the state: State is "begun" or "done", Output the digest of what was written.
type batchRecord struct {
	Input  string `json:"input"`
	Name   string `json:"name"`
	State  string `json:"state"`
	Output string `json:"output,omitempty"`
}

type batch struct {
	s *Signer
	o BatchOptions

	mu    sync.Mutex
	state *os.File
	done  map[string]batchRecord // by name
}

// open reads what earlier runs noted. A last line that a crash cut off is no line.
func (b *batch) open() error {
	if err := os.MkdirAll(b.o.Out, 0o755); err != nil {
		return err
	}
	var err error
	if b.state, err = os.OpenFile(filepath.Join(b.o.Out, batchState), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return err
	}
	if err := syscall.Flock(int(b.state.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { // ends with the process, however that ends
		return errors.Join(fmt.Errorf("another batch is signing into %s: %w", b.o.Out, err), b.state.Close())
	}
	if err := b.sweep(); err != nil {
		return errors.Join(err, b.state.Close())
	}
	in := bufio.NewScanner(b.state)
	for in.Scan() {
		var r batchRecord
		if json.Unmarshal(in.Bytes(), &r) == nil && r.State == "done" {
			b.done[r.Name] = r
		}
	}
	if err := in.Err(); err != nil {
		return errors.Join(err, b.state.Close())
	}
	_, err = b.state.WriteString("\n") // ends a line that was cut off
	return err
}

// sweep takes away what a run that was killed had not finished writing.
func (b *batch) sweep() error {
	left, err := filepath.Glob(filepath.Join(b.o.Out, ".*.unfinished-*"))
	for _, f := range left {
		err = errors.Join(err, os.Remove(f))
	}
	return err
}

// note is on the disk when it returns.
func (b *batch) note(r batchRecord) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.state.Write(append(line, '\n')); err != nil {
		return err
	}
	return b.state.Sync()
}

func (b *batch) tell(i BatchItem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.o.Progress != nil {
		b.o.Progress(i)
	}
}

func (b *batch) one(ctx context.Context, file string) BatchItem {
	i := BatchItem{File: file, Out: filepath.Join(b.o.Out, filepath.Base(file))}
	data, err := readRegular(file, maxBatchFile)
	if err == nil && len(data) == 0 {
		err = fmt.Errorf("%s is empty: there is nothing to sign", file)
	}
	if err != nil {
		i.Err = err
		return i
	}
	if !pdf.Is(data) {
		i.Out += ".p7m"
		if b.o.JSON.Detached {
			i.Out = strings.TrimSuffix(i.Out, ".p7m") + ".p7s"
		}
	}
	r := batchRecord{Input: digestOf(data), Name: filepath.Base(i.Out), State: "begun"}
	if i.Before, i.Err = b.before(ctx, i.Out, data, r); i.Before || i.Err != nil {
		return i
	}
	if i.Err = b.note(r); i.Err != nil {
		return i
	}
	var signed []byte
	if pdf.Is(data) {
		signed, i.Err = b.s.PDF(ctx, data, b.o.PDF)
	} else {
		signed, i.Err = b.s.JSON(ctx, data, b.o.JSON)
	}
	if i.Err != nil {
		return i
	}
	if i.Err = writeWhole(i.Out, signed); i.Err == nil {
		r.State, r.Output = "done", digestOf(signed)
		i.Err = b.note(r)
	}
	return i
}

// before says whether an earlier run has signed it: the folder says so, or a crash came between the file and the note of it.
func (b *batch) before(ctx context.Context, out string, data []byte, r batchRecord) (bool, error) {
	have, err := readRegular(out, 2*maxBatchFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if was, known := b.done[r.Name]; known && was.Input == r.Input && was.Output == digestOf(have) {
		return true, nil
	}
	if err := b.ours(ctx, have, data); err != nil {
		return false, fmt.Errorf("%w: %s: %w", ErrOutput, out, err)
	}
	r.State, r.Output = "done", digestOf(have)
	return true, b.note(r)
}

// ours says whether a file that nobody noted is what this batch would have made of data.
func (b *batch) ours(ctx context.Context, have, data []byte) error {
	kind := "cades"
	message := have
	if pdf.Is(have) {
		kind = "pades"
		if !bytes.HasPrefix(have, data) {
			return errors.New("it does not begin with the file to be signed")
		}
		doc, err := pdf.Open(have, pdf.Limits{})
		if err != nil {
			return err
		}
		// The newest signature of a person; after it only what makes it last may stand.
		for _, one := range doc.Signatures() {
			if !one.IsTimestamp() {
				message = one.Contents
				have = have[:one.End]
			}
		}
	} else if b.o.JSON.Detached {
		kind = "cades-detached"
	}
	sd, err := cms.Parse(message, cms.Limits{})
	if err != nil {
		return err
	}
	if len(sd.Signers) != 1 {
		return errors.New("it bears another number of signatures")
	}
	by := sd.SignerCertificate(sd.Signers[0], nil)
	for _, k := range b.s.o.Keys.Keys() {
		if by != nil && k.Certificate.SHA256 == by.SHA256 {
			return b.s.check(ctx, kind, have, data, by)
		}
	}
	return errors.New("it is signed by another key")
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// writeWhole writes a file that is there, and on the disk, whole or not at all. Where another is there already it stays.
func writeWhole(name string, data []byte) error {
	t, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".unfinished-*")
	if err != nil {
		return err
	}
	defer os.Remove(t.Name())
	_, err = t.Write(data)
	if err = errors.Join(err, t.Chmod(0o644), t.Sync(), t.Close()); err != nil {
		return err
	}
	if err := os.Link(t.Name(), name); err != nil { // unlike a rename it takes nobody's place
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w: %s", ErrOutput, name)
		}
		return err
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
