// SPDX-License-Identifier: Apache-2.0

package pki

// known are the identifiers that nearly every certificate and message is made of, by the
// contents of their DER: a signature names forty, and their dotted text need not be
// written anew for each. Identifiers differ in their last octets, which find the slot; a
// map would read all of them twice.
var known = func() (t knownTable) {
	all := []OID{
		OIDMD2, OIDMD4, OIDMD5, OIDSHA1, OIDSHA224, OIDSHA256, OIDSHA384, OIDSHA512, OIDSHA512x224, OIDSHA512x256,
		OIDSHA3x224, OIDSHA3x256, OIDSHA3x384, OIDSHA3x512, OIDGOST95Hash, OIDGOST256Hash, OIDGOST512Hash, OIDRSA,
		OIDMD2WithRSA, OIDMD4WithRSA, OIDMD5WithRSA, OIDSHA1WithRSA, OIDSHA1WithRSAISO, OIDMGF1, OIDRSAPSS,
		OIDSHA256WithRSA, OIDSHA384WithRSA, OIDSHA512WithRSA, OIDSHA224WithRSA, OIDSHA3x224WithRSA, OIDSHA3x256WithRSA,
		OIDSHA3x384WithRSA, OIDSHA3x512WithRSA, OIDEC, OIDECDSAWithSHA1, OIDECDSAWithSHA224, OIDECDSAWithSHA256,
		OIDECDSAWithSHA384, OIDECDSAWithSHA512, OIDECDSAWithSHA3x224, OIDECDSAWithSHA3x256, OIDECDSAWithSHA3x384,
		OIDECDSAWithSHA3x512, OIDDSA, OIDDSAWithSHA1, OIDDSAWithSHA224, OIDDSAWithSHA256, OIDDSAWithSHA384,
		OIDDSAWithSHA512, OIDEd25519, OIDEd448, OIDGOST2004Key, OIDGOST2004Sign, OIDGOST2015Key256, OIDGOST2015Key512,
		OIDGOST2015Sign256, OIDGOST2015Sign512, OIDGammaSign, OIDSubjectDirectoryAttributes, OIDSubjectKeyID, OIDKeyUsage,
		OIDSubjectAltName, OIDIssuerAltName, OIDBasicConstraints, OIDCRLNumber, OIDCRLReason, OIDInvalidityDate,
		OIDDeltaCRLIndicator, OIDIssuingDistributionPoint, OIDCertificateIssuer, OIDNameConstraints,
		OIDCRLDistributionPoints, OIDCertificatePolicies, OIDPolicyMappings, OIDAuthorityKeyID, OIDPolicyConstraints,
		OIDExtKeyUsage, OIDFreshestCRL, OIDInhibitAnyPolicy, OIDNoRevAvail, OIDAuthorityInfoAccess, OIDQCStatements,
		OIDSubjectInfoAccess, OIDOCSPNoCheck, OIDKZKeyStorage, OIDOCSP, OIDCAIssuers, OIDAnyExtKeyUsage, OIDServerAuth,
		OIDClientAuth, OIDCodeSigning, OIDEmailProtection, OIDTimeStamping, OIDOCSPSigning, OIDAnyPolicy, OIDRoleIndividual,
		OIDRoleLegal, OIDRoleHead, OIDRoleSigner, OIDRoleFinancial, OIDRoleHR, OIDRoleEmployee, OIDRoleSystem,
		OIDCommonName, OIDSurname, OIDSerialNumber, OIDCountry, OIDLocality, OIDState, OIDStreet, OIDOrganization,
		OIDOrganizationalUnit, OIDTitle, OIDBusinessCategory, OIDPostalCode, OIDGivenName, OIDInitials, OIDGenerationQual,
		OIDDNQualifier, OIDPseudonym, OIDOrganizationID, OIDEmailAddress, OIDDomainComponent, OIDUserID, OIDData,
		OIDSignedData, OIDEnvelopedData, OIDEncryptedData, OIDTSTInfo, OIDContentType, OIDMessageDigest, OIDSigningTime,
		OIDSigningCertificate, OIDSigningCertificateV2, OIDSignaturePolicy, OIDCommitmentType, OIDSignatureTimeStamp,
		OIDCMSAlgProtection, OIDOCSPBasic, OIDOCSPNonce, OIDOCSPExtendedRevoke,
	}
	for _, o := range all {
		if contents, err := oidContents(o); err == nil {
			slot := knownSlot(contents)
			t[slot] = append(t[slot], knownOID{string(contents), o})
		}
	}
	return t
}()

type knownOID struct {
	contents string
	oid      OID
}

type knownTable [1 << knownBits][]knownOID

const knownBits = 9

// knownSlot takes contents of one octet at least.
func knownSlot(contents []byte) uint32 {
	n := len(contents)
	h := uint32(n)<<16 | uint32(contents[n-1])<<8 | uint32(contents[max(n-2, 0)])
	return h * 2654435769 >> (32 - knownBits) // Knuth's multiplicative hash
}

// of finds an identifier by its contents, one octet at least; ok is false where it is not known.
func (t *knownTable) of(contents []byte) (o OID, ok bool) {
	for _, k := range t[knownSlot(contents)] {
		if k.contents == string(contents) {
			return k.oid, true
		}
	}
	return "", false
}
