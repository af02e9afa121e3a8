// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rastau/internal/pki"
)

// A list leaves the process as its index and a card that says whose it is. Whoever can write where they lie could take a
// revocation out of the index, which no authority signed. So the card carries the index's digest, and stands under an HMAC
// with a key that only these processes have.

// card describes an index that lies elsewhere.
type card struct {
	URL                string
	Fetched            time.Time
	ETag, LastModified string
	From               string // which of the addresses the validators are of

	SHA256, Digest        []byte // of the DER, of what is signed
	DigestOf              pki.OID
	Size                  int64
	SignedFrom, SignedTo  int64
	Head, Tail, Signature []byte // what stands around the entries
	Signer                []byte // SubjectPublicKeyInfo under which the signature was found right
	Entries               int
	Unknown               []pki.OID
	Issuers               [][]byte // certificate issuers besides the list's own

	Keys             hashKeys
	Buckets, Records [len(widths)]int
	Index, Raw       int64  // octets of the index, and of the DER that may follow it
	Leaves           []byte // SHA-256 of each leafSize octets of both
}

const (
	// maxCard bounds a card in octets: head and tail of a list are bounded, its certificate issuers here.
	maxCard = 8 << 20

	sealed = "rastau revocation list 2\n" // what the HMAC is for
)

var errForged = errors.New("its HMAC is not ours")

func macOf(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(sealed))
	h.Write(text)
	return h.Sum(nil)
}

// seal writes a card: the HMAC, then JSON.
func (c *card) seal(key []byte) ([]byte, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	if len(text) > maxCard-sha256.Size {
		return nil, tooLarge("a card of %d bytes", len(text))
	}
	return append(macOf(key, text), text...), nil
}

// openCard reads a card of that address. Nothing in it is looked at before the HMAC is right.
func openCard(key, sealed []byte, url string) (*card, error) {
	if len(sealed) <= sha256.Size || len(sealed) > maxCard {
		return nil, errForged
	}
	if !hmac.Equal(macOf(key, sealed[sha256.Size:]), sealed[:sha256.Size]) {
		return nil, errForged
	}
	c := &card{}
	if err := json.Unmarshal(sealed[sha256.Size:], c); err != nil {
		return nil, fmt.Errorf("its card: %w", err)
	}
	if c.URL != url {
		return nil, errors.New("it belongs to another address")
	}
	return c, nil
}

// cardOf describes a held list.
func cardOf(url string, f *fetched) *card {
	l := f.list
	sum := l.SHA256()
	c := &card{
		URL: url, Fetched: f.at, ETag: f.etag, LastModified: f.modified, From: f.address,
		SHA256: sum[:], Digest: l.digest, DigestOf: l.digestOf, Size: l.Size, SignedFrom: l.signed.from, SignedTo: l.signed.to,
		Head: l.head, Tail: l.tail, Signature: l.signature, Entries: l.Entries, Unknown: l.UnknownCritical, Leaves: f.leaves,
	}
	if v := l.verified.Load(); v != nil {
		c.Signer = v.key.Raw
	}
	for _, n := range l.issuers[1:] {
		c.Issuers = append(c.Issuers, n.Raw)
	}
	if l.Size <= maxRaw {
		c.Raw = int64(len(l.Raw))
	}
	if x := l.index; x != nil {
		c.Keys, c.Index = x.keys, int64(len(x.body))
		for i := range x.tables {
			c.Buckets[i], c.Records[i] = x.tables[i].buckets, x.tables[i].records
		}
	}
	return c
}

// bodyOf gives the stretches that make up the body: the index, the DER of a small list.
func bodyOf(l *List) [][]byte {
	var out [][]byte
	if l.index != nil {
		out = append(out, l.index.body)
	}
	if l.Size <= maxRaw && len(l.Raw) > 0 {
		out = append(out, l.Raw)
	}
	return out
}

// outline is the list of a card without its index: enough to see what it is and who signed it.
func (c *card) outline() (*List, error) {
	l := &List{
		Size: c.Size, head: c.Head, tail: c.Tail, signature: c.Signature, digest: c.Digest, digestOf: c.DigestOf, Entries: c.Entries,
		signed: signed{from: c.SignedFrom, to: c.SignedTo}, UnknownCritical: c.Unknown,
	}
	if len(c.SHA256) != sha256.Size {
		return nil, malformed("the card's digest")
	}
	l.name([sha256.Size]byte(c.SHA256))
	if err := l.readHead(); err != nil {
		return nil, err
	}
	if len(c.Issuers) > 0 {
		l.issuerID = map[string]uint32{l.Issuer.CanonicalKey(): 0}
		for _, der := range c.Issuers {
			n, err := pki.ParseName(der)
			if err != nil {
				return nil, err
			}
			l.issuerID[n.CanonicalKey()] = uint32(len(l.issuers))
			l.issuers = append(l.issuers, n)
		}
	}
	if err := l.readTail(); err != nil {
		return nil, err
	}
	if len(c.Signer) > 0 {
		// Not believed: only the way to ask again who signed, where nobody is there to say.
		if key, err := pki.ParsePublicKey(c.Signer); err == nil {
			_ = l.VerifySignature(&key) // remembered where it is right
		}
	}
	return l, nil
}

// fits bounds a body before memory is taken for it.
func (c *card) fits(lim Limits) bool {
	return c.Index >= 0 && c.Raw >= 0 && c.Raw <= maxRaw && c.Index <= 4*lim.Bytes && c.Entries >= 0 && c.Entries <= lim.Entries &&
		(c.Index > 0) == (c.Entries > 0)
}

// attach gives an outline its index, which lies in body before the DER. m is what body lies in, nil for the heap. p is of the
// body, nil where all of it was checked.
func (c *card) attach(l *List, body []byte, m *memory, p *proof) error {
	if int64(len(body)) != c.Index+c.Raw {
		return malformed("an index of another length")
	}
	if c.Index > 0 {
		x := &index{keys: c.Keys, memory: m, proof: p}
		for i := range x.tables {
			x.tables[i].buckets, x.tables[i].records = c.Buckets[i], c.Records[i]
		}
		if !x.lay(body[:c.Index:c.Index]) {
			return malformed("the tables of an index")
		}
		l.index = x
	}
	if c.Raw > 0 {
		l.Raw = bytes.Clone(body[c.Index:])
		if sha256.Sum256(l.Raw) != l.SHA256() {
			return malformed("the list behind an index")
		}
	}
	return nil
}
