// SPDX-License-Identifier: Apache-2.0

// Package blob answers one question: where are the bytes that this digest
// names.
//
// Attachments and licence pages are kept under the SHA-256 of their content, in
// a folder or in a bucket of any S3-compatible service. Put has made the bytes
// durable when it returns, so that a row which names them may be written
// afterwards. What a name stands for never changes; whoever reads holds the
// bytes to their name. Left out: what the bytes mean and who may read them;
// they are data, never run and never shown in a page.
package blob

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Store keeps bytes by name. Safe for concurrent use, also by several processes.
type Store interface {
	// Put keeps content under a name for ever; it is durable when Put returns. A
	// name that is there already is kept as it is.
	Put(ctx context.Context, name string, content []byte) error
	// Get reads at most limit bytes; ErrNotFound where there is nothing of this name.
	Get(ctx context.Context, name string, limit int64) ([]byte, error)
	// Remove forgets a name; it is no error where nothing is there.
	Remove(ctx context.Context, name string) error
	// Walk calls f for every name with the time it was put.
	Walk(ctx context.Context, f func(name string, put time.Time) error) error
	// Check says why nothing can be kept or read now.
	Check(ctx context.Context) error
}

// Errors of a Store.
var (
	ErrNotFound = errors.New("no such blob")
	ErrName     = errors.New("a blob is named by 64 lower-case hexadecimal digits")
	ErrTooLarge = errors.New("the blob is larger than it may be")
)

// checkName keeps everything but digests out of paths and addresses.
func checkName(name string) error {
	if len(name) != 64 || strings.Trim(name, "0123456789abcdef") != "" {
		return fmt.Errorf("%w, not %q", ErrName, name)
	}
	return nil
}
