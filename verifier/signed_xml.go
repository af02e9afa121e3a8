// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"errors"

	"rastau/internal/pki"
	"rastau/internal/xmldsig"
)

// signedXML looks at the newest signature: intact, by that certificate, over the whole document that was to be signed, or
// over the body of the message.
func (in *inquiry) signedXML(kind string, signed, content []byte, certificate *pki.Certificate) error {
	doc, err := xmldsig.Parse(signed, xmldsig.Limits{Bytes: int(in.v.o.Limits.Document)})
	if err != nil {
		return err
	}
	defer doc.Close()
	all := doc.Signatures()
	if len(all) == 0 {
		return errors.New("no signature")
	}
	x := all[len(all)-1]
	if x.Problem != nil {
		return x.Problem
	}
	one := in.xmlSignature(x)
	switch intact := one.intact(); {
	case one.cert == nil || !bytes.Equal(one.cert.Raw, certificate.Raw):
		return errors.New("signed by another certificate")
	case intact == nil || !*intact || one.checked.Reference != nil:
		return errors.New("the signed elements are not those intended")
	case kind == "wsse" && !one.scope.Body, kind != "wsse" && !one.scope.Whole:
		return errors.New("the signature does not cover what was to be signed")
	case kind == "xades" && (x.Properties == nil || !x.Properties.Signed || len(x.Properties.References) == 0):
		return errors.New("the signing-certificate property is missing")
	case kind == "wsse":
		return nil
	}
	have, err := x.Content(x.References[0])
	if err != nil {
		return err
	}
	want, err := xmldsig.Canonical(content)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return errors.New("another document was signed")
	}
	return nil
}
