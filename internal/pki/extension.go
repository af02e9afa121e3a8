// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"math"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/ber"
)

// Bounds on what one certificate may list.
const (
	maxExtensions = 64
	maxPurposes   = 128
	maxPolicies   = 256
	maxSubtrees   = 512
	maxAccess     = 128
)

// Extension is one extension as encoded.
type Extension struct {
	OID      OID
	Critical bool
	Value    []byte // contents of the OCTET STRING
}

// KeyUsage is the set of uses of RFC 5280 §4.2.1.3.
type KeyUsage uint16

// The bits of KeyUsage.
const (
	DigitalSignature KeyUsage = 1 << iota
	NonRepudiation
	KeyEncipherment
	DataEncipherment
	KeyAgreement
	CertSign
	CRLSign
	EncipherOnly
	DecipherOnly
)

// BasicConstraints is RFC 5280 §4.2.1.9.
type BasicConstraints struct {
	CA      bool
	PathLen int // -1 where absent
}

// Policy is one certificate policy (RFC 5280 §4.2.1.4).
type Policy struct {
	OID        OID
	Qualifiers []byte // DER of the SEQUENCE OF PolicyQualifierInfo, nil where absent
}

// PolicyMapping is one pair of RFC 5280 §4.2.1.5.
type PolicyMapping struct{ Issuer, Subject OID }

// PolicyConstraints is RFC 5280 §4.2.1.11.
type PolicyConstraints struct{ RequireExplicit, InhibitMapping int } // -1 where absent

// Subtree is one subtree of a name constraint; minimum is 0 and maximum absent, as RFC 5280 §4.2.1.10 demands.
type Subtree struct{ Base GeneralName }

// NameConstraints is RFC 5280 §4.2.1.10.
type NameConstraints struct{ Permitted, Excluded []Subtree }

// ReadExtensions takes a SEQUENCE OF Extension off s. Two of one type are refused (RFC 5280 §4.2: "MUST NOT include more
// than one instance"). An explicit "critical FALSE", which DER would leave out, is met often and is read.
func ReadExtensions(s *cryptobyte.String) ([]Extension, error) {
	var list cryptobyte.String
	if !s.ReadASN1(&list, casn1.SEQUENCE) || list.Empty() {
		return nil, malformed("extensions")
	}
	out := make([]Extension, 0, 12)
	for !list.Empty() {
		if len(out) == maxExtensions {
			return nil, malformed("more than %d extensions", maxExtensions)
		}
		var body, value cryptobyte.String
		var e Extension
		var err error
		if !list.ReadASN1(&body, casn1.SEQUENCE) {
			return nil, malformed("extension")
		}
		if e.OID, err = ReadOID(&body); err != nil {
			return nil, err
		}
		if body.PeekASN1Tag(casn1.BOOLEAN) && !body.ReadASN1Boolean(&e.Critical) {
			return nil, malformed("extension %s", e.OID)
		}
		if !body.ReadASN1(&value, casn1.OCTET_STRING) || !body.Empty() {
			return nil, malformed("extension %s", e.OID)
		}
		if slices.ContainsFunc(out, func(o Extension) bool { return o.OID == e.OID }) {
			return nil, malformed("extension %s twice", e.OID)
		}
		e.Value = value
		out = append(out, e)
	}
	return out, nil
}

// readExtensions reads those that this package knows into their fields.
func (c *Certificate) readExtensions() error {
	for _, e := range c.Extensions {
		read, known := extensionReaders[e.OID]
		switch {
		case known:
			if err := read(c, plainDER(e.Value)); err != nil {
				return malformed("extension %s: %v", e.OID, err)
			}
		case e.Critical:
			c.UnknownCritical = append(c.UnknownCritical, e.OID)
		}
	}
	return nil
}

// plainDER gives an extension's value in DER lengths: some real issuers wrote BER inside the OCTET STRING. What is signed
// and shown stays as it was; a value that is no BER either is left for its reader to refuse.
func plainDER(value []byte) cryptobyte.String {
	if der, err := ber.ToDER(value, ber.Limits{Bytes: MaxCertificate, Depth: 16, Nodes: 1 << 14}); err == nil {
		return der
	}
	return value
}

