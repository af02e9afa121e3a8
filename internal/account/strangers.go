// SPDX-License-Identifier: Apache-2.0

package account

import (
	"sync"
	"time"
)

// maxStrangers bounds what is remembered of logins that nobody has.
const maxStrangers = 10_000

// strangers count wrong passwords for logins that nobody has, and lock them as if somebody had: a lock tells nothing about who is
// registered. They are of this process alone, and the oldest go where there are too many.
type strangers struct {
	mu    sync.Mutex
	known map[string]stranger
	order []string
}

type stranger struct {
	failures int
	until    time.Time
}

func (s *strangers) locked(login string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.known[login].until)
}

// wrong counts one more and reports whether the login is locked now.
func (s *strangers) wrong(login string, now time.Time) bool {
	if login == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]stranger{}
	}
	x, there := s.known[login]
	if !there {
		if len(s.order) == maxStrangers {
			delete(s.known, s.order[0])
			s.order = s.order[1:]
		}
		s.order = append(s.order, login)
	}
	if x.failures++; x.failures >= maxFailures {
		x = stranger{until: now.Add(lockFor)}
	}
	s.known[login] = x
	return x.failures == 0
}
