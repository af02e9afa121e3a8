// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"strings"
	"time"

	"rastau/internal/phrase"
	"rastau/verifier"
)

// Answer is one of the three that whoever holds a licence wants: true, false, or null where it cannot be told, and why.
type Answer struct {
	Is  *bool       `json:"is"`
	Why phrase.Text `json:"why"`
}

// Answers on one licence, each independent of the others.
type Answers struct {
	Intact       Answer `json:"intact"`       // what is shown is what was signed
	InForce      Answer `json:"inForce"`      // today, as the register stands
	FromLicensor Answer `json:"fromLicensor"` // the key was listed for the licensor that the file names, on the day of signing
}

func answer(is bool, key string, args map[string]string) Answer {
	return Answer{Is: &is, Why: phrase.Get("workflow.answer."+key, args)}
}

func open(key string) Answer { return Answer{Why: phrase.Get("workflow.answer."+key, nil)} }

// AnswersOf puts the verdict on a file and what the register says (nil where it was not asked) into the three answers. Without
// a register the table of signers tells who may sign for the licensor: whoever takes one from elsewhere trusts whoever made it.
// r is nil where only a number was asked about.
func AnswersOf(r *verifier.Report, file []byte, register *LicenceCheck, table []Authority) Answers {
	return Answers{Intact: intact(r), InForce: inForce(register), FromLicensor: fromLicensor(r, file, register, table)}
}

func intact(r *verifier.Report) Answer {
	switch {
	case r == nil:
		return open("intact.no_file")
	case r.Intact == nil:
		return Answer{Why: deciding(r, "intact.unknown")}
	case *r.Intact:
		return answer(true, "intact.yes", nil)
	}
	no := false
	return Answer{Is: &no, Why: deciding(r, "intact.no")}
}

// deciding is what decided the verdict, in the three languages.
func deciding(r *verifier.Report, otherwise string) phrase.Text {
	d := r.Deciding()
	if d == nil {
		return phrase.Get("workflow.answer."+otherwise, nil)
	}
	return phrase.Text{KK: d.In(phrase.KK), RU: d.In(phrase.RU), EN: d.In(phrase.EN)}
}

func inForce(c *LicenceCheck) Answer {
	switch {
	case c == nil:
		return open("in_force.not_asked")
	case !c.Registered:
		return Answer{Is: new(bool), Why: c.Why}
	case !c.InForce:
		same := phrase.Text{KK: c.Number, RU: c.Number, EN: c.Number}
		return Answer{Is: new(bool), Why: phrase.Render("workflow.answer.in_force.no", map[string]phrase.Text{"number": same, "state": phrase.Get("console.state."+string(c.State), nil)})}
	}
	return answer(true, "in_force.yes", map[string]string{"number": c.Number})
}

func fromLicensor(r *verifier.Report, file []byte, register *LicenceCheck, table []Authority) Answer {
	switch {
	case r == nil && register != nil && register.Entitled != nil:
		return listed(*register.Entitled)
	case r == nil:
		return open("licensor.unknown")
	case r.Indication != verifier.TotalPassed:
		// A key that cannot be trusted says nothing, whoever it is listed for.
		a := Answer{Why: deciding(r, "licensor.unknown")}
		if r.Indication == verifier.TotalFailed {
			a.Is = new(bool)
		}
		return a
	case register != nil && register.Registered && register.Entitled != nil:
		return listed(*register.Entitled)
	case len(table) == 0:
		return open("licensor.no_table")
	}
	d := documentIn(file)
	if d.LicensorBIN == "" || len(r.Signatures) == 0 {
		return answer(false, "licensor.no_licence", nil)
	}
	for _, s := range r.Signatures {
		// The proven time, where there is one: the file's own date is its maker's word.
		at := s.SigningTime
		if at == nil {
			issued, err := time.Parse(time.RFC3339, d.Issued)
			if err != nil {
				return open("licensor.unknown")
			}
			at = &issued
		}
		if s.Certificate == nil || !mayHaveSigned(table, s.Certificate.SHA256Hex(), d.LicensorBIN, *at) {
			return listed(false)
		}
	}
	return listed(true)
}

func listed(yes bool) Answer {
	if yes {
		return answer(true, "licensor.yes", nil)
	}
	return answer(false, "licensor.no", nil)
}

// mayHaveSigned reports whether the table lists the certificate for the licensor at a time.
func mayHaveSigned(table []Authority, certificate, licensor string, at time.Time) bool {
	for _, a := range table {
		if strings.EqualFold(a.Certificate, certificate) && a.Licensor == licensor && a.holds(at) {
			return true
		}
	}
	return false
}
