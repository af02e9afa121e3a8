// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"rastau/internal/store"
)

func newMigrate() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:     "migrate --config FILE",
		Short:   "Brings the database to this version's form (serve does it too)",
		Example: `  rastau migrate --config /etc/rastau/config.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config == "" {
				return usagef("--config is required: which database")
			}
			c, err := loadConfig(config)
			if err != nil {
				return err
			}
			db, err := c.openStore(cmd.Context())
			if err != nil {
				return err
			}
			if err := db.Close(); err != nil {
				return err
			}
			shown := c.Database
			if !store.IsPostgres(shown) {
				shown = c.path(shown)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is of this version's form\n", shown)
			return err
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE`")
	return cmd
}
