// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"cmp"
	"encoding/json"
	"strings"

	"rastau/internal/phrase"
)

// Channel is the way an application comes in (R003). It is also the key of the
// regulation's path that the application walks.
type Channel string

// The channels of both orders.
const (
	ChannelPortal   Channel = "portal"   // the applicant fills in and signs
	ChannelProvider Channel = "provider" // the licensor's employee enters the data and certifies them
	ChannelCentre   Channel = "centre"   // the public service centre's operator enters the data and certifies them
)

// Clerk is who entered and certifies an application on a path where that is not
// the applicant. The signature is matched to these numbers, never to the
// applicant's (R081).
type Clerk struct {
	ID   string `json:"id"`   // of the account
	Name string `json:"name"` // as it stands in the account
	IIN  string `json:"iin"`
	BIN  string `json:"bin"` // of the licensor or the centre
}

// DocumentConsent is the checklist key of the applicant's written consent: it
// is asked for wherever an operator of a centre signs for the applicant (law on
// permits and notifications, art. 48 (3)), whatever the regulation lists.
const DocumentConsent = "consent"

// path is the key of the regulation's path; a channel that is not given is the portal.
func (c Channel) path() string { return string(cmp.Or(c, ChannelPortal)) }

// statement is the catalogue's key of the text above the signature.
func (c Channel) statement() string {
	switch c {
	case ChannelProvider:
		return "workflow.statement.provider"
	case ChannelCentre:
		return "workflow.statement.centre"
	}
	return "workflow.statement"
}

// admits reports whether the actor may bring in applications on this channel.
// Every channel has a role of its own, and none includes another.
func (c Channel) admits(a Actor) bool {
	switch c {
	case ChannelPortal:
		return a.Applicant
	case ChannelProvider:
		return a.Employee
	case ChannelCentre:
		return a.Operator
	}
	return false
}

// checkChannel holds the channel, who stands in it, and what it asks for beside
// the form to the rules of that path.
func (r *Regulation) checkChannel(a Actor, op Operation, n NewApplication) (*Clerk, error) {
	switch n.Channel {
	case ChannelPortal, ChannelProvider, ChannelCentre:
	default:
		return nil, badInput("channel", "must be portal, provider or centre")
	}
	if !op.RunsOn(n.Channel.path()) {
		return nil, badInput("channel", "%q is served on %s only", op.Key, strings.Join(op.Paths, ", "))
	}
	if !n.Channel.admits(a) {
		return nil, ErrForbidden
	}
	if n.Channel == ChannelPortal {
		if n.OnPaper {
			return nil, badInput("onPaper", "is a mark of those who take papers in: attach the documents instead")
		}
		// A person speaks for themselves or for the body in their certificate; a portal's token speaks for many.
		if a.IIN != "" && n.Applicant.IIN != "" && a.IIN != n.Applicant.IIN || a.IIN != "" && n.Applicant.BIN != "" && a.BIN != n.Applicant.BIN {
			return nil, badInput("applicant", "is somebody else than the person who is logged in")
		}
		return nil, nil
	}
	c := &Clerk{ID: a.ID, Name: a.Name, IIN: a.IIN, BIN: a.BIN}
	switch {
	case c.IIN == "" || c.BIN == "":
		return nil, badInput("channel", "the account has no IIN and BIN to match the signature with: the administrator must complete it")
	case c.IIN == n.Applicant.IIN:
		return nil, badInput("applicant.iin", "is the number of the one who enters the data: nobody certifies an application of their own")
	case c.BIN == n.Applicant.BIN:
		return nil, badInput("applicant.bin", "is the body of the one who enters the data: nobody certifies an application of their own")
	case n.Channel == ChannelProvider && c.BIN != r.Licensor.BIN:
		return nil, badInput("service", "is another licensor's: an employee enters applications of the own body only")
	}
	return c, nil
}

// consentDocument is the written consent as a line of the checklist.
func consentDocument() Document {
	return Document{
		Key: DocumentConsent, Required: true, Types: []string{"application/pdf", "image/png", "image/jpeg"}, MaxBytes: 5 << 20,
		Name: phrase.Get("workflow.document.consent", nil),
	}
}

// Checklist is what an application for an operation, of this kind of applicant
// on this channel, is asked for by the answers in its form (JSON; nil before
// there are any), in the regulation's order.
func (r *Regulation) Checklist(k ApplicantKind, operation string, c Channel, fields json.RawMessage) []Document {
	var list []Document
	for _, d := range r.Documents {
		if d.asked(k, operation, c.path(), fields) {
			list = append(list, d)
		}
	}
	if c == ChannelCentre {
		list = append(list, consentDocument())
	}
	return list
}

// enteredBy: the same person, under whatever account, entered and certified the application.
func (a *Application) enteredBy(actor Actor) bool {
	return a.Clerk != nil && (actor.ID == a.Clerk.ID || actor.IIN != "" && actor.IIN == a.Clerk.IIN)
}
