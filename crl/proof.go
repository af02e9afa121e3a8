// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// An index that comes from elsewhere is believed leaf by leaf: its card holds the SHA-256 of each leafSize octets of the body.
// A mapped file answers at once, yet never from an octet that was not checked: whoever asks first for a leaf hashes it, and one
// goroutine goes through them all meanwhile. A leaf that is wrong is no answer: neither "listed" nor "not listed".

// leafSize is what is checked at once: at 2 GB/s the first question to a leaf waits for 60 µs.
const leafSize = 128 << 10

// ErrDamaged: the file that a list's index lies in is not what was written there.
var ErrDamaged = errors.New("the index of the revocation list is damaged")

// leavesOf hashes the leaves of a body that lies in several stretches.
func leavesOf(stretches [][]byte) []byte {
	var out []byte
	leaf := sha256.New()
	left := leafSize
	for _, b := range stretches {
		for len(b) > 0 {
			n := min(len(b), left)
			leaf.Write(b[:n])
			b = b[n:]
			if left -= n; left == 0 {
				out = leaf.Sum(out)
				leaf.Reset()
				left = leafSize
			}
		}
	}
	if left < leafSize {
		out = leaf.Sum(out)
	}
	return out
}

// rootOf stands for all leaves.
func rootOf(leaves []byte) [32]byte { return sha256.Sum256(leaves) }

// proof is which leaves of a body were found right. Safe for concurrent use.
type proof struct {
	body   []byte
	memory *memory // what body lies in
	leaves []byte
	right  []atomic.Bool
	whole  atomic.Bool // all of them
	once   sync.Once
	broken func() // told once, of the first leaf that is wrong
}

// newProof wants as many leaves as the body has.
func newProof(body []byte, m *memory, leaves []byte, broken func()) (*proof, error) {
	n := (len(body) + leafSize - 1) / leafSize
	if len(leaves) != n*sha256.Size {
		return nil, malformed("the digests of an index")
	}
	return &proof{body: body, memory: m, leaves: leaves, right: make([]atomic.Bool, n), broken: broken}, nil
}

// holds reports whether the octets from one place to another are those that were written.
func (p *proof) holds(from, to int) bool {
	if p == nil || p.whole.Load() {
		return true
	}
	defer runtime.KeepAlive(p.memory)
	for n := from / leafSize; n*leafSize < to; n++ {
		if p.right[n].Load() {
			continue
		}
		sum := sha256.Sum256(p.body[n*leafSize : min((n+1)*leafSize, len(p.body))])
		if !bytes.Equal(sum[:], p.leaves[n*sha256.Size:(n+1)*sha256.Size]) {
			p.once.Do(p.broken)
			return false
		}
		p.right[n].Store(true)
	}
	return true
}

// all checks every leaf.
func (p *proof) all() bool {
	if !p.holds(0, len(p.body)) {
		return false
	}
	p.whole.Store(true)
	return true
}
