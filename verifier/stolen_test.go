// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"fmt"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// Whoever holds the key of a revoked authority signs lists that leave a revoked signer out. Whatever reason the revocation of
// the authority gives, such a list, proven to exist only afterwards, never makes the signer good.
func TestListsOfRevokedAuthorityProveNothing(t *testing.T) {
	for _, online := range []bool{false, true} {
		for _, reason := range []int{0, 1, 3, 4, 5, 6} {
			t.Run(fmt.Sprintf("online %v, reason %d", online, reason), func(t *testing.T) {
				a := newArchive(t)
				a.rootService(t, 19*year)
				der := sign(t, a.k, a.stamped(day0))
				a.pass(2 * time.Hour)
				forged := list(t, a.ca, testpki.CRLOptions{ThisUpdate: a.clock(), NextUpdate: a.clock().Add(24 * time.Hour)})
				a.ca.Revoke(a.k.Certificate, day0.Add(-30*time.Minute), 1)
				a.house.pki.Root().Revoke(a.ca.Certificate, day0.Add(30*time.Minute), reason)
				a.pass(time.Minute)
				q := a.ask()
				q.Offline = !online
				q.Lists = []*crl.List{list(t, a.house.pki.Root(), testpki.CRLOptions{})}
				if r := a.v.Document(t.Context(), embed(t, der, forged), q); r.Indication == verifier.TotalPassed {
					t.Errorf("a list made after the authority's revocation makes a revoked signer good: %v/%s", r.Indication, r.SubIndication)
				}
			})
		}
	}
}
