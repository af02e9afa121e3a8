// SPDX-License-Identifier: Apache-2.0

// Command rastau judges Kazakhstan's electronic signatures, signs e-licences and runs the licensing workflow.
// This package holds flags, configuration and wiring; everything else stands on the floors below.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes are a contract: other programs call this command line.
const (
	exitPassed        = 0
	exitFailed        = 1
	exitUsage         = 2
	exitIndeterminate = 3
	exitUnreadable    = 4
)

// exitError carries an exit code; an empty message prints nothing more.
type exitError struct {
	code    int
	message string
}

func (e *exitError) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return &exitError{code: exitUsage, message: fmt.Sprintf(format, args...)}
}

func unreadablef(format string, args ...any) error {
	return &exitError{code: exitUnreadable, message: fmt.Sprintf(format, args...)}
}

func main() {
	os.Exit(run(context.Background(), os.Args[1:]))
}

// untilStopped ends with SIGINT or SIGTERM: for commands that serve. The others are ended by the signal itself, wherever
// they wait; what they write, they write whole or not at all.
func untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitPassed
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		// what Cobra itself reports is a mistake in the words of the command line
		exit = &exitError{code: exitUsage, message: err.Error()}
	}
	if exit.message != "" {
		fmt.Fprintln(os.Stderr, "rastau:", strings.Map(func(r rune) rune {
			if r == 0x1b {
				return -1 // a file's name must not write to the terminal
			}
			return r
		}, exit.message))
	}
	return exit.code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "rastau",
		Short: "Judges Kazakhstan's electronic signatures and certificates, signs e-licences, runs the licensing workflow",
		Long: `Rastau judges electronic digital signatures and certificates (EN 319 102-1), signs issued
e-licences with the licensor's key, and runs the licensing workflow around that core.

Exit codes of judging commands: 0 TOTAL-PASSED, 1 TOTAL-FAILED, 3 INDETERMINATE,
2 a mistake in the command line, 4 a file that cannot be opened.`,
		Example: `  rastau demo                                      # everything on this machine
  rastau verify --anchors root.pem application.p7s
  rastau certificate --anchors root.pem --purpose sign person.cer`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q; `rastau --help` lists the commands", args[0])
			}
			return cmd.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newVerify(), newCertificate(), newOCSP(), newCRL(), newAnchors(), newKey(), newSign(), newExtend(), newLicence(), newLog(),
		newRegulation(), newServe(), newConfig(), newMigrate(), newBackup(), newRestore(), newOutbox(), newDemo(), newConformance(), newVersion(), newMan(),
	)
	return root
}
