// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"

	"github.com/gowebpki/jcs"
	"github.com/spf13/cobra"

	"rastau/internal/journal"
	"rastau/licensing"
)

func newLogCheck() *cobra.Command {
	var checkpoint, since, key string
	cmd := &cobra.Command{
		Use:   "check PROOF --checkpoint FILE [--since CHECKPOINT] [--key KEY]",
		Short: "Checks a proof that an entry stands in the log, or that the log was only added to, against checkpoints alone",
		Long: `The proof is what rastau log proof, /v1/log/proof, /v1/log/growth or the page of an entry gives. Neither the register nor the network
is asked. A proof that names its own root proves nothing: --checkpoint says what the log was when the proof was made, and --since, for a
proof of growth, what it was before. With --key both must bear the log's signature.

Exit: 0 the proof holds, 1 it does not, 4 a file cannot be read.`,
		Example: `  rastau log check entry-41.json --checkpoint checkpoint-2014-04.txt --key licence.example.kz/log+3f1c0a2b+AQ…
  rastau log check growth.json --since checkpoint-2014-03.txt --checkpoint checkpoint-2014-04.txt`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if checkpoint == "" {
				return usagef("--checkpoint is required: what was the log when the proof was made")
			}
			verifier, err := logKey(key)
			if err != nil {
				return err
			}
			head, err := readCheckpoint("--checkpoint", checkpoint, verifier)
			if err != nil {
				return err
			}
			before, err := readCheckpoint("--since", since, verifier)
			if err != nil {
				return err
			}
			data, err := readFile(args[0])
			if err != nil {
				return unreadablef("%v", err)
			}
			said, err := checkProof(data, *head, before)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
			return err
		},
	}
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", "`FILE` with the checkpoint of the log in which is proven")
	cmd.Flags().StringVar(&since, "since", "", "earlier `CHECKPOINT` file, for a proof of growth")
	cmd.Flags().StringVar(&key, "key", "", "the log's public `KEY`: the checkpoints must be signed with it")
	return cmd
}

// checkProof says what a proof proves.
func checkProof(data []byte, head journal.Head, before *journal.Head) (string, error) {
	var kind struct{ Body, From json.RawMessage }
	if err := json.Unmarshal(data, &kind); err != nil {
		return "", unreadablef("the proof is no JSON: %v", err)
	}
	failed := func(format string, args ...any) (string, error) {
		return "", &exitError{code: exitFailed, message: fmt.Sprintf(format, args...)}
	}
	switch {
	case kind.Body != nil && before != nil:
		return "", usagef("--since is for a proof of growth; this one is of an entry")
	case kind.Body != nil:
		var p licensing.EntryProof
		if err := json.Unmarshal(data, &p); err != nil {
			return "", unreadablef("the proof: %v", err)
		}
		if p.Size != head.Size {
			return failed("the proof is of a log of %d entries, the checkpoint of %d: ask for the proof with size %d", p.Size, head.Size, head.Size)
		}
		leaf, err := jcs.Transform(p.Body) // entries are written so (RFC 8785); a file for people has them spread over lines
		if err != nil {
			return "", unreadablef("the entry: %v", err)
		}
		if err := journal.CheckEntry(p.Proof, head, p.Entry, leaf); err != nil {
			return failed("%v", err)
		}
		return fmt.Sprintf("entry %d stands in the log of %d entries, root %s: %s", p.Entry, head.Size, head.Root, leaf), nil
	case kind.From != nil && before == nil:
		return "", usagef("--since is required with a proof of growth: what was the log before")
	case kind.From != nil:
		var p licensing.GrowthProof
		if err := json.Unmarshal(data, &p); err != nil {
			return "", unreadablef("the proof: %v", err)
		}
		if p.From != before.Size || p.To != head.Size {
			return failed("the proof leads from %d to %d entries, the checkpoints from %d to %d", p.From, p.To, before.Size, head.Size)
		}
		if err := journal.CheckGrowth(p.Proof, *before, head); err != nil {
			return failed("%v", err)
		}
		return fmt.Sprintf("the log of %d entries, root %s, begins with the %d of the earlier checkpoint", head.Size, head.Root, before.Size), nil
	}
	return "", unreadablef("this is no proof of the log: it has neither an entry's body nor the size from which the log grew")
}
