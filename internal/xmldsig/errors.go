// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"errors"
	"fmt"
)

var (
	// ErrXML: the bytes are no XML document that is read here. The text says why and where.
	ErrXML = errors.New("not well-formed XML")
	// ErrUnsafe: the document uses a part of XML that is not read: a document type, entities, another encoding.
	ErrUnsafe = errors.New("XML that is not read here")
	// ErrLimit: the document exceeds a limit.
	ErrLimit = errors.New("the document exceeds a limit")

	// ErrStructure: a signature is not built as its schema demands.
	ErrStructure = errors.New("the signature is not built as XML Signature demands")
	// ErrAmbiguous: an identifier that a signature uses stands more than once.
	ErrAmbiguous = errors.New("the identifier is not unique")
	// ErrNotFound: an identifier that a signature uses stands nowhere.
	ErrNotFound = errors.New("the element that was signed is not in the document")
	// ErrExternal: a reference leads out of the document.
	ErrExternal = errors.New("the reference leads out of the document")
	// ErrTransform: a transform that is not computed here.
	ErrTransform = errors.New("the transform is not accepted")
	// ErrSymmetric: the value is a keyed hash (HMAC), which whoever can check it can make as well.
	ErrSymmetric = errors.New("a keyed hash is no signature")
	// ErrCanonical: the canonical form does not exist (a relative namespace name).
	ErrCanonical = errors.New("no canonical form")
	// ErrDigest: what stands in the document is not what was signed.
	ErrDigest = errors.New("the digest differs")
	// ErrNoCertificate: there is no key to check the value with.
	ErrNoCertificate = errors.New("no certificate to check the signature with")
)

// xmlError says what is wrong at which byte of the document.
func xmlError(kind error, at int, format string, args ...any) error {
	return fmt.Errorf("%w: %s at byte %d", kind, fmt.Sprintf(format, args...), at)
}

func structure(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrStructure, fmt.Sprintf(format, args...))
}
