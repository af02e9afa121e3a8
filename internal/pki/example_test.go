// SPDX-License-Identifier: Apache-2.0

package pki_test

import (
	"fmt"
	"time"

	"rastau/internal/pki"
)

func ExampleAlgorithmPolicy_Accept() {
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for _, o := range []pki.OID{pki.OIDSHA256WithRSA, pki.OIDSHA1WithRSA, pki.OIDGOST2015Sign512, pki.OIDEd448} {
		alg, err := pki.NewAlgorithm(o, []byte{5, 0})
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: %v\n", pki.AlgorithmName(alg), pki.DefaultAlgorithms.Accept(alg, nil, at))
	}
	// Output:
	// RSA with SHA-256: <nil>
	// RSA with SHA-1: SHA-1: does not count at any time
	// GOST 34.10-2015-512: <nil>
	// Ed448: algorithm not yet supported
}

func ExampleParseName() {
	der := []byte("\x30\x14\x31\x12\x30\x10\x06\x03\x55\x04\x03\x0c\x09Үлгі\x1b")
	n, err := pki.ParseName(der)
	fmt.Println(n, err)
	// Output:
	// CN=Үлгі\1B <nil>
}
