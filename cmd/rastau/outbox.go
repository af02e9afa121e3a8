// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rastau/internal/batch"
	"rastau/internal/egov"
	"rastau/internal/outbox"
	"rastau/internal/store"
	"rastau/licensing"
)

// runOutbox works off what has to be done or sent until the app is closed.
func (a *app) runOutbox(ctx context.Context, db *store.Store, gateway *egov.Gateway, now func() time.Time, log *slog.Logger) error {
	handlers := map[string]outbox.Handler{}
	for kind := range a.Service.Jobs() {
		// A job is done by the tables that count when it begins.
		handlers[kind] = func(ctx context.Context, i outbox.Item) error { return a.front.Load().service.Jobs()[kind](ctx, i) }
	}
	handlers[batch.KindVerify] = a.Batches.Run
	if a.Config.Gateway.has("notices") {
		handlers[licensing.KindNotice] = deliver(gateway)
	}
	if a.traces != nil {
		for kind, handler := range handlers {
			handlers[kind] = a.traces.job(kind, handler)
		}
	}
	r, err := outbox.New(outbox.Options{
		Update: func(ctx context.Context, f func(outbox.Storage) error) error {
			return db.Update(ctx, func(tx licensing.Tx) error { return f(tx) })
		},
		Finish:   db.FinishOutgoing,
		Handlers: handlers, Now: now, Log: log,
	})
	if err != nil {
		return err
	}
	if err := a.Service.Begin(ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	a.closers = append(a.closers, closer(func() error { stop(); <-done; return nil }))
	return nil
}

// outboxLine is one message as the operator sees it: its body, which may hold personal data, is left out.
type outboxLine struct {
	ID       string       `json:"id"`
	Kind     string       `json:"kind"`
	Key      string       `json:"key,omitempty"`
	State    outbox.State `json:"state"`
	Due      time.Time    `json:"due"`
	Attempts int          `json:"attempts"`
	Error    string       `json:"error,omitempty"`
	Finished *time.Time   `json:"finished"`
}

func newOutbox() *cobra.Command {
	cmd := &cobra.Command{Use: "outbox", Short: "Shows what has still to be done or sent, and what was put aside", RunE: needSubcommand, Args: cobra.ArbitraryArgs}
	cmd.AddCommand(newOutboxList(), newOutboxRetry())
	return cmd
}

func newOutboxList() *cobra.Command {
	var config, state, kind string
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:     "list --config FILE",
		Short:   "Lists messages: by default those that failed too often and were put aside",
		Example: "  rastau outbox list --config /etc/rastau/config.yaml\n  rastau outbox list --config /etc/rastau/config.yaml --state waiting",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch outbox.State(state) {
			case outbox.Waiting, outbox.Done, outbox.Dead:
			default:
				return usagef("--state must be waiting, done or dead")
			}
			var items []outbox.Item
			err := withStore(cmd, config, func(db *store.Store) error {
				return db.View(cmd.Context(), func(tx licensing.Tx) (err error) {
					items, err = tx.Items(outbox.Filter{State: outbox.State(state), Kind: kind, Limit: limit})
					return err
				})
			})
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(cmd.OutOrStdout())
				for _, i := range items {
					if err := enc.Encode(outboxLine{i.ID, i.Kind, i.Key, i.State, i.Due, i.Attempts, i.Error, i.Finished}); err != nil {
						return err
					}
				}
				return nil
			}
			if len(items) == 0 {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "no %s messages\n", state)
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tKIND\tKEY\tDUE\tATTEMPTS\tERROR")
			for _, i := range items {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", i.ID, i.Kind, i.Key, i.Due.Format(time.RFC3339), i.Attempts, i.Error)
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE`")
	cmd.Flags().StringVar(&state, "state", string(outbox.Dead), "`STATE` of the messages: waiting, done or dead")
	cmd.Flags().StringVar(&kind, "kind", "", "only messages of this `KIND`")
	cmd.Flags().IntVar(&limit, "limit", 100, "at most `N` messages")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

func newOutboxRetry() *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use:     "retry ID… --config FILE",
		Short:   "Lets messages that were put aside be tried again, now",
		Example: `  rastau outbox retry 0f3c1a --config /etc/rastau/config.yaml`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return withStore(cmd, config, func(db *store.Store) error {
				for _, id := range ids {
					err := db.Update(cmd.Context(), func(tx licensing.Tx) error { return tx.Revive(id, time.Now()) })
					if errors.Is(err, outbox.ErrUnknown) {
						return usagef("%s: no message of this id was put aside; see `rastau outbox list`", id)
					}
					if err != nil {
						return err
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%s waits again\n", id)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration `FILE`")
	return cmd
}

// withStore runs f over the database of a configuration.
func withStore(cmd *cobra.Command, config string, f func(*store.Store) error) error {
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
	return errors.Join(f(db), db.Close())
}
