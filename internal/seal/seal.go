// SPDX-License-Identifier: Apache-2.0

// Package seal answers one question: who can read what is kept, and was it
// changed.
//
// Personal data are sealed with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha)
// under a data key; what they are and where they belong is part of the seal, so
// that one record cannot be put in the place of another. Data keys are kept
// beside the data, wrapped by a master key that stands in a file of the
// installation: changing the master key wraps a few data keys anew and touches
// nothing else. What has to be found again is found by a keyed digest
// (HMAC-SHA-256, RFC 2104). Left out: where anything is kept.
package seal

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the size of every key, in bytes.
const KeySize = chacha20poly1305.KeySize

// Errors of what cannot be opened.
var (
	ErrUnknownKey = errors.New("sealed with a key that is not at hand") // wrapped with the key's id
	ErrBroken     = errors.New("the seal is broken: changed, or put in another's place")
)

// maxFile and maxMasters bound a key file before and after it is read.
const (
	maxFile    = 64 << 10
	maxMasters = 64
)

// Masters are the master keys of an installation; the first wraps, all unwrap.
// Immutable, safe for concurrent use.
type Masters struct{ list []master }

type master struct {
	id  string
	key cipher.AEAD
}

// ReadMasters reads a key file: a line for each key, its id and 32 bytes in
// base64, the current one first; # begins a comment.
func ReadMasters(data []byte) (*Masters, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("a key file has at most %d bytes", maxFile)
	}
	m := &Masters{}
	for n, line := range strings.Split(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		// The text of the line stays out of the error: it holds a key.
		if len(words) != 2 || len(words[0]) > 64 {
			return nil, fmt.Errorf("line %d: write the key's id and its 32 bytes in base64, with a space between", n+1)
		}
		key, err := base64.StdEncoding.Strict().DecodeString(words[1])
		if err != nil || len(key) != KeySize {
			return nil, fmt.Errorf("line %d: a key is %d bytes in base64; make one with: head -c 32 /dev/urandom | base64", n+1, KeySize)
		}
		if slices.ContainsFunc(m.list, func(other master) bool { return other.id == words[0] }) {
			return nil, fmt.Errorf("line %d: the id %q stands twice", n+1, words[0])
		}
		if len(m.list) == maxMasters {
			return nil, fmt.Errorf("a key file has at most %d keys", maxMasters)
		}
		m.list = append(m.list, master{words[0], aead(key)})
	}
	if len(m.list) == 0 {
		return nil, errors.New("no key in the file: write an id and 32 bytes in base64 on one line")
	}
	return m, nil
}

// Current is the id of the key that wraps.
func (m *Masters) Current() string { return m.list[0].id }

// Wrap seals a data key with the current master key.
func (m *Masters) Wrap(key []byte, label string) []byte {
	return sealWith(m.list[0].key, key, label)
}

// Unwrap opens a data key that the named master key sealed.
func (m *Masters) Unwrap(id string, wrapped []byte, label string) ([]byte, error) {
	i := slices.IndexFunc(m.list, func(k master) bool { return k.id == id })
	if i < 0 {
		return nil, fmt.Errorf("%w: master key %q", ErrUnknownKey, id)
	}
	key, err := openWith(m.list[i].key, wrapped, label)
	if err == nil && len(key) != KeySize {
		return nil, ErrBroken
	}
	return key, err
}

// NewKey makes a random key.
func NewKey() []byte {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails: the program ends where there is no randomness
	return key
}

// Box seals and opens with data keys. Immutable, safe for concurrent use.
type Box struct {
	keys    map[uint32]cipher.AEAD
	current uint32
	index   []byte
}

// NewBox takes the data keys by id, the id of the one that seals, and the key of the digests.
func NewBox(keys map[uint32][]byte, current uint32, index []byte) (*Box, error) {
	b := &Box{keys: make(map[uint32]cipher.AEAD, len(keys)), current: current, index: slices.Clone(index)}
	for id, key := range keys {
		if len(key) != KeySize {
			return nil, fmt.Errorf("data key %d has %d bytes", id, len(key))
		}
		b.keys[id] = aead(key)
	}
	if b.keys[current] == nil || len(index) != KeySize {
		return nil, errors.New("the current data key or the key of the digests is missing")
	}
	return b, nil
}

// magic begins everything sealed. No JSON, DER, PEM, PDF or picture begins with
// a zero, so what was written before there were keys is told from it.
const magic = "\x00RS1"

// header is magic and the data key's id, big-endian.
const header = len(magic) + 4

// Sealed reports whether b was sealed.
func Sealed(b []byte) bool { return len(b) >= header && string(b[:len(magic)]) == magic }

// Seal seals content; label says what it is and whose.
func (b *Box) Seal(content []byte, label string) []byte {
	head := binary.BigEndian.AppendUint32([]byte(magic), b.current)
	return append(head, sealWith(b.keys[b.current], content, label)...)
}

// Open opens what Seal sealed under the same label.
func (b *Box) Open(sealed []byte, label string) ([]byte, error) {
	if !Sealed(sealed) {
		return nil, ErrBroken
	}
	id := binary.BigEndian.Uint32(sealed[len(magic):])
	key, ok := b.keys[id]
	if !ok {
		return nil, fmt.Errorf("%w: data key %d", ErrUnknownKey, id)
	}
	return openWith(key, sealed[header:], label)
}

// Index is the keyed digest by which a value is found again; label keeps the
// same value in two places apart.
func (b *Box) Index(label, value string) string {
	mac := hmac.New(sha256.New, b.index)
	mac.Write([]byte(label))
	mac.Write([]byte{0})
	mac.Write([]byte(value))
	return hex.EncodeToString(mac.Sum(nil))
}

// aead of a key whose size was checked.
func aead(key []byte) cipher.AEAD {
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(err)
	}
	return a
}

func sealWith(key cipher.AEAD, content []byte, label string) []byte {
	out := make([]byte, key.NonceSize(), key.NonceSize()+len(content)+key.Overhead())
	// 192 random bits never come twice.
	_, _ = rand.Read(out)
	return key.Seal(out, out, content, []byte(label))
}

func openWith(key cipher.AEAD, sealed []byte, label string) ([]byte, error) {
	if len(sealed) < key.NonceSize() {
		return nil, ErrBroken
	}
	content, err := key.Open(nil, sealed[:key.NonceSize()], sealed[key.NonceSize():], []byte(label))
	if err != nil {
		return nil, ErrBroken
	}
	return content, nil
}
