// SPDX-License-Identifier: Apache-2.0

package crl

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

const (
	tick      = 100 * time.Millisecond // how exactly Run keeps its schedule
	shortLead = time.Second
	longLead  = 30 * time.Minute
)

// dueAt is when Run renews a list: in the last fifth of Refresh, or ahead of nextUpdate by a tenth of the list's own time,
// each process at a moment of its own.
func (s *Source) dueAt(f *fetched) time.Time {
	due := f.at.Add(time.Duration(float64(s.o.Refresh) * (0.8 + 0.15*rand.Float64())))
	if next := f.list.NextUpdate; !next.IsZero() {
		lead := f.list.lead()
		if ahead := f.list.NextRefresh(); ahead.Before(due) {
			// Within the lead the server is asked ten times, for the new list may be late.
			due = ahead
			if again := f.at.Add(max(lead/10, shortLead)); again.After(due) {
				due = again
			}
		}
	}
	return due
}

// lead is how long before its nextUpdate a list is asked for again: the new one may be late.
func (l *List) lead() time.Duration {
	return min(max(l.NextUpdate.Sub(l.ThisUpdate)/10, shortLead), longLead)
}

// NextRefresh is when a service asks for the list after this one at the latest; zero without nextUpdate: then SourceOptions.Refresh
// alone says.
func (l *List) NextRefresh() time.Time {
	if l.NextUpdate.IsZero() {
		return time.Time{}
	}
	return l.NextUpdate.Add(-l.lead())
}

// Run renews every list that was ever asked for before it grows old, and takes what other processes fetched, until ctx ends.
// Nobody's check is at hand here: a list must be signed by the key of the one it replaces; one of another key waits for the
// next caller. It returns when ctx ends.
func (s *Source) Run(ctx context.Context) {
	s.running.Add(1)
	defer s.running.Add(-1)
	step := min(tick, s.o.Poll)
	timer := time.NewTicker(step)
	defer timer.Stop()
	polled := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		look := time.Since(polled) >= s.o.Poll
		if look {
			polled = time.Now()
		}
		for _, a := range s.all() {
			f := a.held.Load()
			if f == nil {
				continue // nobody could say who may sign it
			}
			if now := s.o.Now(); !now.Before(f.due) || look && s.o.Cache != nil && len(s.o.Key) > 0 { // without a key a look is the whole list
				_, _ = s.begin(ctx, a, successor(f.list), true) // what became of it is remembered there
			}
		}
	}
}

// Renew asks now for a newer one of every list that is held, without waiting for any; what fails leaves the held one in its place.
func (s *Source) Renew(ctx context.Context) {
	for _, a := range s.all() {
		if f := a.held.Load(); f != nil {
			_, _ = s.begin(ctx, a, successor(f.list), true) // what became of it is remembered there
		}
	}
}

// successor is the check of a list that nobody asked for: of the issuer of the held one, and signed by its key.
func successor(held *List) func(*List) error {
	return func(l *List) error {
		signer := held.verified.Load()
		if signer == nil || !l.Issuer.Equal(held.Issuer) {
			return errAnotherKey
		}
		if err := l.VerifySignature(signer.key); err != nil {
			return errors.Join(errAnotherKey, err)
		}
		return nil
	}
}

func (s *Source) all() []*address {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*address, 0, len(s.addresses))
	for _, a := range s.addresses {
		all = append(all, a)
	}
	return all
}

// State of an address, for readiness and metrics.
type State struct {
	URL                             string
	Number                          string    // decimal, empty where the list has none
	ThisUpdate, NextUpdate, Fetched time.Time // zero where there is no list yet
	LastError                       string    // empty after a success
	RetryAt                         time.Time // zero after a success

	Origin      string        // where the held list came from: OriginNetwork, …; empty where there is none
	Entries     int           // of the held list
	IndexBytes  int64         // what its index takes
	Age         time.Duration // since thisUpdate
	NextRefresh time.Time     // when it is asked for again, zero where there is none
	Fresh       bool          // current, and not yet due to be asked for
	Downloads   int64         // requests to its servers
	Failures    int64         // loads that failed
	Refused     int64         // lists that came, from wherever, and were not taken
}

// States tells of every address asked for, in order of address.
func (s *Source) States() []State {
	all := s.all()
	out := make([]State, 0, len(all))
	for _, a := range all {
		st := State{URL: a.url, Downloads: a.downloads.Load(), Failures: a.failed.Load(), Refused: a.refused.Load()}
		if f := a.held.Load(); f != nil {
			l := f.list
			st.ThisUpdate, st.NextUpdate, st.Fetched, st.Number = l.ThisUpdate, l.NextUpdate, f.at, numberOf(l)
			st.Origin, st.Entries, st.IndexBytes, st.Age, st.Fresh = f.origin, l.Entries, l.IndexBytes(), s.o.Now().Sub(l.ThisUpdate), s.fresh(f)
			st.NextRefresh = f.at.Add(s.o.Refresh)
			if s.running.Load() > 0 {
				st.NextRefresh = f.due
			}
		}
		a.mu.Lock()
		st.RetryAt = a.retryAt
		if a.last != nil {
			st.LastError = a.last.Error()
		}
		a.mu.Unlock()
		if st.RetryAt.After(st.NextRefresh) && !st.NextRefresh.IsZero() {
			st.NextRefresh = st.RetryAt
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b State) int { return strings.Compare(a.URL, b.URL) })
	return out
}
