// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// The folder holds for each address, under the digest of the address:
//
//	X.index  the card, then the index, mapped when it is taken again
//	X.crl    the DER of a list over 4 MiB, for evidence
//	X.seen   how far the lists of each signer have come
//
// and the file key, which seals them where no key is configured: that guards against a file cut, mixed up or carried here
// from elsewhere, not against somebody who may write in the folder. It must be writable by the service alone.
//
// Every file is written beside its place and renamed: a crash leaves the old one or the new one.

const (
	folderMagic = "RASTAUX2"
	bodyAt      = 4096    // the body begins at a multiple of this
	checkAtOnce = 8 << 20 // octets of a mapped index up to which it is checked whole before it is used; a larger one leaf by leaf
)

// folder is where lists outlive the process. The nil folder holds nothing.
type folder struct {
	dir string
	key []byte
}

// openFolder makes the folder where it is missing. Without a key it makes one.
func openFolder(dir string, key []byte) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if len(key) > 0 {
		return &folder{dir, key}, nil
	}
	name := filepath.Join(dir, "key")
	made := make([]byte, 32)
	_, _ = rand.Read(made) // never fails
	if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
		// Several processes may start at once: the first one's key stands.
		part := name + "." + rand.Text() + ".part"
		if err := os.WriteFile(part, made, 0o600); err != nil {
			return nil, err
		}
		err := os.Link(part, name)
		_ = os.Remove(part)
		if err != nil && !errors.Is(err, os.ErrExist) {
			return nil, err
		}
	}
	key, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(key) != len(made) {
		return nil, fmt.Errorf("%s is no key of %d octets", name, len(made))
	}
	return &folder{dir, key}, nil
}

func (d *folder) name(url, ending string) string {
	sum := sha256.Sum256([]byte(url))
	return filepath.Join(d.dir, hex.EncodeToString(sum[:16])+ending)
}

