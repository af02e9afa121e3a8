// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"bytes"
	"errors"
	"fmt"

	"rastau/internal/pki"
)

// Check is what the mathematics of one SignerInfo says. A nil error holds, or the
// statement is not in the message.
type Check struct {
	Attributes error // *AttributeError: contentType/messageDigest missing, doubled, malformed, contentType ≠ eContentType, attributes absent where required …
	DER        error // ErrNotDER: the mathematics may hold, policy refuses
	Algorithm  error // pki.ErrUnsupported, pki.ErrAlgorithm, ErrMismatch: nothing could be computed or the combination is refused
	Digest     error // ErrDigest: messageDigest differs from the content's
	Content    error // ErrNoContent: detached content not given
	Value      error // pki.ErrSignature: signature value wrong; ErrNoCertificate: no key to check it with
	Reference  error // ErrReference: ESS hash names another certificate
}

// Intact says whether what is shown is what was signed: true where attributes,
// digest and value hold, false where one is wrong, nil where it could not be
// computed. It says nothing about whose signature it is: DER and Reference are policy's.
func (c Check) Intact() *bool {
	wrong, right := false, true
	switch {
	case c.Attributes != nil, c.Digest != nil,
		c.Value != nil && !errors.Is(c.Value, ErrNoCertificate):
		return &wrong
	case c.Algorithm != nil, c.Content != nil, c.Value != nil:
		return nil
	}
	return &right
}

// Verify checks s against cert's key and the content: the attributes that RFC 5652
// §5.3 requires, the agreement of the algorithms, the content's digest, the signature
// value (§5.4, §5.6) and the certificate reference. d is needed for detached content
// only; attached content is digested from the message whatever d says. A nil cert
// leaves the value unchecked. It never judges trust, time or algorithm strength.
func (sd *SignedData) Verify(s *Signer, cert *pki.Certificate, d Digests) Check {
	c := Check{
		Attributes: sd.checkAttributes(s, d),
		Algorithm:  s.checkAlgorithms(),
		Reference:  s.checkReference(cert),
	}
	if !s.SignedAttrsDER {
		c.DER = ErrNotDER
	}
	digest, err := sd.contentDigest(s.DigestAlgorithm.OID, d)
	switch {
	case errors.Is(err, ErrNoContent):
		c.Content = err
	case err != nil:
		c.refuse(err)
	}
	if s.SignedAttrs == nil {
		s.checkBare(&c, cert, digest, sd.Content)
		return c
	}
	s.checkDigest(&c, digest)
	s.checkValue(&c, cert)
	return c
}

// VerifyCounter checks a countersignature over its parent's signature value
// (RFC 5652 §11.4): the message is the contents octets of that value, and there is
// no contentType among the attributes.
func (sd *SignedData) VerifyCounter(parent, s *Signer, cert *pki.Certificate) Check {
	c := Check{
		Attributes: s.checkCounterAttributes(),
		Algorithm:  s.checkAlgorithms(),
		Reference:  s.checkReference(cert),
	}
	if !s.SignedAttrsDER {
		c.DER = ErrNotDER
	}
	var digest []byte
	if sum, err := pki.Digest(s.DigestAlgorithm.OID, parent.Signature); err != nil {
		c.refuse(err)
	} else {
		digest = sum
	}
	if s.SignedAttrs == nil {
		s.checkBare(&c, cert, digest, parent.Signature)
		return c
	}
	s.checkDigest(&c, digest)
	s.checkValue(&c, cert)
	return c
}

// refuse records the first reason why the algorithms give no answer.
func (c *Check) refuse(err error) {
	if c.Algorithm == nil {
		c.Algorithm = err
	}
}

// record files what verifying the value said.
func (c *Check) record(err error) {
	switch {
	case err == nil:
	case errors.Is(err, pki.ErrUnsupported), errors.Is(err, pki.ErrAlgorithm):
		c.refuse(err)
	default:
		c.Value = err
	}
}

