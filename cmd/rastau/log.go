// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"rastau/licensing"
)

func newLog() *cobra.Command {
	cmd := &cobra.Command{Use: "log", Short: "Proves the register's append-only log", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	var config string
	verify := &cobra.Command{
		Use:     "verify --config FILE",
		Short:   "Proves the whole register again: every hash of the log, every document against its entry",
		Example: `  rastau log verify --config /etc/rastau/config.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config == "" {
				return usagef("--config is required: where is the register")
			}
			c, err := loadConfig(config)
			if err != nil {
				return err
			}
			db, err := c.openStore(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			done := progress(cmd, "proving the register")
			head, err := licensing.CheckRegister(cmd.Context(), db)
			done()
			if err != nil {
				return &exitError{code: exitFailed, message: err.Error()}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d entries, root %s: every entry stands as it was written\n", head.Size, head.Root)
			return err
		},
	}
	verify.Flags().StringVar(&config, "config", "", "configuration `FILE` of an installation on this machine")
	verify.Flags().Bool("quiet", false, "no progress on stderr")
	cmd.AddCommand(verify)
	return cmd
}
