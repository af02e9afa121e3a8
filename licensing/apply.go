// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"rastau/internal/identity"
)

// Bounds of one application, checked before anything is parsed or kept.
const (
	maxFields      = 256 << 10 // bytes of JSON
	maxFieldsDepth = 16
	maxAttachments = 50
	maxAttached    = 30 << 20 // bytes of all attachments
	maxLine        = 300      // characters of a name, address, reference
)

// operationIssue is the operation that needs no licence before it.
const operationIssue = "issue"

// Numbers by which an applicant is known.
const (
	byIIN = "iin"
	byBIN = "bin"
)

// Apply makes a sealed draft with its canonical package in one go: for portals that keep half-filled forms themselves. Input is
// bounded and judged by the regulation's data. Errors: *InputError; *RefusalError where a condition of the path fails (M2 unpaid,
// M6 not in the registers); ErrNotInForce; ErrLater where an outside system cannot be asked.
func (s *Service) Apply(ctx context.Context, a Actor, n NewApplication) (*Application, error) {
	n.Channel = cmp.Or(n.Channel, ChannelPortal)
	r, op, err := s.operation(n.Service, n.Operation)
	if err != nil {
		return nil, err
	}
	clerk, err := r.checkChannel(a, op, n)
	if err != nil {
		return nil, err
	}
	now := s.now()
	if err := s.inForce(r, s.o.Calendar.Day(now)); err != nil {
		return nil, err
	}
	id, nonce, err := s.draftID()
	if err != nil {
		return nil, err
	}
	app := &Application{
		ID: id, Status: Draft, Service: r.Key, Operation: op.Key, Channel: n.Channel, About: n.About,
		Applicant: n.Applicant, Clerk: clerk, Fields: n.Fields, OnPaper: n.OnPaper,
		Payment: Payment{Reference: n.Payment.Reference, Amount: n.Payment.Amount}, Lang: n.Lang, Created: now, Owner: a.ID,
	}
	if app.Attachments, err = r.checkAttachments(n.Channel, nil, n.Attachments); err != nil {
		return nil, err
	}
	payment, err := s.complete(ctx, r, op, app)
	if err != nil {
		return nil, err
	}
	if app.Package, err = s.pack(r, op, app, nonce, now); err != nil {
		return nil, err
	}
	if err := s.keepAttachments(ctx, n.Attachments); err != nil {
		return nil, err
	}
	err = s.o.Store.Beside(ctx, func(tx BesideTx) error {
		if err := putAttachments(tx, n.Attachments, app.Attachments); err != nil {
			return err
		}
		if err := tx.AddApplication(app); err != nil {
			return err
		}
		return keepPayment(tx, payment)
	})
	if errors.Is(err, ErrPaid) {
		return nil, unpaid(r, app.Channel, "payment.reference", "used", app.Payment.Amount, "the payment with this reference belongs to another application")
	}
	if err != nil {
		return nil, fmt.Errorf("keeping the draft: %w", err)
	}
	s.o.Log.InfoContext(ctx, "draft made", "application", app.ID, "service", app.Service, "operation", app.Operation)
	return app, nil
}

// inForce refuses new applications under a regulation that was repealed or has not begun.
func (s *Service) inForce(r *Regulation, d Day) error {
	if r.InForce.Holds(d) || s.o.AcceptRepealed {
		return nil
	}
	return fmt.Errorf("%w: %s counted from %s to before %s", ErrNotInForce, r.Key, r.InForce.From, r.InForce.Until)
}

// draftID makes an id that nobody can guess and the server's nonce.
func (s *Service) draftID() (id, nonce string, err error) {
	var raw [48]byte
	s.random.Lock()
	_, err = io.ReadFull(s.o.Rand, raw[:])
	s.random.Unlock()
	if err != nil {
		return "", "", fmt.Errorf("random numbers: %w", err)
	}
	return hex.EncodeToString(raw[:16]), hex.EncodeToString(raw[16:]), nil
}

func (r *Regulation) checkApplicant(a Applicant) error {
	rule, ok := r.Applicant(a.Kind)
	if !ok {
		var kinds []string
		for _, k := range r.Applicants {
			kinds = append(kinds, string(k.Kind))
		}
		return badInput("applicant.kind", "must be one of %s", strings.Join(kinds, ", "))
	}
	wanted, other := a.IIN, a.BIN
	if rule.Number == byBIN {
		wanted, other = a.BIN, a.IIN
	}
	// A wrong check digit is no reason to refuse: official test numbers have one.
	if _, err := identity.Parse(wanted); err != nil {
		return badInput("applicant."+rule.Number, "a %s is known by its %s of twelve digits", a.Kind, strings.ToUpper(rule.Number))
	}
	if other != "" {
		return badInput("applicant", "a %s is known by its %s alone: leave the other number out", a.Kind, strings.ToUpper(rule.Number))
	}
	for _, l := range []struct {
		field, value string
		required     bool
	}{
		{"applicant.name", a.Name, true}, {"applicant.address", a.Address, true},
		{"applicant.email", a.Email, false}, {"applicant.phone", a.Phone, false},
	} {
		if err := checkLine(l.field, l.value, l.required); err != nil {
			return err
		}
	}
	return nil
}

// checkLine holds a text of one line to its bounds. Control characters and
// invisible marks that turn the direction of writing are refused, because what
// is shown must be what is signed.
func checkLine(field, s string, required bool) error {
	if required && strings.TrimSpace(s) == "" {
		return badInput(field, "is required")
	}
	if !utf8.ValidString(s) {
		return badInput(field, "must be UTF-8")
	}
	if utf8.RuneCountInString(s) > maxLine {
		return badInput(field, "must not be longer than %d characters", maxLine)
	}
	if strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) }) {
		return badInput(field, "must not contain control characters or invisible marks")
	}
	return nil
}

// checkFields brings the form to its canonical bytes and judges those, so that
// what was judged is what is signed.
func (r *Regulation) checkFields(k ApplicantKind, operation string, raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, badInput("fields", "the form is missing")
	}
	if len(raw) > maxFields {
		return nil, badInput("fields", "must not be longer than %d bytes", maxFields)
	}
	if !utf8.Valid(raw) {
		return nil, badInput("fields", "must be UTF-8")
	}
	if depthOf(raw) > maxFieldsDepth {
		return nil, badInput("fields", "is nested too deep")
	}
	if !json.Valid(raw) {
		return nil, badInput("fields", "must be JSON")
	}
	canon, err := jcs.Transform(raw)
	if err != nil {
		return nil, badInput("fields", "must be JSON without repeated names: %v", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(canon))
	if err != nil {
		return nil, badInput("fields", "must be JSON")
	}
	if err := r.forms[formKey{k, operation}].Validate(doc); err != nil {
		var v *jsonschema.ValidationError
		if errors.As(err, &v) {
			return nil, fieldProblem(v)
		}
		return nil, badInput("fields", "does not fit the form")
	}
	return canon, nil
}

// depthOf counts the nesting of JSON without parsing it.
func depthOf(raw []byte) int {
	depth, deepest := 0, 0
	inString, escaped := false, false
	for _, c := range raw {
		switch {
		case inString && escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// checkAbout: an operation on a licence names it; an issue has none yet.
func (o Operation) checkAbout(number string) error {
	if o.Key == operationIssue {
		if number != "" {
			return badInput("about", "a first licence is about no other: leave it out")
		}
		return nil
	}
	if err := ParseNumber(number); err != nil {
		return badInput("about", "must be the number of the licence, such as KZ12ABC00000001")
	}
	return nil
}
