// SPDX-License-Identifier: Apache-2.0

package xmldsig_test

import (
	"context"
	"fmt"
	"time"

	"rastau/internal/testpki"
	"rastau/internal/xmldsig"
)

// Sign a document and say what the signature covers.
func Example() {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return now }, EC: true})
	if err != nil {
		panic(err)
	}
	key, err := p.Root().Issue(testpki.Leaf{})
	if err != nil {
		panic(err)
	}
	signed, err := xmldsig.Sign(context.Background(), []byte("<application>Өтініш</application>"), xmldsig.SignOptions{
		Key: key.Signer, Certificate: key.Certificate, XAdES: true, SigningTime: now,
	})
	if err != nil {
		panic(err)
	}
	d, err := xmldsig.Parse(signed, xmldsig.Limits{})
	if err != nil {
		panic(err)
	}
	s := d.Signatures()[0]
	fmt.Println(*s.Verify(s.Certificate(nil)).Intact(), s.Scope().Signed, s.Properties.SigningTime.Format(time.DateOnly))
	content, _ := s.Content(s.References[0])
	fmt.Println(string(content))
	// Output:
	// true [the document] 2026-03-02
	// <application>Өтініш</application>
}
