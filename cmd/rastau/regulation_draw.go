// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rastau/internal/phrase"
	"rastau/licensing"
)

func newRegulationDraw() *cobra.Command {
	var path, out, lang string
	cmd := &cobra.Command{
		Use:   "draw FILE",
		Short: "Draws the paths of a regulation as annex 1 does, as SVG",
		Long: `Draws the swim-lane diagrams of a regulation from its data: a lane for each unit, processes, conditions, refusals and messages with
the signs of the orders' own legend. A sheet is A3 landscape and can be read on A4.
Without --out the drawing goes to the standard output: one path (--path), or all of them on one sheet. With --out each path is a
file KEY-PATH-LANG.svg in that folder, and the names are printed.

Exit: 0 drawn, 1 the regulation has mistakes, 2 usage, 4 a file that cannot be read or written.`,
		Example: `  rastau regulation draw --path portal --lang kk licensing/regulations/passenger-transport.yaml > portal.svg
  rastau regulation draw --out diagrams licensing/regulations/trunk-pipelines.yaml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, ok := phrase.ParseLang(lang)
			if !ok {
				return usagef("--lang must be kk, ru or en")
			}
			r, err := readRegulation(args[0])
			if err != nil {
				return err
			}
			keys := r.PathKeys()
			if path != "" {
				keys = []string{path}
			}
			if out == "" {
				return printDiagrams(cmd, r, path, l)
			}
			if err := os.MkdirAll(out, 0o755); err != nil {
				return unreadablef("%v", err)
			}
			for _, key := range keys {
				svg, err := r.Diagram(key, l)
				if err != nil {
					return undrawn(r, key, err)
				}
				name := filepath.Join(out, fmt.Sprintf("%s-%s-%s.svg", r.Key, key, l))
				if err := os.WriteFile(name, svg, 0o644); err != nil {
					return unreadablef("%v", err)
				}
				fmt.Fprintln(cmd.OutOrStdout(), name)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "path", "", "draw this path only: portal, provider or centre")
	cmd.Flags().StringVar(&out, "out", "", "folder for the files; without it the drawing goes to the standard output")
	cmd.Flags().StringVar(&lang, "lang", "en", "language of the drawing: kk, ru or en")
	return cmd
}

func printDiagrams(cmd *cobra.Command, r *licensing.Regulation, path string, l phrase.Lang) error {
	var svg []byte
	var err error
	if path == "" {
		svg, err = r.Diagrams(l)
	} else {
		svg, err = r.Diagram(path, l)
	}
	if err != nil {
		return undrawn(r, path, err)
	}
	_, err = cmd.OutOrStdout().Write(svg)
	return err
}

func undrawn(r *licensing.Regulation, path string, err error) error {
	if errors.Is(err, licensing.ErrNotFound) {
		return usagef("--path %s: %s has the paths %s", path, r.Key, strings.Join(r.PathKeys(), ", "))
	}
	return &exitError{code: exitFailed, message: err.Error()}
}

// readRegulation reads and checks a file; mistakes in it end with exit 1.
func readRegulation(name string) (*licensing.Regulation, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, unreadablef("%v", err)
	}
	r, err := licensing.LoadRegulation(filepath.Base(name), data)
	if err != nil {
		return nil, &exitError{code: exitFailed, message: err.Error()}
	}
	return r, nil
}
