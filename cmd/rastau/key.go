// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rastau/internal/pki"
	"rastau/signer"
	"rastau/verifier"
)

func newKey() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Says what a signing key is and whether it may sign", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	cmd.AddCommand(newKeyList(), newKeyCheck())
	return cmd
}

// passwordFlags say where a PKCS#12 password stands; it is never an argument, which everybody on the machine can read.
type passwordFlags struct{ file, env string }

func (p *passwordFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.file, "password-file", "", "file with the password of the PKCS#12 file")
	cmd.Flags().StringVar(&p.env, "password-env", "", "environment variable with the password")
}

func (p *passwordFlags) read() (string, error) {
	if (p.file == "") == (p.env == "") {
		return "", usagef("give --password-file or --password-env")
	}
	if p.env != "" {
		v, ok := os.LookupEnv(p.env)
		if !ok {
			return "", usagef("the environment has no %s", p.env)
		}
		return v, nil
	}
	data, err := readFile(p.file)
	if err != nil {
		return "", unreadablef("--password-file: %v", err)
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

type keyJSON struct {
	File      string  `json:"file"`
	Subject   string  `json:"subject"`
	Issuer    string  `json:"issuer"`
	Serial    string  `json:"serial"`
	IIN       *string `json:"iin"`
	BIN       *string `json:"bin"`
	NotBefore string  `json:"notBefore"`
	NotAfter  string  `json:"notAfter"`
	Algorithm string  `json:"algorithm"`
	MaySign   bool    `json:"maySign"`
	InTime    bool    `json:"inTime"`
	SHA256    string  `json:"sha256"`
}

func describeKey(file string, k *pki.Key) keyJSON {
	c, h := k.Certificate, pki.HolderOf(k.Certificate)
	return keyJSON{File: file, Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialHex(), IIN: optional(h.IIN), BIN: optional(h.BIN),
		NotBefore: c.NotBefore.UTC().Format(time.RFC3339), NotAfter: c.NotAfter.UTC().Format(time.RFC3339), Algorithm: pki.AlgorithmName(c.PublicKey.Algorithm),
		MaySign: !c.HasKeyUsage || c.KeyUsage&pki.NonRepudiation != 0, InTime: !time.Now().Before(c.NotBefore) && !time.Now().After(c.NotAfter), SHA256: c.SHA256Hex()}
}

func (k keyJSON) print(cmd *cobra.Command) {
	show := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	may := "may not sign documents (its certificate lacks nonRepudiation)"
	switch {
	case k.MaySign && k.InTime:
		may = "may sign documents"
	case k.MaySign:
		may = "is outside its validity period: what it signs now nobody accepts"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n  subject   %s\n  issuer    %s\n  serial    %s\n  IIN, BIN  %s, %s\n  valid     %s – %s\n  key       %s\n  sha256    %s\n",
		k.File, may, k.Subject, k.Issuer, k.Serial, show(k.IIN), show(k.BIN), k.NotBefore, k.NotAfter, k.Algorithm, k.SHA256)
}

func newKeyList() *cobra.Command {
	var p passwordFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list FILE…",
		Short:   "Lists the keys in PKCS#12 files and what each may sign, until when",
		Example: `  rastau key list --password-env LICENSOR_PASSWORD licensor.p12`,
		Args:    atLeastOneFile,
		RunE: func(cmd *cobra.Command, files []string) error {
			password, err := p.read()
			if err != nil {
				return err
			}
			for _, f := range files {
				k, err := signer.LoadKey(f, password)
				if err != nil {
					return unreadablef("%v", err)
				}
				if v := describeKey(f, k); asJSON {
					printJSON(cmd.OutOrStdout(), v)
				} else {
					v.print(cmd)
				}
			}
			return nil
		},
	}
	p.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func newKeyCheck() *cobra.Command {
	var p passwordFlags
	var f questionFlags
	cmd := &cobra.Command{
		Use:     "check FILE",
		Short:   "Judges the key's own certificate: path, validity, revocation, purpose",
		Example: `  rastau key check --password-file pin.txt --anchors root.pem licensor.p12`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := p.read()
			if err != nil {
				return err
			}
			q, err := f.question()
			if err != nil {
				return err
			}
			k, err := signer.LoadKey(args[0], password)
			if err != nil {
				return unreadablef("%v", err)
			}
			v, release, err := f.newVerifier()
			if err != nil {
				return err
			}
			defer release()
			if !cmd.Flags().Changed("purpose") {
				q.Purpose = verifier.PurposeSign
			}
			q.Certs = append(q.Certs, k.Chain...)
			r := v.Certificate(cmd.Context(), k.Certificate, q)
			r.File = args[0]
			if f.json {
				printJSON(cmd.OutOrStdout(), r)
			} else {
				describeKey(args[0], k).print(cmd)
				printReport(cmd.OutOrStdout(), r, q.Lang)
			}
			return worst([]int{exitCode(r.Indication)})
		},
	}
	p.register(cmd)
	f.register(cmd.Flags(), false)
	return cmd
}