var extensionReaders = map[OID]func(*Certificate, cryptobyte.String) error{
	OIDBasicConstraints:    (*Certificate).readBasicConstraints,
	OIDKeyUsage:            (*Certificate).readKeyUsage,
	OIDExtKeyUsage:         (*Certificate).readExtKeyUsage,
	OIDSubjectKeyID:        (*Certificate).readSubjectKeyID,
	OIDAuthorityKeyID:      (*Certificate).readAuthorityKeyID,
	OIDCertificatePolicies: (*Certificate).readPolicies,
	OIDPolicyMappings:      (*Certificate).readPolicyMappings,
	OIDPolicyConstraints:   (*Certificate).readPolicyConstraints,
	OIDInhibitAnyPolicy:    (*Certificate).readInhibitAnyPolicy,
	OIDNameConstraints:     (*Certificate).readNameConstraints,
	OIDAuthorityInfoAccess: (*Certificate).readAuthorityInfoAccess,
	OIDSubjectAltName: func(c *Certificate, v cryptobyte.String) (err error) {
		c.SubjectAltNames, err = readAltNames(v)
		return err
	},
	OIDIssuerAltName: func(c *Certificate, v cryptobyte.String) (err error) {
		c.IssuerAltNames, err = readAltNames(v)
		return err
	},
	OIDCRLDistributionPoints: func(c *Certificate, v cryptobyte.String) (err error) {
		c.DistributionPoints, err = readDistributionPoints(v)
		return err
	},
	OIDFreshestCRL: func(c *Certificate, v cryptobyte.String) (err error) {
		c.FreshestCRL, err = readDistributionPoints(v)
		return err
	},
	OIDNoRevAvail: func(c *Certificate, v cryptobyte.String) error { // RFC 9608 §2
		c.NoRevAvail = true
		return readNull(v)
	},
	OIDOCSPNoCheck: func(c *Certificate, v cryptobyte.String) error {
		c.OCSPNoCheck = true // RFC 6960 §4.2.2.2.1: NULL; Kazakhstan's responders leave the value empty
		if v.Empty() {
			return nil
		}
		return readNull(v)
	},
}

func readNull(v cryptobyte.String) error {
	var body cryptobyte.String
	if !v.ReadASN1(&body, casn1.NULL) || !body.Empty() || !v.Empty() {
		return malformed("not NULL")
	}
	return nil
}

func readAltNames(v cryptobyte.String) ([]GeneralName, error) {
	var list cryptobyte.String
	if !v.ReadASN1(&list, casn1.SEQUENCE) || !v.Empty() {
		return nil, malformed("alternative names")
	}
	if list.Empty() { // against RFC 5280 §4.2.1.6, met in old responders' certificates, and it names nobody
		return nil, nil
	}
	return ReadGeneralNames(list)
}

// smallInt makes an int of an INTEGER (0..MAX); sizes beyond any path are all alike.
func smallInt(n *big.Int) (int, bool) {
	switch {
	case n.Sign() < 0:
		return 0, false
	case n.BitLen() > 31:
		return math.MaxInt32, true
	}
	return int(n.Int64()), true
}

func (c *Certificate) readBasicConstraints(v cryptobyte.String) error {
	var body cryptobyte.String
	b := &BasicConstraints{PathLen: -1}
	if !v.ReadASN1(&body, casn1.SEQUENCE) || !v.Empty() {
		return malformed("not a sequence")
	}
	if body.PeekASN1Tag(casn1.BOOLEAN) && !body.ReadASN1Boolean(&b.CA) {
		return malformed("cA")
	}
	if body.PeekASN1Tag(casn1.INTEGER) {
		n, ok := new(big.Int), false
		if !body.ReadASN1Integer(n) {
			return malformed("pathLenConstraint")
		}
		if b.PathLen, ok = smallInt(n); !ok {
			return malformed("negative pathLenConstraint")
		}
	}
	if !body.Empty() {
		return malformed("trailing bytes")
	}
	c.BasicConstraints = b
	return nil
}

func (c *Certificate) readKeyUsage(v cryptobyte.String) error {
	var bits cryptobyte.String
	if !v.ReadASN1(&bits, casn1.BIT_STRING) || !v.Empty() {
		return malformed("not a bit string")
	}
	n, err := namedBits(bits)
	if err != nil {
		return err
	}
	c.KeyUsage, c.HasKeyUsage = KeyUsage(n), true
	return nil
}

func (c *Certificate) readExtKeyUsage(v cryptobyte.String) error {
	var list cryptobyte.String
	if !v.ReadASN1(&list, casn1.SEQUENCE) || !v.Empty() || list.Empty() {
		return malformed("not a sequence of purposes")
	}
	c.ExtKeyUsage = make([]OID, 0, 4)
	for !list.Empty() {
		o, err := ReadOID(&list)
		if err != nil {
			return err
		}
		if len(c.ExtKeyUsage) == maxPurposes {
			return malformed("more than %d purposes", maxPurposes)
		}
		c.ExtKeyUsage = append(c.ExtKeyUsage, o)
	}
	return nil
}

