// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rastau/internal/batch"
	"rastau/internal/evidence"
	"rastau/verifier"
)

// batchFlags are the flags of verify that speak of many files.
type batchFlags struct {
	batch   bool
	out     string
	workers int
	limits  batch.Limits
}

func (b *batchFlags) register(fs *pflag.FlagSet) {
	fs.BoolVar(&b.batch, "batch", false, "FILE is a folder, a ZIP archive or a CSV table of files to judge")
	fs.StringVar(&b.out, "out", "", "with --batch: the `FILE` of results, one JSON object a line; one that is there is continued")
	fs.IntVar(&b.workers, "workers", 0, "with --batch: how many files are judged at a time (default: half of the processors)")
	fs.IntVar(&b.limits.Files, "max-files", 100_000, "with --batch: how many files there may be")
	fs.Int64Var(&b.limits.File, "max-size", 64<<20, "with --batch: how many bytes one file may have, unpacked")
	fs.Int64Var(&b.limits.Total, "max-total", 4<<30, "with --batch: how many bytes all files may have together, unpacked")
	fs.DurationVar(&b.limits.Time, "max-time", 24*time.Hour, "with --batch: how long it may take")
}

var batchOnly = []string{"out", "workers", "max-files", "max-size", "max-total", "max-time"}

// unused refuses flags that would not be honoured.
func (b *batchFlags) unused(fs *pflag.FlagSet) error {
	for _, name := range batchOnly {
		if fs.Changed(name) {
			return usagef("--%s goes with --batch", name)
		}
	}
	return nil
}

// judgeBatch judges every file of a source; the exit code is the first of 2, 4, 1, 3, 0 that occurs, over all runs.
func judgeBatch(cmd *cobra.Command, f *questionFlags, b *batchFlags, sources []string) error {
	switch {
	case len(sources) != 1:
		return usagef("--batch judges one folder, archive or table: name one")
	case b.out == "":
		return usagef("--batch needs --out, the file of results")
	case b.workers < 0 || b.limits.Files < 1 || b.limits.File < 1 || b.limits.Total < 1 || b.limits.Time <= 0:
		return usagef("--workers must not be negative, and limits must be above zero")
	case f.evidence != "" || f.content != "" || f.contentDigest != "":
		return usagef("--evidence, --content and --content-digest are about one file; a table says more of each: docs/BATCHES.md")
	}
	q, err := f.question()
	if err != nil {
		return err
	}
	source, err := batch.Open(sources[0], b.limits)
	if err != nil {
		return batchError(sources[0], err)
	}
	defer source.Close()
	v, release, err := f.newVerifier()
	if err != nil {
		return err
	}
	defer release()
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	show := batchProgress(cmd.ErrOrStderr(), f.quiet)
	sum, err := batch.ToFile(ctx, source, batch.FileOptions{
		Out: b.out, Question: questionOf(cmd.Flags(), sources[0], q), Workers: b.workers, Progress: show,
		Judge: func(ctx context.Context, in batch.Input) (*verifier.Report, error) {
			asked := q
			data := in.Document
			if evidence.Is(data) {
				file, err := openEvidence(in.Name, data, true)
				if err != nil {
					return nil, err
				}
				data, asked = file.Document, f.again(cmd, q, file)
			}
			in.Narrow(&asked)
			return v.Document(ctx, data, asked), nil
		},
	})
	if sum != nil && !f.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d files, %d of them judged before\n", printable(b.out), sum.Files, sum.Before)
		for _, verdict := range slices.Sorted(maps.Keys(sum.Verdicts)) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%8d %s\n", sum.Verdicts[verdict], verdict)
		}
	}
	if err != nil {
		return batchError(b.out, err)
	}
	var codes []int
	for verdict := range sum.Verdicts {
		switch indication, _, _ := strings.Cut(verdict, "/"); indication {
		case batch.NoVerdict:
			codes = append(codes, exitUnreadable)
		case verifier.TotalPassed.String():
		case verifier.TotalFailed.String():
			codes = append(codes, exitFailed)
		default:
			codes = append(codes, exitIndeterminate)
		}
	}
	return worst(codes)
}

func batchError(name string, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return &exitError{code: exitIndeterminate, message: "interrupted; the same command goes on from here"}
	case errors.Is(err, batch.ErrLimit):
		return usagef("%s: %v", name, err)
	}
	return unreadablef("%s: %v", name, err)
}

// questionOf changes whenever another question is asked or another source is read: the flags as they were given, the trust
// that they led to, and the path.
func questionOf(fs *pflag.FlagSet, source string, q verifier.Question) string {
	h := sha256.New()
	say := func(format string, args ...any) { fmt.Fprintf(h, format+"\x00", args...) }
	if whole, err := filepath.Abs(source); err == nil {
		source = whole
	}
	say("%s", source)
	fs.Visit(func(flag *pflag.Flag) {
		switch flag.Name {
		case "workers", "quiet", "json", "out", "max-files", "max-size", "max-total", "max-time", "anchors", "tsa-anchors":
		default:
			say("%s=%s", flag.Name, flag.Value)
		}
	})
	for _, a := range q.Anchors {
		say("anchor %s", a.Certificate.SHA256Hex())
	}
	for _, a := range q.TSAAnchors {
		say("tsa %s", a.Certificate.SHA256Hex())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// batchProgress is a bar on a terminal, a line now and then elsewhere, and nothing where quiet was asked for.
func batchProgress(w io.Writer, quiet bool) func(done, total int) {
	if quiet {
		return nil
	}
	file, ok := w.(*os.File)
	if info, err := file.Stat(); ok && err == nil && info.Mode()&os.ModeCharDevice != 0 {
		var bar *progressbar.ProgressBar
		return func(done, total int) {
			if bar == nil {
				bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
			}
			_ = bar.Set(done) // a bar that cannot be drawn keeps nothing back
		}
	}
	last := time.Now()
	return func(done, total int) {
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			fmt.Fprintf(w, "%d of %d files judged\n", done, total)
		}
	}
}
