// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var errJoin = errors.New("not a SignedData as expected")

// joinSignatures puts the certificates and signers of two SignedData with the
// same attached content into one (RFC 5652 §5.1).
func joinSignatures(a, b []byte) ([]byte, error) {
	x, err := open(a)
	if err != nil {
		return nil, err
	}
	y, err := open(b)
	if err != nil {
		return nil, err
	}
	var out cryptobyte.Builder
	out.AddASN1(asn1.SEQUENCE, func(out *cryptobyte.Builder) {
		out.AddBytes(x.oid)
		out.AddASN1(context0, func(out *cryptobyte.Builder) {
			out.AddASN1(asn1.SEQUENCE, func(out *cryptobyte.Builder) {
				out.AddBytes(x.version)
				out.AddBytes(x.digests)
				out.AddBytes(x.content)
				out.AddASN1(context0, func(out *cryptobyte.Builder) { out.AddBytes(x.certificates); out.AddBytes(y.certificates) })
				out.AddASN1(asn1.SET, func(out *cryptobyte.Builder) { out.AddBytes(x.signers); out.AddBytes(y.signers) })
			})
		})
	})
	return out.Bytes()
}

var context0 = asn1.Tag(0).ContextSpecific().Constructed()

type parts struct{ oid, version, digests, content, certificates, signers cryptobyte.String }

func open(der []byte) (p parts, err error) {
	s := cryptobyte.String(der)
	var outer, explicit, sd cryptobyte.String
	if !s.ReadASN1(&outer, asn1.SEQUENCE) || !outer.ReadASN1Element(&p.oid, asn1.OBJECT_IDENTIFIER) || !outer.ReadASN1(&explicit, context0) ||
		!explicit.ReadASN1(&sd, asn1.SEQUENCE) || !sd.ReadASN1Element(&p.version, asn1.INTEGER) || !sd.ReadASN1Element(&p.digests, asn1.SET) ||
		!sd.ReadASN1Element(&p.content, asn1.SEQUENCE) || !sd.ReadASN1(&p.certificates, context0) || !sd.ReadASN1(&p.signers, asn1.SET) {
		return p, errJoin
	}
	return p, nil
}
