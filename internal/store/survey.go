// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"rastau/licensing"
)

// AddSurvey keeps the answers about a result, once.
func (x *tx) AddSurvey(s *licensing.SurveyRecord) error {
	err := x.must(fmt.Errorf("%w: the survey was answered before", licensing.ErrState),
		`INSERT INTO surveys (application, service, operation, channel, answered) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		s.Application, s.Service, s.Operation, string(s.Channel), s.At.UnixMilli())
	if err != nil {
		return err
	}
	for _, question := range slices.Sorted(maps.Keys(s.Answers)) {
		if err := x.exec(`INSERT INTO survey_answers (application, question, answer) VALUES ($1, $2, $3)`, s.Application, question, int64(s.Answers[question])); err != nil {
			return err
		}
	}
	return nil
}

// Survey of an application.
func (x *tx) Survey(application string) (*licensing.SurveyRecord, error) {
	s := &licensing.SurveyRecord{Application: application, Answers: map[string]int{}}
	var channel string
	var answered int64
	err := x.one([]any{&s.Service, &s.Operation, &channel, &answered}, `SELECT service, operation, channel, answered FROM surveys WHERE application = $1`, application)
	if err != nil {
		return nil, err
	}
	s.Channel, s.At = licensing.Channel(channel), moment(answered)
	err = x.all(func(scan func(...any) error) error {
		var question string
		var answer int
		err := scan(&question, &answer)
		s.Answers[question] = answer
		return err
	}, `SELECT question, answer FROM survey_answers WHERE application = $1`, application)
	return s, err
}

// SurveyCounts by service, channel, question and answer.
func (x *tx) SurveyCounts(from, until time.Time) ([]licensing.SurveyCount, error) {
	var list []licensing.SurveyCount
	err := x.all(func(scan func(...any) error) error {
		var c licensing.SurveyCount
		var channel string
		err := scan(&c.Service, &channel, &c.Question, &c.Answer, &c.Count)
		c.Channel = licensing.Channel(channel)
		list = append(list, c)
		return err
	}, `SELECT s.service, s.channel, a.question, a.answer, count(*) FROM surveys s JOIN survey_answers a ON a.application = s.application
		WHERE s.answered >= $1 AND s.answered < $2 GROUP BY s.service, s.channel, a.question, a.answer ORDER BY s.service, s.channel, a.question, a.answer`,
		from.UnixMilli(), until.UnixMilli())
	return list, err
}
