// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newRegulation() *cobra.Command {
	cmd := &cobra.Command{Use: "regulation", Short: "Checks and draws regulations, which are data", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	cmd.AddCommand(&cobra.Command{
		Use:     "check FILE…",
		Short:   "Reads regulation files as serve does and names the line of every mistake",
		Example: `  rastau regulation check licensing/regulations/passenger-transport.yaml`,
		Args:    atLeastOneFile,
		RunE: func(cmd *cobra.Command, files []string) error {
			for _, name := range files {
				r, err := readRegulation(name)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: no mistakes found: %s\n", name, r.Name.EN)
			}
			return nil
		},
	}, newRegulationDraw())
	return cmd
}
