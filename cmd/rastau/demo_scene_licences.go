// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"rastau/internal/account"
	"rastau/internal/journal"
	"rastau/internal/pki"
	"rastau/licensing"
)

// secondOfficer answers appeals: nobody answers one against a decision of their own.
const secondOfficer account.Role = "second officer"

// licences plays what follows registration, for both regulations: officers' work, decisions and refusals, every operation, every
// state, and the log that proves it all.
func (s *story) licences(ctx context.Context) error {
	s.say("\n6. Decisions, operations and states, in both regulations")
	before, err := s.keepCheckpoint(ctx)
	if err != nil {
		return err
	}
	for _, service := range []string{"passenger-transport", "trunk-pipelines"} {
		s.say("  %s", service)
		number, err := s.officersWork(ctx, service)
		if err != nil {
			return err
		}
		if number, err = s.operations(ctx, service, number); err != nil {
			return err
		}
		if err := s.states(ctx, number); err != nil {
			return err
		}
	}
	if err := s.many(ctx); err != nil {
		return err
	}
	return s.log(ctx, before)
}

func checklistOf(service string) map[string]bool {
	if service == "trunk-pipelines" {
		return map[string]bool{"qualification-met": true, "grounds": true}
	}
	return sampleChecklist()
}

// work does steps of an officer on an application; every one must be accepted.
func (s *story) work(ctx context.Context, id string, steps ...map[string]any) error {
	for _, step := range steps {
		if err := s.client.call(ctx, account.Officer, "/v1/applications/"+id+"/work", step, new(licensing.File)); err != nil {
			return fmt.Errorf("%v: %w", step["step"], err)
		}
	}
	return nil
}

// officersWork decides on what came in on the three paths: one is corrected, agreed on, inspected and approved; one is not
// complete; one is refused, and the refusal appealed against.
func (s *story) officersWork(ctx context.Context, service string) (string, error) {
	var queue struct{ Applications []licensing.QueueLine }
	if err := s.client.call(ctx, account.Officer, "/v1/queue?service="+service, nil, &queue); err != nil {
		return "", err
	}
	apps := map[licensing.Channel]*licensing.Application{}
	for _, line := range queue.Applications {
		var app licensing.Application
		if err := s.client.call(ctx, account.Officer, "/v1/applications/"+line.ID, nil, &app); err != nil {
			return "", err
		}
		if app.Applicant.IIN == s.world.people.iin && app.Operation == "issue" {
			apps[app.Channel] = &app
		}
	}
	portal, provider, centre := apps[licensing.ChannelPortal], apps[licensing.ChannelProvider], apps[licensing.ChannelCentre]
	s.check(len(apps) == 3, "the officer's queue holds the applications of the three paths, the nearest deadline first")
	if len(apps) != 3 {
		return "", fmt.Errorf("the queue of %s holds applications of %d paths", service, len(apps))
	}
	tomorrow := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	err := s.work(ctx, portal.ID, map[string]any{"step": "claim"}, map[string]any{"step": "complete"},
		map[string]any{"step": "ask-agreement", "bodies": []string{"sanitary-control", "fire-control"}},
		map[string]any{"step": "order-inspection", "on": tomorrow, "text": "Нысанды орнында тексеру"},
		map[string]any{"step": "ask-correction", "fields": []string{"applicant.address"}, "text": "Мекенжайды толық көрсетіңіз"})
	if err != nil {
		return "", err
	}
	approval := licensing.Decision{Approve: true, Checklist: checklistOf(service)}
	status, err := s.client.ask(ctx, account.Officer, "/v1/applications/"+portal.ID+"/decision", approval, nil)
	s.check(err == nil && status == http.StatusConflict, "claimed; no approval while two bodies, an inspection and a correction are waited for")
	if err := s.correct(ctx, service, portal); err != nil {
		return "", err
	}
	err = s.work(ctx, portal.ID, map[string]any{"step": "answer-agreement", "body": "sanitary-control", "agreed": true},
		map[string]any{"step": "answer-agreement", "body": "fire-control", "agreed": true}, map[string]any{"step": "report-inspection", "passed": true, "text": "Талаптарға сай"})
	if err != nil {
		return "", err
	}
	status, err = s.client.ask(ctx, account.Officer, "/v1/applications/"+portal.ID+"/decision", licensing.Decision{Approve: true}, nil)
	s.check(err == nil && status == http.StatusUnprocessableEntity, "no approval without the answered checklist")
	var done licensing.Application
	if err := s.client.call(ctx, account.Officer, "/v1/applications/"+portal.ID+"/decision", approval, &done); err != nil {
		return "", err
	}
	s.check(done.Status == licensing.Approved, "agreed, inspected, approved: licence %s", done.Licence)
	if err := s.work(ctx, provider.ID, map[string]any{"step": "incomplete", "text": "Біліктілік құжаттары оқылмайды"}); err != nil {
		return "", err
	}
	if err := s.client.call(ctx, account.Officer, "/v1/applications/"+provider.ID, nil, &done); err != nil {
		return "", err
	}
	s.check(done.Status == licensing.Refused && done.Refusal.Code == "M4", "refusal M4 within two working days: the documents are not complete")
	if err := s.client.call(ctx, account.Officer, "/v1/applications/"+centre.ID+"/decision", licensing.Decision{Grounds: "Біліктілік талаптарына сай емес"}, &done); err != nil {
		return "", err
	}
	var ruling struct{ Document, Signed []byte }
	if err := s.client.call(ctx, account.Officer, "/v1/applications/"+centre.ID+"/ruling", nil, &ruling); err != nil {
		return "", err
	}
	s.check(done.Refusal != nil && done.Refusal.Code == "M4" && len(ruling.Signed) > 0 && bytes.Contains(ruling.Document, []byte(`"M4"`)), "refusal M4 on review: reasoned, signed by the officer, in three languages")
	if done.Refusal != nil {
		s.tellOnce(told{Code: "M4", Reason: "review", Text: done.Refusal.Text, Next: done.Refusal.Next})
	}
	return portalLicence(ctx, s, portal.ID, centre.ID)
}

