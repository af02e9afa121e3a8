// SPDX-License-Identifier: Apache-2.0

package conformance

// Waiver is a case whose answer is not the suite's, with the reason.
type Waiver struct{ Case, Reason string }

// setAside are the cases that are about something else, by prefix.
var setAside = map[string][]string{
	"limbo": {"webpki::"}, // the web's own rules (CA/Browser Forum), not RFC 5280's
}

// waivers name each case that disagrees: the input that the program has no flag for, or the section that decides the other way.
var waivers = map[string]string{
	"BSSL-CRL-bad_idp_indirectcrl": "RFC 5280 §6.3.3 (b)(1) and §4.2.1.13: the list is of the certificate's own issuer and its distribution point is the " +
		"one that the certificate names, so it covers the certificate although it may speak of other issuers too; PKITS 4.14.22 calls such a list " +
		"valid. The case comes from a library that reads no indirect lists at all",

	"OSSL-OCSP-ND3-ND3_Issuer_Root":      stale,
	"OSSL-OCSP-ND1-ISIC_ND1_Issuer_ICA":  stale,
	"OSSL-OCSP-ND2-ISIC_ND2_Issuer_Root": stale,
	"OSSL-OCSP-ND3-ISIC_ND3_Issuer_Root": stale,

	"pathlen::max-chain-depth-0-exhausted": depth,
	"pathlen::max-chain-depth-1-exhausted": depth,
	"rfc5280::eku::ee-wrong-eku":           "missing input: the purpose serverAuth. The suite's runner asks for --purpose any, and RFC 5280 §4.2.1.12 restricts a purpose that is asked for",
	"rfc5280::ca-as-leaf-wrong-san":        "missing input: the peer's DNS name, which decides the case; no command asks for one",

	"rfc5280::aki::leaf-missing-aki":              identifier,
	"rfc5280::aki::intermediate-missing-aki":      identifier,
	"rfc5280::aki::cross-signed-root-missing-aki": identifier,
	"rfc5280::ski::root-missing-ski":              identifier,
	"rfc5280::ski::intermediate-missing-ski":      identifier,
	"rfc5280::serial::zero":                       serial,
	"rfc5280::serial::negative":                   serial,
	"rfc5280::validity::expired-root": "RFC 5280 §6.1.1 (d): an anchor is a name and a key; its certificate's validity period is no input of path validation. " +
		"Whoever trusts it decides until when",
	"rfc5280::root-missing-basic-constraints":      "RFC 5280 §6.1.1 (d): an anchor is a name and a key; a certificate that says nothing of being a CA's binds neither",
	"rfc5280::root-non-critical-basic-constraints": "RFC 5280 §6.1.4 (k) asks whether cA is set, not whether the extension is critical; PKITS 4.6.4 calls such a path valid",
	"rfc5280::pc::ica-noncritical-pc":              "RFC 5280 §6.1.4 (i) processes policy constraints whether critical or not; PKITS has them not critical in paths that it calls valid",
	"crl::crlnumber-missing":                       "RFC 5280 §6.3.3 does not look at the number of a complete list; the suite crl has valid lists without one",

	"DSS-PAdESWithVRITimeTest": "ISO 32000-1 §12.8.2.4: an update changes the value of a form field from TEST2 to TEST20 behind a signature whose field locks all fields",
	"DSS-PAdESLevelBWithAnnotAddedTest": "ISO 32000-1 §12.8.2.2: an update writes an unsigned note onto the page, and no certification of the document allows notes; " +
		"whoever sees the page takes it for signed",
	"DSS-PAdESWithOCSPInvalidArchiveCutOffTest": "ISO 32000-1 §12.8.2.2: a later signature puts its mark onto a scanned page: that it covers nothing of what was signed cannot " +
		"be told without decoding the picture, and what cannot be told is not called unchanged",
	"DSS-DSS2155Test": "ISO 32000-1 §12.8.1: the place of the signature holds 242 bytes behind the CMS that are no padding: nobody has signed them, " +
		"and whoever has the file can put others there",
	"DSS-PAdESBESNoCertificatesValidationTest": "EN 319 102-1 §5.2.3: the answer is INDETERMINATE/NO_SIGNING_CERTIFICATE_FOUND with `intact` null, as the suite wants it; " +
		"its runner reads every `intact` that is not true as invalid",
}

const (
	depth      = "missing input: a maximum chain depth of the asker's. The path keeps every pathLenConstraint in it (RFC 5280 §4.2.1.9)"
	identifier = "RFC 5280 §4.2.1.1 and §4.2.1.2 bind the CA that issues; path validation (§6.1) does not look at key identifiers, which only help to find the issuer. " +
		"The suites crl and ocsp have valid certificates without one"
	serial = "RFC 5280 §4.1.2.2: “Certificate users SHOULD be prepared to gracefully handle” serial numbers that are zero or negative"
)

const stale = "the response is two months past its nextUpdate at the time that the case states (RFC 6960 §3.2, 6): signature and issuer are right, and it is stale"
