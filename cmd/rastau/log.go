// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"rastau/internal/journal"
	"rastau/internal/store"
	"rastau/licensing"
)

func newLog() *cobra.Command {
	cmd := &cobra.Command{Use: "log", Short: "Proves the register's append-only log", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	cmd.AddCommand(newLogVerify(), newLogExport(), newLogCheckpoint(), newLogProof(), newLogCheck(), newLogKey())
	return cmd
}

func newLogVerify() *cobra.Command {
	var config, export, server, since, key string
	cmd := &cobra.Command{
		Use:   "verify --config FILE | --export FILE | --server ADDRESS [--since CHECKPOINT]",
		Short: "Proves the register: nothing in it was changed, removed or slipped in",
		Long: `With --config the whole register is proven again: every hash of the log, every document against its entry.
With --export or --server the log alone, from its entries; --export needs neither the register nor the network.
With --since whatever was rewritten since that checkpoint, kept earlier, is found: keep checkpoints outside the installation.
With --key the checkpoint must bear the log's signature; of a running service the one that it signs now too, and what it shows
must be what it signs.`,
		Example: `  rastau log verify --config /etc/rastau/config.yaml
  rastau log verify --config /etc/rastau/config.yaml --since checkpoint-2014-03.txt
  rastau log verify --export entries.jsonl --since checkpoint-2014-03.txt --key licence.example.kz/log+3f1c0a2b+AQ…
  rastau log verify --server https://licence.example.kz --since checkpoint-2014-03.txt --key licence.example.kz/log+3f1c0a2b+AQ…`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			given := 0
			for _, s := range []string{config, export, server} {
				if s != "" {
					given++
				}
			}
			if given != 1 {
				return usagef("give one of --config, --export and --server: where is the log")
			}
			if key != "" && since == "" && server == "" {
				return usagef("--key is of a checkpoint: give --since too")
			}
			verifier, err := logKey(key)
			if err != nil {
				return err
			}
			before, err := readCheckpoint("--since", since, verifier)
			if err != nil {
				return err
			}
			done := progress(cmd, "proving the register")
			var head journal.Head
			what := "every entry stands as it was written"
			switch {
			case config != "":
				err = withStore(cmd, config, func(db *store.Store) error {
					if head, err = licensing.CheckRegister(cmd.Context(), db); err != nil || before == nil {
						return err
					}
					return db.View(cmd.Context(), func(tx licensing.Tx) error { return journal.Since(tx, *before) })
				})
			case export != "":
				head, err = replayFile(export, heads(before))
			default:
				head, err = replayServer(cmd, strings.TrimSuffix(server, "/"), heads(before), verifier)
			}
			done()
			var already *exitError
			if errors.As(err, &already) {
				return err
			}
			if err != nil {
				return &exitError{code: exitFailed, message: err.Error()}
			}
			if config == "" {
				what = "the entries lead to this root"
			}
			if before != nil {
				what += fmt.Sprintf("; the first %d are those of the checkpoint", before.Size)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d entries, root %s: %s\n", head.Size, head.Root, what)
			return err
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE` of an installation on this machine")
	cmd.Flags().StringVar(&export, "export", "", "`FILE` of entries, one a line, as rastau log export writes them; - is stdin")
	cmd.Flags().StringVar(&server, "server", "", "`ADDRESS` of a running service")
	cmd.Flags().StringVar(&since, "since", "", "`CHECKPOINT` file that was kept earlier")
	cmd.Flags().StringVar(&key, "key", "", "the log's public `KEY`: the checkpoint must be signed with it")
	cmd.Flags().Bool("quiet", false, "no progress on stderr")
	return cmd
}

// logKey reads the public key of a log; nil where none is given.
func logKey(key string) (note.Verifier, error) {
	if key == "" {
		return nil, nil
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return nil, usagef("--key: no public key of a log: %v", err)
	}
	return verifier, nil
}

// readCheckpoint reads a checkpoint's file; nil where none is given.
func readCheckpoint(flag, name string, key note.Verifier) (*journal.Head, error) {
	if name == "" {
		return nil, nil
	}
	msg, err := readFile(name)
	if err != nil {
		return nil, unreadablef("%s: %v", flag, err)
	}
	head, err := openCheckpoint(msg, key)
	if err != nil {
		return nil, &exitError{code: exitFailed, message: err.Error()}
	}
	return &head, nil
}

func openCheckpoint(msg []byte, key note.Verifier) (journal.Head, error) {
	if key == nil {
		return journal.ReadCheckpoint(msg)
	}
	return journal.OpenCheckpoint(msg, key)
}

func heads(before *journal.Head) []journal.Head {
	if before == nil {
		return nil
	}
	return []journal.Head{*before}
}

func replayFile(name string, kept []journal.Head) (journal.Head, error) {
	var from io.Reader = os.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return journal.Head{}, unreadablef("%v", err)
		}
		defer file.Close()
		from = file
	}
	return journal.Replay(from, kept...)
}

// pageOfEntries is how many entries are asked for at once.
const pageOfEntries = 1000

// replayServer reads the entries of a running service page by page. With the log's key they must lead to the checkpoint that the
// service signs now: who shows one log and signs another is found.
func replayServer(cmd *cobra.Command, server string, kept []journal.Head, key note.Verifier) (journal.Head, error) {
	client := &http.Client{Timeout: time.Minute}
	if key != nil {
		msg, err := getPage(cmd, client, server+"/v1/log/checkpoint")
		if err != nil {
			return journal.Head{}, err
		}
		now, err := openCheckpoint(msg, key)
		if err != nil {
			return journal.Head{}, err
		}
		kept = append(kept, now)
	}
	pipe, into := io.Pipe()
	go func() {
		for from := 0; ; from += pageOfEntries {
			page, err := getPage(cmd, client, fmt.Sprintf("%s/v1/log/entries?from=%d&count=%d", server, from, pageOfEntries))
			if err == nil {
				_, err = into.Write(page)
			}
			if err != nil || bytes.Count(page, []byte("\n")) < pageOfEntries {
				into.CloseWithError(err) // nil is the end
				return
			}
		}
	}()
	head, err := journal.Replay(pipe, kept...)
	return head, errors.Join(err, pipe.Close())
}

func getPage(cmd *cobra.Command, client *http.Client, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, address, nil)
	if err != nil {
		return nil, usagef("--server: %v", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, unreadablef("%v", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, unreadablef("%s answers %s", address, res.Status)
	}
	return io.ReadAll(http.MaxBytesReader(nil, res.Body, pageOfEntries*(64<<10)))
}

func newLogExport() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:     "export --config FILE",
		Short:   "Prints the entries of the log, one a line, byte by byte as they were written; they name no person",
		Example: `  rastau log export --config /etc/rastau/config.yaml > entries.jsonl`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, config, func(db *store.Store) error {
				out := bufio.NewWriter(cmd.OutOrStdout())
				err := db.View(cmd.Context(), func(tx licensing.Tx) error {
					size, err := tx.LogSize()
					if err != nil {
						return err
					}
					for n := range size {
						entry, err := tx.LogEntry(n)
						if err != nil {
							return err
						}
						if _, err := out.Write(append(entry, '\n')); err != nil {
							return err
						}
					}
					return nil
				})
				return errors.Join(err, out.Flush())
			})
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE`")
	return cmd
}

func newLogCheckpoint() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:     "checkpoint --config FILE",
		Short:   "Prints the signed head of the log, to be kept outside the installation",
		Example: `  rastau log checkpoint --config /etc/rastau/config.yaml > checkpoint-2014-03.txt`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, config, func(db *store.Store) error {
				c, err := loadConfig(config)
				if err != nil {
					return err
				}
				key, err := c.openLogKey()
				if err != nil {
					return err
				}
				if key == nil {
					return usagef("logKey is not configured; make a key with: rastau log key NAME --out FILE")
				}
				var head journal.Head
				if err := db.View(cmd.Context(), func(tx licensing.Tx) (err error) { head, err = journal.Now(tx); return err }); err != nil {
					return err
				}
				msg, err := journal.Sign(head, key)
				if err != nil {
					return err
				}
				_, err = cmd.OutOrStdout().Write(msg)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE`")
	return cmd
}

func newLogProof() *cobra.Command {
	var config string
	var entry, from, size int64
	cmd := &cobra.Command{
		Use:   "proof --config FILE (--entry N | --from SIZE) [--size SIZE]",
		Short: "Prints the proof that an entry stands in the log, or that the log was only added to (RFC 6962)",
		Example: `  rastau log proof --config /etc/rastau/config.yaml --entry 41
  rastau log proof --config /etc/rastau/config.yaml --from 1000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (entry < 0) == (from < 1) {
				return usagef("give --entry or --from")
			}
			return withStore(cmd, config, func(db *store.Store) error {
				var proof any
				var err error
				if entry >= 0 {
					proof, err = licensing.EntryProofOf(cmd.Context(), db, entry, size)
				} else {
					proof, err = licensing.GrowthProofOf(cmd.Context(), db, from, size)
				}
				var input *licensing.InputError
				if errors.As(err, &input) {
					return usagef("%s", input.Problem)
				}
				if err != nil {
					return err
				}
				return json.NewEncoder(cmd.OutOrStdout()).Encode(proof)
			})
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE`")
	cmd.Flags().Int64Var(&entry, "entry", -1, "`NUMBER` of the entry, counted from 0")
	cmd.Flags().Int64Var(&from, "from", 0, "earlier `SIZE` of the log")
	cmd.Flags().Int64Var(&size, "size", 0, "`SIZE` of the log that is proven in (default: as it is)")
	return cmd
}

func newLogKey() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:     "key NAME --out FILE",
		Short:   "Makes the key of the log's checkpoints; prints the public one, which everybody may have",
		Example: `  rastau log key licence.example.kz/log --out /etc/rastau/log.key`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usagef("--out is required: where the secret key is written")
			}
			public, err := writeLogKey(args[0], out)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), public)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "`FILE` for the secret key; it must not exist yet")
	return cmd
}

// writeLogKey leaves the secret key in a file that nobody else may read.
func writeLogKey(name, file string) (public string, err error) {
	if name == "" || strings.ContainsAny(name, " \t\n+") {
		return "", usagef("%q is no name of a log: write it like licence.example.kz/log", name)
	}
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", unreadablef("%v", err)
	}
	_, err = fmt.Fprintln(f, secret)
	return public, errors.Join(err, f.Close())
}