// portalLicence plays the appeal against the refusal and names the licence.
func portalLicence(ctx context.Context, s *story, approved, refused string) (string, error) {
	if err := s.client.call(ctx, clerk, "/v1/applications/"+refused+"/appeal", map[string]string{"text": "Құжаттар қоса берілген"}, new(licensing.File)); err != nil {
		return "", err
	}
	answer := map[string]any{"step": "answer-appeal", "upheld": false, "text": "Шешім заңды"}
	status, err := s.client.ask(ctx, account.Officer, "/v1/applications/"+refused+"/work", answer, nil)
	s.check(err == nil && status == http.StatusForbidden, "who has decided does not answer the appeal against it")
	status, err = s.client.ask(ctx, secondOfficer, "/v1/applications/"+refused+"/work", answer, nil)
	s.check(err == nil && status == http.StatusOK, "the appeal is answered by another officer, signed")
	var app licensing.Application
	err = s.client.call(ctx, account.Officer, "/v1/applications/"+approved, nil, &app)
	return app.Licence, err
}

// correct answers a request for correction with another signed package.
func (s *story) correct(ctx context.Context, service string, app *licensing.Application) error {
	n := s.form(service, licensing.ChannelPortal)
	n.Applicant.Address += ", 1-кеңсе"
	var amended licensing.Application
	if err := s.client.call(ctx, visitor, "/v1/applications/"+app.ID+"/correction", n, &amended); err != nil {
		return err
	}
	signature, err := signedBy(s.world.people.entrepreneur)(amended.Package)
	if err != nil {
		return err
	}
	var sub submission
	if err := s.client.call(ctx, visitor, "/v1/applications/"+app.ID+"/correction/signature", map[string][]byte{"signature": signature}, &sub); err != nil {
		return err
	}
	s.check(sub.Verdict.String() == "TOTAL-PASSED" && sub.Application.Number == app.Number, "corrected with a package signed anew, linked to the number it had")
	return nil
}

// operations of a licence: appendix, re-issue, duplicate, correction. It returns the last licence.
func (s *story) operations(ctx context.Context, service, first string) (string, error) {
	appendix, err := s.operate(ctx, service, licensing.OperationAppendix, first)
	if err != nil {
		return "", err
	}
	s.check(strings.HasPrefix(appendix, first+"/"), "appendix %s: an object added later, free of charge", appendix)
	number := first
	for _, o := range []struct{ operation, say string }{
		{licensing.OperationReissue, "re-issued"}, {licensing.OperationDuplicate, "a duplicate with a number of its own"}, {licensing.OperationCorrection, "an error corrected"},
	} {
		next, err := s.operate(ctx, service, o.operation, number)
		if err != nil {
			return "", err
		}
		var old, now licensing.Statement
		if err := s.client.call(ctx, account.Auditor, "/v1/register/"+number, nil, &old); err != nil {
			return "", err
		}
		if err := s.client.call(ctx, account.Auditor, "/v1/register/"+next, nil, &now); err != nil {
			return "", err
		}
		s.check(now.Licence.InForce && now.Licence.Predecessor == number && !old.Licence.InForce && old.Licence.Successor == next && len(old.Moves) == 1 &&
			now.Licence.Duplicate == (o.operation != licensing.OperationReissue), "%s: %s in force, %s replaced by a signed entry", o.say, next, number)
		number = next
	}
	return number, nil
}

