// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// AskAgreement asks other bodies at the same time; each has its own term, and silence agrees (law on licensing 2007, art. 42 (5)).
// bodies are keys of the regulation's agreements, or names where it lists none.
func (s *Service) AskAgreement(ctx context.Context, a Actor, id string, bodies []string) error {
	if len(bodies) == 0 || len(bodies) > 20 {
		return badInput("bodies", "must be one to twenty")
	}
	return s.mine(ctx, a, id, func(tx Tx, app *Application) error {
		r, ok := s.regulations[app.Service]
		if !ok {
			return fmt.Errorf("%w: the service %q is no longer offered", ErrState, app.Service)
		}
		due, err := s.o.Calendar.After(s.now(), r.Terms.AgreementReply)
		if err != nil {
			return err
		}
		asked, _, err := agreements(tx, id)
		if err != nil {
			return err
		}
		for _, body := range bodies {
			if err := checkLine("bodies", body, true); err != nil {
				return err
			}
			if len(r.Agreements) > 0 && !slices.ContainsFunc(r.Agreements, func(x Agreement) bool { return x.Key == body }) {
				return badInput("bodies", "%q is none of the bodies that this regulation asks", body)
			}
			if slices.Contains(asked, body) {
				return fmt.Errorf("%w: %s has been asked", ErrState, body)
			}
			asked = append(asked, body)
			if err := s.event(tx, id, a.ID, EventAgreement, map[string]any{"body": body, "due": due}); err != nil {
				return err
			}
			if err := s.begin(tx, term{Subject: id, Kind: termAgreement, Key: body}, due); err != nil {
				return err
			}
		}
		return nil
	})
}

// AnswerAgreement notes what an asked body answered.
func (s *Service) AnswerAgreement(ctx context.Context, a Actor, id, body string, agreed bool, reason string) error {
	if !agreed || reason != "" {
		if err := checkProse("reason", reason); err != nil {
			return err
		}
	}
	return s.mine(ctx, a, id, func(tx Tx, _ *Application) error {
		asked, answered, err := agreements(tx, id)
		if err != nil {
			return err
		}
		if !slices.Contains(asked, body) || slices.Contains(answered, body) {
			return fmt.Errorf("%w: %q has not been asked, or has answered", ErrState, body)
		}
		return s.event(tx, id, a.ID, EventAgreed, map[string]any{"body": body, "agreed": agreed, "reason": reason})
	})
}

func (s *Service) agreeBySilence(ctx context.Context, t term) error {
	return s.o.Store.Update(ctx, func(tx Tx) error {
		app, err := tx.Application(t.Subject)
		if err != nil || app.Status != Registered {
			return err
		}
		asked, answered, err := agreements(tx, t.Subject)
		if err != nil || !slices.Contains(asked, t.Key) || slices.Contains(answered, t.Key) {
			return err
		}
		return s.event(tx, t.Subject, System, EventAgreed, map[string]any{"body": t.Key, "agreed": true, "silence": true})
	})
}

// agreements are the bodies that were asked, and those that answered.
func agreements(tx Tx, id string) (asked, answered []string, err error) {
	events, err := tx.Events(id)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range events {
		if e.Kind != EventAgreement && e.Kind != EventAgreed {
			continue
		}
		var b struct{ Body string }
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return nil, nil, err
		}
		if e.Kind == EventAgreement {
			asked = append(asked, b.Body)
		} else {
			answered = append(answered, b.Body)
		}
	}
	return asked, answered, nil
}
