// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"bufio"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// BigList describes a list of any length. Its entries are made up: entry i is of BigSerial(Seed, i), every other one with a
// reason, so that an entry takes 46 octets in the middle, as in the national lists.
type BigList struct {
	Entries                int
	Seed                   uint64
	ThisUpdate, NextUpdate time.Time  // Required.
	Number                 int64      // Required.
	Base                   int64      // Optional. If not zero, the list is a delta to that number.
	Further                [][20]byte // Optional. Serial numbers that stand on it too, after the others.
}

// BigSerial is the serial number of an entry of a BigList: 20 octets, positive.
func BigSerial(seed uint64, i int) [20]byte {
	var b [24]byte
	for w := range 3 { // splitmix64
		z := seed + (3*uint64(i)+uint64(w)+1)*0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		binary.BigEndian.PutUint64(b[8*w:], z^z>>31)
	}
	b[0] = b[0]&0x3f | 0x40
	return [20]byte(b[:20])
}

// bigReason is the extensions of every other entry: keyCompromise.
var bigReason = []byte{0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01, 0x01}

// bigEntry writes entry i behind b.
func bigEntry(b []byte, serial [20]byte, i int, date []byte) []byte {
	n := 2 + len(serial) + len(date)
	if i%2 == 1 {
		n += len(bigReason)
	}
	b = append(append(append(b, 0x30, byte(n), 0x02, byte(len(serial))), serial[:]...), date...)
	if i%2 == 1 {
		b = append(b, bigReason...)
	}
	return b
}

// WriteBigList writes and signs a list without holding it.
func (c *CA) WriteBigList(w io.Writer, o BigList) error {
	total := o.Entries + len(o.Further)
	if total == 0 {
		return errors.New("testpki: a big list without entries")
	}
	template := &x509.RevocationList{Number: big.NewInt(o.Number), ThisUpdate: o.ThisUpdate, NextUpdate: o.NextUpdate}
	if o.Base != 0 {
		base, err := asn1.Marshal(big.NewInt(o.Base))
		if err != nil {
			return fmt.Errorf("testpki: write a big list: %w", err)
		}
		template.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: base}}
	}
	// A list without entries gives everything around them.
	empty, err := CreateList(template, c.x509, c.Key)
	if err != nil {
		return fmt.Errorf("testpki: write a big list: %w", err)
	}
	in := cryptobyte.String(empty)
	var list, tbs, algorithm cryptobyte.String
	if !in.ReadASN1(&list, casn1.SEQUENCE) || !list.ReadASN1(&tbs, casn1.SEQUENCE) || !list.ReadASN1Element(&algorithm, casn1.SEQUENCE) {
		return errors.New("testpki: write a big list: the library's own list cannot be read")
	}
	var head []byte
	for !tbs.PeekASN1Tag(casn1.Tag(0).ContextSpecific().Constructed()) {
		var field cryptobyte.String
		var tag casn1.Tag
		if !tbs.ReadAnyASN1Element(&field, &tag) {
			return errors.New("testpki: write a big list: the library's own list cannot be read")
		}
		head = append(head, field...)
	}
	date, err := asn1.MarshalWithParams(o.ThisUpdate.Add(-day).UTC().Truncate(time.Second), "utc")
	if err != nil {
		return fmt.Errorf("testpki: write a big list: %w", err)
	}
	octets := total*(2+2+20+len(date)) + total/2*len(bigReason)
	entries := lengthOf(0x30, octets)
	body := lengthOf(0x30, len(head)+len(entries)+octets+len(tbs))

	// Written twice: the signature's length, which the first octets tell, is known after the first time.
	write := func(w io.Writer) {
		_, _ = w.Write(body)
		_, _ = w.Write(head)
		_, _ = w.Write(entries)
		var one []byte
		for i := range total {
			serial := [20]byte{}
			if i < o.Entries {
				serial = BigSerial(o.Seed, i)
			} else {
				serial = o.Further[i-o.Entries]
			}
			one = bigEntry(one[:0], serial, i, date)
			_, _ = w.Write(one)
		}
		_, _ = w.Write(tbs)
	}
	m, err := mechanismOf(c.Key.Public())
	if err != nil {
		return fmt.Errorf("testpki: write a big list: %w", err)
	}
	digest := m.newHash()
	buffered := bufio.NewWriterSize(digest, 1<<16)
	write(buffered)
	_ = buffered.Flush() // a hash takes everything
	value, err := c.Key.Sign(rand.Reader, digest.Sum(nil), m.opts)
	if err != nil {
		return fmt.Errorf("testpki: write a big list: %w", err)
	}
	signature := append(lengthOf(0x03, len(value)+1), 0)
	signature = append(signature, value...)
	out := bufio.NewWriterSize(w, 1<<16)
	_, _ = out.Write(lengthOf(0x30, len(body)+len(head)+len(entries)+octets+len(tbs)+len(algorithm)+len(signature)))
	write(out)
	_, _ = out.Write(algorithm)
	_, _ = out.Write(signature)
	return out.Flush() // a bufio.Writer keeps the first error
}

// lengthOf is the head of a DER element.
func lengthOf(tag byte, n int) []byte {
	if n < 0x80 {
		return []byte{tag, byte(n)}
	}
	var b []byte
	for m := n; m > 0; m >>= 8 {
		b = append([]byte{byte(m)}, b...)
	}
	return append([]byte{tag, 0x80 | byte(len(b))}, b...)
}
