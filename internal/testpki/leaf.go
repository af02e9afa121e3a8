// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// Leaf describes a certificate to issue. Zero fields take sensible values;
// IIN and BIN stand only where given.
type Leaf struct {
	CommonName, Surname, Patronymic string    // a sample person where CommonName is empty
	IIN, BIN, Organization, Email   string    // numbers without their prefix
	RawSubject                      []byte    // DER of the name, instead of the fields
	NotBefore, NotAfter             time.Time // default: an hour ago, a year from then
	Auth                            bool      // authentication: clientAuth, digitalSignature+keyEncipherment; default signing: emailProtection, digitalSignature+nonRepudiation
	Roles                           []pki.OID // further extended key usages
	NoOCSP, NoCRL                   bool      // leave out the address
	OCSPSigning, NoCheck            bool
	KeyUsage                        pki.KeyUsage // overrides
	ExtKeyUsage                     []pki.OID    // overrides
	Critical                        []pki.OID    // adds unknown critical extensions
}

const (
	policyLeaf  pki.OID = "1.2.398.3.3.2"     // the National Certification Authority's policy
	storageFile pki.OID = "1.2.398.3.3.5.1.1" // the holder's key is kept in a PKCS#12 file
)

// Issue makes a key and its certificate. The key's chain leads up to, and leaves
// out, the root; it does not repeat the certificate itself.
func (c *CA) Issue(l Leaf) (*pki.Key, error) {
	key, err := c.pki.newKey()
	if err != nil {
		return nil, err
	}
	keyID, err := keyIdentifier(key.Public())
	if err != nil {
		return nil, err
	}
	if l.KeyUsage == 0 && !l.Auth && !l.OCSPSigning && national(key.Public()) { // as the national authority has it
		l.KeyUsage = pki.DigitalSignature | pki.NonRepudiation | pki.KeyAgreement
	}
	template, err := c.template(l, keyID)
	if err != nil {
		return nil, err
	}
	der, err := CreateCertificate(template, c.x509, key.Public(), c.Key)
	if err != nil {
		return nil, fmt.Errorf("testpki: issue a leaf: %w", err)
	}
	cert, err := pki.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	c.remember(cert.Serial)
	k := &pki.Key{Signer: key, Certificate: cert}
	for ca := c; ca.parent != nil; ca = ca.parent {
		k.Chain = append(k.Chain, ca.Certificate)
	}
	return k, nil
}

func (c *CA) template(l Leaf, keyID []byte) (*x509.Certificate, error) {
	subject := l.RawSubject
	if subject == nil {
		var err error
		if subject, err = encodeName(l.attributes()); err != nil {
			return nil, err
		}
	}
	if l.NotBefore.IsZero() {
		l.NotBefore = c.pki.now().Add(-time.Hour)
	}
	if l.NotAfter.IsZero() {
		l.NotAfter = l.NotBefore.AddDate(1, 0, 0)
	}
	policy, err := x509.ParseOID(string(policyLeaf))
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serialOf(keyID),
		RawSubject:   subject,
		NotBefore:    l.NotBefore,
		NotAfter:     l.NotAfter,
		SubjectKeyId: keyID,
		KeyUsage:     x509.KeyUsage(l.usage()), // the same bits in the same order
		Policies:     []x509.OID{policy},
	}
	if l.Email != "" {
		t.EmailAddresses = []string{l.Email}
	}
	purposes, err := extKeyUsage(l.purposes())
	if err != nil {
		return nil, err
	}
	t.ExtraExtensions = append(t.ExtraExtensions, purposes)
	if !l.OCSPSigning && !slices.Contains(l.ExtKeyUsage, pki.OIDTimeStamping) {
		storage, err := sequenceOfOIDs(storageFile)
		if err != nil {
			return nil, err
		}
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: pki.OIDKZKeyStorage.ASN1(), Value: storage})
	}
	if l.NoCheck { // RFC 6960 §4.2.2.2.1: the value is NULL
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: pki.OIDOCSPNoCheck.ASN1(), Value: []byte{5, 0}})
	}
	for _, o := range l.Critical {
		id := o.ASN1()
		if id == nil {
			return nil, fmt.Errorf("testpki: %q is no object identifier", o)
		}
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: id, Critical: true, Value: []byte{5, 0}})
	}
	c.addresses(t, l.NoCRL, l.NoOCSP)
	return t, nil
}

