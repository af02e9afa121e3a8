// SPDX-License-Identifier: Apache-2.0

package licensing

import (
	"context"
	"encoding/hex"
)

// FileTx finds what a registered page is of.
type FileTx interface {
	// FileOf is the number of the licence that a PDF with this SHA-256 (hex) is the page of, or of one of its appendices, in any
	// of its renewed forms.
	FileOf(sha256 string) (number string, err error)
}

// RegisteredFile gives the registered page of a licence, an appendix or one of their renewals by its SHA-256 (hex): whoever knows
// the digest has the file and need not send it. ErrNotFound where no such page is registered.
func (s *Service) RegisteredFile(ctx context.Context, sha256 string) (number string, pdf []byte, err error) {
	if raw, err := hex.DecodeString(sha256); err != nil || len(raw) != 32 {
		return "", nil, badInput("sha256", "must be 64 hexadecimal digits")
	}
	err = s.o.Store.View(ctx, func(tx Tx) error {
		if number, err = tx.FileOf(sha256); err != nil {
			return err
		}
		pdf, err = tx.Blob(sha256)
		return err
	})
	return number, pdf, err
}
