// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/json"
	"fmt"

	"rastau/licensing"
)

// PutOwnSigning keeps a decision that is being signed, in place of one that was begun before.
func (x *tx) PutOwnSigning(o *licensing.OwnSigning) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return x.exec(`INSERT INTO own_signings (application, began, body) VALUES ($1, $2, $3)
		ON CONFLICT (application) DO UPDATE SET began = excluded.began, body = excluded.body`,
		o.Application, o.Began.UnixMilli(), x.hide("own_signings.body", o.Application, body))
}

// OwnSigning reads it.
func (x *tx) OwnSigning(application string) (*licensing.OwnSigning, error) {
	var raw []byte
	if err := x.one([]any{x.shown(&raw, "own_signings.body", &application)}, `SELECT body FROM own_signings WHERE application = $1`, application); err != nil {
		return nil, err
	}
	o := &licensing.OwnSigning{}
	if err := json.Unmarshal(raw, o); err != nil {
		return nil, fmt.Errorf("the signing of %s: %w", application, err)
	}
	return o, nil
}

// DropOwnSigning forgets it; it is no error where there was none.
func (x *tx) DropOwnSigning(application string) error {
	return x.exec(`DELETE FROM own_signings WHERE application = $1`, application)
}
