// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rastau/internal/conformance"
)

func newConformance() *cobra.Command {
	var suites, only string
	var markdown bool
	cmd := &cobra.Command{
		Use:   "conformance",
		Short: "Measures this program against public conformance suites and prints the score with every waiver",
		Long: `Runs the suites in the folder of --suites (or of RASTAU_SUITES) through the same code as the other commands and prints, for each,
how many answers agree, what is wrongly accepted, and every case that disagrees with its reason.

Exit: 0 every case agrees or is waived by name, 1 some case disagrees, 4 a suite cannot be read.`,
		Example: `  rastau conformance --suites ../shared/suites
  rastau conformance --suites ../shared/suites --only pkits`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if suites == "" {
				return usagef("say where the suites are: --suites DIR or RASTAU_SUITES")
			}
			names := conformance.Suites
			if only != "" {
				names = []string{only}
			}
			var results []*conformance.Result
			whole := true
			for _, name := range names {
				if !markdown {
					fmt.Fprintf(cmd.ErrOrStderr(), "rastau: %s\n", name)
				}
				r, err := conformance.Run(cmd.Context(), suites, name, ownCommand)
				if err != nil {
					return unreadablef("%v", err)
				}
				whole = whole && r.Whole()
				results = append(results, r)
			}
			if markdown {
				conformance.Markdown(cmd.OutOrStdout(), results)
			} else {
				conformance.Text(cmd.OutOrStdout(), results)
			}
			if !whole {
				return &exitError{code: exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&suites, "suites", os.Getenv("RASTAU_SUITES"), "the `DIR` that holds the suites")
	cmd.Flags().StringVar(&only, "only", "", "one `SUITE`")
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print the tables of docs/CONFORMANCE.md")
	return cmd
}

// ownCommand runs a command line of this program in this process.
func ownCommand(ctx context.Context, args []string) ([]byte, int) {
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(io.Discard)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return out.Bytes(), exitPassed
	case errors.As(err, &exit):
		return out.Bytes(), exit.code
	}
	return out.Bytes(), exitUsage
}
