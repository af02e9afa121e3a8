// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"rastau/internal/pki"
	"rastau/signer"
	"rastau/verifier"
)

func newSign() *cobra.Command {
	var k keyFlags
	var f questionFlags
	var out, tsa, level string
	var detached bool
	cmd := &cobra.Command{
		Use:   "sign --out FOLDER FILE…",
		Short: "Signs files, hundreds at once: PDF as PAdES, everything else as CAdES",
		Long: `Signs each file into the folder: a PDF under its own name, everything else as NAME.p7m (NAME.p7s with --detached). The key's
certificate is judged before it signs, by --anchors and the network; each signature is checked before it is written, whole or not at all.

The folder remembers what is done. Run again after an interruption, or a crash, the same command goes on with what is missing; what
is signed already is not signed again.
Exit: 0 all are signed, 1 a file could not be signed, 3 it cannot be done now, 2 usage, 4 a file or key cannot be opened.`,
		Example: `  rastau sign --password-file pin.txt --key licensor.p12 --anchors root.pem --tsa http://tsp.example/ --level LTA --out signed licences/*.pdf`,
		Args:    atLeastOneFile,
	}
	var keys []string
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		if out == "" {
			return usagef("--out is required: the folder for what is signed")
		}
		var to signer.Level
		var err error
		if level != "" {
			if to, err = signer.ParseLevel(level); err != nil {
				return usagef("--level: %v", err)
			}
		}
		if f.at != "" || f.offline || f.evidence != "" {
			return usagef("--at, --offline and --evidence: what is signed is signed now, by a key that is judged now")
		}
		if err := k.trust(&f); err != nil {
			return err
		}
		q, err := f.question()
		if err != nil {
			return err
		}
		opened, release, err := k.open(keys)
		defer func() { release() }()
		if err != nil {
			return err
		}
		var all []*pki.Key
		for _, one := range opened {
			all = append(all, one.Key)
		}
		ring, err := signer.NewRing(all...)
		if err != nil {
			return usagef("%v", err)
		}
		v, done, err := f.newVerifier()
		if err != nil {
			return err
		}
		defer done()
		asked := examiner{v, func() verifier.Question { return q }}
		o := signer.Options{Keys: ring, Judge: asked, Checker: v, Examiner: asked, Level: to, Now: time.Now}
		if tsa != "" {
			stamper, err := f.stamper(tsa, q.Algorithms)
			if err != nil {
				return err
			}
			o.Stamper, o.Hash = stamper, stamper.Hash
		}
		s, err := signer.New(o)
		if err != nil {
			return usagef("%v", err)
		}
		return f.signAll(cmd, s, files, signer.BatchOptions{Out: out, JSON: signer.JSONOptions{Detached: detached}})
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "the key: a PKCS#12 `FILE` (repeatable: the first that is valid now signs); or --token, or --config")
	cmd.Flags().StringVar(&out, "out", "", "`FOLDER` for what is signed; made where it is not there")
	cmd.Flags().StringVar(&tsa, "tsa", "", "address of the time-stamping authority (RFC 3161); without one the level is B")
	cmd.Flags().StringVar(&level, "level", "", "the `LEVEL` to sign at: B, T, LT or LTA (default: T with --tsa, B without)")
	cmd.Flags().BoolVar(&detached, "detached", false, "leave the content out of CAdES")
	k.register(cmd)
	f.register(cmd.Flags(), false)
	return cmd
}

func (f *questionFlags) signAll(cmd *cobra.Command, s *signer.Signer, files []string, o signer.BatchOptions) error {
	bar := func() {}
	if !f.quiet && term.IsTerminal(int(os.Stderr.Fd())) {
		shown := progressbar.NewOptions(len(files), progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription("signing"),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionEnableColorCodes(os.Getenv("NO_COLOR") == ""))
		bar = func() { _ = shown.Add(1) } // a bar that cannot be drawn does no harm
	}
	var codes []int
	signed, before := 0, 0
	o.Progress = func(i signer.BatchItem) {
		bar()
		switch {
		case i.Err != nil:
			codes = append(codes, signCode(i.Err))
		case i.Before:
			before++
		default:
			signed++
		}
		if !f.json {
			if i.Err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "rastau: %s: %v\n", printable(i.File), i.Err)
			}
			return
		}
		line := struct {
			File   string  `json:"file"`
			Out    string  `json:"out"`
			Before bool    `json:"before"`
			Error  *string `json:"error"`
		}{File: i.File, Out: i.Out, Before: i.Before}
		if i.Err != nil {
			text := i.Err.Error()
			line.Error = &text
		}
		printJSON(cmd.OutOrStdout(), line)
	}
	if err := s.Batch(cmd.Context(), files, o); err != nil {
		if cmd.Context().Err() != nil {
			return &exitError{code: exitIndeterminate, message: "interrupted; the same command goes on"}
		}
		return unreadablef("%v", err)
	}
	if !f.json && !f.quiet {
		fmt.Fprintf(cmd.OutOrStdout(), "%d signed, %d signed before, %d not\n", signed, before, len(codes))
	}
	return worst(codes)
}

// signCode is the exit code of a file that was not signed.
func signCode(err error) int {
	switch {
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission):
		return exitUnreadable
	case errors.Is(err, signer.ErrUndecided) || errors.Is(err, signer.ErrStamp) || errors.Is(err, signer.ErrToken):
		return exitIndeterminate
	}
	return exitFailed
}
