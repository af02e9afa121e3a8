// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"fmt"
	"slices"
)

// LicenceState is where a licence stands (R150). No state is "".
type LicenceState string

// States of a licence. The order of 2012 writes "тоқтатылған" for suspended;
// the names here are the law's terms.
const (
	StateNone       LicenceState = ""
	StateIssued     LicenceState = "issued"
	StateReissued   LicenceState = "re-issued"
	StateSuspended  LicenceState = "suspended"
	StateResumed    LicenceState = "resumed"
	StateTerminated LicenceState = "terminated"
)

// Move is what happens to a licence; each is one signed entry of the register.
type Move string

// Moves of a licence. Issue, re-issue, duplicate and correction bring a licence
// into the register; where it takes the place of an earlier one, that one is
// replaced in the same transaction, so that one right never stands twice.
const (
	MoveIssue     Move = "issue"
	MoveReissue   Move = "re-issue"
	MoveDuplicate Move = "duplicate"
	MoveCorrect   Move = "correction"
	MoveReplace   Move = "replace"
	MoveSuspend   Move = "suspend"
	MoveResume    Move = "resume"
	MoveTerminate Move = "terminate"
)

// legalMoves is every move that there is. What stands not here is not possible.
var legalMoves = []struct {
	From LicenceState
	Move Move
	To   LicenceState
}{
	{StateNone, MoveIssue, StateIssued},
	{StateNone, MoveReissue, StateReissued},
	{StateNone, MoveDuplicate, StateIssued},
	{StateNone, MoveCorrect, StateIssued},

	{StateIssued, MoveReplace, StateTerminated},
	{StateReissued, MoveReplace, StateTerminated},
	{StateResumed, MoveReplace, StateTerminated},

	{StateIssued, MoveSuspend, StateSuspended},
	{StateReissued, MoveSuspend, StateSuspended},
	{StateResumed, MoveSuspend, StateSuspended},

	{StateSuspended, MoveResume, StateResumed},

	{StateIssued, MoveTerminate, StateTerminated},
	{StateReissued, MoveTerminate, StateTerminated},
	{StateResumed, MoveTerminate, StateTerminated},
	{StateSuspended, MoveTerminate, StateTerminated},
}

// After returns the state that a move leads to; ErrState where the table has no such move.
func (s LicenceState) After(m Move) (LicenceState, error) {
	for _, l := range legalMoves {
		if l.From == s && l.Move == m {
			return l.To, nil
		}
	}
	return s, fmt.Errorf("%w: a licence that is %q cannot be moved by %q", ErrState, s, m)
}

// InForce reports whether the activity is allowed in this state.
func (s LicenceState) InForce() bool {
	return slices.Contains([]LicenceState{StateIssued, StateReissued, StateResumed}, s)
}

// Valid reports whether s is one of the five states.
func (s LicenceState) Valid() bool { return s.InForce() || s == StateSuspended || s == StateTerminated }
