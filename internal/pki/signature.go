// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/dsa" //lint:ignore SA1019 old archives are verified with it; AlgorithmPolicy refuses it by default
	"crypto/ecdsa"
	"crypto/ed25519"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// scheme is the mathematics of a signature algorithm.
type scheme int

const (
	schemeUnknown scheme = iota
	schemeRSA            // RSASSA-PKCS1-v1_5
	schemePSS            // RSASSA-PSS
	schemeECDSA
	schemeDSA
	schemeEd25519
	schemeNational // GOST 34.310-2004, GOST 34.10-2015
)

// gost256Name says what a reader must know: the mathematics is proven on published vectors, the form in certificates on nothing.
const gost256Name = "GOST 34.10-2015-256 (not seen in the wild)"

// signing is what a signature algorithm's OID says: hash is "" where it names none.
type signing struct {
	name   string
	scheme scheme
	hash   OID
	key    OID // national algorithms: the kind of key
}

var signings = map[OID]signing{
	OIDRSA:             {"RSA", schemeRSA, "", ""},
	OIDMD2WithRSA:      {"RSA with MD2", schemeRSA, OIDMD2, ""},
	OIDMD4WithRSA:      {"RSA with MD4", schemeRSA, OIDMD4, ""},
	OIDMD5WithRSA:      {"RSA with MD5", schemeRSA, OIDMD5, ""},
	OIDSHA1WithRSA:     {"RSA with SHA-1", schemeRSA, OIDSHA1, ""},
	OIDSHA1WithRSAISO:  {"RSA with SHA-1", schemeRSA, OIDSHA1, ""},
	OIDSHA224WithRSA:   {"RSA with SHA-224", schemeRSA, OIDSHA224, ""},
	OIDSHA256WithRSA:   {"RSA with SHA-256", schemeRSA, OIDSHA256, ""},
	OIDSHA384WithRSA:   {"RSA with SHA-384", schemeRSA, OIDSHA384, ""},
	OIDSHA512WithRSA:   {"RSA with SHA-512", schemeRSA, OIDSHA512, ""},
	OIDSHA3x224WithRSA: {"RSA with SHA3-224", schemeRSA, OIDSHA3x224, ""},
	OIDSHA3x256WithRSA: {"RSA with SHA3-256", schemeRSA, OIDSHA3x256, ""},
	OIDSHA3x384WithRSA: {"RSA with SHA3-384", schemeRSA, OIDSHA3x384, ""},
	OIDSHA3x512WithRSA: {"RSA with SHA3-512", schemeRSA, OIDSHA3x512, ""},
	OIDRSAPSS:          {"RSASSA-PSS", schemePSS, "", ""},

	OIDEC:                {"ECDSA", schemeECDSA, "", ""},
	OIDECDSAWithSHA1:     {"ECDSA with SHA-1", schemeECDSA, OIDSHA1, ""},
	OIDECDSAWithSHA224:   {"ECDSA with SHA-224", schemeECDSA, OIDSHA224, ""},
	OIDECDSAWithSHA256:   {"ECDSA with SHA-256", schemeECDSA, OIDSHA256, ""},
	OIDECDSAWithSHA384:   {"ECDSA with SHA-384", schemeECDSA, OIDSHA384, ""},
	OIDECDSAWithSHA512:   {"ECDSA with SHA-512", schemeECDSA, OIDSHA512, ""},
	OIDECDSAWithSHA3x224: {"ECDSA with SHA3-224", schemeECDSA, OIDSHA3x224, ""},
	OIDECDSAWithSHA3x256: {"ECDSA with SHA3-256", schemeECDSA, OIDSHA3x256, ""},
	OIDECDSAWithSHA3x384: {"ECDSA with SHA3-384", schemeECDSA, OIDSHA3x384, ""},
	OIDECDSAWithSHA3x512: {"ECDSA with SHA3-512", schemeECDSA, OIDSHA3x512, ""},

	OIDDSA:           {"DSA", schemeDSA, "", ""},
	OIDDSAWithSHA1:   {"DSA with SHA-1", schemeDSA, OIDSHA1, ""},
	OIDDSAWithSHA224: {"DSA with SHA-224", schemeDSA, OIDSHA224, ""},
	OIDDSAWithSHA256: {"DSA with SHA-256", schemeDSA, OIDSHA256, ""},
	OIDDSAWithSHA384: {"DSA with SHA-384", schemeDSA, OIDSHA384, ""},
	OIDDSAWithSHA512: {"DSA with SHA-512", schemeDSA, OIDSHA512, ""},

	OIDEd25519: {"Ed25519", schemeEd25519, "", ""},
	OIDEd448:   {"Ed448", schemeUnknown, "", ""},

	OIDGOST2004Key:     {"GOST 34.310-2004", schemeNational, "", OIDGOST2004Key},
	OIDGOST2004Sign:    {"GOST 34.310-2004", schemeNational, OIDGOST95Hash, OIDGOST2004Key},
	OIDGammaSign:       {"GOST 34.310-2004", schemeNational, OIDGOST95Hash, OIDGOST2004Key},
	OIDGOST2015Key256:  {gost256Name, schemeNational, "", OIDGOST2015Key256},
	OIDGOST2015Key512:  {"GOST 34.10-2015-512", schemeNational, "", OIDGOST2015Key512},
	OIDGOST2015Sign256: {gost256Name, schemeNational, OIDGOST256Hash, OIDGOST2015Key256},
	OIDGOST2015Sign512: {"GOST 34.10-2015-512", schemeNational, OIDGOST512Hash, OIDGOST2015Key512},
}

