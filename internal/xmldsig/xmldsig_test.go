// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rastau/internal/pki"
)

// sample opens a file of the conformance data, which is not part of this repository.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	dir := os.Getenv("RASTAU_SUITES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "suites")
	}
	data, err := os.ReadFile(filepath.Join(dir, "kz", "xml", name))
	if err != nil {
		if os.Getenv("RASTAU_SUITES_REQUIRED") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the suite kz/xml is not there; set RASTAU_SUITES to its folder's parent")
	}
	return data
}

// Signatures that Kazakhstan's own programs made, and every one of their letters changed.
func TestKazakhSamples(t *testing.T) {
	for _, name := range []string{"XmlServiceTest.XML_SIGNED_VALID_STRING.xml", "test_gost512.xml_simple.xml"} {
		t.Run(name, func(t *testing.T) {
			doc := sample(t, name)
			if !intact(t, doc) {
				t.Fatal("not intact")
			}
			info := bytes.Index(doc, []byte("SignatureValue"))
			begin := bytes.IndexByte(doc, '<')
			if bytes.HasPrefix(doc, []byte("<?xml")) {
				begin = bytes.Index(doc, []byte("?>")) + 2
			}
			step := 1
			if testing.Short() {
				step = 7
			}
			for i := begin; i < info; i += step {
				bad := bytes.Clone(doc)
				if bad[i] ^= 1; bad[i] == '\n' || class[doc[i]]&isSpace != 0 {
					continue
				}
				if intactQuietly(bad) {
					t.Fatalf("byte %d changed from %q to %q, and intact", i, doc[i], bad[i])
				}
			}
		})
	}
}

