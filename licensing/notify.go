// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"encoding/json"

	"rastau/internal/phrase"
)

// KindNotice is the outbox's kind of notices: the body is a Notice as JSON, its ID the message's.
const KindNotice = "notice"

// Notice is one message to a person.
type Notice struct {
	ID      string `json:"id"`      // a notice is sent once, however often it is asked for
	Channel string `json:"channel"` // "email" or "sms"
	To      string `json:"to"`
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text"`
}

// notify enqueues what the applicant is told of an event (catalogue: notice.EVENT and notice.EVENT.subject), in the language of
// the application, on every way that the applicant gave. It is sent once for each event and application: the same event again
// changes nothing. It must stand in the transaction of what it tells of.
func (s *Service) notify(tx Tx, app *Application, event string, args map[string]string) error {
	if !s.o.Notices {
		return nil
	}
	text := phrase.Get("notice."+event, args).In(app.Lang)
	subject := phrase.Get("notice."+event+".subject", args).In(app.Lang)
	for _, way := range []struct{ channel, to string }{{"email", app.Applicant.Email}, {"sms", app.Applicant.Phone}} {
		if way.to == "" {
			continue
		}
		key := event + args["occasion"] + "/" + app.ID + "/" + way.channel
		id := digest([]byte(key))[:32]
		body, err := json.Marshal(Notice{ID: id, Channel: way.channel, To: way.to, Subject: subject, Text: text})
		if err != nil {
			return err
		}
		if err := tx.Enqueue(Outgoing{ID: id, Kind: KindNotice, Key: key, Body: body}); err != nil {
			return err
		}
	}
	return nil
}
