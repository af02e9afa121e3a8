// SPDX-License-Identifier: Apache-2.0

package ocsp

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

// Extensions of responses that this package understands, beside pki's.
const (
	oidCRLReference  pki.OID = "1.3.6.1.5.5.7.48.1.3"    // RFC 6960 §4.4.2: which list the responder read
	oidArchiveCutoff pki.OID = "1.3.6.1.5.5.7.48.1.6"    // RFC 6960 §4.4.4
	oidSCTList       pki.OID = "1.3.6.1.4.1.11129.2.4.5" // RFC 6962 §3.3: says nothing about the status
	oidCertHash      pki.OID = "1.3.36.8.3.13"           // Common PKI: digest of the certificate itself
)

// refusal is why a response is not usable. nil: nothing stands against it.
type refusal struct {
	usable   Usable // Undecided or No
	citation string
	why      string
	retry    time.Time
}

func no(citation, format string, a ...any) *refusal {
	return &refusal{usable: No, citation: citation, why: fmt.Sprintf(format, a...)}
}

func undecided(citation, format string, a ...any) *refusal {
	return &refusal{usable: Undecided, citation: citation, why: fmt.Sprintf(format, a...)}
}

// worst gives the first proof against a response, else the first doubt.
func worst(all ...*refusal) *refusal {
	var doubt *refusal
	for _, r := range all {
		switch {
		case r == nil:
		case r.usable == No:
			return r
		case doubt == nil:
			doubt = r
		}
	}
	return doubt
}

// Judge never errors: unreadable bytes are No with the reason. The response is
// bounded before it is parsed. q.Certificate, q.Issuer and q.At must be set.
func Judge(der []byte, q Query) Answer {
	a := Answer{Status: StatusUnknown, Reason: -1}
	if q.Algorithms == nil {
		q.Algorithms = pki.DefaultAlgorithms
	}
	r, err := Parse(der)
	switch {
	case err != nil:
		return a.refuse(no("RFC 6960 §4.2.1", "%v", err))
	case r.Status != Successful:
		return a.refuse(undecided("RFC 6960 §2.3", "the responder answered %s, which is unsigned and says nothing about the certificate", r.Status))
	case !q.Certificate.Issuer.Equal(q.Issuer.Name):
		return a.refuse(no("RFC 6960 §4.1.1", "the certificate names another issuer than the one given"))
	}
	a.ProducedAt = r.ProducedAt

	single, content := q.choose(r)
	if single == nil {
		return a.refuse(content)
	}
	a.ThisUpdate, a.NextUpdate, a.ArchiveCutoff = single.ThisUpdate, single.NextUpdate, single.ArchiveCutoff

	signer, authority := q.authority(r)
	a.Responder, a.Delegated = signer.certificate, signer.delegated
	a.NoCheck = signer.delegated && signer.certificate.OCSPNoCheck
	against := worst(authority, q.checkRequest(r), checkCritical("response", r.Extensions), content)
	if against != nil {
		return a.refuse(against)
	}

	a.Usable = Yes
	a.AfterExpiry = r.ProducedAt.After(q.Certificate.NotAfter) &&
		(single.ArchiveCutoff.IsZero() || single.ArchiveCutoff.After(q.Certificate.NotAfter))
	a.Status, a.Reason, a.RevokedAt = single.Status, single.Reason, single.RevokedAt
	if single.notIssued() {
		a.NotIssued = true
		a.Why = "the responder knows no such certificate: \"revoked, on hold, since 1970-01-01\" is its way of saying that this serial number was never issued"
		a.Citation = "RFC 6960 §4.4.8"
	}
	return a
}

func (a Answer) refuse(r *refusal) Answer {
	a.Usable, a.Why, a.Citation, a.RetryAfter = r.usable, r.why, r.citation, r.retry
	return a
}

// choose finds the single response about the certificate, and what stands
// against it. Where a responder gives several, those of another time drop out and
// the strictest of the rest counts; one that is not understood spoils them all,
// for it may be the one that says "revoked".
func (q *Query) choose(r *Response) (*Single, *refusal) {
	var best *Single
	var against *refusal
	nearest := otherSerial
	for i := range r.Singles {
		s := &r.Singles[i]
		m := q.compare(s.ID)
		nearest = max(nearest, m)
		if m != same {
			continue
		}
		if refused := worst(checkCritical("answer", s.Extensions), q.checkHash(s)); refused != nil {
			return s, refused
		}
		refused := q.checkTimes(r, s)
		switch {
		case best == nil:
		case against != nil && refused == nil:
		case against == nil && refused == nil && strictness[s.Status] > strictness[best.Status]:
		default:
			continue
		}
		best, against = s, refused
	}
	if best != nil {
		return best, against
	}
	const citation = "RFC 6960 §3.2 (1)"
	switch nearest {
	case unknownHash:
		return nil, undecided(citation, "the certificate id is hashed with an algorithm not yet supported")
	case otherIssuer:
		return nil, no(citation, "the response is about a certificate of another issuer with the same serial number")
	}
	return nil, no(citation, "the response says nothing about this certificate")
}

var strictness = map[Status]int{StatusGood: 0, StatusUnknown: 1, StatusRevoked: 2}

