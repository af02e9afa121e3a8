// SPDX-License-Identifier: Apache-2.0

package ocsp

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// MaxResponse bounds a response in bytes.
const MaxResponse = 64 << 10

// Bounds on what one response may hold.
const (
	maxSingles      = 512
	maxCertificates = 32
)

// ErrFormat wraps every defect of a response's or a request's encoding.
var ErrFormat = errors.New("malformed OCSP message")

func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, a...))
}

// ResponseStatus is OCSPResponseStatus (RFC 6960 §4.2.1). Every value but
// Successful comes without a signature and proves nothing.
type ResponseStatus int

// The values of ResponseStatus; 4 is not used.
const (
	Successful       ResponseStatus = 0
	MalformedRequest ResponseStatus = 1
	InternalError    ResponseStatus = 2
	TryLater         ResponseStatus = 3
	SigRequired      ResponseStatus = 5
	Unauthorized     ResponseStatus = 6
)

var statusNames = map[ResponseStatus]string{
	Successful: "successful", MalformedRequest: "malformedRequest", InternalError: "internalError",
	TryLater: "tryLater", SigRequired: "sigRequired", Unauthorized: "unauthorized",
}

func (s ResponseStatus) String() string { return statusNames[s] }

// Response is an OCSP response as read, with nothing judged. It is immutable.
type Response struct {
	Raw    []byte
	Status ResponseStatus // the fields below are empty unless Successful

	RawData      []byte    // DER of tbsResponseData: what is signed
	ByName       *pki.Name // ResponderID: the name…
	ByKey        []byte    // …or the SHA-1 of the key
	ProducedAt   time.Time
	Singles      []Single
	Extensions   []pki.Extension
	Algorithm    pki.Algorithm
	Signature    []byte
	Certificates []*pki.Certificate // those embedded
	Unreadable   [][]byte           // embedded ones that could not be read
}

// Single is one SingleResponse.
type Single struct {
	ID                     CertID
	Status                 Status
	RevokedAt              time.Time
	Reason                 int // -1 where absent
	ThisUpdate, NextUpdate time.Time
	ArchiveCutoff          time.Time // RFC 6960 §4.4.4; zero where absent
	Extensions             []pki.Extension
}

// Parse reads one OCSPResponse in DER, at most MaxResponse bytes and no trailing
// ones. Errors wrap ErrFormat.
func Parse(der []byte) (*Response, error) {
	if len(der) > MaxResponse {
		return nil, malformed("more than %d bytes", MaxResponse)
	}
	in := cryptobyte.String(der)
	var body, wrapped, typed, basic cryptobyte.String
	var status int
	var present bool
	if !in.ReadASN1(&body, casn1.SEQUENCE) || !in.Empty() || !body.ReadASN1Enum(&status) ||
		!body.ReadOptionalASN1(&wrapped, &present, explicit(0)) || !body.Empty() {
		return nil, malformed("response")
	}
	r := &Response{Raw: der, Status: ResponseStatus(status)}
	if _, known := statusNames[r.Status]; !known {
		return nil, malformed("response status %d", status)
	}
	if r.Status != Successful {
		if present { // RFC 6960 §4.2.1: "If the value of responseStatus is one of the error conditions, the responseBytes field is not set."
			return nil, malformed("error status %s with a body", r.Status)
		}
		return r, nil
	}
	if !wrapped.ReadASN1(&typed, casn1.SEQUENCE) || !wrapped.Empty() {
		return nil, malformed("successful status without a body")
	}
	kind, err := pki.ReadOID(&typed)
	if err != nil {
		return nil, malformed("response type: %v", err)
	}
	if kind != pki.OIDOCSPBasic {
		return nil, malformed("response type %s is not id-pkix-ocsp-basic", kind)
	}
	if !typed.ReadASN1(&basic, casn1.OCTET_STRING) || !typed.Empty() {
		return nil, malformed("basic response")
	}
	if err := r.readBasic(basic); err != nil {
		return nil, err
	}
	return r, nil
}

