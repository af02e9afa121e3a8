// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gowebpki/jcs"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"rastau/internal/identity"
	"rastau/internal/phrase"
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

// Apply makes a draft and its canonical package. Input is bounded and judged by the regulation's data.
// Errors: *InputError; *RefusalError (M2) where the fee is not paid; ErrNotInForce.
func (s *Service) Apply(ctx context.Context, a Actor, n NewApplication) (*Application, error) {
	r, ok := s.regulations[n.Service]
	if !ok {
		return nil, badInput("service", "there is no such service: see the list of services")
	}
	op, ok := r.Operation(n.Operation)
	if !ok {
		return nil, badInput("operation", "must be one of %s", r.operationKeys())
	}
	if n.Channel == "" {
		n.Channel = ChannelPortal
	}
	clerk, err := r.checkChannel(a, n)
	if err != nil {
		return nil, err
	}
	if !op.RunsOn(n.Channel.path()) {
		return nil, badInput("channel", "%q is served on %s only", op.Key, strings.Join(op.Paths, ", "))
	}
	if err := op.checkAbout(n.About); err != nil {
		return nil, err
	}
	now := s.now()
	if err := s.inForce(r, s.o.Calendar.Day(now)); err != nil {
		return nil, err
	}
	if _, ok := phrase.ParseLang(string(n.Lang)); !ok {
		return nil, badInput("lang", "must be kk, ru or en")
	}
	if err := r.checkApplicant(n.Applicant); err != nil {
		return nil, err
	}
	fields, err := r.checkFields(n.Applicant.Kind, op.Key, n.Fields)
	if err != nil {
		return nil, err
	}
	attachments, err := checkAttachments(r.Checklist(n.Applicant.Kind, op.Key, n.Channel, fields), n.Attachments)
	if err != nil {
		return nil, err
	}
	fee, err := r.fee(op.Key, s.o.Calendar.Day(now), s.o.Rates)
	if err != nil {
		return nil, err
	}
	if err := r.checkPayment(n.Channel, n.Payment, fee); err != nil {
		return nil, err
	}
	id, nonce, err := s.draftID()
	if err != nil {
		return nil, err
	}
	app := &Application{
		ID: id, Status: Draft, Service: r.Key, Operation: op.Key, Channel: n.Channel, About: n.About,
		Applicant: n.Applicant, Clerk: clerk, Fields: fields, OnPaper: n.OnPaper,
		Attachments: attachments, Payment: n.Payment, Lang: n.Lang, Created: now, Owner: a.ID,
	}
	if err := checkDrawable(app.Applicant); err != nil {
		return nil, err
	}
	if app.Package, err = s.pack(r, op, app, nonce); err != nil {
		return nil, err
	}
	err = s.o.Store.Update(ctx, func(tx Tx) error {
		for i, at := range n.Attachments {
			sum, err := tx.PutBlob(at.Content)
			if err != nil {
				return err
			}
			if sum != attachments[i].SHA256 {
				return fmt.Errorf("attachment %d changed on its way into the store", i+1)
			}
		}
		return tx.AddApplication(app)
	})
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

func checkAttachments(checklist []Document, all []NewAttachment) ([]Attachment, error) {
	if len(all) > maxAttachments {
		return nil, badInput("attachments", "must not be more than %d", maxAttachments)
	}
	out := make([]Attachment, 0, len(all))
	count := map[string]int{}
	total := 0
	for i, at := range all {
		field := fmt.Sprintf("attachments.%d", i)
		j := slices.IndexFunc(checklist, func(d Document) bool { return d.Key == at.Document })
		if j < 0 {
			return nil, badInput(field+".document", "is not on the checklist of this service for this applicant")
		}
		d := checklist[j]
		if count[d.Key]++; count[d.Key] > 1 && !d.Many {
			return nil, badInput(field+".document", "may be attached once only")
		}
		if err := checkLine(field+".name", at.Name, true); err != nil {
			return nil, err
		}
		if strings.ContainsAny(at.Name, `/\`) {
			return nil, badInput(field+".name", "must be a file name without folders")
		}
		if !slices.Contains(d.Types, at.Type) {
			return nil, badInput(field+".type", "must be one of %s", strings.Join(d.Types, ", "))
		}
		if len(at.Content) == 0 || int64(len(at.Content)) > d.MaxBytes {
			return nil, badInput(field+".content", "must have 1 to %d bytes", d.MaxBytes)
		}
		if !bytes.HasPrefix(at.Content, attachmentTypes[at.Type]) {
			return nil, badInput(field+".content", "is not %s, although it says so", at.Type)
		}
		if total += len(at.Content); total > maxAttached {
			return nil, badInput("attachments", "must not have more than %d bytes together", maxAttached)
		}
		out = append(out, Attachment{Document: at.Document, Name: at.Name, Type: at.Type, Size: int64(len(at.Content)), SHA256: digest(at.Content)})
	}
	for _, d := range checklist {
		if d.Required && count[d.Key] == 0 {
			return nil, badInput("attachments", "the document %q is required: %s", d.Key, d.Name.EN)
		}
	}
	return out, nil
}

// checkPayment is condition C2: without the payment of exactly the fee nothing
// is registered, and the person hears refusal M2 (R046).
func (r *Regulation) checkPayment(c Channel, p Payment, fee int64) error {
	if fee == 0 && p == (Payment{}) {
		// Appendices and corrections are free (law on licensing 2007, art. 44).
		return nil
	}
	if err := checkLine("payment.reference", p.Reference, false); err != nil {
		return err
	}
	var input *InputError
	reason := ""
	switch {
	case strings.TrimSpace(p.Reference) == "":
		input, reason = &InputError{Field: "payment.reference", Problem: "the fee is not paid: give the reference of the payment"}, "not_paid"
	case p.Amount != fee:
		input, reason = &InputError{Field: "payment.amount", Problem: fmt.Sprintf("the fee is %d tiyn, exactly", fee)}, "amount"
	default:
		return nil
	}
	code, err := r.refusal(c, onPayment)
	if err != nil {
		return err
	}
	return &RefusalError{Input: input, Message: refusalMessage(code, reason, map[string]string{"fee": tenge(fee)})}
}

// tenge writes an amount of tiyn for people.
func tenge(tiyn int64) string {
	return fmt.Sprintf("%d,%02d ₸", tiyn/tiynPerTenge, tiyn%tiynPerTenge)
}
