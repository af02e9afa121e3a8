// SPDX-License-Identifier: Apache-2.0

package signer_test

import (
	"context"
	"fmt"

	"rastau/internal/testpki"
	"rastau/signer"
)

func ExampleSigner_JSON() {
	authority, err := testpki.New(testpki.Options{Now: clock, EC: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := authority.Root().Issue(testpki.Leaf{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ring, err := signer.NewRing(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := signer.New(signer.Options{Keys: ring, Judge: trusting{}, Checker: checker{}, Now: clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	content := []byte(`{"number":"ZZZ-1"}`)
	signed, err := s.JSON(context.Background(), content, signer.JSONOptions{Detached: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(checker{}.CheckSigned(context.Background(), "cades-detached", signed, content, s.Certificate()))
	// Output: <nil>
}
