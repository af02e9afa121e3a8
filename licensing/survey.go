// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Indicators that the survey measures (R123).
const (
	IndicatorQuality       = "quality"
	IndicatorAccessibility = "accessibility"
)

var indicators = []string{IndicatorQuality, IndicatorAccessibility}

// Survey is the questionnaire of the order about one result, with the answers where they were given.
type Survey struct {
	Questions []Question     `json:"questions"`
	Answers   map[string]int `json:"answers"` // question key → answer, counted from 1 as the order numbers them; null before
	At        *time.Time     `json:"at"`
}

// SurveyRecord is one answered survey. It names nobody: who asked for the
// service stands in the application alone.
type SurveyRecord struct {
	Application string // id
	Service     string
	Operation   string
	Channel     Channel
	At          time.Time
	Answers     map[string]int
}

// SurveyCount is how often an answer was given.
type SurveyCount struct {
	Service  string
	Channel  Channel
	Question string
	Answer   int
	Count    int64
}

// SurveyTx is what the survey needs of a transaction.
type SurveyTx interface {
	// AddSurvey keeps the answers about a result. ErrState where there are some already.
	AddSurvey(s *SurveyRecord) error
	// Survey of an application; ErrNotFound where none was answered.
	Survey(application string) (*SurveyRecord, error)
	// SurveyCounts of the surveys answered from a moment until before another.
	SurveyCounts(from, until time.Time) ([]SurveyCount, error)
}

// Indicator is what the answers about a service come to, over all who answered
// on one channel. It holds numbers only, no person's answer.
type Indicator struct {
	Service string  `json:"service"`
	Channel Channel `json:"channel"`
	Measure string  `json:"measure"` // quality or accessibility
	Answers int64   `json:"answers"`
	Counts  []int64 `json:"counts"`  // of each answer, in the order's order: not satisfied, partly, satisfied
	Percent float64 `json:"percent"` // 0: nobody satisfied, 100: everybody; partly counts half
}

// Survey shows the questions about an application's result to its owner.
// ErrState before there is a result.
func (s *Service) Survey(ctx context.Context, a Actor, id string) (*Survey, error) {
	var out *Survey
	err := s.o.Store.View(ctx, func(tx Tx) error {
		r, _, err := s.surveyed(tx, a, id)
		if err != nil {
			return err
		}
		out = &Survey{Questions: r.Survey}
		done, err := tx.Survey(id)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		out.Answers, out.At = done.Answers, &done.At
		return nil
	})
	return out, err
}

// AnswerSurvey keeps the answers to all questions, once a result. The same
// answers again are taken as the same; others are ErrState.
func (s *Service) AnswerSurvey(ctx context.Context, a Actor, id string, answers map[string]int) error {
	return s.o.Store.Update(ctx, func(tx Tx) error {
		r, app, err := s.surveyed(tx, a, id)
		if err != nil {
			return err
		}
		if err := r.checkAnswers(answers); err != nil {
			return err
		}
		done, err := tx.Survey(id)
		switch {
		case err == nil && maps.Equal(done.Answers, answers):
			return nil
		case err == nil:
			return fmt.Errorf("%w: the survey about this result was answered before", ErrState)
		case !errors.Is(err, ErrNotFound):
			return err
		}
		return tx.AddSurvey(&SurveyRecord{
			Application: id, Service: app.Service, Operation: app.Operation, Channel: Channel(app.Channel.path()), At: s.now(), Answers: answers,
		})
	})
}

// surveyed is an application with a result that the actor asked for.
func (s *Service) surveyed(tx Tx, a Actor, id string) (*Regulation, *Application, error) {
	app, err := tx.Application(id)
	if err != nil {
		return nil, nil, err
	}
	if app.Owner != a.ID {
		return nil, nil, ErrForbidden
	}
	if app.Status != Approved && app.Status != Refused {
		return nil, nil, fmt.Errorf("%w: the survey is about the result, and there is none yet", ErrState)
	}
	r, ok := s.regulations[app.Service]
	if !ok {
		return nil, nil, fmt.Errorf("%w: the service %q is no longer offered", ErrState, app.Service)
	}
	return r, app, nil
}

func (r *Regulation) checkAnswers(answers map[string]int) error {
	for _, q := range r.Survey {
		if n, ok := answers[q.Key]; !ok || n < 1 || n > len(q.Answers) {
			return badInput("answers."+q.Key, "must be the number of an answer, 1 to %d", len(q.Answers))
		}
	}
	for key := range answers {
		if !slices.ContainsFunc(r.Survey, func(q Question) bool { return q.Key == key }) {
			return badInput("answers", "holds a question that this service does not ask: it asks %s", strings.Join(r.questionKeys(), ", "))
		}
	}
	return nil
}

func (r *Regulation) questionKeys() []string {
	var keys []string
	for _, q := range r.Survey {
		keys = append(keys, q.Key)
	}
	return keys
}

// Indicators are the measures of quality and accessibility (R123) over the
// surveys answered in a period. Who may see them is for the caller to say.
func (s *Service) Indicators(ctx context.Context, p Period) ([]Indicator, error) {
	from, until, err := s.o.Calendar.Bounds(p)
	if err != nil {
		return nil, err
	}
	var counts []SurveyCount
	err = s.o.Store.View(ctx, func(tx Tx) error {
		counts, err = tx.SurveyCounts(from, until)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := []Indicator{}
	for _, r := range s.o.Regulations {
		for _, p := range r.Paths {
			for _, measure := range indicators {
				if i := r.indicator(counts, Channel(p.Key), measure); i.Answers > 0 {
					list = append(list, i)
				}
			}
		}
	}
	return list, nil
}

// indicator adds up the answers of a measure. An answer counts by its place
// among the question's answers: the first nothing, the last whole.
func (r *Regulation) indicator(counts []SurveyCount, c Channel, measure string) Indicator {
	out := Indicator{Service: r.Key, Channel: c, Measure: measure, Counts: []int64{}}
	points := 0.0
	for _, q := range r.Survey {
		if q.Measure != measure {
			continue
		}
		out.Counts = append(out.Counts, make([]int64, max(0, len(q.Answers)-len(out.Counts)))...)
		for _, n := range counts {
			if n.Service != r.Key || n.Channel != c || n.Question != q.Key || n.Answer < 1 || n.Answer > len(q.Answers) {
				continue
			}
			out.Answers += n.Count
			out.Counts[n.Answer-1] += n.Count
			points += float64(n.Count) * float64(n.Answer-1) / float64(len(q.Answers)-1)
		}
	}
	if out.Answers > 0 {
		out.Percent = 100 * points / float64(out.Answers)
	}
	return out
}