// replace writes a file so that it is there whole or not at all, whatever happens.
func replace(name string, stretches ...[]byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return err
	}
	for _, b := range stretches {
		if err == nil {
			_, err = f.Write(b)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// keep writes a held list.
func (d *folder) keep(url string, f *fetched) error {
	defer runtime.KeepAlive(f)
	stretches := bodyOf(f.list)
	c := cardOf(url, f)
	value, err := c.seal(d.key)
	if err != nil {
		return err
	}
	head := binary.LittleEndian.AppendUint32([]byte(folderMagic), uint32(len(value)))
	head = append(head, value...)
	head = append(head, make([]byte, -len(head)&(bodyAt-1))...)
	return replace(d.name(url, ".index"), append([][]byte{head}, stretches...)...)
}

// card reads the card of a kept list, without its body.
func (d *folder) card(f io.Reader, url string) (*card, int64, error) {
	var head [len(folderMagic) + 4]byte
	if _, err := io.ReadFull(f, head[:]); err != nil || string(head[:len(folderMagic)]) != folderMagic {
		return nil, 0, errors.New("it is no index")
	}
	n := binary.LittleEndian.Uint32(head[len(folderMagic):])
	if n > maxCard {
		return nil, 0, tooLarge("a card of %d bytes", n)
	}
	value := make([]byte, n)
	if _, err := io.ReadFull(f, value); err != nil {
		return nil, 0, errors.New("it is cut")
	}
	c, err := openCard(d.key, value, url)
	at := int64(len(head)) + int64(n)
	return c, (at + bodyAt - 1) &^ (bodyAt - 1), err
}

// load takes a kept list back. Its index is mapped, not read: a small one is checked at once, a large one leaf by leaf as it is
// asked, and whole meanwhile. broken is told of one that turns out wrong after load has answered.
func (d *folder) load(url string, lim Limits, broken func(*List)) (*List, *card, error) {
	f, err := os.Open(d.name(url, ".index"))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	c, at, err := d.card(f, url)
	if err != nil {
		return nil, nil, err
	}
	l, err := c.outline()
	if err != nil {
		return nil, nil, err
	}
	if !c.fits(lim) {
		return nil, nil, tooLarge("an index of %d bytes", c.Index)
	}
	b, m, err := mapFile(f)
	if err != nil {
		return nil, nil, err
	}
	if int64(len(b)) != at+c.Index+c.Raw {
		return nil, nil, errors.New("it is cut, or longer than its card says")
	}
	body := b[at:]
	p, err := newProof(body, m, c.Leaves, func() { broken(l) })
	if err != nil {
		return nil, nil, err
	}
	if len(body) <= checkAtOnce {
		p.broken = func() {}
		if !p.all() {
			return nil, nil, ErrDamaged
		}
	}
	if err := c.attach(l, body, m, p); err != nil {
		return nil, nil, err
	}
	if copied := d.name(url, ".crl"); l.Raw == nil {
		if st, err := os.Stat(copied); err == nil && st.Size() == l.Size {
			l.file = copied
		}
	}
	if len(body) > checkAtOnce {
		go p.all()
	}
	return l, c, nil
}

// drop forgets a kept list that proved wrong.
func (d *folder) drop(url string) { _ = os.Remove(d.name(url, ".index")) }

// seenMark is a mark as the file has it.
type seenMark struct {
	Number     *big.Int `json:",omitempty"`
	ThisUpdate time.Time
}

// remember writes the marks of an address.
func (d *folder) remember(url string, marks map[[32]byte]mark) error {
	all := map[string]seenMark{}
	for id, m := range marks {
		all[hex.EncodeToString(id[:])] = seenMark{m.number, m.thisUpdate}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return replace(d.name(url, ".seen"), macOf(d.key, append([]byte(url+"\n"), text...)), text)
}

// marks reads them back; os.ErrNotExist where there are none.
func (d *folder) marks(url string) (map[[32]byte]mark, error) {
	b, err := os.ReadFile(d.name(url, ".seen"))
	if err != nil {
		return nil, err
	}
	if len(b) <= sha256.Size || len(b) > maxCard || !hmac.Equal(b[:sha256.Size], macOf(d.key, append([]byte(url+"\n"), b[sha256.Size:]...))) {
		return nil, errForged
	}
	var all map[string]seenMark
	if err := json.Unmarshal(b[sha256.Size:], &all); err != nil {
		return nil, err
	}
	out := map[[32]byte]mark{}
	for id, m := range all {
		key, err := hex.DecodeString(id)
		if err != nil || len(key) != 32 {
			return nil, errForged
		}
		out[[32]byte(key)] = mark{m.Number, m.ThisUpdate}
	}
	return out, nil
}

// copying writes what is read through it to a file beside the place of an address's copy. A disk that fails costs the copy,
// never the list.
type copying struct {
	io.Reader
	file *os.File // nil once it failed
}

func (d *folder) copying(url string, r io.Reader) *copying {
	f, err := os.CreateTemp(d.dir, strings.TrimSuffix(filepath.Base(d.name(url, "")), ".")+".crl.*.part")
	if err != nil {
		return &copying{Reader: r}
	}
	return &copying{r, f}
}

func (c *copying) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.file != nil && n > 0 {
		if _, werr := c.file.Write(p[:n]); werr != nil {
			c.discard()
		}
	}
	return n, err
}

func (c *copying) discard() {
	if c.file != nil {
		_ = c.file.Close()
		_ = os.Remove(c.file.Name())
		c.file = nil
	}
}

// settle makes the copy the one of its address.
func (c *copying) settle(name string) bool {
	if c.file == nil {
		return false
	}
	err := c.file.Close()
	if err == nil {
		err = os.Rename(c.file.Name(), name)
	}
	if err != nil {
		_ = os.Remove(c.file.Name())
	}
	c.file = nil
	return err == nil
}

// A folder of lists that somebody else brings: see SourceOptions.Offline.

// maxOffline bounds how many files of an offline folder are looked at.
const maxOffline = 4096

// brought is a list of the offline folder, parsed once for each state of its file.
type brought struct {
	list     *List
	size     int64
	modified time.Time
	err      error
}

// offline answers the newest list of the folder that passes check: the file called as the last part of the address where
// there is one that does, else any complete list.
func (s *Source) offline(ctx context.Context, a *address, check func(*List) error) (*List, error) {
	files, err := os.ReadDir(s.o.Offline)
	if err != nil {
		return nil, fmt.Errorf("the folder of lists: %w", err)
	}
	last := a.url[strings.LastIndexByte(a.url, '/')+1:]
	if i := strings.IndexAny(last, "?#"); i >= 0 {
		last = last[:i]
	}
	var best *List
	var named bool
	why := errors.New("no list in the folder is of that authority")
	for _, f := range files[:min(len(files), maxOffline)] {
		switch strings.ToLower(filepath.Ext(f.Name())) {
		case ".crl", ".pem", ".der":
		default:
			continue
		}
		l, err := s.bring(ctx, f)
		if err != nil {
			if f.Name() == last {
				why = err
			}
			continue
		}
		same := f.Name() == last
		if !same && (named || l.Delta()) {
			continue
		}
		if best != nil && same == named && !older(best, mark{l.Number, l.ThisUpdate}) {
			continue
		}
		if err := check(l); err != nil {
			if same {
				why = fmt.Errorf("the list does not pass: %w", err)
			}
			continue
		}
		best, named = l, same
	}
	if best == nil {
		return nil, why
	}
	return best, nil
}

// bring reads one file of the offline folder unless it was read already.
func (s *Source) bring(ctx context.Context, entry os.DirEntry) (*List, error) {
	st, err := os.Stat(filepath.Join(s.o.Offline, entry.Name()))
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("not a file")
	}
	s.bringing.Lock()
	defer s.bringing.Unlock()
	if b, known := s.brought[entry.Name()]; known && b.size == st.Size() && b.modified.Equal(st.ModTime()) {
		return b.list, b.err
	}
	f, err := os.Open(filepath.Join(s.o.Offline, entry.Name()))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := brought{size: st.Size(), modified: st.ModTime()}
	if b.list, b.err = Read(ctx, f, s.o.Limits); b.err != nil {
		s.o.Log.Warn("file in the folder of lists refused", "file", entry.Name(), "error", b.err.Error())
	} else if b.list.Raw == nil {
		b.list.file = filepath.Join(s.o.Offline, entry.Name())
	}
	s.brought[entry.Name()] = b
	return b.list, b.err
}