// operate walks an operation on a licence from the form to the decision.
func (s *story) operate(ctx context.Context, service, operation, about string) (string, error) {
	var app licensing.Application
	if err := s.client.call(ctx, visitor, "/v1/drafts", s.operationForm(service, operation, about), &app); err != nil {
		return "", err
	}
	of := "/v1/applications/" + app.ID
	if operation != licensing.OperationAppendix && operation != licensing.OperationCorrection {
		var p struct{ Reference string }
		if err := s.client.call(ctx, visitor, of+"/payment", struct{}{}, &p); err != nil {
			return "", err
		}
		if err := s.world.outside.Pay(ctx, p.Reference); err != nil {
			return "", err
		}
	}
	if err := s.client.call(ctx, visitor, of+"/seal", struct{}{}, &app); err != nil {
		return "", err
	}
	if err := s.sign(ctx, visitor, app.ID, app.Package, s.world.people.entrepreneur); err != nil {
		return "", err
	}
	var done licensing.Application
	err := s.client.call(ctx, account.Officer, of+"/decision", licensing.Decision{Approve: true, Checklist: checklistOf(service)}, &done)
	return done.Licence, err
}

// sign hands a signed package in and says nothing.
func (s *story) sign(ctx context.Context, role account.Role, id string, pkg []byte, key *pki.Key) error {
	signature, err := signedBy(key)(pkg)
	if err != nil {
		return err
	}
	var sub submission
	if err := s.client.call(ctx, role, "/v1/applications/"+id+"/signature", map[string][]byte{"signature": signature}, &sub); err != nil {
		return err
	}
	if sub.Application.Number == "" {
		return fmt.Errorf("not registered: %s", sub.Message.Text.EN)
	}
	return nil
}

func (s *story) operationForm(service, operation, about string) licensing.NewApplication {
	n := s.form(service, licensing.ChannelPortal)
	n.Operation, n.About = operation, about
	scan := n.Attachments[0]
	n.Attachments = nil
	things := `"subtypes":["irregular-international"],"vehicles":[{"make":"Жол-Микро 6","year":2025,"plate":"002 DEM 01"}]`
	more := `"vehicles":[{"make":"Қаз-Автобус 20","year":2025,"plate":"003 DEM 01"}]`
	if service == "trunk-pipelines" {
		things = `"subtypes":["gas"],"objects":[{"name":"«Үлгі» газ құбыры (DEMO)","address":"А пункті – Ә пункті","length":12.5}]`
		more = `"objects":[{"name":"«Үлгі-2» газ құбыры (DEMO)","address":"Ә пункті – Б пункті","length":7}]`
	}
	switch operation {
	case licensing.OperationAppendix:
		n.Attachments = []licensing.NewAttachment{scan}
		n.Fields = json.RawMessage(`{"consent":true,"addition":"Жаңа нысан",` + more + `}`)
	case licensing.OperationReissue:
		scan.Document = "change"
		n.Attachments = []licensing.NewAttachment{scan}
		n.Applicant.Address = "Шымкент қ., Тәуке хан даңғылы, 5-үй"
		n.Fields = json.RawMessage(`{"consent":true,"changes":["entrepreneur"],"changedOn":"` + time.Now().AddDate(0, 0, -3).Format(time.DateOnly) + `",` + things + `}`)
	case licensing.OperationDuplicate:
		n.Fields = json.RawMessage(`{"consent":true,"reason":"lost"}`)
	case licensing.OperationCorrection:
		n.Applicant.Address = "Шымкент қ., Тәуке хан даңғылы, 7-үй"
		n.Fields = json.RawMessage(`{"consent":true,"error":"Мекенжайда қате бар",` + things + `}`)
	}
	return n
}

// states moves a licence from suspension to termination; what the table does not have is refused.
func (s *story) states(ctx context.Context, number string) error {
	until := time.Now().AddDate(0, 0, 30).Format(time.DateOnly)
	of := "/v1/licences/" + number + "/moves"
	for _, m := range []struct {
		move, ground, reference, until string
		want                           licensing.LicenceState
	}{
		{"suspend", "violation", "№ 12-3", until, licensing.StateSuspended}, {"resume", "remedied", "", "", licensing.StateResumed},
		{"suspend", "own-request", "", until, licensing.StateSuspended}, {"terminate", "voluntary", "", "", licensing.StateTerminated},
	} {
		var l licensing.Licence
		q := map[string]string{"move": m.move, "ground": m.ground, "reference": m.reference, "reason": "Демо", "until": m.until}
		if err := s.client.call(ctx, account.Officer, of, q, &l); err != nil {
			return err
		}
		var st licensing.Statement
		if err := s.client.call(ctx, account.Auditor, "/v1/register/"+number, nil, &st); err != nil {
			return err
		}
		check := st.Licence
		s.check(l.State == m.want && check.State == m.want && check.InForce == m.want.InForce(), "%s (%s): the register says %s, in force: %v", m.move, m.ground, check.State, check.InForce)
	}
	status, err := s.client.ask(ctx, account.Officer, of, map[string]string{"move": "resume", "ground": "remedied", "reason": "Демо"}, nil)
	s.check(err == nil && status == http.StatusConflict, "nothing leads out of termination")
	status, err = s.client.ask(ctx, account.Officer, of, map[string]string{"move": "suspend", "ground": "court", "reason": "Демо"}, nil)
	s.check(err == nil && status == http.StatusUnprocessableEntity, "no suspension by a court whose act is not named")
	return nil
}

