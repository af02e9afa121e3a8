// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"

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
		return []Finding{weak(err, name)}
	}
	for _, h := range append([]pki.OID{s.signer.DigestAlgorithm.OID}, s.hashes...) {
		if err := s.q.Algorithms.AcceptHash(h, s.when()); err != nil {
			return []Finding{weak(err, pki.HashName(h))}
		}
	}
	return []Finding{passed("finding.signature.algorithm.accepted", "algorithm", name, "hash", hash)}
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
			finding = failed(CryptoConstraintsFailure, "finding.signature.algorithm.path-weak", "algorithm", name, "name", title(f.Certificate), "detail", f.Detail)
		default:
			continue
		}
		out = append(out, finding.citing(f.Citation).with(certificateEvidence(f.Certificate)))
	}
	return out
}
