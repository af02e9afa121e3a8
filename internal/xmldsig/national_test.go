// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"rastau/internal/gost"
	"rastau/internal/pki"
	"rastau/internal/testpki"
)

// Every national algorithm under the names that Kazakhstan's programs write, of 2004 and of 2015 in both sizes; a name
// exchanged for another's is not taken for it.
func TestNationalAlgorithms(t *testing.T) {
	const (
		old = more2001 + "gost34310-gost34311"
		n26 = national + "gostr34102015-gostr34112015-256"
		n51 = national + "gostr34102015-gostr34112015-512"
	)
	for method, of := range map[string]struct {
		curve  *gost.Curve
		digest string
	}{
		old: {gost.CryptoProA(), more2001 + "gost34311"},
		n26: {gost.TC26256A(), national + "gostr34112015-256"},
		n51: {gost.TC26512A(), national + "gostr34112015-512"},
	} {
		t.Run(of.curve.Name(), func(t *testing.T) {
			key, err := gost.GenerateKey(of.curve, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			template := &x509.Certificate{SerialNumber: big.NewInt(9), Subject: pkix.Name{CommonName: "Қол қоюшы"}, NotBefore: day0, NotAfter: day0.Add(time.Hour)}
			der, err := testpki.CreateCertificate(template, template, key.Public(), key)
			if err != nil {
				t.Fatal(err)
			}
			certificate, err := pki.ParseCertificate(der)
			if err != nil {
				t.Fatal(err)
			}
			o := SignOptions{Key: key, Certificate: certificate, SigningTime: day0}
			first, err := Sign(context.Background(), []byte(`<өтініш Id="a"><b>сөз</b></өтініш>`), o)
			if err != nil {
				t.Fatal(err)
			}
			o.XAdES = true
			both, err := Sign(context.Background(), first, o)
			if err != nil {
				t.Fatal(err)
			}
			secured, err := SignSecurity(context.Background(), []byte(envelope), o)
			if err != nil {
				t.Fatal(err)
			}
			for _, doc := range [][]byte{first, both, secured} {
				if !intact(t, doc) || !bytes.Contains(doc, []byte(`"`+method+`"`)) || !bytes.Contains(doc, []byte(`"`+of.digest+`"`)) {
					t.Fatalf("not intact, or not under its names\n%s", doc)
				}
				for _, other := range []string{old, n26, n51, more2001 + "rsa-sha256", national + "gostr34102015-gostr34112015"} {
					if other != method && intactQuietly([]byte(strings.Replace(string(doc), `"`+method+`"`, `"`+other+`"`, 1))) {
						t.Errorf("intact as %s", other)
					}
				}
				for _, word := range []string{"сөз", "Сұрау"} {
					if intactQuietly(bytes.Replace(doc, []byte(word), []byte(word+" "), 1)) && bytes.Contains(doc, []byte(word)) {
						t.Error("a space added, and intact")
					}
				}
			}
		})
	}
}
