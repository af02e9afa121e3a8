// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rastau/internal/pki"
	"rastau/internal/testpki"
)

var day0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// kinds of keys that the tests sign with.
const (
	rsaKey  = "RSA"
	ecKey   = "ECDSA"
	gostKey = "GOST"
)

var keysMade = struct {
	sync.Mutex
	keys map[string]*pki.Key
}{keys: map[string]*pki.Key{}}

// keyOf gives a signing key of a development authority.
func keyOf(t testing.TB, kind string) *pki.Key {
	t.Helper()
	keysMade.Lock()
	defer keysMade.Unlock()
	if k := keysMade.keys[kind]; k != nil {
		return k
	}
	p, err := testpki.New(testpki.Options{Now: func() time.Time { return day0 }, EC: kind == ecKey, GOST: strings.HasPrefix(kind, gostKey)})
	if err != nil {
		t.Fatal(err)
	}
	k, err := p.Root().Issue(testpki.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	keysMade.keys[kind] = k
	return k
}

// files writes a key and its certificate for programs that read PEM.
func files(t testing.TB, dir string, k *pki.Key) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k.Signer)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "key.pem")
	write(t, name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	write(t, filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate.Raw}))
	return name
}

func write(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

var everyMethod = []string{c14n10, c14n10Comments, c14n11, c14n11Comments, exclusive, excComments}

// template is a signature for xmlsec1 to fill in, over what uri says.
func template(kind, method, uri string, extra string) string {
	sign := map[string]string{rsaKey: more2001 + "rsa-sha256", ecKey: more2001 + "ecdsa-sha256"}[kind]
	own := ""
	if uri == "" || uri == "#xpointer(/)" {
		own = fmt.Sprintf(`<Transform Algorithm="%s"/>`, enveloped)
	}
	return fmt.Sprintf(`<Signature xmlns="%s"><SignedInfo><CanonicalizationMethod Algorithm="%s"/><SignatureMethod Algorithm="%s"/>`+
		`<Reference URI="%s"><Transforms>%s<Transform Algorithm="%s"/></Transforms><DigestMethod Algorithm="%ssha256"/><DigestValue/></Reference>`+
		`</SignedInfo><SignatureValue/><KeyInfo><X509Data/></KeyInfo>%s</Signature>`, xmldsig, method, sign, uri, own, method, encryption, extra)
}

// append puts text in front of the root's end tag.
func appendTo(doc, text string) (string, bool) {
	d, err := Parse([]byte(doc), Limits{})
	if err != nil || d.nodes[d.root].kind == emptyTag {
		return "", false
	}
	return string(d.insert(d.nodes[d.nodes[d.root].link].from, text)), true
}

func intact(t testing.TB, doc []byte) bool {
	t.Helper()
	d, err := Parse(doc, Limits{})
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	all := d.Signatures()
	if len(all) == 0 {
		return false
	}
	for _, s := range all {
		c := s.Verify(s.Certificate(nil))
		if ok := c.Intact(); ok == nil || !*ok {
			t.Logf("%+v", c)
			return false
		}
	}
	return true
}

// Two hundred generated documents, all canonicalisations, whole and by identifier, RSA and ECDSA: what xmlsec1 signs is
// intact here and not after a letter was changed, and what is signed here xmlsec1 verifies.
func TestXmlsec(t *testing.T) {
	bin := program(t, "xmlsec1")
	for _, kind := range []string{rsaKey, ecKey} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			k := keyOf(t, kind)
			dir := t.TempDir()
			key := files(t, dir, k)
			root := filepath.Join(dir, "cert.pem")
			r := rand.New(rand.NewPCG(7, uint64(len(kind))))
			in, out := filepath.Join(dir, "in.xml"), filepath.Join(dir, "out.xml")
			ids := []string{"--id-attr:Id", "part"}
			for i := 0; i < 100; i++ {
				method := everyMethod[i%len(everyMethod)]
				doc := generate(r, 4)
				uri, element := "", ""
				marked, ok := appendTo(doc, `<part Id="p&amp;1">Part Ө<!-- c --><x xmlns="urn:x" xml:lang="kk"/></part>`)
				if !ok {
					i--
					continue
				}
				doc = marked
				if i%3 == 1 {
					uri, element = "#p&amp;1", "p&1"
				}
				if i%3 == 2 && i%2 == 0 {
					uri = "#xpointer(/)"
				}
				unsigned, _ := appendTo(doc, template(kind, method, uri, ""))
				write(t, in, []byte(unsigned))
				if msg, err := exec.Command(bin, append([]string{"--sign", "--privkey-pem", key + "," + root, "--output", out}, append(ids, in)...)...).CombinedOutput(); err != nil {
					t.Fatalf("document %d: %v\n%s\n%s", i, err, msg, unsigned)
				}
				signed, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				if !intact(t, signed) {
					t.Fatalf("document %d, %s: what xmlsec1 signed is not intact\n%s", i, method, signed)
				}
				if altered := bytes.Replace(signed, []byte("Part "), []byte("Pert "), 1); intactQuietly(altered) {
					t.Fatalf("document %d: altered and intact", i)
				}
				o := SignOptions{Key: k.Signer, Certificate: k.Certificate, Element: element, Canonical: method, XAdES: i%2 == 0, SigningTime: day0}
				mine, err := Sign(context.Background(), []byte(doc), o)
				if err != nil {
					t.Fatalf("document %d: %v", i, err)
				}
				if !intact(t, mine) {
					t.Fatalf("document %d, %s: what was signed here is not intact\n%s", i, method, mine)
				}
				write(t, in, mine)
				args := []string{"--verify", "--pubkey-cert-pem", root, "--id-attr:Id", namespaceXAdES + ":SignedProperties"}
				if msg, err := exec.Command(bin, append(append(args, ids...), in)...).CombinedOutput(); err != nil {
					t.Fatalf("document %d, %s: xmlsec1 does not verify it: %v\n%s\n%s", i, method, err, msg, mine)
				}
			}
		})
	}
}

func intactQuietly(doc []byte) bool {
	d, err := Parse(doc, Limits{})
	if err != nil {
		return false
	}
	all := d.Signatures()
	for _, s := range all {
		if ok := s.Verify(s.Certificate(nil)).Intact(); ok == nil || !*ok {
			return false
		}
	}
	return len(all) > 0
}
