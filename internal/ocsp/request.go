// SPDX-License-Identifier: Apache-2.0

package ocsp

import (
	"crypto"
	_ "crypto/sha1" // CertIDs of responders that know no other hash
	_ "crypto/sha256"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
	xocsp "golang.org/x/crypto/ocsp"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

// Bounds on a request.
const (
	maxRequest = 64 << 10
	maxAsked   = 256
	maxNonce   = 128 // RFC 9654 §2.1: "MUST be at least 1 octet and can be up to 128 octets"
)

// NonceSize is the length in octets that RFC 9654 §2.1 asks of clients.
const NonceSize = 32

// RequestOptions for Request.
type RequestOptions struct {
	// Nonce is 1 to 128 octets, best NonceSize. Optional.
	Nonce []byte
	// SHA1 asks with a SHA-1 CertID. Optional. If false, SHA-256.
	SHA1 bool
}

// Request encodes a request about a certificate of issuer. x/crypto/ocsp writes
// it; the nonce, which that library does not know, is added here.
func Request(cert *pki.Certificate, issuer trust.Anchor, o RequestOptions) ([]byte, error) {
	if len(o.Nonce) > maxNonce {
		return nil, fmt.Errorf("OCSP nonce of %d octets, at most %d are allowed (RFC 9654 §2.1)", len(o.Nonce), maxNonce)
	}
	hash := crypto.SHA256
	if o.SHA1 {
		hash = crypto.SHA1
	}
	sum := func(data []byte) []byte {
		h := hash.New()
		h.Write(data)
		return h.Sum(nil)
	}
	r := xocsp.Request{
		HashAlgorithm:  hash,
		IssuerNameHash: sum(cert.Issuer.Raw), // RFC 6960 §4.1.1: as the certificate being checked writes it
		IssuerKeyHash:  sum(issuer.Key.Bits),
		SerialNumber:   cert.Serial,
	}
	der, err := r.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode an OCSP request: %w", err)
	}
	if len(o.Nonce) == 0 {
		return der, nil
	}
	return addNonce(der, o.Nonce)
}

// addNonce appends [2] requestExtensions to the tbsRequest of an unsigned request.
func addNonce(der, nonce []byte) ([]byte, error) {
	in := cryptobyte.String(der)
	var request, tbs cryptobyte.String
	if !in.ReadASN1(&request, casn1.SEQUENCE) || !request.ReadASN1(&tbs, casn1.SEQUENCE) || !request.Empty() {
		return nil, malformed("own request")
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(tbs)
			b.AddASN1(explicit(2), func(b *cryptobyte.Builder) {
				b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
						pki.AddOID(b, pki.OIDOCSPNonce)
						b.AddASN1(casn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1OctetString(nonce) })
					})
				})
			})
		})
	})
	return b.Bytes()
}

// asked is what a request asks.
type asked struct {
	ids   []CertID
	nonce []byte // value of the nonce extension, nil where absent
}

// CheckRequest says why der is no OCSP request that a response could be held against; nil
// where it is one.
func CheckRequest(der []byte) error {
	_, err := parseRequest(der)
	return err
}

// parseRequest reads an OCSPRequest (RFC 6960 §4.1.1). A signature on it is passed over: the question is what was asked, not by whom.
func parseRequest(der []byte) (asked, error) {
	var a asked
	if len(der) > maxRequest {
		return a, malformed("request of more than %d bytes", maxRequest)
	}
	in := cryptobyte.String(der)
	var request, tbs, list cryptobyte.String
	if !in.ReadASN1(&request, casn1.SEQUENCE) || !in.Empty() || !request.ReadASN1(&tbs, casn1.SEQUENCE) ||
		!request.SkipOptionalASN1(explicit(0)) || !request.Empty() ||
		!tbs.SkipOptionalASN1(explicit(0)) || !tbs.SkipOptionalASN1(explicit(1)) || !tbs.ReadASN1(&list, casn1.SEQUENCE) {
		return a, malformed("request")
	}
	for !list.Empty() {
		var one cryptobyte.String
		if len(a.ids) == maxAsked {
			return a, malformed("request about more than %d certificates", maxAsked)
		}
		if !list.ReadASN1(&one, casn1.SEQUENCE) {
			return a, malformed("request")
		}
		id, err := readCertID(&one)
		if err != nil {
			return a, err
		}
		if !one.SkipOptionalASN1(explicit(0)) || !one.Empty() {
			return a, malformed("request")
		}
		a.ids = append(a.ids, id)
	}
	extensions, err := readExtensions(&tbs, 2)
	if err != nil {
		return a, err
	}
	if !tbs.Empty() {
		return a, malformed("request")
	}
	if e := find(extensions, pki.OIDOCSPNonce); e != nil {
		a.nonce = e.Value
	}
	return a, nil
}
