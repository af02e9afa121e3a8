// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"rastau/internal/outbox"
	"rastau/licensing"
	"rastau/verifier"
)

// Backlog is what waits, for /metrics.
type Backlog struct {
	Figures []licensing.Figures // by service and operation
	Next    time.Time           // the legal deadline that comes next, or is longest past; zero: none
	Outbox  []outbox.Tally
}

// stepNames are the steps whose time is told: signing, and questions to those outside.
var stepNames = []string{"sign-cades", "sign-pades", "sign-xades", "sign-xmldsig", "sign-wsse", "timestamp", "database-ping"}

// Step notes how long one step took, for /metrics. Names that the program does not know are not taken.
func (m *Memory) Step(name string, took time.Duration, err error) {
	if !slices.Contains(stepNames, name) {
		return
	}
	n := m.counts
	n.mu.Lock()
	defer n.mu.Unlock()
	note(n.works, name, took)
	if err != nil {
		n.failed[name]++
	}
}

// Checks notes how long a group of the verifier's checks took, for /metrics (verifier.Options.Observe).
func (m *Memory) Checks(group verifier.Group, took time.Duration) {
	n := m.counts
	n.mu.Lock()
	defer n.mu.Unlock()
	note(n.checks, group, took)
}

func (n *counts) writeSteps(e *exposition) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e.family("rastau_step_duration_seconds", "histogram", "Time of a step: signing by format, the time-stamping authority.")
	for _, step := range slices.Sorted(maps.Keys(n.works)) {
		n.works[step].write(e, "rastau_step_duration_seconds", "step", step)
	}
	e.family("rastau_step_failures_total", "counter", "Steps that failed.")
	for _, step := range slices.Sorted(maps.Keys(n.works)) {
		e.sample("rastau_step_failures_total", float64(n.failed[step]), "step", step)
	}
	e.family("rastau_check_duration_seconds", "histogram", "Time of a group of checks on one signature or one certificate path; checks on a time stamp within are part of it.")
	for _, group := range slices.Sorted(maps.Keys(n.checks)) {
		n.checks[group].write(e, "rastau_check_duration_seconds", "group", string(group))
	}
}

// backlogTime bounds what /metrics waits for the database.
const backlogTime = 2 * time.Second

// writeBacklog tells what waits, against the law's deadlines. Where the database does not answer it says so and leaves the rest out.
func (s *server) writeBacklog(ctx context.Context, e *exposition) {
	if s.o.Backlog == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, backlogTime)
	defer cancel()
	b, err := s.o.Backlog(ctx)
	up := 1.0
	if err != nil {
		up = 0
	}
	e.family("rastau_database_up", "gauge", "0 where the database did not answer this question.")
	e.sample("rastau_database_up", up)
	if err != nil {
		return
	}
	slices.SortFunc(b.Figures, func(x, y licensing.Figures) int {
		return cmp.Or(cmp.Compare(x.Service, y.Service), cmp.Compare(x.Operation, y.Operation))
	})
	for _, m := range []struct {
		name, help string
		of         func(f licensing.Figures) int64
	}{
		{"rastau_queue_waiting", "Applications that wait for a decision.", func(f licensing.Figures) int64 { return f.Waiting }},
		{"rastau_queue_overdue", "Those of them whose legal deadline has passed.", func(f licensing.Figures) int64 { return f.Overdue }},
		{"rastau_queue_decided_late", "Applications that were decided after their legal deadline.", func(f licensing.Figures) int64 { return f.Late }},
	} {
		e.family(m.name, "gauge", m.help)
		for _, f := range b.Figures {
			e.sample(m.name, float64(m.of(f)), "service", f.Service, "operation", f.Operation)
		}
	}
	e.family("rastau_queue_next_deadline_seconds", "gauge", "The next legal deadline of what waits, or the one longest past, in seconds since 1970-01-01.")
	if !b.Next.IsZero() {
		e.sample("rastau_queue_next_deadline_seconds", float64(b.Next.Unix()))
	}
	e.family("rastau_outbox_messages", "gauge", "Jobs and messages by kind and state; dead ones wait for a person.")
	for _, t := range b.Outbox {
		e.sample("rastau_outbox_messages", float64(t.Count), "kind", t.Kind, "state", string(t.State))
	}
	e.family("rastau_outbox_due_seconds", "gauge", "When the earliest waiting job or message of a kind is due, in seconds since 1970-01-01.")
	for _, t := range b.Outbox {
		if t.State == outbox.Waiting {
			e.sample("rastau_outbox_due_seconds", float64(t.Due.Unix()), "kind", t.Kind)
		}
	}
}
