// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Algorithm is an AlgorithmIdentifier.
type Algorithm struct {
	OID    OID
	Params []byte // DER of the parameters, nil where absent
	Raw    []byte // DER of the whole AlgorithmIdentifier
}

var derNull = []byte{5, 0}

// NewAlgorithm makes an AlgorithmIdentifier of an OID and the DER of its parameters (nil: absent).
func NewAlgorithm(o OID, params []byte) (Algorithm, error) {
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		AddOID(b, o)
		b.AddBytes(params)
	})
	raw, err := b.Bytes()
	if err != nil {
		return Algorithm{}, err
	}
	s := cryptobyte.String(raw)
	return ReadAlgorithm(&s)
}

// ReadAlgorithm takes one AlgorithmIdentifier off s (RFC 5280 §4.1.1.2).
func ReadAlgorithm(s *cryptobyte.String) (Algorithm, error) {
	var raw, body cryptobyte.String
	if !s.ReadASN1Element(&raw, casn1.SEQUENCE) {
		return Algorithm{}, malformed("algorithm identifier")
	}
	in := raw
	in.ReadASN1(&body, casn1.SEQUENCE)
	o, err := ReadOID(&body)
	if err != nil {
		return Algorithm{}, err
	}
	a := Algorithm{OID: o, Raw: raw}
	if !body.Empty() {
		var params cryptobyte.String
		var tag casn1.Tag
		if !body.ReadAnyASN1Element(&params, &tag) || !body.Empty() {
			return Algorithm{}, malformed("parameters of algorithm %s", o)
		}
		a.Params = params
	}
	return a, nil
}

// Equal reports whether both name the same algorithm with the same parameters; NULL and absent parameters count as one,
// because lists of Kazakhstan's authority carry both forms side by side (RFC 4055 §2.1 has both read alike).
func (a Algorithm) Equal(b Algorithm) bool {
	return a.OID == b.OID && bytes.Equal(a.significant(), b.significant())
}

func (a Algorithm) significant() []byte {
	if bytes.Equal(a.Params, derNull) {
		return nil
	}
	return a.Params
}

func (a Algorithm) paramsAbsent() bool       { return len(a.Params) == 0 }
func (a Algorithm) paramsAbsentOrNull() bool { return len(a.significant()) == 0 }
