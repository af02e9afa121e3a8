// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"rastau/internal/fetch"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
	"rastau/signer"
	"rastau/verifier"
)

func newExtend() *cobra.Command {
	var f questionFlags
	var to, out, tsa string
	cmd := &cobra.Command{
		Use:   "extend FILE",
		Short: "Makes the signatures in a PDF or CAdES file last: time stamps, validation data, archive time stamps",
		Long: `Brings every signature in the file, whoever made it, to a level of EN 319 142-1 (PDF) or EN 319 122-1 (CAdES), and renews
one that has it. T adds a time stamp where there is none. LT adds certificates, lists and OCSP responses, so that the file can be judged
when nobody answers any more. LTA adds a time stamp over all of that: again before the one before ends, and the file lasts on.

What stands in the file is kept byte for byte. The file is judged first, and what does not pass is not extended; the result is
judged without any network before it is written. Without --out it takes the place of FILE, whole or not at all.
Exit: 0 extended, 1 or 3 the file does not pass (3: or it cannot be known now), 2 usage, 4 a file cannot be opened.`,
		Example: `  rastau extend --anchors root.pem --tsa http://tsp.example/ licence.pdf
  rastau extend --anchors root.pem --tsa http://tsp.example/ --level LT --out long.p7s --content application.json application.p7s`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			level, err := signer.ParseLevel(to)
			if err != nil || level < signer.LevelT {
				return usagef("--level %q: choose T, LT or LTA", to)
			}
			if tsa == "" {
				return usagef("--tsa is required: the address of a time-stamping authority")
			}
			for flag, given := range map[string]bool{"--at": f.at != "", "--offline": f.offline, "--evidence": f.evidence != "", "--content-digest": f.contentDigest != ""} {
				if given {
					return usagef("%s: a file is extended now, by what can be had now, and detached content must be at hand", flag)
				}
			}
			if out == "" {
				out = args[0]
			}
			return f.extend(cmd, args[0], out, tsa, level)
		},
	}
	f.register(cmd.Flags(), true)
	cmd.Flags().StringVar(&to, "level", "LTA", "the `LEVEL` to reach: T, LT or LTA")
	cmd.Flags().StringVar(&out, "out", "", "write the result to `FILE` (default: in the place of the file)")
	cmd.Flags().StringVar(&tsa, "tsa", "", "address of the time-stamping authority (RFC 3161), http or https")
	return cmd
}

func (f *questionFlags) extend(cmd *cobra.Command, name, out, tsa string, level signer.Level) error {
	q, err := f.question()
	if err != nil {
		return err
	}
	document, err := readFile(name)
	if err != nil {
		return unreadablef("%v", err)
	}
	var content []byte
	if f.content != "" {
		if content, err = readFile(f.content); err != nil {
			return unreadablef("--content: %v", err)
		}
	}
	v, release, err := f.newVerifier()
	if err != nil {
		return err
	}
	defer release()
	stamper, err := f.stamper(tsa, q.Algorithms)
	if err != nil {
		return err
	}
	e, err := signer.NewExtender(signer.ExtenderOptions{Stamper: stamper, Examiner: examiner{v, func() verifier.Question { return q }}, Hash: stamper.Hash})
	if err != nil {
		return err
	}
	extended, err := e.Extend(cmd.Context(), document, content, level)
	if err != nil {
		return &exitError{code: extendCode(err), message: fmt.Sprintf("%s: %v", printable(name), err)}
	}
	if err := replaceFile(out, extended); err != nil {
		return unreadablef("%v", err)
	}
	until, err := signer.Horizon(extended, q.Algorithms)
	if err != nil {
		return err
	}
	if f.json {
		printJSON(cmd.OutOrStdout(), struct {
			File  string    `json:"file"`
			Out   string    `json:"out"`
			Level string    `json:"level"`
			Until time.Time `json:"until"`
		}{name, out, level.String(), until})
		return nil
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: level %s, to be renewed before %s\n", printable(out), level, until.Format(time.RFC3339))
	return nil
}

// stamper asks the authority through the guarded client.
func (f *questionFlags) stamper(tsa string, algorithms *pki.AlgorithmPolicy) (*timestamp.Client, error) {
	allow, err := parsePrefixes(f.allow)
	if err != nil {
		return nil, usagef("--allow: %v", err)
	}
	web, err := fetch.New(fetch.Options{Allow: allow, Proxy: f.proxy})
	if err != nil {
		return nil, err
	}
	return &timestamp.Client{URL: tsa, HTTP: web, Hash: signer.StampHash(algorithms, time.Now())}, nil
}

// extendCode is the exit code of a refusal: that of the verdict, where there was one.
func extendCode(err error) int {
	var verdict *notPassed
	switch {
	case errors.As(err, &verdict):
		return exitCode(verdict.indication)
	case errors.Is(err, signer.ErrExtend):
		return exitFailed
	}
	return exitIndeterminate // the authority, or a source, did not answer
}

// replaceFile writes a file whole or not at all.
func replaceFile(name string, data []byte) error {
	t, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(t.Name()) // it is gone where all went well
	mode := os.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	_, err = t.Write(data)
	err = errors.Join(err, t.Chmod(mode), t.Sync(), t.Close())
	if err != nil {
		return err
	}
	return os.Rename(t.Name(), name)
}
