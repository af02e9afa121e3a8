// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"
	"time"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

// checkAlgorithm: the signature's algorithms could be computed, fit together and
// count at the time judged (ETSI TS 119 312).
func checkAlgorithm(_ context.Context, s *signature) []Finding {
	if s.signer == nil {
		return nil
	}
	name := pki.AlgorithmName(s.signer.SignatureAlgorithm)
	hash := pki.HashName(s.signer.DigestAlgorithm.OID)
	if err := s.check.Algorithm; err != nil {
		if errors.Is(err, pki.ErrUnsupported) {
			return []Finding{failed(CryptoConstraintsFailure, "finding.signature.algorithm.unsupported", "algorithm", name)}
		}
		return []Finding{failed(CryptoConstraintsFailure, "finding.signature.algorithm.unfit", "algorithm", name, "hash", hash, "detail", err.Error()).
			citing("RFC 5652 §5.3")}
	}
	var key *pki.PublicKey
	if s.cert != nil {
		key = &s.cert.PublicKey
	}
	if err := s.q.Algorithms.Accept(s.signer.SignatureAlgorithm, key, s.when()); err != nil {
		accept := func(at time.Time) error { return s.q.Algorithms.Accept(s.signer.SignatureAlgorithm, key, at) }
		return []Finding{s.outdated(weak(err, name), accept)}
	}
	for i := range 1 + len(s.hashes) {
		h := s.signer.DigestAlgorithm.OID
		if i > 0 {
			h = s.hashes[i-1]
		}
		if err := s.q.Algorithms.AcceptHash(h, s.when()); err != nil {
			accept := func(at time.Time) error { return s.q.Algorithms.AcceptHash(h, at) }
			return []Finding{s.outdated(weak(err, pki.HashName(h)), accept)}
		}
	}
	return s.one(passed("finding.signature.algorithm.accepted", "algorithm", name, "hash", hash))
}

// longAgo is when every algorithm that ever counted did.
var longAgo = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// outdated: an algorithm that counted once may have been used then. Without proof of
// that only the proof is missing (EN 319 102-1 §5.1.3); with proof that the signature
// was made since, it is refused for good.
func (s *signature) outdated(f Finding, accept func(time.Time) error) Finding {
	if f.Sub == CryptoConstraintsFailure && accept(longAgo) == nil && (s.after == nil || accept(*s.after) == nil) {
		f.Sub = CryptoConstraintsFailureNoPOE
	}
	return f
}

// weak tells an algorithm that does not count from one that is not known.
func weak(err error, name string) Finding {
	var w *pki.WeakError
	if errors.As(err, &w) {
		return failed(CryptoConstraintsFailure, "finding.signature.algorithm.weak", "algorithm", w.Algorithm, "detail", w.Why)
	}
	return failed(CryptoConstraintsFailure, "finding.signature.algorithm.unsupported", "algorithm", name)
}

// checkPathAlgorithm: likewise for the signatures on the certificates of the path.
// What cannot be computed is never called broken.
func checkPathAlgorithm(_ context.Context, s *subject) []Finding {
	if s.path == nil {
		return nil
	}
	var out []Finding
	for _, f := range s.path.Failures {
		name := pki.AlgorithmName(f.Certificate.Algorithm)
		var finding Finding
		switch f.Reason {
		case trust.Algorithm:
			finding = failed(CryptoConstraintsFailure, "finding.signature.algorithm.path-unsupported", "algorithm", name, "name", title(f.Certificate))
		case trust.WeakAlgorithm:
			sub := CryptoConstraintsFailure
			if key := s.path.Issuer(min(f.Index, len(s.path.Certificates)-1)).Key; s.role != asCertificate &&
				s.q.Algorithms.Accept(f.Certificate.Algorithm, &key, longAgo) == nil {
				sub = CryptoConstraintsFailureNoPOE
			}
			finding = failed(sub, "finding.signature.algorithm.path-weak", "algorithm", name, "name", title(f.Certificate), "detail", f.Detail)
		default:
			continue
		}
		out = append(out, finding.citing(f.Citation).with(certificateEvidence(f.Certificate)))
	}
	return out
}
