// SPDX-License-Identifier: Apache-2.0

package egov

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"rastau/licensing"
)

// Sandbox is the other side of the gateway with invented people: the same contract, the same signatures. It is a server of its
// own for the demo and the tests, never part of a real installation. It is safe for concurrent use.
type Sandbox struct {
	o      SandboxOptions
	client *http.Client // tells of payments over connections that stay open

	mu       sync.Mutex
	persons  map[string]licensing.Person
	bodies   map[string]licensing.Body
	payments map[string]*payment
	inbox    []licensing.Notice
	done     map[string]json.RawMessage // by message id: what was answered to what must be done once
	faults   map[System]*Fault
	heard    map[System]int
}

type payment struct {
	invoice licensing.Invoice
	state   licensing.PaymentState
}

// SandboxOptions of a Sandbox.
type SandboxOptions struct {
	Envelope Envelope         // Required. With the gateway's key, trusting the licensing system's.
	Base     string           // Required. Address of the sandbox itself, for the page where an invoice is paid.
	Callback string           // Optional. Where payments are told of; if empty, nobody is told.
	Now      func() time.Time // Required.
}

// Fault is what a system of the sandbox does wrong, for the next Times questions; 0 until it is taken back.
type Fault struct {
	Mode  FaultMode     `json:"mode"`
	Times int           `json:"times"`
	Delay time.Duration `json:"delay"` // of slow
}

// FaultMode names a fault.
type FaultMode string

// The faults.
const (
	FaultNone    FaultMode = ""
	FaultDown    FaultMode = "down"    // 503
	FaultDrop    FaultMode = "drop"    // the question is done, the connection breaks before the answer
	FaultSlow    FaultMode = "slow"    // answers after Delay
	FaultBusy    FaultMode = "busy"    // a signed fault "busy"
	FaultGarbage FaultMode = "garbage" // 200 with bytes that are no message
	FaultForged  FaultMode = "forged"  // a genuine answer with one byte of its content changed
	FaultReplay  FaultMode = "replay"  // a genuine answer to another question
)

// NewSandbox makes an empty sandbox.
func NewSandbox(o SandboxOptions) (*Sandbox, error) {
	if o.Envelope == nil || o.Base == "" || o.Now == nil {
		return nil, errors.New("egov: the sandbox needs Envelope, Base and Now")
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy, t.MaxIdleConnsPerHost = nil, 64
	return &Sandbox{
		o: o, client: &http.Client{Transport: t}, persons: map[string]licensing.Person{}, bodies: map[string]licensing.Body{}, payments: map[string]*payment{},
		done: map[string]json.RawMessage{}, faults: map[System]*Fault{}, heard: map[System]int{},
	}, nil
}

// SetCallback says where payments are told of from now on.
func (s *Sandbox) SetCallback(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.Callback = address
}

// AddPerson puts an invented person into the register, or replaces the one with that number.
func (s *Sandbox) AddPerson(p licensing.Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.persons[p.IIN] = p
}

// AddBody puts an invented body into the register, or replaces the one with that number.
func (s *Sandbox) AddBody(b licensing.Body) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies[b.BIN] = b
}

// Break makes a system do something wrong; a Fault of FaultNone mends it.
func (s *Sandbox) Break(system System, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[system] = &f
}

// Inbox is what was sent to people, each notice once.
func (s *Sandbox) Inbox() []licensing.Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]licensing.Notice(nil), s.inbox...)
}

// Heard counts the questions that a system has got, repeated ones included.
func (s *Sandbox) Heard(system System) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard[system]
}

// Pay pays an opened invoice, as the payer would at the bank, and tells the licensing system of it.
// An invoice that has ended is not paid: the fee is that of the day of payment.
func (s *Sandbox) Pay(ctx context.Context, reference string) error {
	s.mu.Lock()
	p, ok := s.payments[reference]
	now := s.o.Now().UTC().Truncate(time.Second)
	if !ok {
		s.mu.Unlock()
		return fmt.Errorf("no invoice %s was opened", reference)
	}
	if until, err := time.Parse(time.RFC3339, p.invoice.Until); p.state.Paid == nil && (err != nil || now.After(until)) {
		s.mu.Unlock()
		return fmt.Errorf("the invoice %s has ended", reference)
	}
	if p.state.Paid == nil {
		p.state.Paid, p.state.Receipt = &now, "SBX-"+newID()[:12]
	}
	state, callback := p.state, s.o.Callback
	s.mu.Unlock()
	if callback == "" {
		return nil
	}
	return s.tell(ctx, callback, state)
}

