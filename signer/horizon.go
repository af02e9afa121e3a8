// SPDX-License-Identifier: Apache-2.0

package signer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
)

// Horizon says until when a signed document can be judged and extended: the first end among the certificates and
// algorithms of the newest time-stamp on each signature, and of the signature itself where it has none, or where the document holds no
// revocation data: once its signer's certificate has ended, nobody need say any more whether it was revoked (RFC 5280 §3.3). Before then
// it is to be renewed (EN 319 102-1 §5.6.3). The issuers' certificates are looked for in the document; what is trusted as an anchor
// has no end here. Nothing is judged. [ErrExtend] where nothing is signed.
func Horizon(document []byte, algorithms *pki.AlgorithmPolicy) (time.Time, error) {
	h := horizon{algorithms: algorithms}
	if pdf.Is(document) {
		return h.pdf(document)
	}
	der, err := cms.Decode(document)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrExtend, err)
	}
	sd, err := parse(der)
	if err != nil {
		return time.Time{}, err
	}
	h.know(sd)
	h.proven = len(sd.CRLs)+len(sd.OCSPs) > 0
	var first time.Time
	for _, s := range sd.Signers {
		first = earliest(first, h.signature(sd, s))
	}
	return first, nil
}

type horizon struct {
	algorithms *pki.AlgorithmPolicy
	pool       []*pki.Certificate
	proven     bool // the document holds revocation data: level LT
}

func (h *horizon) know(sd *cms.SignedData) {
	h.pool = append(h.pool, sd.Certificates...)
	for _, s := range sd.Signers {
		for _, raw := range slices.Concat(s.TimestampTokens(), s.ArchiveTokens()) {
			if t, err := timestamp.Parse(raw); err == nil {
				h.pool = append(h.pool, t.Signed.Certificates...)
			}
		}
	}
}

func (h *horizon) pdf(file []byte) (time.Time, error) {
	doc, err := pdf.Open(file, pdf.Limits{})
	if err != nil {
		return time.Time{}, err
	}
	if store := doc.DSS(); store != nil {
		h.proven = len(store.CRLs)+len(store.OCSPs) > 0
		for _, i := range store.Certificates {
			if c, err := pki.ParseCertificate(i.DER); err == nil {
				h.pool = append(h.pool, c)
			}
		}
	}
	all := doc.Signatures()
	slices.SortStableFunc(all, func(a, b pdf.Signature) int { return cmp.Compare(b.End, a.End) }) // the newest first
	read := make([]*cms.SignedData, len(all))
	for i, s := range all {
		if sd, err := cms.Parse(s.Contents, cms.Limits{}); err == nil && len(sd.Signers) == 1 {
			h.know(sd)
			read[i] = sd
		}
	}
	var first, covered time.Time // covered is the end of the newest time-stamp, which covers whatever is signed before it
	signed := false
	for i, s := range all {
		switch {
		case read[i] == nil:
		case s.IsTimestamp():
			if t, err := timestamp.Parse(s.Contents); err == nil && covered.IsZero() {
				covered = h.token(t)
				first = earliest(first, covered)
			}
		default:
			signed = true
			switch {
			case covered.IsZero():
				first = earliest(first, h.signature(read[i], read[i].Signers[0]))
			case !h.proven:
				first = earliest(first, h.signer(read[i], read[i].Signers[0]))
			}
		}
	}
	if !signed {
		return time.Time{}, fmt.Errorf("%w: nobody has signed it", ErrExtend)
	}
	return first, nil
}

// signature ends with its newest archive time-stamp, else with the last of its time-stamps to end, else with its signer; at level T
// with its signer too.
func (h *horizon) signature(sd *cms.SignedData, s *cms.Signer) time.Time {
	var newest *timestamp.Token
	for _, raw := range s.ArchiveTokens() {
		if t, err := timestamp.Parse(raw); err == nil && (newest == nil || !t.GenTime.Before(newest.GenTime)) { // of two in one second the later attribute
			newest = t
		}
	}
	if newest != nil {
		return h.token(newest)
	}
	var last time.Time
	for _, raw := range s.TimestampTokens() {
		if t, err := timestamp.Parse(raw); err == nil {
			if end := h.token(t); end.After(last) {
				last = end
			}
		}
	}
	if h.proven && !last.IsZero() {
		return last
	}
	return earliest(last, h.signer(sd, s))
}

func (h *horizon) token(t *timestamp.Token) time.Time {
	return earliest(h.hash(t.HashAlgorithm), h.signer(t.Signed, t.Signed.Signers[0]))
}

func (h *horizon) hash(o pki.OID) time.Time {
	a, err := pki.NewAlgorithm(o, nil)
	if err != nil {
		return ended
	}
	return h.until(a, nil)
}

// ended is the end of what does not count at all: the zero time means that none is known.
var ended = time.Unix(0, 0).UTC()

func (h *horizon) until(a pki.Algorithm, key *pki.PublicKey) time.Time {
	if end := h.algorithms.Until(a, key); !end.IsZero() {
		return end
	}
	return ended
}

// signer is the end of a signature's own algorithms and of the certificates above it.
func (h *horizon) signer(sd *cms.SignedData, s *cms.Signer) time.Time {
	c := sd.SignerCertificate(s, h.pool)
	if c == nil {
		return ended // nobody can judge it
	}
	end := earliest(h.until(s.SignatureAlgorithm, &c.PublicKey), h.hash(s.DigestAlgorithm.OID))
	end = earliest(end, c.NotAfter)
	for seen := 0; seen < len(h.pool) && !c.SelfIssued(); seen++ {
		i := slices.IndexFunc(h.pool, func(p *pki.Certificate) bool {
			return p.Subject.Equal(c.Issuer) && c.CheckSignatureFrom(&p.PublicKey) == nil
		})
		if i < 0 {
			break
		}
		issuer := h.pool[i]
		end = earliest(end, h.until(c.Algorithm, &issuer.PublicKey))
		if issuer.SelfIssued() {
			break
		}
		end = earliest(end, issuer.NotAfter)
		c = issuer
	}
	return end.UTC()
}

// StampHash is the digest algorithm for time-stamps made at a time: SHA-256 while it counts for ten years more, SHA-512 after.
func StampHash(algorithms *pki.AlgorithmPolicy, now time.Time) pki.OID {
	if (&horizon{algorithms: algorithms}).hash(pki.OIDSHA256).Before(now.AddDate(10, 0, 0)) {
		return pki.OIDSHA512
	}
	return pki.OIDSHA256
}

// earliest passes over an unset time.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
