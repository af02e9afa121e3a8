// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"bytes"
	"sync"

	"rastau/internal/pki"
)

// SignedData is a parsed SignedData (RFC 5652 §5.1). It is immutable and safe for
// concurrent use; its slices share memory with what was parsed.
type SignedData struct {
	Raw          []byte // DER as judged (BER input is brought to DER)
	Version      int
	ContentType  pki.OID // eContentType
	Content      []byte  // nil and Detached where absent; chunked content joined
	Detached     bool
	Certificates []*pki.Certificate
	Unreadable   [][]byte // certificates that could not be read
	CRLs         [][]byte // embedded lists, DER
	OCSPs        [][]byte // embedded OCSP responses (RFC 5940), DER
	Signers      []*Signer

	// every element of certificates and of crls, whatever it is, as parsed
	certificateSet, revocationSet [][]byte
	// contents of the SignedData SEQUENCE before signerInfos, as parsed
	head []byte

	// digests of attached content, each made once for all signers
	mu      sync.Mutex
	content Digests
}

// WithoutContent is the same message with its content taken out: detached.
func (sd *SignedData) WithoutContent() *SignedData {
	return &SignedData{
		Raw: sd.Raw, Version: sd.Version, ContentType: sd.ContentType, Detached: true, Certificates: sd.Certificates,
		Unreadable: sd.Unreadable, CRLs: sd.CRLs, OCSPs: sd.OCSPs, Signers: sd.Signers,
		certificateSet: sd.certificateSet, revocationSet: sd.revocationSet, head: sd.head,
	}
}

// SignerCertificate finds the certificate that the SignerInfo names, among the
// message's own and then in extra; nil where absent. Where several bear the same
// name and serial, the one that the signing-certificate attribute identifies is
// taken: anyone can add a decoy to the certificates, which are not signed.
func (sd *SignedData) SignerCertificate(s *Signer, extra []*pki.Certificate) *pki.Certificate {
	var first *pki.Certificate
	refs := s.references()
	for _, bag := range [][]*pki.Certificate{sd.Certificates, extra} {
		for _, c := range bag {
			if !s.names(c) {
				continue
			}
			if len(refs) > 0 {
				if ok, err := refs[0].Matches(c); err == nil && ok {
					return c
				}
			}
			if first == nil {
				first = c
			}
		}
	}
	return first
}

// names says whether c is the certificate that the signer identifier means
// (RFC 5652 §5.3: issuerAndSerialNumber or subjectKeyIdentifier).
func (s *Signer) names(c *pki.Certificate) bool {
	if s.SubjectKeyID != nil {
		return len(s.SubjectKeyID) > 0 && bytes.Equal(s.SubjectKeyID, c.SubjectKeyID)
	}
	return sameInteger(s.SerialBytes, c.SerialBytes) && s.Issuer.Equal(c.Issuer)
}

// sameInteger compares the contents of two INTEGERs as numbers, whatever padding
// an encoder left in front.
func sameInteger(a, b []byte) bool {
	return bytes.Equal(minimal(a), minimal(b))
}

func minimal(i []byte) []byte {
	for len(i) > 1 && (i[0] == 0 && i[1] < 0x80 || i[0] == 0xff && i[1] >= 0x80) {
		i = i[1:]
	}
	return i
}
