// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"errors"
	"slices"
)

// maxList bounds a list of applications.
const maxList = 500

// load reads an application whoever asks.
func (s *Service) load(ctx context.Context, id string) (app *Application, err error) {
	err = s.o.Store.View(ctx, func(tx Tx) error {
		app, err = corrected(tx, id)
		return err
	})
	return app, err
}

// loadDraft is load for those who expect a draft, which has no corrections: it reads once.
func (s *Service) loadDraft(ctx context.Context, id string) (app *Application, err error) {
	err = s.o.Store.Look(ctx, func(tx Tx) error {
		app, err = tx.Application(id)
		return err
	})
	if err != nil || app.Status == Draft {
		return app, err
	}
	return s.load(ctx, id)
}

// corrected is an application as its last correction left it.
func corrected(tx Tx, id string) (*Application, error) {
	app, err := tx.Application(id)
	if err != nil || app.Status == Draft {
		return app, err
	}
	m, err := tx.Amendment(id)
	if errors.Is(err, ErrNotFound) {
		return app, nil
	}
	if err == nil {
		m.over(app)
	}
	return app, err
}

// Application shows one to its owner, to an administrator and, once
// registered, to officers. ErrForbidden for everybody else.
func (s *Service) Application(ctx context.Context, a Actor, id string) (*Application, error) {
	app, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	var table []Authority
	if a.bound() {
		if table, err = s.authorities(ctx); err != nil {
			return nil, err
		}
	}
	if app.Owner == a.ID || a.Admin || a.Officer && app.Status != Draft && !s.foreign(a, app.Service, table) {
		s.accessed(ctx, "case read", a, id, "application")
		return app, nil
	}
	s.accessed(ctx, "case refused", a, id, "application")
	return nil, ErrForbidden
}

// accessed notes who saw which case, by ids alone: no name and no number of a person.
func (s *Service) accessed(ctx context.Context, what string, a Actor, id, part string) {
	s.o.Log.InfoContext(ctx, what, "actor", a.ID, "application", id, "part", part)
}

// Applications lists, newest first, what the actor may see; status "" is all.
// limit 0 or above 500 is 500.
func (s *Service) Applications(ctx context.Context, a Actor, status Status, limit int) (list []Application, err error) {
	switch status {
	case "", Draft, Registered, Refused, Approved:
	default:
		return nil, badInput("status", "must be draft, registered, refused or approved")
	}
	if limit <= 0 || limit > maxList {
		limit = maxList
	}
	f := Filter{Status: status, Limit: limit}
	switch {
	case a.Admin:
	case a.Officer:
		f.NotDrafts = true
	default:
		f.Owner = a.ID
	}
	var table []Authority
	err = s.o.Store.View(ctx, func(tx Tx) error {
		if list, err = tx.Applications(f); err != nil || !a.bound() {
			return err
		}
		table, err = s.table(tx)
		return err
	})
	list = slices.DeleteFunc(list, func(x Application) bool { return x.Owner != a.ID && s.foreign(a, x.Service, table) })
	for i := range list {
		s.accessed(ctx, "case read", a, list[i].ID, "list")
	}
	return list, err
}

// AttachmentContent gives the bytes of an attachment, named by its SHA-256
// (hex), to those who may see the application. ErrNotFound where the
// application has no such attachment.
func (s *Service) AttachmentContent(ctx context.Context, a Actor, id, sha256 string) (Attachment, []byte, error) {
	app, err := s.Application(ctx, a, id)
	if err != nil {
		return Attachment{}, nil, err
	}
	i := slices.IndexFunc(app.Attachments, func(at Attachment) bool { return at.SHA256 == sha256 })
	if i < 0 {
		return Attachment{}, nil, ErrNotFound
	}
	s.accessed(ctx, "case read", a, id, "attachment "+sha256)
	var content []byte
	err = s.o.Store.View(ctx, func(tx Tx) (err error) {
		content, err = tx.Blob(sha256)
		return err
	})
	return app.Attachments[i], content, err
}

// Licence shows a registered licence with its PDF. ErrNotFound where there is none.
func (s *Service) Licence(ctx context.Context, number string) (*Licence, error) {
	if err := ParseNumber(number); err != nil {
		return nil, err
	}
	var l *LicenceRecord
	err := s.o.Store.View(ctx, func(tx Tx) (err error) {
		if l, err = tx.Licence(number); err != nil {
			return err
		}
		// The newest form: what was signed, with every time-stamp since.
		if l.Licence.Signed, l.Licence.PDF, _, err = newest(tx, number); err == nil {
			l.Licence.PDFSHA256 = digest(l.Licence.PDF)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &l.Licence, nil
}

// Appendices of a licence with their PDFs, oldest first.
func (s *Service) Appendices(ctx context.Context, number string) ([]Appendix, error) {
	if err := ParseNumber(number); err != nil {
		return nil, err
	}
	list := []Appendix{}
	err := s.o.Store.View(ctx, func(tx Tx) error {
		if _, err := tx.Licence(number); err != nil {
			return err
		}
		all, err := tx.Appendices(number)
		if err != nil {
			return err
		}
		for _, a := range all {
			if a.PDF, err = tx.Blob(a.PDFSHA256); err != nil {
				return err
			}
			list = append(list, a.Appendix)
		}
		return nil
	})
	return list, err
}

// OwnLicence: the licence came of an application of the actor's, or is the
// actor's by its number; ErrForbidden otherwise.
func (s *Service) OwnLicence(ctx context.Context, a Actor, number string) error {
	return s.o.Store.View(ctx, func(tx Tx) error {
		l, err := tx.Licence(number)
		if err != nil {
			return err
		}
		h := l.Licence.Holder
		if a.BIN != "" && a.BIN == h.BIN || a.BIN == "" && a.IIN != "" && a.IIN == h.IIN {
			return nil
		}
		app, err := tx.Application(l.ApplicationID)
		if err != nil {
			return err
		}
		if app.Owner != a.ID {
			return ErrForbidden
		}
		return nil
	})
}

// Receipt is the licensor's signed receipt of a registered application (CAdES) with the newest time-stamp on it, for those who may see it. ErrNotFound before there is one.
func (s *Service) Receipt(ctx context.Context, a Actor, id string) ([]byte, error) {
	if _, err := s.Application(ctx, a, id); err != nil {
		return nil, err
	}
	var receipt []byte
	err := s.o.Store.View(ctx, func(tx Tx) error {
		reg, err := tx.Registration(id)
		if err == nil {
			receipt, _, _, err = newest(tx, receiptOf+reg.Number)
		}
		return err
	})
	return receipt, err
}
