// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// appealDocument is the signed answer to an appeal.
type appealDocument struct {
	Schema      string      `json:"schema"`
	Application string      `json:"application"` // number
	Package     string      `json:"packageSHA256"`
	Appeal      string      `json:"appealSHA256"` // of its text
	Upheld      bool        `json:"upheld"`
	Reasons     string      `json:"reasons"`
	Officer     officerLine `json:"officer"`
	Licensor    string      `json:"licensorBIN"`
	Time        string      `json:"time"`
}

// Appeal is the applicant's complaint against a decision (law on permits, art. 46). One at a time.
func (s *Service) Appeal(ctx context.Context, a Actor, id, text string) error {
	if err := checkProse("text", text); err != nil {
		return err
	}
	return s.o.Store.Update(ctx, func(tx Tx) error {
		app, err := tx.Application(id)
		if err != nil {
			return err
		}
		if app.Owner != a.ID {
			return ErrForbidden
		}
		if app.Status != Refused && app.Status != Approved {
			return fmt.Errorf("%w: there is no decision yet to appeal against", ErrState)
		}
		events, err := tx.Events(id)
		if err != nil {
			return err
		}
		if _, open := openAppeal(events); open {
			return fmt.Errorf("%w: an appeal is under consideration", ErrState)
		}
		return s.event(tx, id, a.ID, EventAppeal, map[string]string{"text": text})
	})
}

func openAppeal(events []Event) (text string, open bool) {
	for _, e := range events {
		switch e.Kind {
		case EventAppeal:
			var b struct{ Text string }
			if json.Unmarshal(e.Body, &b) == nil {
				text, open = b.Text, true
			}
		case EventAppealed:
			open = false
		}
	}
	return text, open
}

// AnswerAppeal signs the answer. Whoever made the decision does not answer the appeal against it. An appeal that is
// upheld obliges the licensor to decide anew, on a new application: what was decided stays in the register as it was.
func (s *Service) AnswerAppeal(ctx context.Context, a Actor, id string, upheld bool, reasons string) error {
	if !a.Officer {
		return ErrForbidden
	}
	if err := checkProse("reasons", reasons); err != nil {
		return err
	}
	app, err := s.load(ctx, id)
	if err != nil {
		return err
	}
	r, ok := s.regulations[app.Service]
	if !ok {
		return fmt.Errorf("%w: the service %q is no longer offered", ErrState, app.Service)
	}
	if err := s.mayDecide(ctx, a, app); err != nil {
		return err
	}
	line, err := s.authority(ctx, a, r.Licensor.BIN, s.now())
	if err != nil {
		return err
	}
	h, err := s.hand(a, line)
	if err != nil {
		return err
	}
	var text string
	err = s.o.Store.View(ctx, func(tx Tx) error {
		ruling, err := tx.Ruling(id)
		if err != nil {
			return err
		}
		if ruling.Officer == a.ID {
			return fmt.Errorf("%w: nobody answers an appeal against a decision of their own", ErrNotAuthority)
		}
		events, err := tx.Events(id)
		if err != nil {
			return err
		}
		var open bool
		if text, open = openAppeal(events); !open {
			return fmt.Errorf("%w: there is no appeal to answer", ErrState)
		}
		return nil
	})
	if err != nil {
		return err
	}
	document, err := canonical(appealDocument{
		Schema: schemaAppeal, Application: app.Number, Package: digest(app.Package), Appeal: digest([]byte(text)), Upheld: upheld, Reasons: reasons,
		Officer: officerLine{line.Name, line.Position}, Licensor: r.Licensor.BIN, Time: s.now().Format(time.RFC3339Nano),
	})
	if err != nil {
		return err
	}
	signed, err := h.sign(ctx, document, s.o.Levels.Decision)
	if err != nil {
		return unsigned(fmt.Errorf("signing the answer: %w", err))
	}
	return s.o.Store.Update(ctx, func(tx Tx) error {
		events, err := tx.Events(id)
		if err != nil {
			return err
		}
		if again, open := openAppeal(events); !open || again != text {
			return fmt.Errorf("%w: the appeal was answered meanwhile", ErrState)
		}
		return s.event(tx, id, a.ID, EventAppealed, map[string]any{"upheld": upheld, "reasons": reasons, "signed": signed})
	})
}
