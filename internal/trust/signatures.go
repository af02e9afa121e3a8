// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"context"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// errLimit says that a signature was not checked because the query has spent
// its checks.
var errLimit = errors.New("limit of signature checks reached")

// signatures checks each pair of certificate and key once and counts the
// checks: they are what a query costs.
type signatures struct {
	ctx  context.Context
	made func(*pki.Certificate, *pki.PublicKey) error
	left int
	seen []tried  // a question tries few: they are looked through
	room [4]tried // of seen
}

// tried is a certificate and a key that was checked.
type tried struct {
	certificate *pki.Certificate
	key         []byte // SubjectPublicKeyInfo
	err         error
}

func (s *signatures) begin(ctx context.Context, q *Query, limit int) {
	s.ctx, s.made, s.left, s.seen = ctx, q.Made, limit, s.room[:0]
	if s.made == nil {
		s.made = (*pki.Certificate).CheckSignatureFrom
	}
}

// check returns nil where key made c's signature, errLimit or the context's
// error where it was not tried, otherwise the error of package pki.
func (s *signatures) check(c *pki.Certificate, key *pki.PublicKey) error {
	for i := range s.seen {
		if t := &s.seen[i]; t.certificate == c && bytes.Equal(t.key, key.Raw) {
			return t.err
		}
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.left <= 0 {
		return errLimit
	}
	s.left--
	err := s.made(c, key)
	s.seen = append(s.seen, tried{c, key.Raw, err})
	return err
}

// stopped reports whether err means "not tried".
func stopped(err error) bool {
	return errors.Is(err, errLimit) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// signedByDSA reports whether alg is a DSA signature (RFC 3279 §2.2.2, RFC 5758 §3.1).
func signedByDSA(alg pki.Algorithm) bool {
	switch alg.OID {
	case pki.OIDDSAWithSHA1, pki.OIDDSAWithSHA224, pki.OIDDSAWithSHA256, pki.OIDDSAWithSHA384, pki.OIDDSAWithSHA512:
		return true
	}
	return false
}

// lacksParameters reports whether k is a DSA key that inherits p, q and g
// from its issuer (RFC 3279 §2.3.2).
func lacksParameters(k *pki.PublicKey) bool {
	return k.Algorithm.OID == pki.OIDDSA && emptyParameters(k.Algorithm.Params)
}

func emptyParameters(der []byte) bool {
	return len(der) == 0 || string(der) == "\x05\x00"
}

// workingKey is k with the parameters of the key above it where k has none of
// its own and the algorithm is the same (RFC 5280 §6.1.4 (e)). Where nothing
// can be inherited k comes back as it is, and verifies nothing.
func workingKey(k, above pki.PublicKey) pki.PublicKey {
	if !lacksParameters(&k) || above.Algorithm.OID != pki.OIDDSA || lacksParameters(&above) {
		return k
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(above.Algorithm.Raw)
		b.AddASN1BitString(k.Bits)
	})
	der, err := b.Bytes()
	if err != nil {
		return k
	}
	whole, err := pki.ParsePublicKey(der)
	if err != nil {
		return k
	}
	return whole
}
