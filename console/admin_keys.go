// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"rastau/internal/account"
)

var allRoles = append([]account.Role{account.Applicant}, staffRoles...)

type keysPage struct {
	Keys     []account.Key
	Roles    []account.Role
	Chosen   []account.Role
	ID, Name string
	Token    string // shown once
	Made     string // id of the key that the token is of
}

// keys are the programs that may ask the API, beside those of the configuration.
func (s *site) keys(q *request) error { return s.showKeys(q, http.StatusOK, keysPage{}, nil) }

func (s *site) showKeys(q *request, status int, p keysPage, errs []fieldError) error {
	var err error
	if p.Keys, err = s.o.Desk.Keys(q.Context()); err != nil {
		return err
	}
	p.Roles = allRoles
	v := q.view("keys.title")
	v.Data, v.Errors, v.Back = p, errs, "/admin"
	return q.render(status, "keys", v)
}

// makeKey shows the token of a new key, this once: only its digest is kept.
func (s *site) makeKey(q *request) error {
	if err := q.ParseForm(); err != nil {
		return err
	}
	p := keysPage{ID: strings.TrimSpace(q.FormValue("id")), Name: strings.TrimSpace(q.FormValue("name")), Chosen: rolesIn(q)}
	v := q.view("keys.title")
	k, token, err := s.o.Desk.MakeKey(q.Context(), *q.user, q.from(), p.ID, p.Name, p.Chosen)
	switch {
	case errors.Is(err, account.ErrTaken):
		return s.showKeys(q, http.StatusConflict, p, []fieldError{{"id", v.T("keys.taken")}})
	case errors.Is(err, account.ErrInput):
		field := "id"
		for _, f := range []string{"name", "roles"} {
			if strings.Contains(err.Error(), " "+f+":") {
				field = f
			}
		}
		return s.showKeys(q, http.StatusUnprocessableEntity, p, []fieldError{{field, v.T("keys.bad." + field)}})
	case err != nil:
		return err
	}
	return s.showKeys(q, http.StatusCreated, keysPage{Token: token, Made: k.ID}, nil)
}

// confirmPage asks before something that cannot be taken back.
type confirmPage struct {
	Key   string // of the catalogue: what is about to be done
	Facts []fact
}

type fact struct{ Name, Value string }

func (s *site) confirm(q *request, key, back string, facts ...fact) error {
	v := q.view(key)
	v.Data, v.Back = confirmPage{key, facts}, back
	return q.render(http.StatusOK, "confirm", v)
}

func (s *site) askRevoke(q *request) error {
	keys, err := s.o.Desk.Keys(q.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(k account.Key) bool { return k.ID == q.PathValue("id") && k.Revoked.IsZero() })
	if i < 0 {
		return errMissing
	}
	v := q.view("keys.title")
	return s.confirm(q, "keys.revoke", "/admin/keys", fact{v.T("keys.id"), keys[i].ID}, fact{v.T("keys.name"), keys[i].Name}, fact{v.T("keys.created"), v.Moment(keys[i].Created)})
}

func (s *site) revokeKey(q *request) error {
	if err := s.o.Desk.RevokeKey(q.Context(), *q.user, q.from(), q.PathValue("id")); err != nil {
		return err
	}
	return q.redirect("/admin/keys")
}