// many signs several at once, as a batch that can be watched.
func (s *story) many(ctx context.Context) error {
	s.say("  Several at once")
	var ids []string
	for range 3 {
		app, err := s.apply(ctx, s.world.body())
		if err != nil {
			return err
		}
		if err := s.sign(ctx, account.Applicant, app.ID, app.Package, s.world.people.head); err != nil {
			return err
		}
		ids = append(ids, app.ID)
	}
	var b licensing.Batch
	if err := s.client.call(ctx, account.Officer, "/v1/batches", map[string]any{"applications": ids, "decision": licensing.Decision{Approve: true, Checklist: sampleChecklist()}}, &b); err != nil {
		return err
	}
	for range 300 {
		if err := s.client.call(ctx, account.Officer, "/v1/batches/"+b.ID, nil, &b); err != nil || b.Finished != nil {
			if err != nil {
				return err
			}
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	s.check(b.Finished != nil && b.Done == 3 && b.Failed == 0, "a batch of three is signed in the background, each by the rules of one")
	var page licensing.RegisterPage
	if err := s.client.call(ctx, account.Auditor, "/v1/register?state=issued&q="+url.QueryEscape("қоңыр"), nil, &page); err != nil {
		return err
	}
	s.check(len(page.Licences) >= 3, "the public register finds them by the beginning of the holder's name")
	csv, err := s.client.raw(ctx, account.Auditor, "/v1/register.csv?service=passenger-transport&lang=kk", nil)
	if err != nil {
		return err
	}
	s.check(bytes.HasPrefix(csv, []byte("Лицензия нөмірі,")) && bytes.Contains(csv, []byte(page.Licences[0].Number)), "and gives them out as CSV")
	return nil
}

const checkpointFile = "checkpoint.txt"

// keepCheckpoint keeps the signed head of the log where an auditor would: outside the installation.
func (s *story) keepCheckpoint(ctx context.Context) (journal.Head, error) {
	msg, err := s.client.raw(ctx, account.Auditor, "/v1/log/checkpoint", nil)
	if err != nil {
		return journal.Head{}, err
	}
	verifier, err := note.NewVerifier(s.world.logKey)
	if err != nil {
		return journal.Head{}, err
	}
	head, err := journal.OpenCheckpoint(msg, verifier)
	s.check(err == nil, "a checkpoint of the log, signed with the log's key, is kept outside")
	return head, os.WriteFile(filepath.Join(s.world.dir, checkpointFile), msg, 0o644)
}

// log proves that since the checkpoint the log was only added to.
func (s *story) log(ctx context.Context, before journal.Head) error {
	s.say("  The log")
	var export bytes.Buffer
	for from := 0; ; from += pageOfEntries {
		page, err := s.client.raw(ctx, account.Auditor, fmt.Sprintf("/v1/log/entries?from=%d&count=%d", from, pageOfEntries), nil)
		if err != nil {
			return err
		}
		export.Write(page)
		if bytes.Count(page, []byte("\n")) < pageOfEntries {
			break
		}
	}
	head, err := journal.Replay(bytes.NewReader(export.Bytes()), before)
	s.check(err == nil && head.Size > before.Size, "every entry read again leads to the checkpoint kept before, and on to the present root")
	var growth licensing.GrowthProof
	if err := s.client.call(ctx, account.Auditor, fmt.Sprintf("/v1/log/growth?from=%d&to=%d", before.Size, head.Size), nil, &growth); err != nil {
		return err
	}
	s.check(journal.CheckGrowth(growth.Proof, before, head) == nil, "the proof of growth holds, from two heads alone")
	changed := bytes.Replace(export.Bytes(), []byte(`"kind":"application"`), []byte(`"kind":"applicatiom"`), 1)
	_, err = journal.Replay(bytes.NewReader(changed), before)
	s.check(errors.Is(err, journal.ErrRewritten), "one letter changed in an old entry is found")
	return nil
}
