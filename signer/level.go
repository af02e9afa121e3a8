// SPDX-License-Identifier: Apache-2.0

package signer

import "fmt"

// Level is a baseline level of a signature (EN 319 122-1 §6, EN 319 142-1 §6): each has what the one before has, and more.
type Level int

const (
	LevelDefault Level = iota // T where there is a Stamper, B where there is none
	LevelB                    // the signature with its certificates
	LevelT                    // and a time-stamp: it existed then
	LevelLT                   // and what is needed to judge it: certificates, lists, OCSP responses
	LevelLTA                  // and a time-stamp over all of that, to be renewed before it ends
)

func (l Level) String() string {
	return [...]string{"default", "B", "T", "LT", "LTA"}[l]
}

// ParseLevel reads B, T, LT or LTA.
func ParseLevel(s string) (Level, error) {
	for l := LevelB; l <= LevelLTA; l++ {
		if l.String() == s {
			return l, nil
		}
	}
	return 0, fmt.Errorf("%q is no level: choose B, T, LT or LTA", s)
}
