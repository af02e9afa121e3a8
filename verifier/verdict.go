// SPDX-License-Identifier: Apache-2.0

package verifier

// Indication is the main status (EN 319 102-1 §5.1.3); its zero value is INDETERMINATE.
type Indication uint8

// The main statuses.
const (
	Indeterminate Indication = iota
	TotalPassed
	TotalFailed
)

// String gives "TOTAL-PASSED", "TOTAL-FAILED" or "INDETERMINATE".
func (i Indication) String() string {
	switch i {
	case TotalPassed:
		return "TOTAL-PASSED"
	case TotalFailed:
		return "TOTAL-FAILED"
	}
	return "INDETERMINATE"
}

// worse reports whether i is worse than o: TOTAL-FAILED, INDETERMINATE, TOTAL-PASSED.
func (i Indication) worse(o Indication) bool { return i.severity() > o.severity() }

func (i Indication) severity() int {
	switch i {
	case TotalFailed:
		return 2
	case TotalPassed:
		return 0
	}
	return 1
}

// SubIndication says why (EN 319 102-1 §5.1.3); "" where absent.
type SubIndication string

// The sub-indications that arise here.
const (
	FormatFailure                  SubIndication = "FORMAT_FAILURE"
	NoSignatureFound               SubIndication = "NO_SIGNATURE_FOUND"
	SignedDataNotFound             SubIndication = "SIGNED_DATA_NOT_FOUND"
	HashFailure                    SubIndication = "HASH_FAILURE"
	SigCryptoFailure               SubIndication = "SIG_CRYPTO_FAILURE"
	NoSigningCertificateFound      SubIndication = "NO_SIGNING_CERTIFICATE_FOUND"
	NoCertificateChainFound        SubIndication = "NO_CERTIFICATE_CHAIN_FOUND"
	CertificateChainGeneralFailure SubIndication = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
	OutOfBoundsNoPOE               SubIndication = "OUT_OF_BOUNDS_NO_POE"
	OutOfBoundsNotRevoked          SubIndication = "OUT_OF_BOUNDS_NOT_REVOKED"
	Expired                        SubIndication = "EXPIRED"
	NotYetValid                    SubIndication = "NOT_YET_VALID"
	Revoked                        SubIndication = "REVOKED"
	RevokedNoPOE                   SubIndication = "REVOKED_NO_POE"
	RevokedCANoPOE                 SubIndication = "REVOKED_CA_NO_POE"
	ChainConstraintsFailure        SubIndication = "CHAIN_CONSTRAINTS_FAILURE"
	SigConstraintsFailure          SubIndication = "SIG_CONSTRAINTS_FAILURE"
	CryptoConstraintsFailure       SubIndication = "CRYPTO_CONSTRAINTS_FAILURE"
	CryptoConstraintsFailureNoPOE  SubIndication = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
	RevocationOutOfBoundsNoPOE     SubIndication = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
	TimestampOrderFailure          SubIndication = "TIMESTAMP_ORDER_FAILURE"
	// Custom is the standard's name for reasons that it has none for: this version
	// cannot judge the format.
	Custom   SubIndication = "CUSTOM"
	TryLater SubIndication = "TRY_LATER"
)

// order is the table of verdicts, top to bottom: of several findings of one
// outcome the first here names the verdict. Sub-indications in one row are
// equal, and then the order of the checks decides.
var order = [][]SubIndication{
	{FormatFailure},
	{NoSignatureFound},
	{SignedDataNotFound},
	{HashFailure},
	{SigCryptoFailure},
	{NoSigningCertificateFound},
	{NoCertificateChainFound},
	{CertificateChainGeneralFailure},
	{OutOfBoundsNoPOE, OutOfBoundsNotRevoked, Expired, NotYetValid},
	{Revoked, RevokedNoPOE, RevokedCANoPOE, RevocationOutOfBoundsNoPOE},
	{ChainConstraintsFailure},
	{SigConstraintsFailure, TimestampOrderFailure},
	{CryptoConstraintsFailure, CryptoConstraintsFailureNoPOE},
	{Custom},
	{TryLater},
}

// SubIndications lists every sub-indication that a verdict here can bear, in the
// order of the table.
func SubIndications() []SubIndication {
	var out []SubIndication
	for _, row := range order {
		out = append(out, row...)
	}
	return out
}

func rank(s SubIndication) int {
	for i, row := range order {
		for _, sub := range row {
			if sub == s {
				return i
			}
		}
	}
	return len(order)
}

// decide returns the index of the finding that names the verdict, -1 where none
// does: a fail outranks an unknown, among equals the table's order decides, and
// after that the order of the findings.
func decide(findings []Finding) int {
	best := -1
	for i, f := range findings {
		if f.Outcome != Fail && f.Outcome != Unknown {
			continue
		}
		if best < 0 || before(f, findings[best]) {
			best = i
		}
	}
	return best
}

func before(a, b Finding) bool {
	if a.Outcome != b.Outcome {
		return a.Outcome == Fail
	}
	return rank(a.Sub) < rank(b.Sub)
}

// verdict is what the findings say together. No finding at all proves nothing, and
// neither do warnings: without a pass there is no TOTAL-PASSED.
func verdict(findings []Finding) (Indication, SubIndication) {
	if i := decide(findings); i >= 0 {
		f := findings[i]
		if f.Outcome == Fail && f.Indication == TotalFailed {
			return TotalFailed, f.Sub
		}
		return Indeterminate, f.Sub
	}
	for _, f := range findings {
		if f.Outcome == Pass {
			return TotalPassed, ""
		}
	}
	return Indeterminate, ""
}
