// SPDX-License-Identifier: Apache-2.0

package gost_test

import (
	"crypto/rand"
	"fmt"

	"rastau/internal/gost"
)

func ExampleVerify() {
	key, err := gost.GenerateKey(gost.TC26512A(), rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	digest := gost.SumStreebog512([]byte("an application for a licence"))
	sig, err := key.Sign(rand.Reader, digest[:], nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	// The key travels as x||y and comes back checked.
	pub, err := gost.NewPublicKey(gost.TC26512A(), key.Public().(*gost.PublicKey).Bytes())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(gost.Verify(pub, digest[:], sig))
	digest[0] ^= 1
	fmt.Println(gost.Verify(pub, digest[:], sig))
	// Output:
	// true
	// false
}

func ExampleNew34311() {
	h := gost.New34311()
	fmt.Fprint(h, "message ")
	fmt.Fprint(h, "digest")
	fmt.Printf("%x\n", h.Sum(nil))
	// Output:
	// ad4434ecb18f2c99b60cbe59ec3d2469582b65273f48de72db2fde16a4889a4d
}
