// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/term"

	"rastau/internal/archive"
	"rastau/internal/store"
)

func newBackup() *cobra.Command {
	var config, out string
	cmd := &cobra.Command{
		Use:   "backup --config FILE --out ARCHIVE",
		Short: "Writes the whole register into one file, while the service runs",
		Long: `Writes database, blobs and the head of the log, as they stood at one moment, into one file, which rastau restore brings back to SQLite or
PostgreSQL. It is signed with the log's key where there is one. Personal data that are sealed stay sealed; without personalData.keyFile
they stand open in it. The master key, the licensor's keys and the configuration are not in it: keep them apart.
Exit 1: the archive was written, and blobs that the register names are missing or damaged; they are named.`,
		Example: `  rastau backup --config /etc/rastau/config.yaml --out /backup/rastau-2026-11-02.tar.zst`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config == "" || out == "" {
				return usagef("--config and --out are required: which register, and where the archive is written")
			}
			c, err := loadConfig(config)
			if err != nil {
				return err
			}
			key, err := c.openLogKey()
			if err != nil {
				return err
			}
			db, err := c.openStore(cmd.Context())
			if err != nil {
				return err
			}
			b, size, err := backup(cmd, db, out, key)
			if err = errors.Join(err, db.Close()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes, %d licences, %d applications, %d blobs, log of %d entries with the root %s\n",
				out, size, b.Rows["licences"], b.Rows["applications"], b.Blobs, b.Log.Size, b.Log.Root)
			if err == nil && len(b.Missing) > 0 {
				err = &exitError{code: exitFailed, message: fmt.Sprintf("%d blobs are missing or damaged, the first is %s: take them from an earlier backup", len(b.Missing), b.Missing[0])}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE`")
	cmd.Flags().StringVar(&out, "out", "", "`FILE` to write; it must not exist yet")
	cmd.Flags().Bool("quiet", false, "no progress on stderr")
	return cmd
}

// backup writes beside out and gives the file its name when it is whole and on the disk.
func backup(cmd *cobra.Command, db *store.Store, out string, key note.Signer) (b *store.Backup, size int64, err error) {
	if _, err := os.Lstat(out); err == nil {
		return nil, 0, unreadablef("%s is there already; a backup is never written over another", out)
	}
	f, err := os.CreateTemp(filepath.Dir(out), filepath.Base(out)+".part-") // for its owner alone
	if err != nil {
		return nil, 0, unreadablef("--out: %v", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	tell, done := stages(cmd, "backing up")
	b, err = db.Backup(cmd.Context(), f, store.BackupOptions{Program: version(), Now: time.Now(), Key: key, Progress: tell})
	done()
	if err != nil {
		return nil, 0, unreadablef("the backup was not made: %v", err)
	}
	if size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return nil, 0, err
	}
	if err = f.Sync(); err != nil {
		return nil, 0, unreadablef("the backup was not made: %v", err)
	}
	if err = os.Link(f.Name(), out); err != nil { // unlike a renaming it never replaces anything
		return nil, 0, unreadablef("--out: %v", err)
	}
	err = errors.Join(os.Remove(f.Name()), f.Close())
	return b, size, err
}

// stages shows on a terminal what is under way and how much of it was done, elsewhere one line when it ends, both on stderr.
func stages(cmd *cobra.Command, what string) (tell func(stage string, n int64), done func()) {
	if quiet, err := cmd.Flags().GetBool("quiet"); err == nil && quiet {
		return func(string, int64) {}, func() {}
	}
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return func(string, int64) {}, progress(cmd, what)
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionClearOnFinish(),
		progressbar.OptionSpinnerType(14), progressbar.OptionEnableColorCodes(os.Getenv("NO_COLOR") == ""))
	return func(stage string, n int64) {
		bar.Describe(fmt.Sprintf("%s: %s %d", what, stage, n))
		_ = bar.Add(1) // a spinner that cannot be drawn harms nothing
	}, func() { _ = bar.Finish() }
}

func newRestore() *cobra.Command {
	var config, since, key string
	var check bool
	cmd := &cobra.Command{
		Use:   "restore ARCHIVE --config FILE [--check] [--since CHECKPOINT] [--key KEY]",
		Short: "Brings a register back from a backup, after it has proven the whole of it",
		Long: `Proves the archive first: nothing is cut off or changed, every hash of the log, every document against its entry, every blob against its
name. Then it fills the database of the configuration, which must be empty: an SQLite file that is not there yet, or a PostgreSQL
database without tables. Where anything does not hold, nothing is restored.
With --since the archive must hold everything up to a checkpoint that was kept outside (rastau log checkpoint): a backup that lost an
entry is refused. With --key it must be signed with the log's key. With --check it is only proven; the database is not looked at.
Who was logged in has to log in again. Passwords, tokens and locks are those of the backup.`,
		Example: `  rastau restore /backup/rastau-2026-11-02.tar.zst --config /etc/rastau/config.yaml --since checkpoint.txt
  rastau restore /backup/rastau-2026-11-02.tar.zst --config /etc/rastau/config.yaml --check --key licence.example.kz/log+3f1c0a2b+AQ…`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if config == "" {
				return usagef("--config is required: where the register belongs, and the master key that opens it")
			}
			o := store.RestoreOptions{Now: time.Now()}
			var err error
			if o.Key, err = logKey(key); err != nil {
				return err
			}
			if o.Since, err = readCheckpoint("--since", since, o.Key); err != nil {
				return err
			}
			c, err := loadConfig(config)
			if err != nil {
				return err
			}
			to, err := c.storeOptions()
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return unreadablef("%v", err)
			}
			defer f.Close()
			var done func()
			o.Progress, done = stages(cmd, "restoring")
			var b *store.Backup
			what := "restored"
			if check {
				what = "holds"
				b, err = store.Prove(cmd.Context(), f, to, o)
			} else {
				b, err = store.Restore(cmd.Context(), f, to, o)
			}
			done()
			if err != nil {
				return restoreError(args[0], err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s: %d licences, %d applications, %d blobs, log of %d entries with the root %s, as of %s\n",
				args[0], what, b.Rows["licences"], b.Rows["applications"], b.Blobs, b.Log.Size, b.Log.Root, b.Made.Format(time.RFC3339))
			if err == nil && len(b.Missing) > 0 {
				err = &exitError{code: exitFailed, message: fmt.Sprintf("%d blobs were missing when the backup was made, the first is %s: take them from an earlier backup", len(b.Missing), b.Missing[0])}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE`")
	cmd.Flags().StringVar(&since, "since", "", "`CHECKPOINT` file that was kept outside the installation")
	cmd.Flags().StringVar(&key, "key", "", "the log's public `KEY`: archive and checkpoint must be signed with it")
	cmd.Flags().BoolVar(&check, "check", false, "prove the archive and restore nothing")
	cmd.Flags().Bool("quiet", false, "no progress on stderr")
	return cmd
}

// restoreError tells what is wrong with the archive from what is wrong with the place.
func restoreError(file string, err error) error {
	switch {
	case errors.Is(err, archive.ErrBroken), errors.Is(err, archive.ErrSigner), errors.Is(err, store.ErrLost):
		return &exitError{code: exitFailed, message: fmt.Sprintf("%s: NOTHING WAS RESTORED: %v", file, err)}
	case errors.Is(err, store.ErrNotEmpty):
		return unreadablef("%v: move it away first; a restore never writes over a register", err)
	}
	return unreadablef("nothing was restored: %v", err)
}