func explicit(n uint8) casn1.Tag { return casn1.Tag(n).ContextSpecific().Constructed() }

// readBasic reads a BasicOCSPResponse.
func (r *Response) readBasic(in cryptobyte.String) error {
	var body, data, signature cryptobyte.String
	var err error
	if !in.ReadASN1(&body, casn1.SEQUENCE) || !in.Empty() || !body.ReadASN1Element(&data, casn1.SEQUENCE) {
		return malformed("basic response")
	}
	r.RawData = data
	if r.Algorithm, err = pki.ReadAlgorithm(&body); err != nil {
		return malformed("signature algorithm: %v", err)
	}
	if !body.ReadASN1(&signature, casn1.BIT_STRING) || len(signature) == 0 || signature[0] != 0 {
		return malformed("signature")
	}
	r.Signature = signature[1:]
	var wrapped, list cryptobyte.String
	var present bool
	if !body.ReadOptionalASN1(&wrapped, &present, explicit(0)) || !body.Empty() {
		return malformed("basic response")
	}
	if present {
		if !wrapped.ReadASN1(&list, casn1.SEQUENCE) || !wrapped.Empty() {
			return malformed("certificates")
		}
		if err := r.readCertificates(list); err != nil {
			return err
		}
	}
	return r.readData(data)
}

func (r *Response) readCertificates(list cryptobyte.String) error {
	for n := 0; !list.Empty(); n++ {
		var element cryptobyte.String
		if n == maxCertificates {
			return malformed("more than %d certificates", maxCertificates)
		}
		if !list.ReadASN1Element(&element, casn1.SEQUENCE) {
			return malformed("certificates")
		}
		// One that cannot be read is set aside: it may have nothing to do with the signer.
		if c, err := pki.ParseCertificate(element); err == nil {
			r.Certificates = append(r.Certificates, c)
		} else {
			r.Unreadable = append(r.Unreadable, element)
		}
	}
	return nil
}

// readData reads a ResponseData.
func (r *Response) readData(element cryptobyte.String) error {
	var body, wrapped, list cryptobyte.String
	var present bool
	var err error
	if !element.ReadASN1(&body, casn1.SEQUENCE) || !body.ReadOptionalASN1(&wrapped, &present, explicit(0)) {
		return malformed("response data")
	}
	if present {
		var version int64
		if !wrapped.ReadASN1Integer(&version) || !wrapped.Empty() || version != 0 {
			return malformed("version of the response data")
		}
	}
	if err := r.readResponderID(&body); err != nil {
		return err
	}
	if r.ProducedAt, err = readTime(&body); err != nil {
		return err
	}
	if !body.ReadASN1(&list, casn1.SEQUENCE) {
		return malformed("responses")
	}
	for !list.Empty() {
		if len(r.Singles) == maxSingles {
			return malformed("more than %d responses", maxSingles)
		}
		s, err := readSingle(&list)
		if err != nil {
			return err
		}
		r.Singles = append(r.Singles, s)
	}
	if r.Extensions, err = readExtensions(&body, 1); err != nil {
		return err
	}
	if !body.Empty() {
		return malformed("response data")
	}
	return nil
}

func (r *Response) readResponderID(s *cryptobyte.String) error {
	var choice cryptobyte.String
	switch {
	case s.PeekASN1Tag(explicit(1)):
		s.ReadASN1(&choice, explicit(1))
		name, err := pki.ReadName(&choice)
		if err != nil || !choice.Empty() {
			return malformed("responder's name")
		}
		r.ByName = &name
	case s.PeekASN1Tag(explicit(2)):
		s.ReadASN1(&choice, explicit(2))
		if !choice.ReadASN1Bytes(&r.ByKey, casn1.OCTET_STRING) || !choice.Empty() {
			return malformed("responder's key hash")
		}
	default:
		return malformed("responder id")
	}
	return nil
}

