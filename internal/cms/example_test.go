// SPDX-License-Identifier: Apache-2.0

package cms_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log"
	"math/big"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

// A document is signed and the message judged: first as it is, then with its content altered.
func Example() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(7),
		NotBefore:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "Licensor"}}, key.Public(), key)
	if err != nil {
		log.Fatal(err)
	}
	cert, err := pki.ParseCertificate(der)
	if err != nil {
		log.Fatal(err)
	}

	message, err := cms.Sign(context.Background(), cms.SignOptions{
		Content: []byte("licence ZZZ"), Key: key, Certificate: cert,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, judged := range [][]byte{message, altered(message)} {
		sd, err := cms.Parse(judged, cms.Limits{})
		if err != nil {
			log.Fatal(err)
		}
		for _, s := range sd.Signers {
			check := sd.Verify(s, sd.SignerCertificate(s, nil), nil)
			fmt.Printf("%s intact: %v digest: %v\n", sd.Content, *check.Intact(), check.Digest)
		}
	}
	// Output:
	// licence ZZZ intact: true digest: <nil>
	// licence YZZ intact: false digest: message digest differs from the content's
}

// altered changes one letter of the content.
func altered(message []byte) []byte {
	out := append([]byte(nil), message...)
	for i := range out {
		if string(out[i:i+3]) == "ZZZ" {
			out[i] = 'Y'
			break
		}
	}
	return out
}
