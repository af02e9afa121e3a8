// SPDX-License-Identifier: Apache-2.0

//go:build pkcs11

package signer

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"

	"rastau/internal/pki"
)

// Token is a hardware token (PKCS#11) whose keys never leave it. A lost session, an ended login or a token that was taken out
// and put in again is noticed by the signature that meets it, which opens the token anew and tries once more. Safe for
// concurrent use: signatures run in parallel, each in a session of its own.
type Token struct {
	o TokenOptions

	mu      sync.RWMutex // held for writing while the token is opened anew, for reading only to look at what follows
	context *crypto11.Context
	opened  uint64 // how often
	refused error  // the token said that the PIN is wrong: asking again would lock it
}

// OpenToken opens a token and logs in. Errors wrap [ErrToken], and [ErrKey] where the PIN is wrong, the library is missing or no
// token bears the label.
func OpenToken(o TokenOptions) (*Token, error) {
	if o.Module == "" || o.Label == "" || o.PIN == nil {
		return nil, fmt.Errorf("%w: %w: the library, the token's label and its PIN are required", ErrKey, ErrToken)
	}
	if o.Sessions == 0 {
		o.Sessions = 32
	}
	t := &Token{o: o}
	if err := t.reopen(0); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return t, nil
}

// reopen opens the token anew, unless somebody else has done so since it was opened for the nth time.
func (t *Token) reopen(n uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.refused != nil:
		return t.refused
	case t.opened != n:
		return nil
	}
	if t.context != nil {
		_ = t.context.Close() // it is lost already
		t.context = nil
	}
	pin, err := t.o.PIN()
	if err != nil {
		return fmt.Errorf("%w: PIN: %w", ErrToken, err)
	}
	context, err := crypto11.Configure(&crypto11.Config{Path: t.o.Module, TokenLabel: t.o.Label, Pin: pin, MaxSessions: t.o.Sessions + 1})
	if err != nil {
		err = fmt.Errorf("%w: %s in %s: %w", ErrToken, t.o.Label, t.o.Module, err)
		if is(err, pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE) {
			t.refused = fmt.Errorf("%w; mend the PIN and start again: a token locks itself after a few wrong ones", err)
			return t.refused
		}
		return err
	}
	t.context = context
	t.opened++
	return nil
}

// use runs f with the token open, and once more where the session turns out to be lost.
func (t *Token) use(f func(context *crypto11.Context, opened uint64) error) error {
	for again := false; ; again = true {
		t.mu.RLock()
		context, n := t.context, t.opened
		t.mu.RUnlock()
		err := error(errGone)
		if context != nil {
			err = f(context, n)
		}
		if err == nil || again || !lost(err) {
			return err
		}
		if err := t.reopen(n); err != nil {
			return err
		}
	}
}

var errGone = fmt.Errorf("%w: it was closed", ErrToken)

// lost says whether an error means that the session, the login or the token went away, and not that the token refuses.
func lost(err error) bool {
	return errors.Is(err, errGone) || strings.Contains(err.Error(), "context is closed") || strings.Contains(err.Error(), "cannot used closed Context") ||
		is(err, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_DEVICE_ERROR,
			pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED,
			pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID)
}

func is(err error, codes ...uint) bool {
	var e pkcs11.Error
	return errors.As(err, &e) && slices.Contains(codes, uint(e))
}

// Key is the key of that label. chain is its certificate with those of its issuers; where it is empty the token's own
// certificate, found by the key's identifier, is taken. [ErrKey] where there is no such key or certificate, or two.
func (t *Token) Key(label string, chain []*pki.Certificate) (*pki.Key, error) {
	all, err := t.Keys()
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f Found) bool { return f.Label != label })
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("%w: %w: %s holds no key with the label %q", ErrKey, ErrToken, t.o.Label, label)
	case len(all) > 1:
		return nil, fmt.Errorf("%w: %w: %s holds %d keys with the label %q; give each a label of its own", ErrKey, ErrToken, t.o.Label, len(all), label)
	}
	k := all[0].Key
	if len(chain) > 0 {
		k.Certificate, k.Chain = chain[0], chain[1:]
	}
	if k.Certificate == nil {
		return nil, fmt.Errorf("%w: %w: %s holds no certificate for the key %q; name its file", ErrKey, ErrToken, t.o.Label, label)
	}
	return k, nil
}

// Keys lists the private keys of the token that bear a label. Keys of kinds that cannot sign here are left out.
func (t *Token) Keys() ([]Found, error) {
	var out []Found
	err := t.use(func(context *crypto11.Context, n uint64) error {
		out = nil
		pairs, err := context.FindAllKeyPairs()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrToken, err)
		}
		for _, pair := range pairs {
			attributes, err := context.GetAttributes(pair, []crypto11.AttributeType{crypto11.CkaLabel, crypto11.CkaId})
			if err != nil {
				return fmt.Errorf("%w: %w", ErrToken, err)
			}
			label, id := attributes[crypto11.CkaLabel], attributes[crypto11.CkaId]
			if label == nil || len(label.Value) == 0 {
				continue
			}
			k := &tokenKey{token: t, label: label.Value, id: id.Value, public: pair.Public()}
			k.found.Store(&foundKey{n, pair})
			f := Found{Label: string(label.Value), Key: &pki.Key{Signer: k}}
			if c, err := context.FindCertificate(id.Value, nil, nil); err == nil && c != nil {
				if f.Key.Certificate, err = pki.ParseCertificate(c.Raw); err != nil {
					return fmt.Errorf("%w: certificate of the key %q: %w", ErrToken, f.Label, err)
				}
			}
			out = append(out, f)
		}
		return nil
	})
	return out, err
}

// Close logs out. Signatures under way are finished first.
func (t *Token) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.context == nil {
		return nil
	}
	err := t.context.Close()
	t.context, t.refused = nil, errGone
	return err
}

// tokenKey signs in the token.
type tokenKey struct {
	token     *Token
	label, id []byte
	public    crypto.PublicKey
	found     atomic.Pointer[foundKey]
}

// foundKey is the key's handle, which holds as long as the token stays open.
type foundKey struct {
	opened uint64
	crypto.Signer
}

func (k *tokenKey) Public() crypto.PublicKey { return k.public }

// Sign makes one signature in a session of its own; the token's randomness counts where any is needed.
func (k *tokenKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	var signature []byte
	err := k.token.use(func(context *crypto11.Context, n uint64) error {
		f := k.found.Load()
		if f == nil || f.opened != n {
			pair, err := context.FindKeyPair(k.id, k.label)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrToken, err)
			}
			if pair == nil {
				return fmt.Errorf("%w: the key %q is gone", ErrToken, k.label)
			}
			f = &foundKey{n, pair}
			k.found.Store(f)
		}
		var err error
		signature, err = f.Sign(random, digest, opts)
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrToken, err)
		}
		return err
	})
	return signature, err
}
