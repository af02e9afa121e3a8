// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"context"
	"fmt"
	"time"

	"rastau/internal/cms"
	"rastau/internal/phrase"
	"rastau/internal/testpki"
	"rastau/internal/trust"
	"rastau/verifier"
)

func ExampleVerifier_Document() {
	now := func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }
	ca, _ := testpki.New(testpki.Options{Now: now, EC: true})
	person, _ := ca.Root().Issue(testpki.Leaf{CommonName: "СЫНАҚОВ СЫНАҚ", Auth: true})
	signed, _ := cms.Sign(context.Background(), cms.SignOptions{Content: []byte("an application"),
		Key: person.Signer, Certificate: person.Certificate})

	v := verifier.New(verifier.Options{Now: now})
	r := v.Document(context.Background(), signed, verifier.Question{
		Anchors: []trust.Anchor{trust.AnchorOf(ca.Root().Certificate)},
		Lang:    phrase.EN,
		Offline: true,
	})
	fmt.Println(r.Indication, r.SubIndication, *r.Intact)
	fmt.Println(r.Deciding().Key, r.Deciding().Citation)
	fmt.Println(r.Deciding().Detail())
	// Output:
	// INDETERMINATE CHAIN_CONSTRAINTS_FAILURE true
	// cert.purpose RFC 5280 §4.2.1.3
	// The certificate “СЫНАҚОВ СЫНАҚ” is not meant for signing: its key usage lacks nonRepudiation (an authentication certificate, for example).
}