// checkTimes holds one answer against the time judged (RFC 6960 §3.2 (5), (6), §4.2.2.1).
func (q *Query) checkTimes(r *Response, s *Single) *refusal {
	show := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	cert := q.Certificate
	ahead := q.Skew
	if ahead == 0 {
		ahead = DefaultSkew
	}
	switch {
	case !s.NextUpdate.IsZero() && s.NextUpdate.Before(s.ThisUpdate):
		return no("RFC 6960 §4.2.2.1", "nextUpdate %s lies before thisUpdate %s", show(s.NextUpdate), show(s.ThisUpdate))
	case s.ThisUpdate.After(q.At.Add(ahead)):
		// "thisUpdate … later than the local system time SHOULD be considered unreliable"
		out := no("RFC 6960 §4.2.2.1", "thisUpdate %s lies after the time judged, %s", show(s.ThisUpdate), show(q.At))
		out.retry = s.ThisUpdate
		return out
	case r.ProducedAt.After(q.At.Add(ahead)):
		out := no("RFC 6960 §4.2.2.1", "the response was produced at %s, after the time judged, %s", show(r.ProducedAt), show(q.At))
		out.retry = r.ProducedAt
		return out
	case !s.NextUpdate.IsZero() && q.At.After(s.NextUpdate.Add(q.Skew)):
		return no("RFC 6960 §4.2.2.1", "the response is stale: nextUpdate was %s, the time judged is %s", show(s.NextUpdate), show(q.At))
	case r.ProducedAt.Before(cert.NotBefore.Add(-ahead)):
		return no("RFC 6960 §3.2", "the response was produced at %s, before the certificate's validity began at %s", show(r.ProducedAt), show(cert.NotBefore))
	}
	age := q.MaxAge
	if age == 0 && s.NextUpdate.IsZero() {
		age = DefaultAge
	}
	if age != 0 && q.At.Sub(s.ThisUpdate) > age+q.Skew {
		return no("RFC 6960 §4.2.2.1", "the response is older than %s: thisUpdate was %s, the time judged is %s", age, show(s.ThisUpdate), show(q.At))
	}
	return nil
}

// checkRequest holds the response against what was asked.
func (q *Query) checkRequest(r *Response) *refusal {
	var sent [][]byte // values of nonce extensions
	if q.Nonce != nil {
		var b cryptobyte.Builder
		b.AddASN1OctetString(q.Nonce)
		sent = append(sent, b.BytesOrPanic()) // an octet string of bounded size cannot fail
	}
	if q.Request != nil {
		a, err := parseRequest(q.Request)
		if err != nil {
			return no("RFC 6960 §4.1.1", "%v", err)
		}
		found := false
		for _, id := range a.ids {
			found = found || q.compare(id) == same
		}
		if !found {
			return no("RFC 6960 §3.2 (1)", "the request did not ask about this certificate")
		}
		if a.nonce != nil {
			sent = append(sent, a.nonce)
		}
	}
	e := find(r.Extensions, pki.OIDOCSPNonce)
	if e == nil { // RFC 9654 §2.1: responders may leave it out; the times then decide
		return nil
	}
	for _, nonce := range sent {
		if !bytes.Equal(e.Value, nonce) {
			return no("RFC 9654 §2.1", "the nonce is not the one that was sent: the response answers another request")
		}
	}
	return nil
}

// checkCritical refuses critical extensions that this package does not
// understand (RFC 6960 §4.4, RFC 5280 §4.2).
func checkCritical(where string, list []pki.Extension) *refusal {
	for _, e := range list {
		if !e.Critical {
			continue
		}
		switch e.OID {
		case pki.OIDOCSPNonce, pki.OIDOCSPExtendedRevoke, oidArchiveCutoff, oidCRLReference, oidSCTList, oidCertHash,
			pki.OIDCRLReason, pki.OIDInvalidityDate: // RFC 6960 §4.4.5: a list entry's extensions may stand in an answer
		default:
			return no("RFC 6960 §4.4", "the %s carries the critical extension %s, which is not understood", where, e.OID)
		}
	}
	return nil
}

// checkHash holds the responder's own digest of the certificate, where it gives
// one, against the certificate: CertHash ::= SEQUENCE { hashAlgorithm, certificateHash }.
func (q *Query) checkHash(s *Single) *refusal {
	const citation = "Common PKI 2.0 part 4, CertHash"
	e := find(s.Extensions, oidCertHash)
	if e == nil {
		return nil
	}
	in := cryptobyte.String(e.Value)
	var body, digest cryptobyte.String
	if !in.ReadASN1(&body, casn1.SEQUENCE) || !in.Empty() {
		return no(citation, "the digest of the certificate in the answer cannot be read")
	}
	alg, err := pki.ReadAlgorithm(&body)
	if err != nil || !body.ReadASN1(&digest, casn1.OCTET_STRING) || !body.Empty() {
		return no(citation, "the digest of the certificate in the answer cannot be read")
	}
	newHash, err := pki.NewHash(alg.OID)
	if err != nil {
		return undecided(citation, "the digest of the certificate in the answer is made with %s: %v", pki.HashName(alg.OID), err)
	}
	h := newHash()
	h.Write(q.Certificate.Raw)
	if !bytes.Equal(h.Sum(nil), digest) {
		return no(citation, "the answer is about another certificate with the same issuer and serial number: its digest differs")
	}
	return nil
}

// notIssued recognises the extended definition of "revoked": "the reason
// certificateHold (6)" and "the revocationTime January 1, 1970" (RFC 6960 §2.2).
func (s *Single) notIssued() bool {
	return s.Status == StatusRevoked && s.Reason == 6 && s.RevokedAt.Equal(time.Unix(0, 0))
}

// algorithmRefusal turns what pki says of an algorithm or a signature into a refusal.
func algorithmRefusal(citation, what string, err error) *refusal {
	var weak *pki.WeakError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pki.ErrUnsupported):
		return undecided(citation, "%s: %v", what, err)
	case errors.As(err, &weak):
		return no("ETSI TS 119 312", "%s: %v", what, err)
	}
	return no(citation, "%s: %v", what, err)
}
