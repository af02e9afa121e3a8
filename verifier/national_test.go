// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"strings"
	"testing"
)

// national says whether a test runs under TestNationalAlgorithms: then whoever makes keys for it makes them of GOST 34.10-2015.
func national(t testing.TB) bool { return strings.HasPrefix(t.Name(), "TestNationalAlgorithms/") }

// TestNationalAlgorithms runs the tests that make their own authorities once more, on the national algorithms. Those that write
// a forgery octet by octet under a key of their own are left out.
func TestNationalAlgorithms(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"Applicants", TestApplicants},
		{"ArchivedSignatures", TestArchivedSignatures},
		{"AuthorityEnded", TestAuthorityEnded},
		{"DocumentTimestampsInTurn", TestDocumentTimestampsInTurn},
		{"EmbeddedDataAreChosen", TestEmbeddedDataAreChosen},
		{"ResponderEnded", TestResponderEnded},
		{"ArchiveTimestampsOfOthers", TestArchiveTimestampsOfOthers},
		{"Mail", TestMail},
		{"ListSigners", TestListSigners},
		{"ExpiredButKnown", TestExpiredButKnown},
		{"BaseAndDelta", TestBaseAndDelta},
		{"FallbackIsTold", TestFallbackIsTold},
		{"NoRevAvail", TestNoRevAvail},
		{"PDFVerdicts", TestPDFVerdicts},
		{"DocumentTimestampProves", TestDocumentTimestampProves},
		{"CheckSigned", TestCheckSigned},
		{"ReportNames", TestReportNames},
		{"SameBytes", TestSameBytes},
		{"ConcurrentUse", TestConcurrentUse},
		{"Evidence", TestEvidence},
		{"BrokenInput", TestBrokenInput},
		{"Languages", TestLanguages},
		{"Limits", TestLimits},
		{"ResponderWithoutNoCheck", TestResponderWithoutNoCheck},
		{"MaxAge", TestMaxAge},
		{"AnotherPathIsGood", TestAnotherPathIsGood},
		{"TimestampsThatProveNothing", TestTimestampsThatProveNothing},
		{"ServiceRevokedLater", TestServiceRevokedLater},
		{"ServiceRevokedForGood", TestServiceRevokedForGood},
		{"ClaimedTimeProvesNothing", TestClaimedTimeProvesNothing},
		{"ForgedAnswers", TestForgedAnswers},
		{"SourcesDisagree", TestSourcesDisagree},
		{"ForgedList", TestForgedList},
		{"ReplayedAnswer", TestReplayedAnswer},
		{"Holders", TestHolders},
		{"Encodings", TestEncodings},
		{"XMLVerdicts", TestXMLVerdicts},
		{"XMLLongTerm", TestXMLLongTerm},
		{"Detection", TestDetection},
		{"DocumentVerdicts", TestDocumentVerdicts},
		{"CertificateVerdicts", TestCertificateVerdicts},
		{"SourcesDownAndBack", TestSourcesDownAndBack},
		{"OneSourceDown", TestOneSourceDown},
		{"WorstSignatureDecides", TestWorstSignatureDecides},
		{"Levels", TestLevels},
		{"MissingIssuerIsFetched", TestMissingIssuerIsFetched},
		{"Interrupted", TestInterrupted},
		{"HangingServers", TestHangingServers},
		{"EmbeddedLists", TestEmbeddedLists},
		{"EmbeddedValues", TestEmbeddedValues},
	} {
		t.Run(test.name, test.run)
	}
}
