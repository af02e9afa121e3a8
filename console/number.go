// SPDX-License-Identifier: Apache-2.0

package console

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"rastau/internal/page"
	"rastau/licensing"
)

// numberPage is what anybody may know of a licence number: where the QR code on a licence leads.
type numberPage struct {
	Number  string
	Found   bool
	Check   licensing.LicenceCheck
	Licence *licensing.Licence
	Answers []threeAnswer
	Mark    string
}

func (s *site) numberOf(q *request, number string) (*numberPage, error) {
	p := &numberPage{Number: number, Mark: "no"}
	var err error
	if licensing.ParseNumber(number) != nil {
		err = licensing.ErrNotFound // a mistyped number is no licence's
	} else {
		p.Licence, err = s.o.Service.Licence(q.Context(), number)
	}
	if errors.Is(err, licensing.ErrNotFound) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	p.Found = true
	p.Check = s.o.Service.CheckLicence(q.Context(), nil, nil, number)
	answers := licensing.AnswersOf(nil, nil, &p.Check, nil)
	v := q.view("number.title")
	for _, a := range []struct {
		key string
		licensing.Answer
	}{{"today", answers.InForce}, {"really", answers.FromLicensor}, {"intact", answers.Intact}} {
		t := threeAnswer{Question: a.key, Is: "open", Why: a.Why.In(q.lang)}
		if a.Is != nil {
			t.Is = answerOf(*a.Is)
		}
		switch {
		case a.key == "intact":
			t.Todo = v.T("number.show_file")
		case t.Is != "yes":
			t.Todo = v.T("verdict.todo." + a.key + "." + t.Is)
		}
		p.Answers = append(p.Answers, t)
	}
	if p.Check.InForce && p.Check.Entitled != nil && *p.Check.Entitled {
		p.Mark = "yes"
	}
	return p, nil
}

// number is the public page of a licence number.
func (s *site) number(q *request) error {
	p, err := s.numberOf(q, compact(q.PathValue("number")))
	if err != nil {
		return err
	}
	v := q.view("number.title")
	v.Data = p
	if !p.Found {
		if len(p.Number) > 40 {
			p.Number = ""
		}
		return q.render(http.StatusNotFound, "number", v)
	}
	return q.render(http.StatusOK, "number", v)
}

// numberEvidence is the register's statement on a number with the proofs that its entries stand in the log: as JSON, as a page to
// print, and both with the checkpoint in one archive. They name no more of the holder than the public page does.
func (s *site) numberEvidence(q *request) error {
	p, err := s.numberOf(q, compact(q.PathValue("number")))
	if err != nil {
		return err
	}
	if !p.Found {
		return licensing.ErrNotFound
	}
	st, err := s.o.Service.Statement(q.Context(), p.Number)
	if err != nil {
		return err
	}
	statement, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return err
	}
	name := p.Number
	switch q.PathValue("file") {
	case "evidence.json":
		return q.file(name+".json", "application/json", statement, true)
	case "evidence.pdf":
		pdf, err := page.DrawProtocol(s.numberProtocol(q, p, st))
		if err != nil {
			return err
		}
		return q.file(name+".pdf", "application/pdf", pdf, true)
	case "evidence.zip":
		pdf, err := page.DrawProtocol(s.numberProtocol(q, p, st))
		if err != nil {
			return err
		}
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, f := range []struct {
			name string
			data []byte
		}{{"statement.json", statement}, {"statement.pdf", pdf}, {"checkpoint.txt", []byte(st.Checkpoint)}} {
			if len(f.data) == 0 {
				continue
			}
			e, err := w.Create(f.name)
			if err == nil {
				_, err = e.Write(f.data)
			}
			if err != nil {
				return err
			}
		}
		if err := w.Close(); err != nil {
			return err
		}
		return q.file(name+".zip", "application/zip", out.Bytes(), true)
	}
	return errMissing
}

func (s *site) numberProtocol(q *request, p *numberPage, st *licensing.Statement) page.Protocol {
	v := q.view("number.protocol")
	line := func(name, value string) page.ProtocolLine { return page.ProtocolLine{Name: name, Value: value} }
	now := s.o.Now().Truncate(time.Second)
	until := v.T("licence.unlimited")
	if p.Licence.ValidUntil != nil {
		until = v.Day(p.Licence.ValidUntil)
	}
	facts := page.ProtocolPart{Heading: v.T("verdict.about"), Lines: []page.ProtocolLine{
		line(v.T("apply.about"), v.Grouped(p.Number)), line(v.T("licence.holder"), p.Licence.Holder.Name), line(v.T("licence.activity"), v.In(p.Licence.Activity)),
		line(v.T("service.licensor"), v.In(p.Licence.Licensor)), line(v.T("licence.issued"), v.Day(p.Licence.Issued)), line(v.T("licence.until"), until),
		line(v.T("licence.state"), v.T("state."+string(p.Check.State))), line(v.T("verdict.judged"), v.Moment(now)),
	}}
	result := page.ProtocolPart{Heading: v.T("verdict.result"), Lines: []page.ProtocolLine{line("", p.Check.Why.In(q.lang))}}
	for _, a := range p.Answers {
		result.Lines = append(result.Lines, line(v.T("verify."+a.Question), v.T("verdict.mark."+a.Is)+". "+a.Why))
	}
	log := page.ProtocolPart{Heading: v.T("log.title")}
	for _, e := range st.Entries {
		log.Lines = append(log.Lines, line(v.T("log.entry", "n", fmt.Sprint(e.Entry)), v.T("log.root", "n", fmt.Sprint(e.Size))+" "+e.Root.String()))
	}
	if st.Checkpoint != "" {
		log.Lines = append(log.Lines, line(v.T("log.checkpoint"), st.Checkpoint))
	}
	return page.Protocol{Title: v.Title, Lang: pageLang[q.lang], At: now, Parts: []page.ProtocolPart{facts, result, log}}
}
