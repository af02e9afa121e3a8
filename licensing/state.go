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

// Move is what an officer does to a licence.
type Move string

// Moves of a licence.
const (
	MoveIssue     Move = "issue"
	MoveReissue   Move = "re-issue"
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

	{StateIssued, MoveReissue, StateReissued},
	{StateResumed, MoveReissue, StateReissued},
	{StateReissued, MoveReissue, StateReissued},

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
