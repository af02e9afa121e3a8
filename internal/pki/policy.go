// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/dsa" //lint:ignore SA1019 old archives are verified with it; AlgorithmPolicy refuses it by default
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"time"

	"rastau/internal/gost"
)

// AlgorithmPolicy says which algorithms count at a time (ETSI TS 119 312, as data).
type AlgorithmPolicy struct {
	Name string // DefaultAlgorithms, LegacyAlgorithms
}

var (
	// DefaultAlgorithms judges by the tables below. At no time do MD2, MD4, MD5, SHA-1, DSA, RSA under 2048 bits or
	// curves under 256 bits count.
	DefaultAlgorithms = &AlgorithmPolicy{Name: "default"}
	// LegacyAlgorithms lets everything count that can be computed, for old archives and conformance: the mathematics
	// alone. MD2 and MD4 do not count even here.
	LegacyAlgorithms = &AlgorithmPolicy{Name: "legacy"}
)

// WeakError says why an algorithm that is known does not count.
type WeakError struct{ Algorithm, Why string }

func (e *WeakError) Error() string { return e.Algorithm + ": " + e.Why }

// never and always are the ends of what does not count at all and of what has no end in sight.
var (
	never  = time.Time{}
	always = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// endOf is the last second of a year.
func endOf(year int) time.Time { return time.Date(year+1, 1, 1, 0, 0, -1, 0, time.UTC) }

// hashEnds says until when a digest counts. The 112-bit family ends with 2025, as ETSI TS 119 312 has it.
var hashEnds = map[OID]time.Time{
	OIDMD2:        never,
	OIDMD4:        never,
	OIDMD5:        never,
	OIDSHA1:       never,
	OIDSHA224:     endOf(2025),
	OIDSHA512x224: endOf(2025),
	OIDSHA3x224:   endOf(2025),
	OIDSHA256:     always,
	OIDSHA384:     always,
	OIDSHA512:     always,
	OIDSHA512x256: always,
	OIDSHA3x256:   always,
	OIDSHA3x384:   always,
	OIDSHA3x512:   always,

	OIDGOST256Hash: always,
	OIDGOST512Hash: always,
	// GOST 34.311-95 ends with the State's own use of it: the root of 2020 and the authority of state bodies are signed with it
	// until September 2045. The national authority's certificates of that kind ended in 2025.
	OIDGOST95Hash: endOf(2045),
	OIDGammaSign:  endOf(2045),
}

// keyEnds says until when a key of at least that size counts; the first row that fits is taken.
// RSA of 2048 bits is what Kazakhstan's people hold, so its end stands where NIST IR 8547 draws the last line for it.
var keyEnds = []struct {
	kind string
	bits int
	end  time.Time
}{
	{"RSA", 3000, always},
	{"RSA", 2048, endOf(2035)},
	{"RSA", 0, never},
	{"EC", 256, always},
	{"EC", 0, never},
	{"DSA", 0, never},
	{"Ed25519", 0, always},
	{"GOST 34.10-2015", 256, always},
	{"GOST 34.310-2004", 256, endOf(2045)}, // see GOST 34.311-95 above
}

// Accept returns nil, ErrUnsupported, or a *WeakError. alg is a signature or digest algorithm, key the key it is used with;
// key may be nil where only a digest is judged. RSASSA-PSS parameters that cannot be read are ErrAlgorithm.
// The zero time is refused: a time that was forgotten must not pass for one.
func (p *AlgorithmPolicy) Accept(alg Algorithm, key *PublicKey, at time.Time) error {
	if _, ok := digests[alg.OID]; ok {
		if err := p.AcceptHash(alg.OID, at); err != nil {
			return err
		}
		return p.acceptKey(key, at)
	}
	s, ok := signings[alg.OID]
	if !ok || s.scheme == schemeUnknown {
		return ErrUnsupported
	}
	hashes := [2]OID{s.hash}
	if s.scheme == schemePSS {
		params, err := readPSS(alg)
		if err != nil {
			return err
		}
		hashes = [2]OID{params.hash, params.mgfHash}
	}
	for _, h := range hashes {
		if h == "" {
			continue
		}
		if err := p.AcceptHash(h, at); err != nil {
			return err
		}
	}
	if s.scheme == schemeDSA && p != LegacyAlgorithms {
		return &WeakError{s.name, "does not count at any time"}
	}
	return p.acceptKey(key, at)
}

// AcceptHash judges a digest algorithm alone: nil, ErrUnsupported, or a *WeakError.
func (p *AlgorithmPolicy) AcceptHash(h OID, at time.Time) error {
	end, ok := hashEnds[h]
	switch {
	case !ok:
		return ErrUnsupported
	case p == LegacyAlgorithms && digests[h].computable():
		return nil
	}
	return within(digests[h].name, end, at)
}

func (p *AlgorithmPolicy) acceptKey(key *PublicKey, at time.Time) error {
	if key == nil {
		return nil
	}
	kind, bits := keySize(key)
	switch {
	case kind == "":
		return ErrUnsupported
	case p == LegacyAlgorithms:
		return nil
	}
	for _, row := range keyEnds {
		if row.kind == kind && bits >= row.bits {
			if within(kind, row.end, at) == nil {
				return nil
			}
			return within(fmt.Sprintf("%s of %d bits", kind, bits), row.end, at)
		}
	}
	return ErrUnsupported
}

func within(name string, end, at time.Time) error {
	switch {
	case at.IsZero():
		return &WeakError{name, "no time was given to judge it at"}
	case end.IsZero():
		return &WeakError{name, "does not count at any time"}
	case at.After(end):
		return &WeakError{name, "counts until " + end.Format(time.DateOnly)}
	}
	return nil
}

// keySize is "" for a key that is not supported.
func keySize(k *PublicKey) (kind string, bits int) {
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return "RSA", key.N.BitLen()
	case *ecdsa.PublicKey:
		return "EC", key.Curve.Params().BitSize
	case ed25519.PublicKey:
		return "Ed25519", 256
	case *dsa.PublicKey:
		if key.P == nil {
			return "DSA", 0
		}
		return "DSA", key.P.BitLen()
	case *gost.PublicKey:
		if key.Curve() == gost.CryptoProA() {
			return "GOST 34.310-2004", 256
		}
		return "GOST 34.10-2015", 8 * key.Curve().Size()
	}
	return "", 0
}

// Size describes the key for people: "RSA 2048", "EC 256"; the algorithm's name alone where the key is not supported.
func (k *PublicKey) Size() string {
	kind, bits := keySize(k)
	switch kind {
	case "", "GOST 34.310-2004", "GOST 34.10-2015": // the algorithm's name holds the size
		return AlgorithmName(k.Algorithm)
	case "Ed25519":
		return kind
	}
	return fmt.Sprintf("%s %d", kind, bits)
}
