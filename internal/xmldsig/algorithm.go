// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// Names of algorithms (XMLDSig 1.1 §6, RFC 9231, and those of Kazakhstan's own libraries).
const (
	xmldsig     = "http://www.w3.org/2000/09/xmldsig#"
	more2001    = "http://www.w3.org/2001/04/xmldsig-more#"
	more2007    = "http://www.w3.org/2007/05/xmldsig-more#"
	xmldsig11   = "http://www.w3.org/2009/xmldsig11#"
	encryption  = "http://www.w3.org/2001/04/xmlenc#"
	national    = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"
	enveloped   = xmldsig + "enveloped-signature"
	base64URI   = xmldsig + "base64"
	xpathURI    = "http://www.w3.org/TR/1999/REC-xpath-19991116"
	pssWithArgs = more2007 + "rsa-pss"
)

var digests = map[string]pki.OID{
	xmldsig + "sha1":               pki.OIDSHA1,
	more2001 + "sha224":            pki.OIDSHA224,
	encryption + "sha256":          pki.OIDSHA256,
	more2001 + "sha384":            pki.OIDSHA384,
	encryption + "sha512":          pki.OIDSHA512,
	more2007 + "sha3-224":          pki.OIDSHA3x224,
	more2007 + "sha3-256":          pki.OIDSHA3x256,
	more2007 + "sha3-384":          pki.OIDSHA3x384,
	more2007 + "sha3-512":          pki.OIDSHA3x512,
	more2001 + "md5":               pki.OIDMD5,
	more2001 + "gost34311":         pki.OIDGOST95Hash,
	national + "gostr34112015-256": pki.OIDGOST256Hash,
	national + "gostr34112015-512": pki.OIDGOST512Hash,
	national + "gost34311":         pki.OIDGOST95Hash,
}

// signatures without parameters. Those of ECDSA and DSA are written r||s in XML (XMLDSig 1.1 §6.4).
var signatureMethods = map[string]pki.OID{
	more2001 + "rsa-md5":    pki.OIDMD5WithRSA,
	xmldsig + "rsa-sha1":    pki.OIDSHA1WithRSA,
	more2001 + "rsa-sha224": pki.OIDSHA224WithRSA,
	more2001 + "rsa-sha256": pki.OIDSHA256WithRSA,
	more2001 + "rsa-sha384": pki.OIDSHA384WithRSA,
	more2001 + "rsa-sha512": pki.OIDSHA512WithRSA,

	more2001 + "ecdsa-sha1":   pki.OIDECDSAWithSHA1,
	more2001 + "ecdsa-sha224": pki.OIDECDSAWithSHA224,
	more2001 + "ecdsa-sha256": pki.OIDECDSAWithSHA256,
	more2001 + "ecdsa-sha384": pki.OIDECDSAWithSHA384,
	more2001 + "ecdsa-sha512": pki.OIDECDSAWithSHA512,

	xmldsig + "dsa-sha1":     pki.OIDDSAWithSHA1,
	xmldsig11 + "dsa-sha256": pki.OIDDSAWithSHA256,

	more2001 + "gost34310-gost34311":                       pki.OIDGOST2004Sign,
	national + "gost34310-gost34311":                       pki.OIDGOST2004Sign,
	national + "gostr34102015-gostr34112015-256":           pki.OIDGOST2015Sign256,
	national + "gostr34102015-gostr34112015-512":           pki.OIDGOST2015Sign512,
	"http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519": pki.OIDEd25519,
}

// pssMethods name the hash; the mask is the same and the salt as long (RFC 9231 §2.3.10).
var pssMethods = map[string]pki.OID{
	more2007 + "sha1-rsa-MGF1":   pki.OIDSHA1,
	more2007 + "sha224-rsa-MGF1": pki.OIDSHA224,
	more2007 + "sha256-rsa-MGF1": pki.OIDSHA256,
	more2007 + "sha384-rsa-MGF1": pki.OIDSHA384,
	more2007 + "sha512-rsa-MGF1": pki.OIDSHA512,
}

// algorithm reads a SignatureMethod. An algorithm that is not known gives its URI as name and pki.ErrUnsupported later.
func algorithm(e *element) (pki.Algorithm, error) {
	uri, _ := e.attr("Algorithm")
	if o, ok := signatureMethods[uri]; ok {
		if len(e.children) > 0 {
			return pki.Algorithm{}, structure("SignatureMethod has parameters that its algorithm does not know")
		}
		return pki.NewAlgorithm(o, nil)
	}
	if hash, ok := pssMethods[uri]; ok {
		size, err := pki.HashSize(hash)
		if err != nil {
			return pki.Algorithm{}, err
		}
		return pss(hash, hash, size)
	}
	if uri == pssWithArgs {
		return pssArguments(e)
	}
	if strings.HasPrefix(uri, xmldsig+"hmac-") || strings.HasPrefix(uri, more2001+"hmac-") {
		return pki.Algorithm{OID: pki.OID(uri)}, ErrSymmetric
	}
	return pki.Algorithm{OID: pki.OID(uri)}, pki.ErrUnsupported
}

// pssArguments reads RSAPSSParams (RFC 9231 §2.3.9).
func pssArguments(e *element) (pki.Algorithm, error) {
	hash, mask, salt := pki.OIDSHA256, pki.OID(""), -1
	if p := e.child(more2007, "RSAPSSParams"); p != nil {
		for _, c := range p.children {
			uri, _ := c.attr("Algorithm")
			switch {
			case c.uri == xmldsig && c.local == "DigestMethod":
				hash = digests[uri]
			case c.local == "MaskGenerationFunction":
				mask = hash
				if m := c.child(xmldsig, "DigestMethod"); m != nil {
					uri, _ = m.attr("Algorithm")
					mask = digests[uri]
				}
			case c.local == "SaltLength":
				text, err := c.simple()
				if err != nil {
					return pki.Algorithm{}, err
				}
				if salt, err = strconv.Atoi(string(text)); err != nil || salt < 0 || salt > 2048 {
					return pki.Algorithm{}, structure("SaltLength")
				}
			case c.local == "TrailerField":
				if text, err := c.simple(); err != nil || string(text) != "1" {
					return pki.Algorithm{}, structure("TrailerField")
				}
			default:
				return pki.Algorithm{}, structure("RSAPSSParams holds %s", c.local)
			}
		}
	}
	if mask == "" {
		mask = hash
	}
	size, err := pki.HashSize(hash)
	if err != nil {
		return pki.Algorithm{OID: pssWithArgs}, err
	}
	if salt < 0 {
		salt = size
	}
	return pss(hash, mask, salt)
}

// pss is RSASSA-PSS with its parameters (RFC 4055 §3.1).
func pss(hash, mask pki.OID, salt int) (pki.Algorithm, error) {
	var b cryptobyte.Builder
	named := func(b *cryptobyte.Builder, o pki.OID) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			pki.AddOID(b, o)
			b.AddASN1NULL()
		})
	}
	tag := func(n uint8) asn1.Tag { return asn1.Tag(n).Constructed().ContextSpecific() }
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(tag(0), func(b *cryptobyte.Builder) { named(b, hash) })
		b.AddASN1(tag(1), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				pki.AddOID(b, pki.OIDMGF1)
				named(b, mask)
			})
		})
		b.AddASN1(tag(2), func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(salt)) })
	})
	der, err := b.Bytes()
	if err != nil {
		return pki.Algorithm{}, err
	}
	return pki.NewAlgorithm(pki.OIDRSAPSS, der)
}
