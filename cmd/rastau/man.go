// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan is for those who make packages: people read the pages with man.
func newMan() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:    "man --dir FOLDER",
		Short:  "Writes the manual pages of all commands",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return usagef("--dir is required: where the pages are written")
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return unreadablef("%v", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same program makes the same pages
			epoch := time.Unix(0, 0).UTC()
			if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "Rastau", Manual: "Rastau", Date: &epoch}, dir); err != nil {
				return unreadablef("%v", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`FOLDER` for the pages")
	return cmd
}