// attributes gives the name in the order that the National Certification Authority writes.
func (l Leaf) attributes() []attribute {
	if l.CommonName == "" {
		l.CommonName, l.Surname, l.Patronymic = "СЫНАҚОВА ҰЛБОСЫН", "СЫНАҚОВА", "ҚАЙРАТҚЫЗЫ"
	}
	out := []attribute{{pki.OIDCommonName, l.CommonName}}
	add := func(t pki.OID, prefix, value string) {
		if value != "" {
			out = append(out, attribute{t, prefix + value})
		}
	}
	add(pki.OIDSurname, "", l.Surname)
	add(pki.OIDSerialNumber, "IIN", l.IIN)
	add(pki.OIDCountry, "", "KZ")
	add(pki.OIDOrganization, "", l.Organization)
	add(pki.OIDOrganizationalUnit, "BIN", l.BIN)
	add(pki.OIDGivenName, "", l.Patronymic) // in this profile GN holds the patronymic
	add(pki.OIDEmailAddress, "", l.Email)
	return out
}

func (l Leaf) usage() pki.KeyUsage {
	switch {
	case l.KeyUsage != 0:
		return l.KeyUsage
	case l.OCSPSigning:
		return pki.DigitalSignature
	case l.Auth:
		return pki.DigitalSignature | pki.KeyEncipherment
	}
	return pki.DigitalSignature | pki.NonRepudiation
}

func (l Leaf) purposes() []pki.OID {
	if l.ExtKeyUsage != nil {
		return l.ExtKeyUsage
	}
	if l.OCSPSigning {
		return append([]pki.OID{pki.OIDOCSPSigning}, l.Roles...)
	}
	out := []pki.OID{pki.OIDEmailProtection}
	if l.Auth {
		out[0] = pki.OIDClientAuth
	}
	if l.BIN != "" || l.Organization != "" {
		out = append(out, pki.OIDRoleLegal)
	} else {
		out = append(out, pki.OIDRoleIndividual)
	}
	for _, r := range l.Roles {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// extKeyUsage is critical where timeStamping stands in it (RFC 3161 §2.3).
func extKeyUsage(purposes []pki.OID) (pkix.Extension, error) {
	value, err := sequenceOfOIDs(purposes...)
	return pkix.Extension{
		Id:       pki.OIDExtKeyUsage.ASN1(),
		Critical: slices.Contains(purposes, pki.OIDTimeStamping),
		Value:    value,
	}, err
}

func sequenceOfOIDs(oids ...pki.OID) ([]byte, error) {
	if len(oids) == 0 {
		return nil, errors.New("testpki: an empty list of purposes cannot be encoded")
	}
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, o := range oids {
			pki.AddOID(b, o)
		}
	})
	return b.Bytes()
}

// attribute is one relative name of its own.
type attribute struct {
	kind  pki.OID
	value string
}

// encodeName writes UTF8String but for the attributes that X.520 gives another
// type: serialNumber and country PrintableString, e-mail IA5String.
func encodeName(attrs []attribute) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, a := range attrs {
			tag := casn1.UTF8String
			switch a.kind {
			case pki.OIDSerialNumber, pki.OIDCountry:
				tag = casn1.PrintableString
			case pki.OIDEmailAddress:
				tag = casn1.IA5String
			}
			b.AddASN1(casn1.SET, func(b *cryptobyte.Builder) {
				b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
					pki.AddOID(b, a.kind)
					b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.value)) })
				})
			})
		}
	})
	return b.Bytes()
}
