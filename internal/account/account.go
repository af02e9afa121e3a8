// SPDX-License-Identifier: Apache-2.0

// Package account answers one question: who is it that comes in, and which roles do they have.
//
// There are two books. A Book holds the accounts of the configuration: programs and portals that carry a bearer token of 32
// random bytes, of which only the SHA-256 is kept; that is enough because a token of that strength cannot be guessed from its
// digest. A Desk registers people and lets them in: applicants with their EDS certificate (R024), then by IIN or BIN and password
// (R031, R032) or by signing a challenge; staff whom an administrator enters. Passwords are hashed by Argon2id (RFC 9106), wrong
// ones lock, log-ins are journalled, and a session is a random token of which only the digest is kept.
//
// Left out: what a role may do (api, licensing), where people are kept (internal/store).
package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// Role is what a person may do.
type Role string

// The roles. One account may have several.
const (
	Applicant Role = "applicant" // applies on the portal
	Employee  Role = "employee"  // of the licensor: enters applications of others
	Operator  Role = "operator"  // of a public service centre: enters applications of others
	Officer   Role = "officer"   // decides
	Auditor   Role = "auditor"   // checks signatures, licences and the log
	Admin     Role = "admin"
)

// Valid reports whether r is one of the roles above.
func (r Role) Valid() bool {
	return slices.Contains([]Role{Applicant, Employee, Operator, Officer, Auditor, Admin}, r)
}

// Account is one line of the configuration. Only the token's SHA-256 is kept.
type Account struct {
	ID          string `yaml:"id" json:"id"`
	Name        string `yaml:"name" json:"name"`
	IIN         string `yaml:"iin" json:"iin,omitempty"` // of the person; required of employees and operators, whose signature is matched to it
	BIN         string `yaml:"bin" json:"bin,omitempty"` // of the body they act for
	Roles       []Role `yaml:"roles" json:"roles"`
	TokenSHA256 string `yaml:"tokenSHA256" json:"tokenSHA256"` // hex
}

// Has reports whether the account has role r. No role includes another.
func (a Account) Has(r Role) bool { return slices.Contains(a.Roles, r) }

// ErrToken means that no account has this token. It says no more, so that an
// answer tells nothing about the tokens that exist.
var ErrToken = errors.New("unknown token")

// maxToken bounds what is hashed; a token of ours has 43 letters.
const maxToken = 512

// Book of accounts, immutable, safe for concurrent use.
type Book struct {
	byDigest map[[sha256.Size]byte]Account
}

// NewBook checks the accounts: ids and tokens are given and unique, roles known.
func NewBook(accounts []Account) (*Book, error) {
	b := &Book{byDigest: make(map[[sha256.Size]byte]Account, len(accounts))}
	ids := make(map[string]bool, len(accounts))
	for i, a := range accounts {
		if a.ID == "" {
			return nil, fmt.Errorf("account %d has no id", i+1)
		}
		if ids[a.ID] {
			return nil, fmt.Errorf("account %q stands twice", a.ID)
		}
		ids[a.ID] = true
		if len(a.Roles) == 0 {
			return nil, fmt.Errorf("account %q has no role", a.ID)
		}
		for _, r := range a.Roles {
			if !r.Valid() {
				return nil, fmt.Errorf("account %q: unknown role %q", a.ID, r)
			}
		}
		var digest [sha256.Size]byte
		if raw, err := hex.DecodeString(a.TokenSHA256); err != nil || copy(digest[:], raw) != sha256.Size || len(raw) != sha256.Size {
			return nil, fmt.Errorf("account %q: tokenSHA256 must be 64 hexadecimal digits", a.ID)
		}
		if _, twice := b.byDigest[digest]; twice {
			return nil, fmt.Errorf("account %q has the token of another account", a.ID)
		}
		a.Roles = slices.Clone(a.Roles)
		b.byDigest[digest] = a
	}
	return b, nil
}

// ByToken finds the account of a token or answers ErrToken. The time it takes
// depends on the token's digest alone, and a digest tells nothing of how near
// a guess came.
func (b *Book) ByToken(token string) (Account, error) {
	if token == "" || len(token) > maxToken {
		return Account{}, ErrToken
	}
	a, ok := b.byDigest[sha256.Sum256([]byte(token))]
	if !ok {
		return Account{}, ErrToken
	}
	a.Roles = slices.Clone(a.Roles)
	return a, nil
}

// NewToken makes a random token of 256 bits and its digest for the configuration.
func NewToken() (token, sha256hex string, err error) {
	var raw [32]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return "", "", fmt.Errorf("random token: %w", err)
	}
	token = base64.RawURLEncoding.EncodeToString(raw[:])
	sum := sha256.Sum256([]byte(token))
	return token, hex.EncodeToString(sum[:]), nil
}
