// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"
	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

// The National Certification Authority's time-stamping policies for RSA with SHA-256 and for GOST 34.10-2015.
const (
	policyTSA     pki.OID = "1.2.398.3.3.2.6.2"
	policyGOSTTSA pki.OID = "1.2.398.3.3.2.6.4"
)

var errNoTSA = errors.New("testpki: NewTSA was not called")

// TimestampToken makes a token over data at a stated time with the PKI's TSA; the imprint is SHA-256's, as clients ask for it.
func (p *PKI) TimestampToken(data []byte, at time.Time) ([]byte, error) {
	sum := sha256.Sum256(data)
	response, err := p.stamp(&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Certificates: true}, at)
	if err != nil {
		return nil, err
	}
	var parts struct {
		Status asn1.RawValue
		Token  asn1.RawValue
	}
	if _, err := asn1.Unmarshal(response, &parts); err != nil {
		return nil, fmt.Errorf("testpki: own time-stamp response: %w", err)
	}
	return parts.Token.FullBytes, nil
}

// TimestampTokenBy is TimestampToken with an imprint by any hash function that pki knows: the national authority stamps
// GOST 34.11-2015.
func (p *PKI) TimestampTokenBy(hash pki.OID, data []byte, at time.Time) ([]byte, error) {
	p.mu.Lock()
	key := p.tsa
	p.mu.Unlock()
	if key == nil {
		return nil, errNoTSA
	}
	newHash, err := pki.NewHash(hash)
	if err != nil {
		return nil, err
	}
	h := newHash()
	h.Write(data)
	return writeToken(key, hash, &timestamp.Request{HashedMessage: h.Sum(nil), Certificates: true}, at)
}

// stamp writes a TimeStampResp (RFC 3161 §2.4.2).
func (p *PKI) stamp(q *timestamp.Request, at time.Time) ([]byte, error) {
	p.mu.Lock()
	key := p.tsa
	p.mu.Unlock()
	if key == nil {
		return nil, errNoTSA
	}
	if national(key.Signer.Public()) {
		hash, ok := imprintHashes[q.HashAlgorithm]
		if !ok {
			return nil, fmt.Errorf("%w: an imprint by %v", pki.ErrUnsupported, q.HashAlgorithm)
		}
		token, err := writeToken(key, hash, q, at)
		if err != nil {
			return nil, err
		}
		var b cryptobyte.Builder
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(0) }) // granted
			b.AddBytes(token)
		})
		return b.Bytes()
	}
	cert, err := x509.ParseCertificate(key.Certificate.Raw)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	if q.Certificates {
		for _, c := range key.Chain {
			x, err := x509.ParseCertificate(c.Raw)
			if err != nil {
				return nil, err
			}
			chain = append(chain, x)
		}
	}
	policy := q.TSAPolicyOID
	if policy == nil {
		policy = policyTSA.ASN1()
	}
	var nonce *big.Int
	if q.Nonce != nil {
		nonce = new(big.Int).Set(q.Nonce)
	}
	t := timestamp.Timestamp{
		HashAlgorithm:     q.HashAlgorithm,
		HashedMessage:     q.HashedMessage,
		Time:              at.UTC().Truncate(time.Second),
		Accuracy:          time.Second,
		Policy:            policy,
		Nonce:             nonce,
		Certificates:      chain,
		AddTSACertificate: q.Certificates,
	}
	return t.CreateResponseWithOpts(cert, key.Signer, crypto.SHA256)
}

var imprintHashes = map[crypto.Hash]pki.OID{
	crypto.SHA1: pki.OIDSHA1, crypto.SHA256: pki.OIDSHA256, crypto.SHA384: pki.OIDSHA384, crypto.SHA512: pki.OIDSHA512,
}

// writeToken writes a TimeStampToken (RFC 3161 §2.4.2) where the library cannot: under a national key, or over a national
// imprint. hash is the imprint's, whatever the request's HashAlgorithm says.
func writeToken(key *pki.Key, hash pki.OID, q *timestamp.Request, at time.Time) ([]byte, error) {
	serial := make([]byte, 16)
	if _, err := rand.Read(serial); err != nil {
		return nil, err
	}
	policy := policyTSA
	if national(key.Signer.Public()) {
		policy = policyGOSTTSA
	}
	if q.TSAPolicyOID != nil {
		policy = pki.OIDOf(q.TSAPolicyOID)
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		pki.AddOID(b, policy)
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addAlgorithm(b, hash)
			b.AddASN1OctetString(q.HashedMessage)
		})
		b.AddASN1BigInt(serialOf(serial))
		b.AddASN1GeneralizedTime(at.UTC().Truncate(time.Second))
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(1) }) // accuracy: a second
		if q.Nonce != nil {
			b.AddASN1BigInt(q.Nonce)
		}
		explicit := casn1.Tag(0).ContextSpecific().Constructed()
		b.AddASN1(explicit, func(b *cryptobyte.Builder) { // tsa: a directoryName
			b.AddASN1(casn1.Tag(4).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(key.Certificate.Subject.Raw) })
		})
	})
	info, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("testpki: write a time-stamp: %w", err)
	}
	token, err := cms.Sign(context.Background(), cms.SignOptions{ // nothing here waits
		Content: info, ContentType: pki.OIDTSTInfo, SigningTime: at, Key: key.Signer, Certificate: key.Certificate, Chain: key.Chain,
	})
	if err != nil || q.Certificates {
		return token, err
	}
	return WithoutCertificates(token) // RFC 3161 §2.4.1: certificates "MUST NOT be present" where they were not asked for
}

func (p *PKI) serveTSP(w http.ResponseWriter, r *http.Request) {
	if _, down := p.asked("/tsp", "", func(*CA) bool { return p.down.tsa }); down {
		unavailable(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "request too large", http.StatusRequestEntityTooLarge)
		return
	}
	const contentType = "application/timestamp-reply"
	q, err := timestamp.ParseRequest(body)
	if err != nil {
		answer, err := timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadRequest)
		reply(w, contentType, answer, err)
		return
	}
	answer, err := p.stamp(q, p.now())
	if err != nil {
		answer, err = timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.SystemFailure)
	}
	reply(w, contentType, answer, err)
}
