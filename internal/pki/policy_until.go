// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"slices"
	"time"
)

// Until says until when an algorithm counts: alg is a signature or digest algorithm, key the key it is used with (nil where
// only the algorithm is asked about). The zero time: it does not count at all, or is not known. It asks
// [AlgorithmPolicy.Accept] at every end that the tables know, so the two always agree.
func (p *AlgorithmPolicy) Until(alg Algorithm, key *PublicKey) time.Time {
	ends := []time.Time{always}
	for _, end := range hashEnds {
		ends = append(ends, end)
	}
	for _, row := range keyEnds {
		ends = append(ends, row.end)
	}
	slices.SortFunc(ends, func(a, b time.Time) int { return b.Compare(a) })
	for _, end := range slices.Compact(ends) { // the latest first: what counts at one end counted before it
		if p.Accept(alg, key, end) == nil {
			return end
		}
	}
	return never
}