// AlgorithmName gives the readable name of a key, signature or digest algorithm ("RSA with SHA-256",
// "GOST 34.10-2015-512"); the dotted OID where unknown.
func AlgorithmName(a Algorithm) string {
	if s, ok := signings[a.OID]; ok {
		if s.scheme == schemePSS {
			if p, err := readPSS(a); err == nil {
				return s.name + " with " + HashName(p.hash)
			}
		}
		return s.name
	}
	return HashName(a.OID)
}

// SignatureHash is the digest OID that a signature algorithm names ("" where it names none: rsaEncryption, Ed25519).
// ErrUnsupported where the algorithm is not known at all; ErrAlgorithm where RSASSA-PSS parameters cannot be read.
func SignatureHash(a Algorithm) (OID, error) {
	s, ok := signings[a.OID]
	if !ok {
		return "", ErrUnsupported
	}
	if s.scheme != schemePSS {
		return s.hash, nil
	}
	p, err := readPSS(a)
	if err != nil {
		return "", err
	}
	return p.hash, nil
}

// Verify checks sig over message under alg. ErrUnsupported (algorithm not known), ErrSignature (value wrong),
// ErrAlgorithm (parameters or key do not fit the algorithm). Weak algorithms verify: whether they count is AlgorithmPolicy's.
// A plain key algorithm (rsaEncryption, id-ecPublicKey) names no hash and is ErrAlgorithm here: see VerifyDigest.
func (k *PublicKey) Verify(alg Algorithm, message, sig []byte) error {
	s := signings[alg.OID]
	if s.scheme == schemeUnknown {
		return ErrUnsupported
	}
	if s.scheme == schemeEd25519 { // RFC 8410 §3: parameters MUST be absent
		key, err := keyOf[ed25519.PublicKey](k, OIDEd25519)
		switch {
		case err != nil:
			return err
		case !alg.paramsAbsent():
			return ErrAlgorithm
		case !ed25519.Verify(key, message, sig):
			return ErrSignature
		}
		return nil
	}
	o, err := SignatureHash(alg)
	if err != nil {
		return err
	}
	if o == "" {
		return ErrAlgorithm
	}
	sum, err := Digest(o, message)
	if err != nil {
		return err
	}
	return k.VerifyDigest(alg, o, sum, sig)
}