// The context tags of CertStatus (RFC 6960 §4.2.1).
var (
	tagGood    = casn1.Tag(0).ContextSpecific()
	tagRevoked = casn1.Tag(1).ContextSpecific().Constructed()
	tagUnknown = casn1.Tag(2).ContextSpecific()
)

func readSingle(list *cryptobyte.String) (Single, error) {
	s := Single{Reason: -1}
	var body, value, wrapped cryptobyte.String
	var tag casn1.Tag
	var present bool
	var err error
	if !list.ReadASN1(&body, casn1.SEQUENCE) {
		return s, malformed("single response")
	}
	if s.ID, err = readCertID(&body); err != nil {
		return s, err
	}
	if !body.ReadAnyASN1(&value, &tag) {
		return s, malformed("status of a certificate")
	}
	switch {
	case tag == tagGood && value.Empty():
		s.Status = StatusGood
	case tag == tagUnknown && value.Empty():
		s.Status = StatusUnknown
	case tag == tagRevoked:
		if err := s.readRevoked(value); err != nil {
			return s, err
		}
	default:
		return s, malformed("status of a certificate")
	}
	if s.ThisUpdate, err = readTime(&body); err != nil {
		return s, err
	}
	if !body.ReadOptionalASN1(&wrapped, &present, explicit(0)) {
		return s, malformed("nextUpdate")
	}
	if present {
		if s.NextUpdate, err = readTime(&wrapped); err != nil || !wrapped.Empty() {
			return s, malformed("nextUpdate")
		}
	}
	if s.Extensions, err = readExtensions(&body, 1); err != nil {
		return s, err
	}
	if !body.Empty() {
		return s, malformed("single response")
	}
	if e := find(s.Extensions, oidArchiveCutoff); e != nil {
		v := cryptobyte.String(e.Value)
		if s.ArchiveCutoff, err = readTime(&v); err != nil || !v.Empty() {
			return s, malformed("archive cutoff")
		}
	}
	return s, nil
}

// readRevoked reads a RevokedInfo.
func (s *Single) readRevoked(in cryptobyte.String) error {
	var wrapped cryptobyte.String
	var present bool
	var err error
	s.Status = StatusRevoked
	if s.RevokedAt, err = readTime(&in); err != nil {
		return err
	}
	if !in.ReadOptionalASN1(&wrapped, &present, explicit(0)) || !in.Empty() {
		return malformed("revocation")
	}
	// RFC 5280 §5.3.1: 0 to 10, "value 7 is not used".
	if present && (!wrapped.ReadASN1Enum(&s.Reason) || !wrapped.Empty() || s.Reason < 0 || s.Reason > 10 || s.Reason == 7) {
		return malformed("reason of a revocation")
	}
	return nil
}

// readTime reads a GeneralizedTime in the form of RFC 5280 §4.1.2.5.2, as RFC 6960 §4.2.2.1 asks.
func readTime(s *cryptobyte.String) (time.Time, error) {
	if !s.PeekASN1Tag(casn1.GeneralizedTime) {
		return time.Time{}, malformed("time")
	}
	t, err := pki.ReadTime(s)
	if err != nil {
		return time.Time{}, malformed("%v", err)
	}
	return t, nil
}

// readExtensions reads an optional [n] EXPLICIT Extensions.
func readExtensions(s *cryptobyte.String, n uint8) ([]pki.Extension, error) {
	var wrapped cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&wrapped, &present, explicit(n)) {
		return nil, malformed("extensions")
	}
	if !present {
		return nil, nil
	}
	list, err := pki.ReadExtensions(&wrapped)
	if err != nil || !wrapped.Empty() {
		return nil, malformed("extensions")
	}
	return list, nil
}

func find(list []pki.Extension, o pki.OID) *pki.Extension {
	for i := range list {
		if list[i].OID == o {
			return &list[i]
		}
	}
	return nil
}
