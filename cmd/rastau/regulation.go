// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"rastau/licensing"
)

func newRegulation() *cobra.Command {
	cmd := &cobra.Command{Use: "regulation", Short: "Checks regulations, which are data", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	cmd.AddCommand(&cobra.Command{
		Use:     "check FILE…",
		Short:   "Reads regulation files as serve does and names the line of every mistake",
		Example: `  rastau regulation check licensing/regulations/passenger-transport.yaml`,
		Args:    atLeastOneFile,
		RunE: func(cmd *cobra.Command, files []string) error {
			for _, name := range files {
				data, err := readFile(name)
				if err != nil {
					return unreadablef("%v", err)
				}
				r, err := licensing.LoadRegulation(filepath.Base(name), data)
				if err != nil {
					return &exitError{code: exitFailed, message: err.Error()}
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: no mistakes found: %s\n", name, r.Name.EN)
			}
			return nil
		},
	}, &cobra.Command{
		Use:   "draw FILE",
		Short: "Not available in this version",
		Args:  cobra.ArbitraryArgs,
		RunE: func(*cobra.Command, []string) error {
			return usagef("drawing a regulation's paths is not available in this version; `rastau regulation check` reads it")
		},
	})
	return cmd
}
