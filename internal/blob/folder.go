// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Folder keeps every blob as one file, under the first two digits of its name.
type Folder struct{ path string }

var _ Store = (*Folder)(nil)

// temporary begins the names of files that are being written.
const temporary = ".new-"

// NewFolder makes the folder where it is missing. Only its owner can read it.
func NewFolder(path string) (*Folder, error) {
	abs, err := filepath.Abs(path)
	if err == nil {
		err = os.MkdirAll(abs, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	for first := range 256 {
		if err := os.Mkdir(filepath.Join(abs, fmt.Sprintf("%02x", first)), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("blobs: %w", err)
		}
	}
	if err := errors.Join(syncFolder(abs), syncFolder(filepath.Dir(abs))); err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	return &Folder{abs}, nil
}

func (d *Folder) file(name string) string { return filepath.Join(d.path, name[:2], name) }

// Put writes beside the place, syncs, and renames into it: whoever finds the
// name finds all of the bytes, whenever the power fails.
func (d *Folder) Put(ctx context.Context, name string, content []byte) (err error) {
	if err := checkName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	place := d.file(name)
	dir := filepath.Dir(place)
	if info, err := os.Stat(place); err == nil && info.Mode().IsRegular() {
		return syncFolder(dir) // whoever put it may not have come so far yet
	}
	var raw [8]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return err
	}
	written := filepath.Join(dir, temporary+hex.EncodeToString(raw[:]))
	defer func() {
		if err != nil {
			err = fmt.Errorf("blob: %w", errors.Join(err, ignoreAbsent(os.Remove(written))))
		}
	}()
	f, err := os.OpenFile(written, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(written, place); err != nil {
		return err
	}
	return syncFolder(dir)
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Get reads a file.
func (d *Folder) Get(ctx context.Context, name string, limit int64) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.Open(d.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	defer f.Close()
	return readAll(f, limit)
}

func readAll(r io.Reader, limit int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	if int64(len(content)) > limit {
		return nil, ErrTooLarge
	}
	return content, nil
}

// Remove deletes a file.
func (d *Folder) Remove(_ context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := ignoreAbsent(os.Remove(d.file(name))); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}

// abandoned is the age at which an unfinished file is nobody's any more.
const abandoned = 24 * time.Hour

// Walk lists the files, and sweeps away what was never finished.
func (d *Folder) Walk(ctx context.Context, f func(name string, put time.Time) error) error {
	return filepath.WalkDir(d.path, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.IsDir() {
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name := e.Name()
		if strings.HasPrefix(name, temporary) {
			if time.Since(info.ModTime()) > abandoned {
				return ignoreAbsent(os.Remove(path))
			}
			return nil
		}
		if checkName(name) != nil {
			return nil // not ours
		}
		return f(name, info.ModTime())
	})
}

// Check opens the folder.
func (d *Folder) Check(context.Context) error {
	info, err := os.Stat(d.path)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", d.path)
	}
	return err
}
