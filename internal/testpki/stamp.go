// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"crypto"
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

	"rastau/internal/pki"
)

// policyTSA is the National Certification Authority's time-stamping policy for RSA with SHA-256.
const policyTSA pki.OID = "1.2.398.3.3.2.6.2"

var errNoTSA = errors.New("testpki: NewTSA was not called")

// TimestampToken makes a token over data at a stated time with the PKI's TSA.
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

// stamp writes a TimeStampResp (RFC 3161 §2.4.2).
func (p *PKI) stamp(q *timestamp.Request, at time.Time) ([]byte, error) {
	p.mu.Lock()
	key := p.tsa
	p.mu.Unlock()
	if key == nil {
		return nil, errNoTSA
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