func signWith(t testing.TB, kind string, doc []byte, change ...func(*SignOptions)) []byte {
	t.Helper()
	k := keyOf(t, kind)
	o := SignOptions{Key: k.Signer, Certificate: k.Certificate, SigningTime: day0}
	for _, c := range change {
		c(&o)
	}
	out, err := Sign(context.Background(), doc, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func only(id string) func(*SignOptions) { return func(o *SignOptions) { o.Element = id } }
func xades(o *SignOptions)              { o.XAdES = true }

// Several signers, each over what the others signed before, judged last in, first out.
func TestNested(t *testing.T) {
	doc := []byte("<?xml version=\"1.0\"?>\n<өтініш><a Id=\"x\">бір</a></өтініш>\n")
	for _, kind := range []string{rsaKey, gostKey, ecKey, gostKey + "2", rsaKey} {
		doc = signWith(t, kind, doc, xades)
	}
	if !intact(t, doc) {
		t.Fatal("not intact")
	}
	for _, cut := range []string{"бір", "SigningTime>2026"} {
		if intactQuietly(bytes.Replace(doc, []byte(cut), []byte(strings.Replace(cut, "і", "и", 1)+"0"), 1)) {
			t.Errorf("%s changed, and intact", cut)
		}
	}
	d := mustParse(t, doc)
	for i, s := range d.Signatures() {
		content, err := s.Content(s.References[0])
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(content, []byte("<ds:Signature ")); n != i {
			t.Errorf("signature %d covers %d others", i, n)
		}
		if sc := s.Scope(); !sc.Whole || sc.Wrapped != "" {
			t.Errorf("scope %+v", sc)
		}
	}
}

// What is called signed is what was digested.
func TestContent(t *testing.T) {
	doc := signWith(t, rsaKey, []byte(`<root xmlns="urn:r"><a Id="part"  b='2'><x>1</x></a><b/></root>`), only("part"))
	d := mustParse(t, doc)
	s := d.Signatures()[0]
	content, err := s.Content(s.References[0])
	if err != nil || string(content) != `<a xmlns="urn:r" Id="part" b="2"><x>1</x></a>` {
		t.Fatalf("%s %v", content, err)
	}
	sc := s.Scope()
	if sc.Whole || sc.Wrapped != "" || len(sc.Unsigned) != 1 || sc.Unsigned[0] != "b" || sc.Signed[0] != "/root/a (#part)" || len(sc.Around) != 1 || sc.Around[0] != "root" {
		t.Errorf("scope %+v", sc)
	}
}

func TestSecurity(t *testing.T) {
	for _, kind := range []string{rsaKey, gostKey, ecKey} {
		for _, message := range []string{
			envelope,
			`<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Header/><Body a="1"/></Envelope>`,
			`<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Header><to xmlns="urn:t">x</to></e:Header><e:Body>мәтін</e:Body></e:Envelope>`,
		} {
			k := keyOf(t, kind)
			out, err := SignSecurity(context.Background(), []byte(message), SignOptions{Key: k.Signer, Certificate: k.Certificate})
			if err != nil {
				t.Fatal(err)
			}
			if !intact(t, out) {
				t.Fatalf("not intact\n%s", out)
			}
			s := mustParse(t, out).Signatures()[0]
			if sc := s.Scope(); !sc.Body || sc.Wrapped != "" || !s.Security {
				t.Errorf("scope %+v of\n%s", sc, out)
			}
		}
	}
	k := keyOf(t, ecKey)
	signed, err := SignSecurity(context.Background(), []byte(envelope), SignOptions{Key: k.Signer, Certificate: k.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := SignSecurity(context.Background(), signed, SignOptions{Key: k.Signer, Certificate: k.Certificate}); !errors.Is(err, ErrSigned) {
		t.Errorf("signed twice: %v", err)
	}
	if _, err := SignSecurity(context.Background(), []byte("<a/>"), SignOptions{Key: k.Signer, Certificate: k.Certificate}); !errors.Is(err, ErrMessage) {
		t.Errorf("%v", err)
	}
}

func TestRefused(t *testing.T) {
	for doc, want := range map[string]error{
		`<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`:         ErrUnsafe,
		`<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>`: ErrUnsafe,
		`<a>&e;</a>`: ErrXML,
		`<?xml version="1.0" encoding="EUC-KR"?><a/>`:            ErrUnsafe,
		`<?xml version="1.1"?><a/>`:                              ErrUnsafe,
		`<?xml version='2.0' encoding='UTF-8'?><a/>`:             ErrUnsafe,
		`<?xml standalone="version='1.0'" version="1.1"?><a/>`:   ErrXML,
		`<?xml encoding="UTF-8"?><a/>`:                           ErrXML,
		"<a>\xd0\xd0</a>":                                        ErrXML,
		"<a>\xd0\x90\xd0\x90\xd0\x90\xc0\x80</a>":                ErrXML,
		"<a>text text text \x0b</a>":                             ErrXML,
		"<a>\uffff</a>":                                          ErrXML,
		"<a b=\"text text \x01\"/>":                              ErrXML,
		`<a b="1" b="2"/>`:                                       ErrXML,
		`<a xmlns:x="urn:a" xmlns:y="urn:a" x:b="1" y:b="2"/>`:   ErrXML,
		`<a><b></a></b>`:                                         ErrXML,
		`<a/><b/>`:                                               ErrXML,
		`<a/>text`:                                               ErrXML,
		`<p:a/>`:                                                 ErrXML,
		`<a p:b="1"/>`:                                           ErrXML,
		`<a xmlns:p=""/>`:                                        ErrXML,
		`<a xmlns:xml="urn:evil"/>`:                              ErrXML,
		`<a xmlns:evil="http://www.w3.org/XML/1998/namespace"/>`: ErrXML,
		`<a xmlns:xmlns="urn:x"/>`:                               ErrXML,
		"<a>\x00</a>":                                            ErrXML,
		"<a>\xff</a>":                                            ErrXML,
		"<a>\xed\xa0\x80</a>":                                    ErrXML,
		`<a>]]></a>`:                                             ErrXML,
		`<a b="<"/>`:                                             ErrXML,
		`<a>&#0;</a>`:                                            ErrXML,
		`<a>&#x110000;</a>`:                                      ErrXML,
		`<a><!-- -- --></a>`:                                     ErrXML,
		`<a><?xml version="1.0"?></a>`:                           ErrXML,
		``:                                                       ErrXML,
		`<a`:                                                     ErrXML,
		`<a b`:                                                   ErrXML,
		strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300):    ErrLimit,
		"<a " + strings.Repeat(" ", 10) + attributes(300) + "></a>": ErrLimit,
	} {
		if _, err := Parse([]byte(doc), Limits{}); !errors.Is(err, want) {
			t.Errorf("%.60q: %v, want %v", doc, err, want)
		}
	}
	d := mustParse(t, []byte(`<a xmlns="relative"/>`))
	if err := d.canonical(&bytes.Buffer{}, span{whole: true}, nil, method{}); !errors.Is(err, ErrCanonical) {
		t.Errorf("%v, want %v", err, ErrCanonical)
	}
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + strings.Repeat("x", i) + "='1'")
	}
	return b.String()
}

// Documents in the other encodings are read as what they say.
func TestEncodings(t *testing.T) {
	for _, doc := range [][]byte{
		[]byte("\xef\xbb\xbf<a>\xd1\x8f</a>"),
		[]byte("<?xml version=\"1.0\" encoding='WINDOWS-1251'?><a>\xff</a>"),
		[]byte("\xff\xfe<\x00a\x00>\x00\x4f\x04<\x00/\x00a\x00>\x00"),
		[]byte("\xfe\xff\x00<\x00a\x00>\x04\x4f\x00<\x00/\x00a\x00>"),
	} {
		if got := canonicalForm(t, doc, c14n10); string(got) != "<a>я</a>" {
			t.Errorf("%q gives %s", doc, got)
		}
	}
}

// A signature that its certificate did not make, or whose algorithm cannot be computed.
func TestValue(t *testing.T) {
	doc := signWith(t, ecKey, []byte("<a/>"))
	s := mustParse(t, doc).Signatures()[0]
	if err := s.Verify(keyOf(t, rsaKey).Certificate); err.Value == nil && err.Algorithm == nil {
		t.Error("another key's certificate holds")
	}
	if c := s.Verify(nil); !errors.Is(c.Value, ErrNoCertificate) || c.Intact() != nil {
		t.Errorf("%+v", c)
	}
	hmac := bytes.Replace(doc, []byte(more2001+"ecdsa-sha256"), []byte(xmldsig+"hmac-sha1"), 1)
	s = mustParse(t, hmac).Signatures()[0]
	if c := s.Verify(s.Certificate(nil)); !errors.Is(c.Algorithm, ErrSymmetric) || c.Intact() != nil {
		t.Errorf("%+v", c)
	}
	unknown := bytes.Replace(doc, []byte(more2001+"ecdsa-sha256"), []byte("urn:x"), 1)
	s = mustParse(t, unknown).Signatures()[0]
	if c := s.Verify(s.Certificate(nil)); !errors.Is(c.Algorithm, pki.ErrUnsupported) || c.Intact() != nil {
		t.Errorf("%+v", c)
	}
	// Without KeyInfo the value tells which of the certificates given is the signer's.
	nameless := regexp.MustCompile(`(?s)<ds:KeyInfo>.*</ds:KeyInfo>`).ReplaceAll(doc, nil)
	s = mustParse(t, nameless).Signatures()[0]
	mine, other := keyOf(t, ecKey).Certificate, keyOf(t, rsaKey).Certificate
	if s.Certificate(nil) != nil || s.Certificate([]*pki.Certificate{other}) != nil || s.Certificate([]*pki.Certificate{other, mine}) != mine {
		t.Error("a signature without KeyInfo has the wrong certificate")
	}
}
