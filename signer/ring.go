// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"rastau/internal/gost"
	"rastau/internal/pki"
)

// Ring is the keys that may sign, in the order of preference: the first that is valid now and accepted signs. Keys are
// replaced while signatures are under way; each signature is made with one key from beginning to end. Safe for concurrent use.
type Ring struct{ keys atomic.Pointer[[]*held] }

// held is one key with what was computed of it once.
type held struct {
	*pki.Key
	leaf  *x509.Certificate
	chain []*x509.Certificate // what digitorus/pkcs7 writes beside the leaf

	judged atomic.Pointer[time.Time] // when the Judge accepted it last
}

// NewRing checks that every key is one that may sign documents: it belongs to its certificate, is RSA, ECDSA or of the national
// algorithms, and the certificate is for signing. Errors are [ErrKey] and [ErrPurpose]. Validity is looked at with each
// signature, because a service outlives certificates and a new key may be put in before its time.
func NewRing(keys ...*pki.Key) (*Ring, error) {
	r := &Ring{}
	if err := r.Replace(keys...); err != nil {
		return nil, err
	}
	return r, nil
}

// Replace puts other keys in the place of those held, all or none: on an error the ring stays as it is. A key that was
// there before is judged anew.
func (r *Ring) Replace(keys ...*pki.Key) error {
	if len(keys) == 0 {
		return fmt.Errorf("%w: there is none", ErrKey)
	}
	next := make([]*held, 0, len(keys))
	for _, k := range keys {
		h, err := hold(k)
		if err != nil {
			return err
		}
		next = append(next, h)
	}
	r.keys.Store(&next)
	return nil
}

// Keys that are held now, in their order.
func (r *Ring) Keys() []*pki.Key {
	var out []*pki.Key
	for _, h := range *r.keys.Load() {
		out = append(out, h.Key)
	}
	return out
}

func hold(k *pki.Key) (*held, error) {
	if k == nil || k.Signer == nil || k.Certificate == nil {
		return nil, fmt.Errorf("%w: a key needs its certificate", ErrKey)
	}
	h := &held{Key: k}
	var err error
	if h.leaf, err = x509.ParseCertificate(k.Certificate.Raw); err != nil {
		return nil, fmt.Errorf("%w: the certificate cannot be used for signing: %v", ErrKey, err)
	}
	for _, c := range k.Chain {
		x, err := x509.ParseCertificate(c.Raw)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %s of the chain cannot be used: %v", ErrKey, c.SHA256Hex(), err)
		}
		h.chain = append(h.chain, x)
	}
	if err := matches(k); err != nil {
		return nil, err
	}
	return h, purpose(k.Certificate)
}

// inTime says whether the certificate is inside its validity (RFC 5280 §4.1.2.5: both ends included).
func (h *held) inTime(now time.Time) error {
	switch c := h.Certificate; {
	case now.Before(c.NotBefore):
		return fmt.Errorf("%w: it is valid from %s", ErrNotYetValid, c.NotBefore.UTC().Format(time.RFC3339))
	case now.After(c.NotAfter):
		return fmt.Errorf("%w: it was valid until %s; configure the licensor's new key", ErrExpired, c.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}

// current is the first key inside its validity, and otherwise why there is none.
func (r *Ring) current(now time.Time) (*held, error) {
	var why []error
	for _, h := range *r.keys.Load() {
		err := h.inTime(now)
		if err == nil {
			return h, nil
		}
		why = append(why, err)
	}
	return nil, errors.Join(why...)
}

// matches compares the key's public half with the certificate's.
func matches(k *pki.Key) error {
	same := false
	switch public := k.Signer.Public().(type) {
	case *rsa.PublicKey:
		same = public.Equal(k.Certificate.PublicKey.Key)
	case *ecdsa.PublicKey:
		same = public.Equal(k.Certificate.PublicKey.Key)
	case *gost.PublicKey:
		same = public.Equal(k.Certificate.PublicKey.Key)
	default:
		return fmt.Errorf("%w: a key of type %T cannot sign licences, only RSA, ECDSA and GOST keys can", ErrKey, public)
	}
	if !same {
		return fmt.Errorf("%w: the private key does not belong to the certificate %s; take both from one file", ErrKey, k.Certificate.SHA256Hex())
	}
	return nil
}

// purpose: the same rule by which a signature is judged, so that nothing is signed that will be refused
// (RFC 5280 §4.2.1.3, §4.2.1.12): nonRepudiation where key usage is present, emailProtection where extended key usage is.
func purpose(c *pki.Certificate) error {
	if c.BasicConstraints != nil && c.BasicConstraints.CA {
		return fmt.Errorf("%w: it is an authority's certificate", ErrPurpose)
	}
	if c.HasKeyUsage && c.KeyUsage&pki.NonRepudiation == 0 {
		return fmt.Errorf("%w: its key usage does not allow nonRepudiation; an authentication key cannot sign, use the signing key (in Kazakhstan's files: RSA… or GOST…, not AUTH…)", ErrPurpose)
	}
	if len(c.ExtKeyUsage) > 0 && !c.HasExtKeyUsage(pki.OIDEmailProtection) && !c.HasExtKeyUsage(pki.OIDAnyExtKeyUsage) {
		return fmt.Errorf("%w: its extended key usage does not allow emailProtection, which signing of documents needs", ErrPurpose)
	}
	return nil
}
