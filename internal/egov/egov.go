// SPDX-License-Identifier: Apache-2.0

// Package egov answers one question: what do the systems around the licensing system say — the state registers of persons and
// bodies, the payment gateway, the gateway that sends notices.
//
// A Gateway asks them over HTTP. Every message, question and answer alike, is signed by its sender and judged by its receiver
// (Envelope), names what it answers, and is kept as it went over the wire (Options.Keep), so that each side can prove what it was
// told. Asking is bounded in time, tried again with the same message, so that whoever heard it twice does it once, and stopped by
// a breaker while a system is down. An answer that cannot be proven to be the gateway's is no answer.
//
// Sandbox is the other side with the same contract: a server with invented people, payments and an inbox, and faults on demand,
// for the demo and the tests. docs/EGOV.md writes the contract down for those who connect a real gateway.
//
// Left out: what follows from an answer (licensing), when a notice is sent (licensing's outbox).
package egov

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// System is one of the systems behind the gateway.
type System string

// The systems, by the path they are asked on.
const (
	Persons  System = "persons"  // ЖТ МДБ, state database of natural persons
	Bodies   System = "bodies"   // ЗТ МДБ, state database of legal entities
	Payments System = "payments" // ЭҮТШ, payment gateway
	Notices  System = "notices"  // e-mail, SMS, webhooks
)

// Envelope signs what goes out and judges what comes in. It must be safe for concurrent use.
type Envelope interface {
	// Seal signs a message and says its media type.
	Seal(ctx context.Context, message []byte) (sealed []byte, mediaType string, err error)
	// Open answers the message in sealed bytes once it is proven to be the peer's; every error means that nothing was proven.
	Open(ctx context.Context, sealed []byte, mediaType string) (message []byte, err error)
}

// Exchange is one question with its answer, exactly as they went over the wire. It holds personal data.
type Exchange struct {
	ID       string // of the message
	System   System
	At       time.Time // when it was asked
	Request  []byte
	Response []byte // empty where none came
	Outcome  string // "answered", "fault CODE" or what went wrong
}

// message is the body of every envelope, in both directions.
type message struct {
	ID        string          `json:"id"`                  // of the question; the receiver does a question once, however often it hears it
	InReplyTo string          `json:"inReplyTo,omitempty"` // of the question that this answers
	System    System          `json:"system"`
	Action    string          `json:"action"`
	At        string          `json:"at"` // RFC 3339
	Body      json.RawMessage `json:"body,omitempty"`
	Fault     *fault          `json:"fault,omitempty"`
}

// fault is an answer that says why there is none.
type fault struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Codes of faults.
const (
	faultAbsent = "absent" // there is no such record
	faultInput  = "input"  // the question cannot be read or makes no sense
	faultBusy   = "busy"   // ask again later
)

// Actions of the systems.
const (
	actionGet   = "get"   // persons, bodies
	actionOpen  = "open"  // payments
	actionState = "state" // payments
	actionSend  = "send"  // notices
	actionPaid  = "paid"  // the payment gateway tells us of a payment
)

// maxMessage bounds a message before it is opened.
const maxMessage = 1 << 20

// skew is how far the clocks of the two sides may be apart, and how old a message may be.
const skew = 10 * time.Minute

var (
	// ErrUnavailable: the system could not be asked, or its answer proves nothing. Ask again later.
	ErrUnavailable = errors.New("the outside system cannot be asked now")
	// ErrRefused: the system understood and will not do it; asking again does not help.
	ErrRefused = errors.New("the outside system refuses")
)

// read takes a message apart and holds it to its time.
func read(raw []byte, now time.Time) (*message, error) {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("the message is not readable: %w", err)
	}
	at, err := time.Parse(time.RFC3339, m.At)
	if err != nil {
		return nil, errors.New("the message does not say when it was written")
	}
	if d := now.Sub(at); d > skew || d < -skew {
		return nil, fmt.Errorf("the message was written at %s, more than %s from now: an old one sent again, or a wrong clock", m.At, skew)
	}
	return &m, nil
}
