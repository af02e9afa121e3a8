// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"errors"
	"fmt"
)

// Nobody decides on what is their own: not who applied, whose number is in the application, who signed it, who entered it, nor the
// head of the body that applies. Of somebody without an IIN only the account is known.

var errOwn = fmt.Errorf("%w: nobody works or decides on an application of their own, or of a body that they lead or signed for", ErrNotAuthority)

// interested is errOwn where the file itself shows that the application is the actor's own.
func interested(tx Tx, a Actor, app *Application) error {
	if app.Owner == a.ID || concerned(a, app.Applicant) {
		return errOwn
	}
	if a.IIN == "" || app.Clerk != nil { // a clerk's signature is not the applicant's: see enteredBy
		return nil
	}
	reg, err := tx.Registration(app.ID)
	if errors.Is(err, ErrNotFound) {
		return nil // a draft
	}
	if err != nil {
		return err
	}
	reports := [][]byte{reg.Report}
	switch m, err := tx.Amendment(app.ID); {
	case err == nil:
		reports = append(reports, m.Report)
	case !errors.Is(err, ErrNotFound):
		return err
	}
	for _, stored := range reports {
		report, err := readReport(stored)
		if err != nil {
			return err
		}
		for _, signature := range report.Signatures {
			if signature.Signer != nil && signature.Signer.IIN != nil && *signature.Signer.IIN == a.IIN {
				return errOwn
			}
		}
	}
	return nil
}

func concerned(a Actor, holder Applicant) bool { return a.IIN != "" && a.IIN == holder.IIN }

// leads is errOwn where the state register calls the actor the head of the body that applies. Where the register cannot be asked,
// nobody with an IIN decides: ErrLater.
func (s *Service) leads(ctx context.Context, a Actor, holder Applicant) error {
	if a.IIN == "" || holder.BIN == "" || s.o.Registers == nil {
		return nil
	}
	// A branch is led by its own head and by that of the body whose branch it is.
	for number, depth := holder.BIN, 0; number != "" && depth < 2; depth++ {
		body, err := s.o.Registers.Body(ctx, number)
		switch {
		case errors.Is(err, ErrNoRecord):
			return nil
		case err != nil:
			return fmt.Errorf("%w: the state register of bodies, which knows whose head decides: %w", ErrLater, err)
		case body.Head == a.IIN:
			return errOwn
		}
		number = body.Parent
	}
	return nil
}

// mayDecide holds whoever decides on an application to all of these.
func (s *Service) mayDecide(ctx context.Context, a Actor, app *Application) error {
	if app.enteredBy(a) {
		return fmt.Errorf("%w: whoever entered an application does not decide on it", ErrNotAuthority)
	}
	if err := s.o.Store.View(ctx, func(tx Tx) error { return interested(tx, a, app) }); err != nil {
		return err
	}
	return s.leads(ctx, a, app.Applicant)
}

// interestedInLicence is the same of a move of a licence: the applications that it came of are looked at.
func (s *Service) interestedInLicence(ctx context.Context, a Actor, rec *LicenceRecord) error {
	if concerned(a, rec.Licence.Holder) {
		return errOwn
	}
	err := s.o.Store.View(ctx, func(tx Tx) error {
		app, err := tx.Application(rec.ApplicationID)
		if err != nil {
			return err
		}
		return interested(tx, a, app)
	})
	if err != nil {
		return err
	}
	return s.leads(ctx, a, rec.Licence.Holder)
}
