// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"errors"
	"time"

	"rastau/internal/pki"
	"rastau/internal/xmldsig"
)

// hashName is the digest of the first reference.
func (s *xmlSignature) hashName() string {
	if len(s.x.References) == 0 {
		return ""
	}
	return pki.HashName(s.x.References[0].Hash)
}

// checkXMLAlgorithm: the algorithms could be computed and count at the time judged.
func checkXMLAlgorithm(_ context.Context, s *xmlSignature) []Finding {
	if len(s.broken) > 0 {
		return nil
	}
	name := pki.AlgorithmName(s.x.Algorithm)
	switch err := s.checked.Algorithm; {
	case err == nil:
	case errors.Is(err, xmldsig.ErrSymmetric):
		return []Finding{failed(CryptoConstraintsFailure, "finding.signature.algorithm.symmetric")}
	case errors.Is(err, pki.ErrAlgorithm):
		return []Finding{failed(CryptoConstraintsFailure, "finding.signature.algorithm.unfit", "algorithm", name, "hash", s.hashName(), "detail", err.Error())}
	default:
		return []Finding{failed(CryptoConstraintsFailure, "finding.signature.algorithm.unsupported", "algorithm", name)}
	}
	var key *pki.PublicKey
	if s.cert != nil {
		key = &s.cert.PublicKey
	}
	accept := func(at time.Time) error { return s.q.Algorithms.Accept(s.x.Algorithm, key, at) }
	if err := accept(s.when()); err != nil {
		return []Finding{s.outdated(weak(err, name), accept)}
	}
	hashes := []pki.OID{}
	for _, r := range s.x.References {
		if r.Hash == "" {
			return []Finding{failed(CryptoConstraintsFailure, "finding.signature.algorithm.unsupported", "algorithm", r.HashURI)}
		}
		hashes = append(hashes, r.Hash)
	}
	for _, h := range hashes {
		accept := func(at time.Time) error { return s.q.Algorithms.AcceptHash(h, at) }
		if err := accept(s.when()); err != nil {
			return []Finding{s.outdated(weak(err, pki.HashName(h)), accept)}
		}
	}
	return []Finding{passed("finding.signature.algorithm.accepted", "algorithm", name, "hash", pki.HashName(hashes[0]))}
}
