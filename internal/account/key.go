// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Key lets a program in until it is revoked. Only the SHA-256 of its token is kept.
type Key struct {
	ID          string // KeyPrefix and what the administrator called it; the actor of everything that is done with it
	Name        string
	Roles       []Role
	TokenSHA256 string // hex
	Created     time.Time
	By          string    // id of the administrator who made it
	Revoked     time.Time // zero: it holds
	RevokedBy   string
}

// KeyPrefix begins the ids of keys, so that none is a person's or an account's of the configuration.
const KeyPrefix = "key."

var keyID = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,59}$`)

// Kinds of events of keys and of the installation.
const (
	EventKeyMade    = "key-made"
	EventKeyRevoked = "key-revoked"

	// Of the installation: an administrator, or a signal, had the configuration read again.
	EventReloaded      = "configuration-reloaded"
	EventReloadRefused = "configuration-refused"
)

// MakeKey makes a key for a program. The token is shown once and never again. Errors: ErrInput, ErrTaken.
func (d *Desk) MakeKey(ctx context.Context, by Account, from, id, name string, roles []Role) (*Key, string, error) {
	switch {
	case !keyID.MatchString(id):
		return nil, "", fmt.Errorf("%w: id: 2 to 60 small Latin letters, digits, dots and hyphens", ErrInput)
	case name == "" || len(name) > maxName || !plain(name):
		return nil, "", fmt.Errorf("%w: name: is required, %d bytes at most, without control characters or invisible marks", ErrInput, maxName)
	case len(roles) == 0 || slices.ContainsFunc(roles, func(r Role) bool { return !r.Valid() }):
		return nil, "", fmt.Errorf("%w: roles: one or more of applicant, employee, operator, officer, auditor, admin", ErrInput)
	}
	token, digest, err := NewToken()
	if err != nil {
		return nil, "", err
	}
	k := &Key{ID: KeyPrefix + id, Name: name, Roles: slices.Clone(roles), TokenSHA256: digest, Created: d.now(), By: by.ID}
	if err := d.o.Store.AddKey(ctx, k, Event{At: k.Created, Person: k.ID, Kind: EventKeyMade, From: from, By: by.ID}); err != nil {
		return nil, "", err
	}
	d.o.Log.InfoContext(ctx, "key made", "key", k.ID, "by", by.ID)
	return k, token, nil
}

// RevokeKey ends a key at once. ErrUnknown where there is none, or it was revoked before.
func (d *Desk) RevokeKey(ctx context.Context, by Account, from, id string) error {
	err := d.o.Store.RevokeKey(ctx, id, Event{At: d.now(), Person: id, Kind: EventKeyRevoked, From: from, By: by.ID})
	if err == nil {
		d.o.Log.InfoContext(ctx, "key revoked", "key", id, "by", by.ID)
	}
	return err
}

// Keys lists all that were ever made.
func (d *Desk) Keys(ctx context.Context) ([]Key, error) { return d.o.Store.Keys(ctx) }

// ByToken finds who a bearer token is of: a person's session, else a program's key. ErrToken where it is nobody's.
func (d *Desk) ByToken(ctx context.Context, token string) (Account, error) {
	a, _, err := d.BySession(ctx, token)
	if !errors.Is(err, ErrToken) {
		return a, err
	}
	digest, ok := digestOf(token)
	if !ok {
		return Account{}, ErrToken
	}
	k, err := d.o.Store.KeyByToken(ctx, digest)
	switch {
	case errors.Is(err, ErrUnknown):
		return Account{}, ErrToken
	case err != nil:
		return Account{}, err
	case !k.Revoked.IsZero():
		return Account{}, ErrToken
	}
	return Account{ID: k.ID, Name: k.Name, Roles: slices.Clone(k.Roles)}, nil
}
