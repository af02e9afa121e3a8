// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rastau/internal/ocsp"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

func newOCSP() *cobra.Command {
	cmd := &cobra.Command{Use: "ocsp", Short: "Judges OCSP responses", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	cmd.AddCommand(newOCSPCheck())
	return cmd
}

func needSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unknown command %q; `%s --help` lists the commands", args[0], cmd.CommandPath())
	}
	return usagef("say which; `%s --help` lists the commands", cmd.CommandPath())
}

// ocspJSON is the contract of `ocsp check --json`.
type ocspJSON struct {
	File       string  `json:"file"`
	Usable     bool    `json:"usable"`
	Decided    bool    `json:"decided"`
	Status     string  `json:"status"`
	Reason     *string `json:"reason"`
	Detail     *string `json:"detail"`
	Citation   *string `json:"citation"`
	RevokedAt  *string `json:"revokedAt"`
	ProducedAt *string `json:"producedAt"`
	ThisUpdate *string `json:"thisUpdate"`
	NextUpdate *string `json:"nextUpdate"`
	NotIssued  bool    `json:"notIssued"`
}

func newOCSPCheck() *cobra.Command {
	var cert, issuer, request, at, algorithmNames string
	var maxAge time.Duration
	var asJSON, quiet bool
	cmd := &cobra.Command{
		Use:   "check RESPONSE",
		Short: "Is this response authentic and usable for the certificate, and what does it say",
		Long: `Checks an OCSP response by RFC 6960 §3.2: CertID, signature, the responder's right, times, nonce.
Without nextUpdate a response is usable for --max-age (default 12h).

Exit: 0 usable whatever the status, 1 proven unusable, 3 undecided.`,
		Example: `  rastau ocsp check --cert person.cer --issuer ca.cer --at 2026-04-15T00:00:00Z response.der`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := refuseEmpty(cmd.Flags()); err != nil {
				return err
			}
			if maxAge < 0 {
				return usagef("--max-age must not be negative")
			}
			q := ocsp.Query{At: time.Now(), MaxAge: maxAge}
			var err error
			if at != "" {
				if q.At, err = time.Parse(time.RFC3339, at); err != nil {
					return usagef("--at %q is no RFC 3339 time; write it like 2026-04-15T00:00:00Z", at)
				}
			}
			if q.Algorithms, err = algorithms(algorithmNames); err != nil {
				return err
			}
			if cert == "" || issuer == "" {
				return usagef("--cert and --issuer are required: whose status does the response give, and who issued that certificate")
			}
			if q.Certificate, err = oneCertificate("--cert", cert); err != nil {
				return err
			}
			issuerCert, err := oneCertificate("--issuer", issuer)
			if err != nil {
				return err
			}
			q.Issuer = trust.AnchorOf(issuerCert)
			if request != "" {
				if q.Request, err = readFile(request); err != nil {
					return unreadablef("--request: %v", err)
				}
				if err := ocsp.CheckRequest(q.Request); err != nil {
					err = fmt.Errorf("--request: %s is no OCSP request, so whether the response answers it cannot be told: %w", request, err)
					if asJSON {
						printJSON(cmd.OutOrStdout(), map[string]string{"file": args[0], "error": err.Error()})
					}
					return unreadablef("%v", err)
				}
			}
			data, err := readFile(args[0])
			if err != nil {
				if asJSON {
					printJSON(cmd.OutOrStdout(), map[string]string{"file": args[0], "error": err.Error()})
				}
				return unreadablef("%v", err)
			}
			a := ocsp.Judge(data, q)
			printOCSP(cmd, args[0], a, asJSON)
			switch a.Usable {
			case ocsp.Yes:
				return nil
			case ocsp.No:
				return &exitError{code: exitFailed}
			}
			return &exitError{code: exitIndeterminate}
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&cert, "cert", "", "the certificate asked about")
	fl.StringVar(&issuer, "issuer", "", "the certificate of its issuer")
	fl.StringVar(&request, "request", "", "the request that was sent: its CertID and nonce must match")
	fl.StringVar(&at, "at", "", "the `TIME` judged, RFC 3339 (default: the clock)")
	fl.DurationVar(&maxAge, "max-age", 0, "how old the response may be, for example 168h")
	fl.StringVar(&algorithmNames, "algorithms", "default", "default or legacy")
	fl.BoolVar(&asJSON, "json", false, "print JSON")
	fl.BoolVar(&quiet, "quiet", false, "no notes on stderr")
	return cmd
}

func oneCertificate(flag, name string) (*pki.Certificate, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, unreadablef("%s: %v", flag, err)
	}
	certs, err := pki.ReadCertificates(data)
	if err != nil {
		return nil, unreadablef("%s: %s is no certificate: %v", flag, name, err)
	}
	return certs[0], nil
}

// reasons are the names of CRLReason, RFC 5280 §5.3.1.
var reasons = map[int]string{0: "unspecified", 1: "keyCompromise", 2: "cACompromise", 3: "affiliationChanged", 4: "superseded",
	5: "cessationOfOperation", 6: "certificateHold", 8: "removeFromCRL", 9: "privilegeWithdrawn", 10: "aACompromise"}

func reasonName(r int) *string {
	if r < 0 {
		return nil
	}
	name, known := reasons[r]
	if !known {
		name = fmt.Sprint(r)
	}
	return &name
}

func timeText(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func printOCSP(cmd *cobra.Command, name string, a ocsp.Answer, asJSON bool) {
	out := cmd.OutOrStdout()
	status := a.Status
	if status == "" {
		status = ocsp.StatusUnknown
	}
	if asJSON {
		reason := reasonName(a.Reason)
		if status != ocsp.StatusRevoked {
			reason = nil
		}
		printJSON(out, ocspJSON{File: name, Usable: a.Usable == ocsp.Yes, Decided: a.Usable != ocsp.Undecided, Status: string(status), Reason: reason,
			Detail: optional(a.Why), Citation: optional(a.Citation), RevokedAt: timeText(a.RevokedAt),
			ProducedAt: timeText(a.ProducedAt), ThisUpdate: timeText(a.ThisUpdate), NextUpdate: timeText(a.NextUpdate), NotIssued: a.NotIssued})
		return
	}
	usable := map[ocsp.Usable]string{ocsp.Yes: "usable", ocsp.No: "not usable", ocsp.Undecided: "undecided"}[a.Usable]
	fmt.Fprintf(out, "%s: %s, status %s\n", name, usable, status)
	if a.Why != "" {
		fmt.Fprintf(out, "  %s (%s)\n", a.Why, a.Citation)
	}
	if a.NotIssued {
		fmt.Fprintln(out, "  the responder does not know this serial number (extended revoke, RFC 6960 §4.4.8)")
	}
}
