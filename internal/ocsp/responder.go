// SPDX-License-Identifier: Apache-2.0

package ocsp

import (
	"bytes"
	"crypto/sha1" // RFC 6960 §4.2.1: KeyHash is "SHA-1 hash of responder's public key"
	"crypto/sha256"
	"encoding/binary"

	"rastau/internal/pki"
)

// maxSigners bounds the certificates whose key is tried on one response.
const maxSigners = 8

// signer is who made a response's signature.
type signer struct {
	key         *pki.PublicKey
	certificate *pki.Certificate // nil for an authority known by name and key alone
	configured  bool             // trusted by local configuration
	delegated   bool             // neither that nor the authority itself
}

// authority finds who signed the response and whether that one had the right to
// (RFC 6960 §3.2 (2)–(4), §4.2.2.2). Where several certificates fit the
// ResponderID, any that passes is enough.
func (q *Query) authority(r *Response) (signer, *refusal) {
	signers := q.signers(r)
	if len(signers) == 0 {
		return signer{}, q.stranger(r)
	}
	var first signer
	var against *refusal
	for i, s := range signers {
		refused := q.checkSigner(r, s)
		if refused == nil {
			return s, nil
		}
		// The nearest to being right explains best: one whose key made the signature, then one that leaves a doubt.
		if i == 0 || (refused.usable == Undecided && against.usable == No) {
			first, against = s, refused
		}
	}
	return first, against
}

// signers lists those at hand whom the ResponderID names: the authority itself,
// configured responders, then possible delegates.
func (q *Query) signers(r *Response) []signer {
	var out []signer
	named := func(name pki.Name, key *pki.PublicKey) bool {
		if r.ByName != nil {
			return r.ByName.Equal(name)
		}
		sum := sha1.Sum(key.Bits)
		return bytes.Equal(r.ByKey, sum[:])
	}
	if named(q.Issuer.Name, &q.Issuer.Key) {
		own := signer{key: &q.Issuer.Key, certificate: q.Issuer.Certificate}
		for _, c := range r.Certificates {
			if own.certificate == nil && c.PublicKey.Equal(&q.Issuer.Key) {
				own.certificate = c
			}
		}
		out = append(out, own)
	}
	seen := make(map[[32]byte]bool)
	add := func(list []*pki.Certificate, s signer) {
		for _, c := range list {
			if len(out) == maxSigners {
				return
			}
			if c == nil || seen[c.SHA256] || c.PublicKey.Equal(&q.Issuer.Key) || !named(c.Subject, &c.PublicKey) {
				continue
			}
			seen[c.SHA256] = true
			s.key, s.certificate = &c.PublicKey, c
			out = append(out, s)
		}
	}
	add(q.Responders, signer{configured: true})
	add(r.Certificates, signer{delegated: true})
	add(q.Candidates, signer{delegated: true})
	return out
}

// stranger says what to think of a response whose ResponderID names nobody at hand.
func (q *Query) stranger(r *Response) *refusal {
	// Where somebody at hand made the signature all the same, the id is proven wrong.
	keys := []*pki.PublicKey{&q.Issuer.Key}
	for _, c := range r.Certificates {
		if len(keys) < maxSigners {
			keys = append(keys, &c.PublicKey)
		}
	}
	for _, k := range keys {
		if k.Verify(r.Algorithm, r.RawData, r.Signature) == nil {
			return no("RFC 6960 §4.2.2.3", "the responder id does not name the one who signed")
		}
	}
	if n := len(r.Unreadable); n > 0 {
		return undecided("RFC 6960 §4.2.2.2", "the responder's certificate is not at hand; %d embedded in the response cannot be read", n)
	}
	return undecided("RFC 6960 §4.2.2.2", "the responder's certificate is not at hand")
}

// checkSigner asks whether s signed r and was entitled to.
func (q *Query) checkSigner(r *Response, s signer) *refusal {
	if refused := algorithmRefusal("RFC 6960 §3.2 (2)", "the response's signature ("+pki.AlgorithmName(r.Algorithm)+")",
		q.once(s.key, func() error { return s.key.Verify(r.Algorithm, r.RawData, r.Signature) },
			[]byte("response"), []byte(r.Algorithm.OID), r.Algorithm.Params, r.RawData, r.Signature)); refused != nil {
		return refused
	}
	refused := algorithmRefusal("RFC 6960 §3.2 (2)", "the response's signature", q.Algorithms.Accept(r.Algorithm, s.key, q.At))
	switch {
	case s.configured:
		return worst(refused, q.checkValidity(r, s.certificate))
	case s.delegated:
		return worst(refused, q.checkDelegate(r, s.certificate))
	}
	return refused
}

// once proves a signature of key unless Query.Once knows it; parts are all that goes into the proof beside the key.
func (q *Query) once(key *pki.PublicKey, prove func() error, parts ...[]byte) error {
	if q.Once == nil || len(key.Raw) == 0 {
		return prove()
	}
	h := sha256.New()
	for _, part := range append(parts, key.Raw) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write(part)
	}
	return q.Once([32]byte(h.Sum(nil)), prove)
}

// checkDelegate asks whether the authority gave c the right to answer: "the
// certificate … includes a value of id-kp-OCSPSigning in an extended key usage
// extension and is issued by the CA that issued the certificate in question"
// (RFC 6960 §4.2.2.2). Directly, and with the same key.
func (q *Query) checkDelegate(r *Response, c *pki.Certificate) *refusal {
	const citation = "RFC 6960 §4.2.2.2"
	if !c.Issuer.Equal(q.Issuer.Name) {
		return no(citation, "the responder's certificate was not issued by the authority that issued the certificate")
	}
	if refused := algorithmRefusal(citation, "the responder's certificate, under the authority's key",
		q.once(&q.Issuer.Key, func() error { return c.CheckSignatureFrom(&q.Issuer.Key) }, []byte("certificate"), c.Raw)); refused != nil {
		return refused
	}
	switch {
	case !c.HasExtKeyUsage(pki.OIDOCSPSigning): // anyExtendedKeyUsage does not delegate: the purpose must be named
		return no(citation, "the responder's certificate lacks OCSPSigning: the authority did not delegate answering to it")
	case c.HasKeyUsage && c.KeyUsage&(pki.DigitalSignature|pki.NonRepudiation) == 0:
		return no("RFC 5280 §4.2.1.12", "the key usage of the responder's certificate allows no signature")
	case len(c.UnknownCritical) > 0:
		return no("RFC 5280 §4.2", "the responder's certificate carries the critical extension %s, which is not understood", c.UnknownCritical[0])
	}
	return worst(
		algorithmRefusal(citation, "the signature on the responder's certificate", q.Algorithms.Accept(c.Algorithm, &q.Issuer.Key, q.At)),
		q.checkValidity(r, c),
	)
}

// checkValidity asks whether the responder's certificate was valid when it
// signed and is at the time judged (RFC 6960 §3.2 (4): "currently authorized").
func (q *Query) checkValidity(r *Response, c *pki.Certificate) *refusal {
	for _, t := range [...]struct {
		what string
		at   int64
	}{{"when it signed", r.ProducedAt.Unix()}, {"at the time judged", q.At.Unix()}} {
		if t.at < c.NotBefore.Unix() || t.at > c.NotAfter.Unix() {
			return no("RFC 6960 §3.2 (4)", "the responder's certificate was not valid %s", t.what)
		}
	}
	return nil
}