// PayOver makes a payment that nobody opened here, such as one at a counter of a bank.
func (s *Sandbox) PayOver(i licensing.Invoice) licensing.PaymentState {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now().UTC().Truncate(time.Second)
	p := &payment{invoice: i, state: licensing.PaymentState{Reference: i.Reference, Amount: i.Amount, Payer: i.Payer, Payee: i.Payee, Paid: &now, Receipt: "SBX-" + newID()[:12]}}
	s.payments[i.Reference] = p
	return p.state
}

func (s *Sandbox) tell(ctx context.Context, callback string, state licensing.PaymentState) error {
	body, err := json.Marshal(state)
	if err != nil {
		return err
	}
	sealed, mediaType, err := s.seal(ctx, message{ID: newID(), System: Payments, Action: actionPaid, Body: body})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, callback, bytes.NewReader(sealed))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the licensing system answers with status %d", resp.StatusCode)
	}
	return nil
}

func (s *Sandbox) seal(ctx context.Context, m message) ([]byte, string, error) {
	m.At = s.o.Now().UTC().Format(time.RFC3339)
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, "", err
	}
	return s.o.Envelope.Seal(ctx, raw)
}

// Handler serves the systems and, beside them, /sandbox/pay, /sandbox/payments, /sandbox/inbox and /sandbox/faults for whoever runs the demo.
func (s *Sandbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/{system}", s.serve)
	mux.HandleFunc("GET /sandbox/pay/{reference}", s.payPage)
	mux.HandleFunc("POST /sandbox/pay/{reference}", s.payPage)
	mux.HandleFunc("POST /sandbox/payments", func(w http.ResponseWriter, r *http.Request) {
		var i licensing.Invoice
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&i); err != nil || i.Reference == "" || i.Amount <= 0 {
			http.Error(w, "a payment needs a reference and an amount in tiyn", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.PayOver(i))
	})
	mux.HandleFunc("GET /sandbox/inbox", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"notices": s.Inbox()})
	})
	mux.HandleFunc("PUT /sandbox/faults/{system}", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&f); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.Break(System(r.PathValue("system")), f)
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// payPage is the page of the bank: a button.
func (s *Sandbox) payPage(w http.ResponseWriter, r *http.Request) {
	reference := r.PathValue("reference")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'")
	if r.Method == http.MethodPost {
		if err := s.Pay(r.Context(), reference); err != nil {
			w.WriteHeader(http.StatusConflict)
			_ = page.Execute(w, map[string]any{"Text": err.Error()})
			return
		}
		_ = page.Execute(w, map[string]any{"Text": "Төленді · Оплачено · Paid"})
		return
	}
	var p payment
	s.mu.Lock()
	known, ok := s.payments[reference]
	if ok {
		p = *known
	}
	s.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		_ = page.Execute(w, map[string]any{"Text": "no such invoice"})
		return
	}
	_ = page.Execute(w, map[string]any{"Text": p.invoice.Purpose, "Amount": fmt.Sprintf("%d.%02d ₸", p.invoice.Amount/100, p.invoice.Amount%100), "Paid": p.state.Paid != nil})
}