// checkDigest compares the messageDigest attribute. Where that is not one readable
// value, checkAttributes has said so.
func (s *Signer) checkDigest(c *Check, digest []byte) {
	values, count := s.Attr(pki.OIDMessageDigest)
	if digest == nil || count != 1 || len(values) != 1 {
		return
	}
	if stated, ok := octets(values[0]); ok && !bytes.Equal(stated, digest) {
		c.Digest = ErrDigest
	}
}

// checkValue checks the signature over the DER form of the signed attributes.
func (s *Signer) checkValue(c *Check, cert *pki.Certificate) {
	if cert == nil {
		c.Value = ErrNoCertificate
		return
	}
	if c.Algorithm != nil {
		return
	}
	c.record(s.verifyOver(s.signedAttrsSet, &cert.PublicKey))
}

func (s *Signer) verifyOver(attrs []byte, key *pki.PublicKey) error {
	algorithm := s.SignatureAlgorithm
	named, err := pki.SignatureHash(algorithm)
	if err != nil {
		return err
	}
	// RFC 5758 §3.2 wants the parameters of ECDSA absent. Programs that write NULL there
	// mean the same; nothing that is signed depends on it.
	if named != "" && key.Algorithm.OID == pki.OIDEC && bytes.Equal(algorithm.Params, derNull) {
		algorithm.Params = nil
	}
	if named != "" || signsWhole(algorithm.OID) {
		return key.Verify(algorithm, attrs, s.Signature)
	}
	// rsaEncryption, id-ecPublicKey, id-dsa: the hash is digestAlgorithm's (RFC 3370 §3.2).
	sum, err := pki.Digest(s.DigestAlgorithm.OID, attrs)
	if err != nil {
		return err
	}
	return key.VerifyDigest(algorithm, s.DigestAlgorithm.OID, sum, s.Signature)
}

// checkBare checks a signature made over the content itself, without signed attributes.
func (s *Signer) checkBare(c *Check, cert *pki.Certificate, digest, content []byte) {
	if cert == nil {
		c.Value = ErrNoCertificate
		return
	}
	if c.Algorithm != nil || digest == nil {
		return
	}
	key := &cert.PublicKey
	if !signsWhole(s.SignatureAlgorithm.OID) {
		c.record(key.VerifyDigest(s.SignatureAlgorithm, s.DigestAlgorithm.OID, digest, s.Signature))
		return
	}
	if content == nil {
		c.refuse(fmt.Errorf("%w: %s over detached content without signed attributes",
			pki.ErrUnsupported, pki.AlgorithmName(s.SignatureAlgorithm)))
		return
	}
	c.record(key.Verify(s.SignatureAlgorithm, content, s.Signature))
}

// signsWhole names the algorithms that take the message and no digest of it (RFC 8419 §3).
func signsWhole(o pki.OID) bool { return o == pki.OIDEd25519 || o == pki.OIDEd448 }

// checkAlgorithms holds the two algorithms against each other. RFC 5652 §5.3 and §5.4
// know one hash for the content and for the attributes, digestAlgorithm's. A signature
// algorithm that names another contradicts the message: a strong name would cover a
// weak digest. RSASSA-PSS is no exception, though its parameters can name any hash.
func (s *Signer) checkAlgorithms() error {
	if _, err := pki.NewHash(s.DigestAlgorithm.OID); err != nil {
		return err
	}
	named, err := pki.SignatureHash(s.SignatureAlgorithm)
	if err != nil {
		return err
	}
	if named != "" && named != s.DigestAlgorithm.OID {
		return fmt.Errorf("%w: %s and %s", ErrMismatch,
			pki.HashName(s.DigestAlgorithm.OID), pki.AlgorithmName(s.SignatureAlgorithm))
	}
	return s.checkProtection()
}

// checkReference holds every signing-certificate attribute against cert. Its absence
// is left to the policy of the level that is asked for.
func (s *Signer) checkReference(cert *pki.Certificate) error {
	if cert == nil {
		return nil
	}
	for _, e := range s.references() {
		if !e.Valid {
			return fmt.Errorf("%w: the attribute is malformed", ErrReference)
		}
		ok, err := e.Matches(cert)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrReference, err)
		}
		if !ok {
			return ErrReference
		}
	}
	return nil
}
