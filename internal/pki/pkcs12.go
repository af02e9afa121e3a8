// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// MaxPKCS12 bounds a PKCS#12 file in bytes.
const MaxPKCS12 = 1 << 20

// Key is a private key with its certificate and chain.
type Key struct {
	Signer      crypto.Signer
	Certificate *Certificate
	Chain       []*Certificate // from the issuer up as far as the file goes, then what else it holds
}

// ReadPKCS12 opens a PKCS#12 file (RFC 7292). ErrPassword, ErrNotPKCS12, ErrNoKey, ErrUnsupported are told apart; size and
// iterations are capped: a file beyond the caps is ErrNotPKCS12. Keys of the national algorithms are *gost.PrivateKey; the BER
// that Kazakhstan's authority writes inside its files is read.
func ReadPKCS12(data []byte, password string) (*Key, error) {
	der, err := normalPFX(data, password)
	if err != nil {
		return nil, err
	}
	signer, certificates, err := openPFX(der, password)
	if err != nil {
		return nil, err
	}
	// The file's order says nothing: the certificate is the one that holds the key's public half.
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil, fmt.Errorf("%w: a key of type %T", ErrUnsupported, signer.Public())
	}
	k := &Key{Signer: signer}
	for _, x := range certificates {
		c, err := ParseCertificate(x.Raw)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotPKCS12, err)
		}
		if k.Certificate == nil && c.PublicKey.Key != nil && public.Equal(c.PublicKey.Key) {
			k.Certificate = c
		} else {
			k.Chain = append(k.Chain, c)
		}
	}
	if k.Certificate == nil {
		return nil, ErrNoKey
	}
	k.sortChain()
	return k, nil
}

// openPFX reads the key and every certificate of a file that is DER to its ground.
func openPFX(der []byte, password string) (crypto.Signer, []*x509.Certificate, error) {
	private, leaf, others, err := pkcs12.DecodeChain(der, password)
	if err != nil {
		if err = pkcs12Error(err); errors.Is(err, ErrUnsupported) { // the MAC was right before the library looked into a bag
			key, certificates, nationalErr := readNational(der, password)
			if nationalErr != nil {
				return nil, nil, nationalErr
			}
			return key, certificates, nil
		}
		return nil, nil, err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("%w: a key that cannot sign", ErrUnsupported)
	}
	return signer, append([]*x509.Certificate{leaf}, others...), nil
}

// sortChain puts each certificate's issuer behind it, as far as the names lead.
func (k *Key) sortChain() {
	last := k.Certificate
	for i := range k.Chain {
		next := slices.IndexFunc(k.Chain[i:], func(c *Certificate) bool { return c.Subject.Equal(last.Issuer) })
		if next < 0 {
			return
		}
		last = k.Chain[i+next]
		k.Chain = slices.Insert(slices.Delete(k.Chain, i+next, i+next+1), i, last)
	}
}

// pkcs12Error sorts the library's errors; some of them it tells apart by their text alone.
func pkcs12Error(err error) error {
	var todo pkcs12.NotImplementedError
	text := err.Error()
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return ErrPassword
	case errors.As(err, &todo), strings.Contains(text, "unknown algorithm"), strings.Contains(text, "unknown elliptic curve"):
		return fmt.Errorf("%w: %v", ErrUnsupported, err)
	case strings.Contains(text, "missing"):
		return ErrNoKey
	}
	return fmt.Errorf("%w: %v", ErrNotPKCS12, err)
}
