// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rastau/internal/fetch"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

// maxPublished bounds what an official address may send: a certificate, or a ZIP with a few of them.
const maxPublished = 1 << 20

func newAnchors() *cobra.Command {
	cmd := &cobra.Command{Use: "anchors", Short: "Gets and checks the certificates of the State's authorities", RunE: needSubcommand, Args: cobra.ArbitraryArgs,
		Long: `The program pins the SHA-256 of the roots and certification authorities that the State publishes; it does not contain them.
fetch gets them once from their official addresses, or from a folder, and stores only what has the pinned digest.
The public test contour is a separate set: its keys are known to everybody.`}
	cmd.AddCommand(newAnchorsList(), newAnchorsFetch(), newAnchorsCheck())
	return cmd
}

// contour picks the pinned authorities of one contour.
func contour(name string) ([]trust.StateAuthority, error) {
	if name != "production" && name != "test" {
		return nil, usagef("--contour %q: choose production or test", name)
	}
	var out []trust.StateAuthority
	for _, a := range trust.StateAuthorities() {
		if a.Test == (name == "test") {
			out = append(out, a)
		}
	}
	return out, nil
}

func newAnchorsList() *cobra.Command {
	var name string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Lists the pinned authorities: digest, validity, official address",
		Example: `  rastau anchors list`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := contour(name)
			if err != nil {
				return err
			}
			for _, a := range all {
				if asJSON {
					printJSON(cmd.OutOrStdout(), struct {
						File      string   `json:"file"`
						Subject   string   `json:"subject"`
						SHA256    string   `json:"sha256"`
						From      string   `json:"from"`
						Until     string   `json:"until"`
						Root      bool     `json:"root"`
						Test      bool     `json:"test"`
						Addresses []string `json:"addresses"`
					}{a.File, a.Subject, a.SHA256, a.From, a.Until, a.Root, a.Test, append([]string{}, a.Addresses...)})
					continue
				}
				kind := "authority"
				if a.Root {
					kind = "root"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%-24s %-9s %s – %s  %s\n  sha256 %s\n", a.File, kind, a.From, a.Until, a.Subject, a.SHA256)
				for _, address := range a.Addresses {
					fmt.Fprintf(cmd.OutOrStdout(), "  %s\n", address)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "contour", "production", "production or test")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// errPin: what was offered under an authority's name is another certificate.
var errPin = errors.New("it is NOT the certificate that the State published: its SHA-256 is another one")

func newAnchorsFetch() *cobra.Command {
	var name, dir, from string
	cmd := &cobra.Command{
		Use:   "fetch --dir DIR",
		Short: "Gets the pinned certificates and stores those whose digest is right",
		Long: `Gets each certificate from its official address, or with --from looks for it in the files of a folder, compares its SHA-256 with
the pinned one, and stores it in DIR/roots or DIR/certificates. Name these folders in the configuration as anchors and certificates.

Exit: 0 all stored, 1 something offered is another certificate (it is not stored), 3 some could not be had.`,
		Example: `  rastau anchors fetch --dir /etc/rastau/anchors
  rastau anchors fetch --dir /etc/rastau/anchors --from /media/usb/certificates`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := contour(name)
			if err != nil {
				return err
			}
			if dir == "" {
				return usagef("--dir is required: where to store the certificates")
			}
			get, err := publishedFrom(cmd, from)
			if err != nil {
				return err
			}
			var codes []int
			for _, a := range all {
				path := filepath.Join(dir, "certificates", a.File)
				if a.Root {
					path = filepath.Join(dir, "roots", a.File)
				}
				der, err := get(a)
				if err == nil {
					err = writeWhole(path, der)
				}
				switch {
				case err == nil:
					fmt.Fprintf(cmd.OutOrStdout(), "stored  %s\n", path)
				case errors.Is(err, errPin):
					codes = append(codes, exitFailed)
					fmt.Fprintf(cmd.ErrOrStderr(), "REFUSED %s (%s): %v\n", a.File, a.Subject, err)
				default:
					codes = append(codes, exitIndeterminate)
					fmt.Fprintf(cmd.ErrOrStderr(), "missing %s (%s): %v\n", a.File, a.Subject, err)
				}
			}
			return worst(codes)
		},
	}
	cmd.Flags().StringVar(&name, "contour", "production", "production or test")
	cmd.Flags().StringVar(&dir, "dir", "", "folder to store into")
	cmd.Flags().StringVar(&from, "from", "", "take the certificates from this folder and use no network")
	cmd.Flags().Bool("quiet", false, "no progress on stderr")
	return cmd
}

// publishedFrom returns how to get the DER of one authority: from the files of a folder, or from its official addresses.
func publishedFrom(cmd *cobra.Command, folder string) (func(trust.StateAuthority) ([]byte, error), error) {
	if folder != "" {
		known, named := map[string][]byte{}, map[string]bool{}
		err := eachFile("--from", []string{folder}, func(name string, data []byte) error {
			for _, c := range certificatesIn(data) {
				known[c.SHA256Hex()] = c.Raw
				named[stem(name)] = true
			}
			return nil
		}, nil)
		return func(a trust.StateAuthority) ([]byte, error) {
			if der, ok := known[a.SHA256]; ok {
				return der, nil
			}
			if named[stem(a.File)] {
				return nil, fmt.Errorf("the file of that name in %s: %w", folder, errPin)
			}
			return nil, fmt.Errorf("no file in %s has its digest", folder)
		}, err
	}
	web, err := fetch.New(fetch.Options{Timeout: 30 * time.Second})
	if err != nil {
		return nil, err
	}
	return func(a trust.StateAuthority) ([]byte, error) {
		if len(a.Addresses) == 0 {
			return nil, errors.New("the State publishes no address for it; use --from")
		}
		var all error
		for _, address := range a.Addresses {
			done := progress(cmd, "fetching "+address)
			data, err := web.Get(cmd.Context(), address, maxPublished)
			done()
			if err != nil {
				all = errors.Join(all, err)
				continue
			}
			offered := certificatesIn(data)
			for _, c := range offered {
				if c.SHA256Hex() == a.SHA256 {
					return c.Raw, nil
				}
			}
			if len(offered) > 0 {
				return nil, fmt.Errorf("%s: %w", address, errPin)
			}
			all = errors.Join(all, fmt.Errorf("%s sends no certificate", address))
		}
		return nil, all
	}, nil
}

// stem is a file's name without its folder and ending.
func stem(name string) string {
	base := filepath.Base(name)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// certificatesIn reads DER, PEM, or the files of a ZIP; what is no certificate is passed over.
func certificatesIn(data []byte) []*pki.Certificate {
	if certs, err := pki.ReadCertificates(data); err == nil {
		return certs
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(archive.File) > 64 {
		return nil
	}
	var all []*pki.Certificate
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			continue
		}
		inner, err := io.ReadAll(io.LimitReader(r, pki.MaxCertificate+1))
		r.Close()
		if err != nil {
			continue
		}
		if certs, err := pki.ReadCertificates(inner); err == nil {
			all = append(all, certs...)
		}
	}
	return all
}

// writeWhole writes beside and renames, so that a crash leaves the whole file or none.
func writeWhole(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	part := path + ".part"
	if err := os.WriteFile(part, data, 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}

func newAnchorsCheck() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:     "check DIR",
		Short:   "Compares every certificate in a folder with the pinned digests",
		Long:    "Exit: 0 every certificate is a pinned one of the contour, 1 some are not, 4 a file cannot be read.",
		Example: `  rastau anchors check /etc/rastau/anchors`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := contour(name)
			if err != nil {
				return err
			}
			pinned := map[string]trust.StateAuthority{}
			for _, a := range all {
				pinned[a.SHA256] = a
			}
			var codes []int
			seen := 0
			err = eachFile("DIR", args, func(file string, data []byte) error {
				certs, err := pki.ReadCertificates(data)
				if err != nil {
					return unreadablef("%s is no certificate: %v", file, err)
				}
				for _, c := range certs {
					seen++
					a, ok := pinned[c.SHA256Hex()]
					if !ok {
						codes = append(codes, exitFailed)
						fmt.Fprintf(cmd.ErrOrStderr(), "REFUSED %s: %s is no pinned certificate of the %s contour (sha256 %s)\n", file, c.Subject, name, c.SHA256Hex())
						continue
					}
					fmt.Fprintf(cmd.OutOrStdout(), "pinned  %s: %s, until %s\n", file, a.Subject, a.Until)
				}
				return nil
			}, nil)
			if err != nil {
				return err
			}
			if seen == 0 {
				return unreadablef("%s holds no certificate", args[0])
			}
			return worst(codes)
		},
	}
	cmd.Flags().StringVar(&name, "contour", "production", "production or test")
	return cmd
}
