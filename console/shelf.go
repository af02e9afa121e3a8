// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"time"

	"rastau/internal/cache"
)

// shelf keeps the evidence of a verdict for a while, so that it can be fetched, or judged again, without sending the file anew.
// The token that finds it also opens it: whoever reads the cache reads nothing.
type shelf struct{ store cache.Store }

const (
	shelfTime = 20 * time.Minute
	maxShelf  = 4 << 20 // bytes of what is kept; larger evidence is not
	tokenSize = 32
)

var errShelf = errors.New("the evidence is no longer kept")

// put keeps data and answers its token; "" where it is too large or the cache does not take it.
func (s shelf) put(ctx context.Context, data []byte) string {
	if len(data) > maxShelf {
		return ""
	}
	token := make([]byte, tokenSize)
	_, _ = rand.Read(token) // never fails (crypto/rand)
	name, seal := shelfKey(token)
	// The key serves once, so the nonce may be constant.
	if s.store.Set(ctx, name, seal.Seal(nil, make([]byte, seal.NonceSize()), data, nil), shelfTime) != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(token)
}

func (s shelf) get(ctx context.Context, token string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != tokenSize {
		return nil, errShelf
	}
	name, seal := shelfKey(raw)
	kept, err := s.store.Get(ctx, name)
	if err != nil {
		return nil, errShelf
	}
	data, err := seal.Open(nil, make([]byte, seal.NonceSize()), kept, nil)
	if err != nil {
		return nil, errShelf
	}
	return data, nil
}

func shelfKey(token []byte) (name string, seal cipher.AEAD) {
	key := sha256.Sum256(append([]byte("rastau:shelf:key:"), token...))
	sum := sha256.Sum256(append([]byte("rastau:shelf:name:"), token...))
	block, err := aes.NewCipher(key[:])
	if err == nil {
		seal, err = cipher.NewGCM(block)
	}
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	return "shelf:" + hex.EncodeToString(sum[:]), seal
}
