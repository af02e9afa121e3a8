// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"io"
	"strings"
)

// peers are the best scores of others on the same suites, as the suites' maker measured them.
var peers = map[string]string{
	"pkits": "OpenSSL 3.0: 247 of 249; Go crypto/x509: 181", "crl": "OpenSSL: 53 of 66", "ocsp": "OpenSSL: 98 of 110 of the whole suite",
	"limbo": "Go: 128 of 208 of the whole suite", "cms": "OpenSSL: 113 of 140 of the whole suite", "wycheproof": "Go: all but 4",
	"pades": "poppler's pdfsig: 141 of 152 of the whole suite", "pdf-attacks": "poppler's pdfsig: 21 of 76 attacks of the whole suite caught",
	"malformed": "digitorus/pkcs7 hangs on one",
}

// paths says how each suite is put to the program.
var paths = map[string]string{
	"pkits": "rastau certificate", "crl": "rastau certificate", "ocsp": "rastau ocsp check", "limbo": "rastau certificate", "cms": "rastau verify",
	"pades": "rastau verify", "pdf-attacks": "rastau verify",
	"wycheproof": "the verification of signatures itself", "malformed": "every reader of outside bytes",
}

// Markdown writes the results as docs/CONFORMANCE.md has them: counts and names of cases, nothing that differs from run to
// run.
func Markdown(w io.Writer, results []*Result) {
	fmt.Fprintln(w, "| suite | through | cases | agree | waived | wrong accepts | best peer measured |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	for _, r := range results {
		fmt.Fprintf(w, "| %s | %s | %d | %d | %d | %d | %s |\n", r.Suite, paths[r.Suite], r.Cases, r.Agree, len(r.Waived), r.WrongAccepts, peers[r.Suite])
	}
	for _, r := range results {
		if len(r.Waived)+len(r.Decided)+len(r.Failures) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n### %s\n\n", r.Suite)
		for _, x := range r.Waived {
			fmt.Fprintf(w, "- waived `%s`: %s.\n", x.Case, x.Reason)
		}
		for _, d := range r.Decided {
			id, rest, _ := strings.Cut(d, ": ")
			fmt.Fprintf(w, "- decided `%s`: %s.\n", id, rest)
			if why := arguments[id]; why != "" {
				fmt.Fprintf(w, "  %s.\n", why)
			}
		}
		for _, f := range r.Failures {
			fmt.Fprintf(w, "- **disagrees** %s\n", f)
		}
	}
}

// Text writes one line a suite and every waiver, for a terminal.
func Text(w io.Writer, results []*Result) {
	for _, r := range results {
		fmt.Fprintf(w, "%s: %d/%d agree, %d waived, %d wrongly accepted; slowest case %s", r.Suite, r.Agree, r.Cases, len(r.Waived), r.WrongAccepts, r.Slowest.Round(100000))
		if r.Largest > 0 {
			fmt.Fprintf(w, ", most memory allocated %.1f MiB", float64(r.Largest)/(1<<20))
		}
		if r.SetAside > 0 {
			fmt.Fprintf(w, "; %d set aside", r.SetAside)
		}
		if r.Note != "" {
			fmt.Fprintf(w, " (%s)", r.Note)
		}
		fmt.Fprintln(w)
		for _, x := range r.Waived {
			fmt.Fprintf(w, "  waived %s: %s\n", x.Case, x.Reason)
		}
		for _, d := range r.Decided {
			fmt.Fprintf(w, "  decided %s\n", d)
		}
		for _, f := range r.Failures {
			fmt.Fprintf(w, "  DISAGREES %s\n", f)
		}
	}
}

// arguments say why disputed and optional cases were decided as they were.
var arguments = map[string]string{
	"DSS-CAdES-CAdESWithDuplicatedSignedAttrsTest":   "RFC 5652 §5.3: a signed attribute's type stands once; which of two is meant nobody knows",
	"DSS-CAdES-DSS1419Sha3RsaMgf1Test":               contradiction,
	"DSS-CAdES-DSS1419Sha512RsaTest":                 contradiction,
	"DSS-CAdES-DSS1419Sha384RsaTest":                 contradiction,
	"DSS-CAdES-DSS1419Sha3512RsaTest":                contradiction,
	"DSS-PAdESFiveSignaturesDocTest":                 "ISO 32000-1 §7.5.4, §7.5.8: its cross-references lead nowhere, and a table rebuilt by searching would show what nobody signed",
	"DSS-PAdESWithEnvelopingCMSTest":                 enveloping,
	"DSS-PAdESWithEnvelopingEmptyContentCMSTest":     enveloping,
	"DSS-PadesWrongDigestAlgoTest":                   "the signature's algorithm names no hash that belongs to it (RFC 5652 §5.4): undecided (`intact` null), and never accepted",
	"DSS-file-TeleSec_PKS_eIDAS_QES_CA_1-baseline-b": "plain ECDSA (BSI TR-03111 §5.2.2) is not computed here: undecided, never called broken",
	"BC-ML-DSA-65":        "ML-DSA (RFC 9882) is not computed here: undecided, never called broken",
	"BC-ML-DSA-87":        "ML-DSA (RFC 9882) is not computed here: undecided, never called broken",
	"BSI-ERS-ER_NOK_SEQ":  "Evidence records (RFC 4998) are not judged; the file is no signature",
	"BSI-ERS-ER_NOK_INIT": "Evidence records (RFC 4998) are not judged; the file is no signature",
}

const enveloping = "ISO 32000-1 §12.8.3.3.1: “No data shall be encapsulated” in the CMS of adbe.pkcs7.detached; one that has content of its own may be over that " +
	"and not over the document"

const contradiction = "RFC 5652 §5.3, §5.4: the content is digested with digestAlgorithm, and the signature algorithm names another hash. Whoever follows one of the two " +
	"accepts what whoever follows the other refuses, so neither is computed: undecided (`intact` null), and never accepted"