func (c *Certificate) readSubjectKeyID(v cryptobyte.String) error {
	var id cryptobyte.String
	if !v.ReadASN1(&id, casn1.OCTET_STRING) || !v.Empty() {
		return malformed("not an octet string")
	}
	c.SubjectKeyID = id
	return nil
}

// ReadAuthorityKeyID reads the value of an authorityKeyIdentifier; lists carry it too (RFC 5280 §4.2.1.1, §5.2.1).
func ReadAuthorityKeyID(v cryptobyte.String) (id []byte, issuer []GeneralName, serial *big.Int, err error) {
	var body, key, names, number cryptobyte.String
	var hasKey, hasNames, hasNumber bool
	if !v.ReadASN1(&body, casn1.SEQUENCE) || !v.Empty() ||
		!body.ReadOptionalASN1(&key, &hasKey, casn1.Tag(0).ContextSpecific()) ||
		!body.ReadOptionalASN1(&names, &hasNames, casn1.Tag(1).ContextSpecific().Constructed()) ||
		!body.ReadOptionalASN1(&number, &hasNumber, casn1.Tag(2).ContextSpecific()) || !body.Empty() {
		return nil, nil, nil, malformed("authority key identifier")
	}
	if hasKey {
		id = key
	}
	if hasNames {
		if issuer, err = ReadGeneralNames(names); err != nil {
			return nil, nil, nil, err
		}
	}
	if hasNumber {
		if len(number) == 0 {
			return nil, nil, nil, malformed("serial number of the authority")
		}
		serial = twosComplement(new(big.Int), number)
	}
	return id, issuer, serial, nil
}

func (c *Certificate) readAuthorityKeyID(v cryptobyte.String) (err error) {
	c.AuthorityKeyID, c.AuthorityIssuer, c.AuthoritySerial, err = ReadAuthorityKeyID(v)
	return err
}

func (c *Certificate) readPolicies(v cryptobyte.String) error {
	var list cryptobyte.String
	if !v.ReadASN1(&list, casn1.SEQUENCE) || !v.Empty() || list.Empty() {
		return malformed("not a sequence of policies")
	}
	for !list.Empty() {
		var body, qualifiers cryptobyte.String
		var p Policy
		var err error
		if len(c.Policies) == maxPolicies || !list.ReadASN1(&body, casn1.SEQUENCE) {
			return malformed("policy")
		}
		if p.OID, err = ReadOID(&body); err != nil {
			return err
		}
		if !body.Empty() {
			if !body.ReadASN1Element(&qualifiers, casn1.SEQUENCE) || !body.Empty() {
				return malformed("qualifiers of policy %s", p.OID)
			}
			p.Qualifiers = qualifiers
		}
		// RFC 5280 §4.2.1.4: "MUST NOT appear more than once"
		if slices.ContainsFunc(c.Policies, func(o Policy) bool { return o.OID == p.OID }) {
			return malformed("policy %s twice", p.OID)
		}
		c.Policies = append(c.Policies, p)
	}
	return nil
}

func (c *Certificate) readPolicyMappings(v cryptobyte.String) error {
	var list cryptobyte.String
	if !v.ReadASN1(&list, casn1.SEQUENCE) || !v.Empty() || list.Empty() {
		return malformed("not a sequence of mappings")
	}
	for !list.Empty() {
		var body cryptobyte.String
		var m PolicyMapping
		var err error
		if len(c.PolicyMappings) == maxPolicies || !list.ReadASN1(&body, casn1.SEQUENCE) {
			return malformed("mapping")
		}
		if m.Issuer, err = ReadOID(&body); err != nil {
			return err
		}
		if m.Subject, err = ReadOID(&body); err != nil {
			return err
		}
		if !body.Empty() {
			return malformed("mapping")
		}
		c.PolicyMappings = append(c.PolicyMappings, m)
	}
	return nil
}