func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request) {
	system := System(r.PathValue("system"))
	sealed, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		http.Error(w, "the message is too long", http.StatusRequestEntityTooLarge)
		return
	}
	fault := s.nextFault(system)
	switch fault.Mode {
	case FaultDown:
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	case FaultGarbage:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>It works!</html>")
		return
	case FaultSlow:
		select {
		case <-time.After(fault.Delay):
		case <-r.Context().Done():
			return
		}
	}
	raw, err := s.o.Envelope.Open(r.Context(), sealed, r.Header.Get("Content-Type"))
	if err != nil {
		http.Error(w, "the message's signature is not accepted: "+err.Error(), http.StatusForbidden)
		return
	}
	m, err := read(raw, s.o.Now())
	if err != nil || m.System != system {
		http.Error(w, fmt.Sprintf("the message is not one for this system: %v", err), http.StatusBadRequest)
		return
	}
	reply := message{ID: newID(), InReplyTo: m.ID, System: system, Action: m.Action}
	if fault.Mode == FaultBusy {
		reply.Fault = newFault(faultBusy, "ask again later")
	} else {
		reply.Body, reply.Fault = s.answer(m)
	}
	if fault.Mode == FaultReplay {
		reply.InReplyTo = newID()
	}
	out, mediaType, err := s.seal(r.Context(), reply)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	switch fault.Mode {
	case FaultDrop:
		panic(http.ErrAbortHandler) // the connection breaks
	case FaultForged:
		// A digit of the message's own number, which stands as it is in CMS and in SOAP: nothing but the signature can tell.
		if i := bytes.Index(out, []byte(reply.ID)); i > 0 {
			if out[i] != '0' {
				out[i] = '0'
			} else {
				out[i] = '1'
			}
		}
	}
	w.Header().Set("Content-Type", mediaType)
	_, _ = w.Write(out)
}

// nextFault counts the question and takes one turn of the system's fault.
func (s *Sandbox) nextFault(system System) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard[system]++
	f := s.faults[system]
	if f == nil {
		return Fault{}
	}
	now := *f
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			delete(s.faults, system)
		}
	}
	return now
}

func (s *Sandbox) answer(m *message) (json.RawMessage, *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m.System {
	case Persons:
		return find(m.Body, s.persons)
	case Bodies:
		return find(m.Body, s.bodies)
	case Payments:
		return s.pay(m)
	case Notices:
		return s.notice(m)
	}
	return nil, newFault(faultInput, "there is no such system")
}

func find[T any](body json.RawMessage, all map[string]T) (json.RawMessage, *fault) {
	var q numberQuestion
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, newFault(faultInput, err.Error())
	}
	found, ok := all[q.Number]
	if !ok {
		return nil, newFault(faultAbsent, "there is no such number")
	}
	return mustJSON(found), nil
}

func (s *Sandbox) pay(m *message) (json.RawMessage, *fault) {
	if m.Action == actionState {
		var q referenceQuestion
		if err := json.Unmarshal(m.Body, &q); err != nil {
			return nil, newFault(faultInput, err.Error())
		}
		p, ok := s.payments[q.Reference]
		if !ok {
			return nil, newFault(faultAbsent, "there is no such payment")
		}
		return mustJSON(p.state), nil
	}
	var i licensing.Invoice
	if err := json.Unmarshal(m.Body, &i); err != nil || m.Action != actionOpen || i.Amount <= 0 || i.Reference == "" {
		return nil, newFault(faultInput, "an invoice needs a reference and an amount")
	}
	p, ok := s.payments[i.Reference]
	if ok && p.invoice != i {
		return nil, newFault(faultInput, "another invoice has this reference")
	}
	if !ok {
		p = &payment{invoice: i, state: licensing.PaymentState{Reference: i.Reference, Amount: i.Amount, Payer: i.Payer, Payee: i.Payee, Address: s.o.Base + "/sandbox/pay/" + i.Reference}}
		s.payments[i.Reference] = p
	}
	return mustJSON(p.state), nil
}

func (s *Sandbox) notice(m *message) (json.RawMessage, *fault) {
	if old, ok := s.done[m.ID]; ok {
		return old, nil
	}
	var n licensing.Notice
	if err := json.Unmarshal(m.Body, &n); err != nil || n.ID != m.ID || n.To == "" || n.Text == "" {
		return nil, newFault(faultInput, "a notice needs id, to and text")
	}
	s.inbox = append(s.inbox, n)
	s.done[m.ID] = json.RawMessage(`{"accepted":true}`)
	return s.done[m.ID], nil
}

func newFault(code, text string) *fault { return &fault{Code: code, Text: text} }

// mustJSON writes what always can be written: structs of strings, numbers and times.
func mustJSON(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
