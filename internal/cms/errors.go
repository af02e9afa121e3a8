// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"errors"
	"fmt"

	"rastau/internal/pki"
)

var (
	// ErrNotCMS: the bytes are no ContentInfo at all.
	ErrNotCMS = errors.New("not a CMS message")
	// ErrNotSignedData: a CMS message of another type (enveloped, encrypted, digested …).
	ErrNotSignedData = errors.New("a CMS message that is not SignedData")
	// ErrFormat: a SignedData that breaks RFC 5652 or a limit.
	ErrFormat = errors.New("malformed CMS SignedData")

	// ErrNotDER: signedAttrs are not in DER (RFC 5652 §5.3 MUST). What was signed is
	// their DER form, so the mathematics may hold all the same.
	ErrNotDER = errors.New("signed attributes are not DER-encoded")
	// ErrDigest: the messageDigest attribute differs from the content's digest.
	ErrDigest = errors.New("message digest differs from the content's")
	// ErrNoContent: the content is detached and no digest of it was given.
	ErrNoContent = errors.New("detached content was not given")
	// ErrNoCertificate: the signer's certificate was not given.
	ErrNoCertificate = errors.New("the signer's certificate is missing")
	// ErrReference: the signing-certificate attribute names another certificate, or is malformed.
	ErrReference = errors.New("the signing-certificate attribute does not name this certificate")
	// ErrMismatch: digestAlgorithm and signatureAlgorithm name different hashes, or
	// the algorithm-protection attribute names other algorithms than the message.
	ErrMismatch = errors.New("digest and signature algorithm contradict each other")

	// ErrHashIndex: the ATSHashIndex of an archive time-stamp is missing, malformed, or
	// names something that is no longer in the message.
	ErrHashIndex = errors.New("the archive time-stamp's index of hashes does not fit the message")

	// ErrKeyMismatch: [Sign] was handed a key that is not the certificate's.
	ErrKeyMismatch = errors.New("the private key is not the certificate's")
)

// AttributeReason says what is wrong with the signed attributes.
type AttributeReason string

const (
	Missing    AttributeReason = "missing"     // a required attribute is absent
	Duplicate  AttributeReason = "duplicate"   // an attribute that must be single stands more than once
	MultiValue AttributeReason = "multi-value" // an attribute with other than exactly one value
	Malformed  AttributeReason = "malformed"   // the value cannot be read
	WrongType  AttributeReason = "wrong-type"  // contentType differs from eContentType
	Forbidden  AttributeReason = "forbidden"   // an attribute that must not be there
	Stripped   AttributeReason = "stripped"    // the content is somebody's signed attributes
)

// AttributeError says which signed attribute breaks which rule.
type AttributeError struct {
	Type     pki.OID // empty where the whole set is meant
	Reason   AttributeReason
	Citation string
	Detail   string
}

func (e *AttributeError) Error() string { return e.Detail + " (" + e.Citation + ")" }

// malformed makes an ErrFormat that says where.
func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, a...))
}