func (c *Certificate) readPolicyConstraints(v cryptobyte.String) error {
	var body cryptobyte.String
	if !v.ReadASN1(&body, casn1.SEQUENCE) || !v.Empty() {
		return malformed("not a sequence")
	}
	p := &PolicyConstraints{RequireExplicit: -1, InhibitMapping: -1}
	for tag, field := range []*int{&p.RequireExplicit, &p.InhibitMapping} {
		var contents cryptobyte.String
		var present bool
		if !body.ReadOptionalASN1(&contents, &present, casn1.Tag(tag).ContextSpecific()) {
			return malformed("skip certificates")
		}
		if !present {
			continue
		}
		n, ok := skipCerts(contents)
		if !ok {
			return malformed("skip certificates")
		}
		*field = n
	}
	if !body.Empty() || (p.RequireExplicit < 0 && p.InhibitMapping < 0) { // RFC 5280 §4.2.1.11: never empty
		return malformed("policy constraints")
	}
	c.PolicyConstraints = p
	return nil
}

func skipCerts(contents cryptobyte.String) (int, bool) {
	if len(contents) == 0 {
		return 0, false
	}
	return smallInt(twosComplement(new(big.Int), contents))
}

func (c *Certificate) readInhibitAnyPolicy(v cryptobyte.String) error {
	n, ok := new(big.Int), false
	if !v.ReadASN1Integer(n) || !v.Empty() {
		return malformed("not an integer")
	}
	if c.InhibitAnyPolicy, ok = smallInt(n); !ok {
		c.InhibitAnyPolicy = -1
		return malformed("negative")
	}
	return nil
}

func (c *Certificate) readNameConstraints(v cryptobyte.String) error {
	var body cryptobyte.String
	if !v.ReadASN1(&body, casn1.SEQUENCE) || !v.Empty() {
		return malformed("not a sequence")
	}
	n := &NameConstraints{}
	for tag, field := range []*[]Subtree{&n.Permitted, &n.Excluded} {
		var list cryptobyte.String
		var present bool
		if !body.ReadOptionalASN1(&list, &present, casn1.Tag(tag).ContextSpecific().Constructed()) {
			return malformed("subtrees")
		}
		if !present {
			continue
		}
		trees, err := readSubtrees(list)
		if err != nil {
			return err
		}
		*field = trees
	}
	if !body.Empty() || (n.Permitted == nil && n.Excluded == nil) { // RFC 5280 §4.2.1.10: never empty
		return malformed("name constraints")
	}
	c.NameConstraints = n
	return nil
}

func readSubtrees(list cryptobyte.String) ([]Subtree, error) {
	var out []Subtree
	for !list.Empty() {
		var body cryptobyte.String
		if len(out) == maxSubtrees || !list.ReadASN1(&body, casn1.SEQUENCE) {
			return nil, malformed("subtree")
		}
		base, err := ReadGeneralName(&body)
		if err != nil {
			return nil, err
		}
		if base.Tag == IPName && len(base.Bytes) != 8 && len(base.Bytes) != 32 {
			return nil, malformed("address and mask of a subtree")
		}
		var minimum cryptobyte.String
		var present bool
		if !body.ReadOptionalASN1(&minimum, &present, casn1.Tag(0).ContextSpecific()) || !body.Empty() ||
			(present && string(minimum) != "\x00") {
			return nil, malformed("subtree with a minimum or maximum")
		}
		out = append(out, Subtree{Base: base})
	}
	if len(out) == 0 {
		return nil, malformed("no subtree")
	}
	return out, nil
}

// readAuthorityInfoAccess keeps the addresses of the two methods that matter (RFC 5280 §4.2.2.1), each once:
// Kazakhstan's authority lists its responder twice.
func (c *Certificate) readAuthorityInfoAccess(v cryptobyte.String) error {
	var list cryptobyte.String
	if !v.ReadASN1(&list, casn1.SEQUENCE) || !v.Empty() || list.Empty() {
		return malformed("not a sequence of access descriptions")
	}
	for count := 0; !list.Empty(); count++ {
		var body cryptobyte.String
		if count == maxAccess || !list.ReadASN1(&body, casn1.SEQUENCE) {
			return malformed("access description")
		}
		method, err := ReadOID(&body)
		if err != nil {
			return err
		}
		place, err := ReadGeneralName(&body)
		if err != nil {
			return err
		}
		if !body.Empty() {
			return malformed("access description")
		}
		switch {
		case place.Tag != URIName:
		case method == OIDOCSP && !slices.Contains(c.OCSPServers, place.Text):
			c.OCSPServers = append(c.OCSPServers, place.Text)
		case method == OIDCAIssuers && !slices.Contains(c.CAIssuers, place.Text):
			c.CAIssuers = append(c.CAIssuers, place.Text)
		}
	}
	return nil
}
