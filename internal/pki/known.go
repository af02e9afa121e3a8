// SPDX-License-Identifier: Apache-2.0

package pki

// known are the identifiers that nearly every certificate and message is made of, by the
// contents of their DER: a signature names forty, and their dotted text need not be
// written anew for each.
var known = func() map[string]OID {
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
	out := make(map[string]OID, len(all))
	for _, o := range all {
		if contents, err := oidContents(o); err == nil {
			out[string(contents)] = o
		}
	}
	return out
}()
