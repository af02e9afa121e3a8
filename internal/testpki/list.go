// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"rastau/internal/pki"
)

// CRLOptions: zero = thisUpdate a minute ago, nextUpdate in an hour, number counting up.
type CRLOptions struct {
	ThisUpdate, NextUpdate time.Time
	Number                 int64
	Extra                  int      // further random entries
	Signer                 *pki.Key // another signer than the CA: a forgery, for the list keeps the CA's name
}

// CRL writes the authority's list, DER.
func (c *CA) CRL(o CRLOptions) ([]byte, error) {
	now := c.pki.now()
	if o.ThisUpdate.IsZero() {
		o.ThisUpdate = now.Add(-time.Minute)
	}
	if o.NextUpdate.IsZero() {
		o.NextUpdate = now.Add(time.Hour)
	}
	entries, number := c.entries()
	if o.Number != 0 {
		number = o.Number
	}
	for range o.Extra {
		serial := make([]byte, 20)
		if _, err := rand.Read(serial); err != nil {
			return nil, err
		}
		entries = append(entries, x509.RevocationListEntry{
			SerialNumber: serialOf(serial), RevocationTime: o.ThisUpdate.Add(-day), ReasonCode: 5,
		})
	}
	signer := c.Key
	if o.Signer != nil {
		signer = o.Signer.Signer
	}
	der, err := CreateList(&x509.RevocationList{
		RevokedCertificateEntries: entries,
		Number:                    big.NewInt(number),
		ThisUpdate:                o.ThisUpdate,
		NextUpdate:                o.NextUpdate,
	}, c.x509, signer)
	if err != nil {
		return nil, fmt.Errorf("testpki: write a list: %w", err)
	}
	return der, nil
}

// entries takes what stands on the list and the list's next number (RFC 5280 §5.2.3: monotonic).
func (c *CA) entries() ([]x509.RevocationListEntry, int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number++
	out := make([]x509.RevocationListEntry, 0, len(c.order))
	for _, serial := range c.order {
		n, _ := new(big.Int).SetString(serial, 10) // the map's keys are big.Int.String
		e := c.listed[serial]
		out = append(out, x509.RevocationListEntry{SerialNumber: n, RevocationTime: e.at, ReasonCode: e.reason})
	}
	return out, c.number
}