// VerifyDigest is Verify over a digest already made with h (for streamed content). For a plain key algorithm
// (rsaEncryption, id-ecPublicKey) in alg, h names the hash; otherwise alg's own hash must equal h.
// Ed25519 signs the message itself and is ErrAlgorithm here.
func (k *PublicKey) VerifyDigest(alg Algorithm, h OID, digest, sig []byte) error {
	s := signings[alg.OID]
	if s.scheme == schemeUnknown {
		return ErrUnsupported
	}
	size, err := HashSize(h)
	if err != nil {
		return err
	}
	if s.scheme == schemeEd25519 || len(digest) != size || (s.hash != "" && HashName(s.hash) != HashName(h)) {
		return ErrAlgorithm
	}
	switch s.scheme {
	case schemeNational:
		return k.verifyNational(alg, h, digest, sig)
	case schemeRSA:
		return k.verifyRSA(alg, h, digest, sig)
	case schemePSS:
		return k.verifyPSS(alg, h, digest, sig)
	case schemeECDSA:
		return k.verifyECDSA(alg, digest, sig)
	default:
		return k.verifyDSA(alg, digest, sig)
	}
}

// keyOf takes the key out in its type: ErrUnsupported where this kind of key is not known, ErrAlgorithm where it is of
// another kind than the algorithm or no key at all.
func keyOf[K any](k *PublicKey, kinds ...OID) (K, error) {
	var none K
	if k == nil {
		return none, ErrAlgorithm
	}
	s, ok := signings[k.Algorithm.OID]
	if !ok || s.scheme == schemeUnknown {
		return none, ErrUnsupported
	}
	for _, kind := range kinds {
		if k.Algorithm.OID != kind {
			continue
		}
		if key, ok := k.Key.(K); ok {
			return key, nil
		}
		if kind == OIDEC && k.Key == nil { // a curve that is not supported, or explicit parameters
			return none, ErrUnsupported
		}
		if k.Key == nil && s.scheme == schemeNational && nationalOf(k.Algorithm) == nil { // other parameter sets
			return none, ErrUnsupported
		}
	}
	return none, ErrAlgorithm
}

func (k *PublicKey) verifyECDSA(alg Algorithm, digest, sig []byte) error {
	key, err := keyOf[*ecdsa.PublicKey](k, OIDEC)
	if err != nil {
		return err
	}
	// RFC 5758 §3.2: parameters MUST be absent; with the key's own OID the curve may stand there (RFC 5753 §2.1.1).
	if alg.OID != OIDEC && !alg.paramsAbsent() {
		return ErrAlgorithm
	}
	if !ecdsa.VerifyASN1(key, digest, sig) {
		return ErrSignature
	}
	return nil
}

func (k *PublicKey) verifyDSA(alg Algorithm, digest, sig []byte) error {
	key, err := keyOf[*dsa.PublicKey](k, OIDDSA)
	if err != nil {
		return err
	}
	if key.P == nil || (alg.OID != OIDDSA && !alg.paramsAbsent()) { // RFC 3279 §2.2.2, RFC 5758 §3.1
		return ErrAlgorithm
	}
	var body cryptobyte.String
	r, s, in := new(big.Int), new(big.Int), cryptobyte.String(sig)
	if !in.ReadASN1(&body, casn1.SEQUENCE) || !in.Empty() || !body.ReadASN1Integer(r) || !body.ReadASN1Integer(s) || !body.Empty() {
		return ErrSignature
	}
	if n := (key.Q.BitLen() + 7) / 8; len(digest) > n { // FIPS 186-4 §4.6: the leftmost bits
		digest = digest[:n]
	}
	if !dsa.Verify(key, digest, r, s) {
		return ErrSignature
	}
	return nil
}
