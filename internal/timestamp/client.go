// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	_ "crypto/sha256" // the functions of imprints
	_ "crypto/sha512"
	"errors"
	"fmt"
	"io"
	"math/big"

	dtimestamp "github.com/digitorus/timestamp"

	"rastau/internal/pki"
)

var (
	// ErrMismatch: the token answers another request (imprint, nonce or policy).
	ErrMismatch = errors.New("the time-stamp does not answer the request")
	// ErrSignature: the token's own signature does not hold, cannot be computed, or its signer may not stamp.
	ErrSignature = errors.New("the time-stamp's signature does not hold")
)

// Poster is what Client needs of the network (internal/fetch has it): one POST,
// the body of a 200 answer, at most max bytes.
type Poster interface {
	Post(ctx context.Context, url, contentType string, body []byte, max int64) ([]byte, error)
}

// Client asks a time-stamping authority. It checks status, imprint, nonce, and
// that the token's own signature holds; safe for concurrent use.
type Client struct {
	URL    string    // Required.
	HTTP   Poster    // Required.
	Policy pki.OID   // Optional. If empty, the authority chooses.
	Hash   pki.OID   // Optional. Of the imprint: SHA-256, SHA-384 or SHA-512; if empty, SHA-256.
	Rand   io.Reader // Source of nonces. Optional. If nil, crypto/rand.
}

// nonceSize in octets; RFC 3161 §2.4.1 speaks of "a 64 bit integer" as large enough.
const nonceSize = 16

// imprints are the hash functions that a client asks by.
var imprints = map[pki.OID]crypto.Hash{"": crypto.SHA256, pki.OIDSHA256: crypto.SHA256, pki.OIDSHA384: crypto.SHA384, pki.OIDSHA512: crypto.SHA512}

// Stamp returns the DER token over data. Errors are pki.ErrUnsupported for a Hash of another kind, the
// Poster's, a *StatusError, or wrap ErrFormat, ErrCritical, ErrMismatch or ErrSignature.
func (c *Client) Stamp(ctx context.Context, data []byte) ([]byte, error) {
	nonce, err := c.nonce()
	if err != nil {
		return nil, err
	}
	function, known := imprints[c.Hash]
	if !known {
		return nil, fmt.Errorf("%w: an imprint by %s", pki.ErrUnsupported, pki.HashName(c.Hash))
	}
	h := function.New()
	h.Write(data)
	digest := h.Sum(nil)
	q := dtimestamp.Request{
		HashAlgorithm: function,
		HashedMessage: digest,
		Certificates:  true, // without its certificate the token cannot be verified decades later
		Nonce:         nonce,
	}
	if c.Policy != "" {
		if q.TSAPolicyOID = c.Policy.ASN1(); q.TSAPolicyOID == nil {
			return nil, fmt.Errorf("time-stamping policy %q is no object identifier", c.Policy)
		}
	}
	request, err := q.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode a time-stamp request: %w", err)
	}
	body, err := c.HTTP.Post(ctx, c.URL, "application/timestamp-query", request, MaxToken)
	if err != nil {
		return nil, fmt.Errorf("ask the time-stamping authority: %w", err)
	}
	t, err := ParseResponse(body)
	if err != nil {
		return nil, err
	}
	// RFC 3161 §2.2: the requester SHALL verify that "what was time-stamped corresponds to what was requested".
	switch {
	case imprints[t.HashAlgorithm] != function || !bytes.Equal(t.Imprint, digest):
		return nil, fmt.Errorf("%w: it covers other data", ErrMismatch)
	case t.Nonce == nil || t.Nonce.Cmp(nonce) != 0:
		return nil, fmt.Errorf("%w: its nonce is another one", ErrMismatch)
	case c.Policy != "" && t.Policy != c.Policy:
		return nil, fmt.Errorf("%w: its policy is %s, %s was asked for", ErrMismatch, t.Policy, c.Policy)
	}
	if err := t.hold(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return t.Raw, nil
}

func (c *Client) nonce() (*big.Int, error) {
	source := c.Rand
	if source == nil {
		source = rand.Reader
	}
	var b [nonceSize]byte
	if _, err := io.ReadFull(source, b[:]); err != nil {
		return nil, fmt.Errorf("make a nonce: %w", err)
	}
	b[0] |= 1 // never zero, so that no encoding takes it for absent
	return new(big.Int).SetBytes(b[:]), nil
}

// hold tells why the token's own signature may not be relied on.
func (t *Token) hold() error {
	cert, check := t.Verify(nil)
	if cert == nil {
		return errors.New("the token lacks its signer's certificate, which was asked for")
	}
	// RFC 3161 §2.4.2: the certificate identifier "MUST be included as a signerInfo attribute inside a SigningCertificate attribute".
	if !t.Signed.Signers[0].ESS().Present {
		return errors.New("the signing-certificate attribute is missing")
	}
	for _, err := range []error{check.Attributes, check.DER, check.Algorithm, check.Content, check.Digest, check.Value, check.Reference, purposeError(cert)} {
		if err != nil {
			return err
		}
	}
	return nil
}
