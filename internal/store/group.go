// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// session is the one connection that writes.
type session interface {
	statements
	// begin begins a transaction and its first step, which needs no savepoint: where it fails, there is nothing else to keep.
	begin(ctx context.Context) error
	// savepoint begins a later step.
	savepoint() error
	// release ends a step. Its writes may travel with those of later steps; with apart they are made now. After an error of
	// release, undo puts the state before the step back.
	release(apart bool) error
	// commit ends the last step of a transaction and the transaction itself. An
	// error without stepped means that this step alone was bad and the
	// transaction is still open, waiting for undo.
	commit() (stepped bool, err error)
	// undo takes back the step in hand; an error where that cannot be, and the transaction has to be given up.
	undo() error
	// rollback forgets the transaction, whatever state it is in; an error where the server may not have heard of it.
	rollback() error
}

// Bounds of one shared transaction: nobody waits for others longer than this.
const (
	maxSteps = 128
	maxShare = 20 * time.Millisecond
)

// tries is how often a step is begun again after a failure that is nobody's
// fault and came before the COMMIT: a lost connection, a deadlock.
const tries = 3

// triesOthers is the same where it was another step that failed: made apart, it fails alone.
const triesOthers = 10

var (
	errClosed = errors.New("the store is closed")
	errUndone = errors.New("the transaction was lost before its commit")
	errOthers = errors.New("a statement of another step failed") // besides errUndone
	errCommit = errors.New("the commit failed")
)

// group lets steps follow each other and commit together. Whoever has the turn
// runs a step in the open transaction; if others wait, it hands the turn on and
// waits for the commit, else it commits for all.
type group struct {
	turn    chan struct{}
	waiting atomic.Int64 // those who will certainly take the turn
	again   atomic.Int64 // steps that are made again: while there are any, each step's writes are made by themselves
	session session

	// Whoever has the turn may touch these.
	open   *shared
	closed bool
	edge   edge
	past   *edge // what the last committed transaction knew of the log's end
}

// shared is one transaction of several steps.
type shared struct {
	began time.Time // after its first step: before that it may have waited for other processes
	steps int
	done  chan struct{} // closed when err is final
	err   error
}

func newGroup(s session) *group {
	g := &group{turn: make(chan struct{}, 1), session: s}
	g.turn <- struct{}{}
	return g
}

// update runs f as one step and returns when it is durable, or with the reason why it never was.
func (g *group) update(ctx context.Context, f func(statements) error) error {
	for try := 1; ; try++ {
		err := g.once(ctx, f)
		if err == nil || !transient(err) || try >= tries && !errors.Is(err, errOthers) || try == triesOthers {
			return err
		}
		if try == 1 {
			// Perhaps another step's statement failed only when it travelled with ours: now each travels by itself, so that whoever fails fails alone.
			g.again.Add(1)
			defer g.again.Add(-1)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(try) * 20 * time.Millisecond):
		}
	}
}

func (g *group) once(ctx context.Context, f func(statements) error) error {
	g.waiting.Add(1)
	select {
	case <-g.turn:
	case <-ctx.Done():
		// Somebody may have left the commit to us.
		go func() {
			<-g.turn
			g.waiting.Add(-1)
			g.pass()
		}()
		return ctx.Err()
	}
	g.waiting.Add(-1)
	s, err := g.step(ctx, f)
	if err != nil {
		return err
	}
	<-s.done
	return s.err
}

// step runs f in the open transaction and gives the turn away, whatever f does.
func (g *group) step(ctx context.Context, f func(statements) error) (_ *shared, err error) {
	finished := false
	defer func() {
		if !finished { // f panicked: its step is undone, the others' are kept
			g.undo()
			g.pass()
		}
	}()
	err = g.begin(ctx)
	if err == nil {
		if err = f(g.session); err != nil && !g.undo() {
			err = fmt.Errorf("%w: %w", errUndone, err)
		}
	}
	finished = true
	if err != nil {
		g.pass()
		return nil, err
	}
	s := g.open
	return s, g.finish(s)
}

func (g *group) begin(ctx context.Context) error {
	if g.closed {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if g.open == nil {
		if err := g.session.begin(ctx); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		g.open = &shared{done: make(chan struct{})}
		g.edge = edge{past: g.past}
		return nil
	}
	if err := g.session.savepoint(); err != nil {
		g.lose(err)
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// full says that a transaction should not wait for another step.
func (g *group) full(s *shared) bool {
	return g.waiting.Load() == 0 || s.steps >= maxSteps || s.steps > 0 && time.Since(s.began) > maxShare
}

// finish ends a good step: with the commit where nobody else waits.
func (g *group) finish(s *shared) error {
	defer g.give()
	if !g.full(s) {
		err := g.session.release(g.again.Load() > 0)
		if err == nil {
			if s.steps++; s.steps == 1 {
				s.began = time.Now()
			}
			return nil
		}
		if !g.undo() {
			err = fmt.Errorf("%w: %w", errUndone, err)
		}
		return err
	}
	stepped, err := g.session.commit()
	if stepped {
		g.end(err)
		return nil // s.err says how it went
	}
	// Only this step was bad: the others are committed without it.
	if !g.undo() {
		return fmt.Errorf("%w: %w", errUndone, err)
	}
	g.commitOthers()
	return err
}

// pass gives the turn on after a step that left nothing, and commits what the
// others did where nobody else will.
func (g *group) pass() {
	defer g.give()
	if g.open != nil && g.full(g.open) {
		g.commitOthers()
	}
}

func (g *group) commitOthers() {
	if g.open == nil {
		return
	}
	stepped, err := g.session.commit()
	if err != nil && !stepped {
		g.lose(err) // a step failed that seemed to be done: nothing was committed, all are made again
		return
	}
	g.end(err)
}

func (g *group) give() { g.turn <- struct{}{} }

func (g *group) end(err error) {
	if err != nil {
		err = fmt.Errorf("store: %w: %w", errCommit, err)
		_ = g.session.rollback()
	} else if g.edge.known {
		g.past = g.edge.committed()
	}
	g.open.err = err
	close(g.open.done)
	g.open = nil
}

// undo takes back the step in hand. Where that fails, the whole transaction is
// lost, and it says so.
func (g *group) undo() bool {
	if g.open == nil {
		return false
	}
	g.edge = edge{past: g.past} // what the step appended is no longer there
	if g.open.steps == 0 {
		err := g.session.rollback()
		close(g.open.done) // nobody waits
		g.open = nil
		return err == nil
	}
	if err := g.session.undo(); err != nil {
		g.lose(err)
		return false
	}
	return true
}

// lose gives up a transaction that cannot go on: nothing of it was committed.
func (g *group) lose(err error) {
	_ = g.session.rollback()
	g.open.err = fmt.Errorf("store: %w: %w", errUndone, err)
	close(g.open.done)
	g.open = nil
}

func (g *group) close() error {
	<-g.turn
	g.closed = true
	if g.open != nil {
		g.commitOthers()
	}
	g.give()
	return nil
}

// transient says that nothing was committed and that trying again may help.
func transient(err error) bool {
	return !errors.Is(err, errCommit) && (errors.Is(err, errUndone) || retryable(err))
}
