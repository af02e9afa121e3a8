// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"context"

	"rastau/internal/xmldsig"
)

// The one form in which a package is signed as XML: an element whose text is the canonical package, and signatures.
const (
	packageNamespace = "urn:rastau:package"
	packageElement   = "package"
)

// signedXML says whether the submission is XML, and whether it is that element with exactly this package. That every signature
// covers the whole document is the verdict's.
func signedXML(submitted, pkg []byte) (xml, same bool) {
	if !bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(submitted, []byte("\xef\xbb\xbf")), " \t\r\n"), []byte("<")) {
		return false, false
	}
	d, err := xmldsig.Parse(submitted, xmldsig.Limits{Bytes: maxSignature})
	if err != nil {
		return true, false
	}
	defer d.Close()
	text, err := d.Text(packageNamespace, packageElement)
	return true, err == nil && bytes.Equal(text, pkg)
}

// stampXML proves when the signed document existed: a token over all of its octets, kept beside it. A property inside would
// change what later signatures cover.
func (s *Service) stampXML(ctx context.Context, submitted []byte) ([]byte, error) {
	if s.o.Stamper == nil {
		return nil, nil
	}
	return s.o.Stamper.Stamp(ctx, submitted)
}
