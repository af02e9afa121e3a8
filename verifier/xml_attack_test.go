// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"rastau/internal/pki"
	"rastau/internal/xmldsig"
	"rastau/verifier"
)

// forger rebuilds signed documents, and signs anew where the attacker is the signer.
type forger struct {
	testing.TB
	key *pki.Key
}

func (f forger) replace(s, old, new string) string {
	f.Helper()
	if !strings.Contains(s, old) {
		f.Fatalf("no %q in %s", old, s)
	}
	return strings.Replace(s, old, new, 1)
}

// sign makes the value of the first signature again, over its SignedInfo as it stands now.
func (f forger) sign(doc string) string {
	f.Helper()
	d, err := xmldsig.Parse([]byte(doc), xmldsig.Limits{})
	if err != nil {
		f.Fatal(err)
	}
	info, err := d.Signatures()[0].SignedInfo()
	if err != nil {
		f.Fatal(err)
	}
	sum := sha256.Sum256(info)
	der, err := f.key.Signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		f.Fatal(err)
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		f.Fatal(err)
	}
	value := append(rs.R.FillBytes(make([]byte, 32)), rs.S.FillBytes(make([]byte, 32))...)
	old := cut(f, doc, "<ds:SignatureValue>", "</ds:SignatureValue>")
	return f.replace(doc, old, "<ds:SignatureValue>"+base64.StdEncoding.EncodeToString(value)+"</ds:SignatureValue>")
}

// over gives the document with its reference changed: the URI, the transforms, the octets that were digested.
func (f forger) over(doc, uri, transforms, octets string) string {
	f.Helper()
	reference := cut(f, doc, "<ds:Reference", "</ds:Reference>")
	sum := sha256.Sum256([]byte(octets))
	return f.sign(f.replace(doc, reference, `<ds:Reference URI="`+uri+`">`+transforms+
		`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>`+base64.StdEncoding.EncodeToString(sum[:])+
		`</ds:DigestValue></ds:Reference>`))
}

func transforms(of ...string) string {
	out := "<ds:Transforms>"
	for _, t := range of {
		if !strings.HasPrefix(t, "<") {
			t = `<ds:Transform Algorithm="` + t + `"/>`
		}
		out += t
	}
	return out + "</ds:Transforms>"
}

// Attacks by those who change a document, and by signers who want two readers to see two documents. None may pass.
func TestXMLAttacks(t *testing.T) {
	h := newHouse(t)
	k, thief := h.person(t), h.person(t)
	f := forger{t, k}
	const (
		out    = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
		c14n   = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
		exc    = "http://www.w3.org/2001/10/xml-exc-c14n#"
		base64 = "http://www.w3.org/2000/09/xmldsig#base64"
		xpath  = "http://www.w3.org/TR/1999/REC-xpath-19991116"
		open   = "<ds:Signature "
		end    = "</ds:Signature>"
		pay    = `<pay Id="p"><to>Asel</to></pay>`
		evil   = `<payment><to>Thief</to></payment>`
	)
	byID := string(signXML(t, k, `<doc>`+pay+`</doc>`, element("p")))
	bare := string(signXML(t, k, `<doc>`+pay+`</doc>`, element("p"), func(o *xmldsig.SignOptions) { o.Canonical = exc }))
	plain := string(signXML(t, k, `<pay><to>Asel</to></pay>`))
	whole := string(signXML(t, k, `<pay><to>Asel</to></pay>`, asXAdES))
	soap := string(secured(t, k, message))
	two := string(signXML(t, thief, whole, asXAdES))
	coded := f.over(string(signXML(t, k, `<doc><pay Id="p">QXNlbA==</pay></doc>`, element("p"))), "#p", transforms(base64), "Asel")
	sig := cut(t, plain, open, end)
	first := cut(t, two, open, end)
	second := two[strings.LastIndex(two, open) : strings.LastIndex(two, end)+len(end)]
	thiefs := string(signXML(t, thief, `<pay><to>Asel</to></pay>`, asXAdES))
	other := string(secured(t, thief, message))
	certificateOf := func(doc string) string { return cut(t, doc, "<ds:X509Certificate>", "</ds:X509Certificate>") }
	identifier := func(doc string) string { return cut(t, doc, "<wsse:KeyIdentifier", "</wsse:KeyIdentifier>") }
	security := cut(t, soap, "<wsse:Security", "</wsse:Security>")
	body := cut(t, soap, "<soap:Body", "</soap:Body>")
	method := func(doc, uri string) string {
		m := cut(t, doc, "<ds:SignatureMethod", ">")
		return f.sign(f.replace(doc, m, `<ds:SignatureMethod Algorithm="`+uri+`"/>`))
	}
	for name, doc := range map[string]string{
		"by identifier": byID, "exclusive": bare, "whole": whole, "plain": plain, "message": soap, "two": two, "base64": coded,
		"made again": f.over(plain, "", transforms(out), `<pay><to>Asel</to></pay>`),
	} {
		if r := h.v.Document(t.Context(), []byte(doc), h.knowing()); r.Indication != passed {
			t.Fatalf("%s: the document itself does not pass: %v %s", name, r.Indication, r.Deciding().Texts().EN)
		}
	}
	attacks := map[string]string{
		"a stylesheet before what was signed":          `<?xml-stylesheet href="evil.xsl"?>` + byID,
		"a stylesheet beside what was signed":          f.replace(byID, "<doc>", `<doc><?show evil?>`),
		"an instruction behind what was signed":        byID + `<?show evil?>`,
		"an instruction inside the signature":          f.replace(whole, "<ds:KeyInfo>", `<?show evil?><ds:KeyInfo>`),
		"an instruction in a message":                  f.replace(soap, "<soap:Body", `<?show evil?><soap:Body`),
		"an attribute of the signature":                f.replace(whole, open, `<ds:Signature to="Thief" `),
		"an attribute of the signature, with a prefix": f.replace(whole, open, `<ds:Signature xmlns:e="urn:e" e:to="Thief" `),
		"an attribute of the value":                    f.replace(whole, "<ds:SignatureValue", `<ds:SignatureValue to="Thief"`),
		"an attribute of the key information":          f.replace(whole, "<ds:KeyInfo", `<ds:KeyInfo to="Thief"`),
		"an attribute of SignedInfo, signed":           f.sign(f.replace(plain, "<ds:SignedInfo", `<ds:SignedInfo to="Thief"`)),
		"a base around what was signed":                f.replace(bare, "<doc>", `<doc xml:base="http://evil.example/">`),
		"a language around what was signed":            f.replace(byID, "<doc>", `<doc xml:lang="en">`),
		"the identifier again with a space":            f.replace(byID, "<doc>", `<doc><x Id=" p"/>`),
		"the identifier again with a line end":         f.replace(byID, "<doc>", "<doc><x Id=\"p&#10;\"/>"),
		"version 1.1":                                  `<?xml version="1.1"?>` + whole,
		"a code with a shared secret":                  f.replace(plain, cut(t, plain, "<ds:SignatureMethod", ">"), `<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"/>`),
		"the national algorithm with another key":      method(plain, "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:gostr34102015-gostr34112015-512"),
		"RSA with an ECDSA key":                        method(plain, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
		"another hash than was signed":                 method(plain, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"),
		"the signature out twice":                      f.over(plain, "", transforms(out, out), `<pay><to>Asel</to></pay>`),
		"canonical form twice":                         f.over(plain, "", transforms(out, c14n, exc), `<pay><to>Asel</to></pay>`),
		"octets made nodes again":                      f.over(plain, "", transforms(c14n, out), `<pay><to>Asel</to></pay>`),
		"five transforms":                              f.over(plain, "", transforms(out, c14n, c14n, c14n, c14n), `<pay><to>Asel</to></pay>`),
		"an expression with another prefix": f.over(plain, "", transforms(`<ds:Transform Algorithm="`+xpath+
			`"><ds:XPath xmlns:e="urn:e">not(ancestor-or-self::e:Signature)</ds:XPath></ds:Transform>`), `<pay><to>Asel</to></pay>`),
		"an expression that takes more out": f.over(plain, "", transforms(`<ds:Transform Algorithm="`+xpath+
			`"><ds:XPath>not(ancestor-or-self::ds:Signature) and not(self::to)</ds:XPath></ds:Transform>`), `<pay></pay>`),
		"a pointer by path":                f.over(byID, "#xpointer(/doc/pay)", transforms(c14n), pay),
		"a pointer with other quotes":      f.over(byID, "#xpointer(id(&quot;p&quot;))", transforms(c14n), pay),
		"an element pointer":               f.over(byID, "#element(/1/1)", transforms(c14n), pay),
		"no URI":                           f.sign(f.replace(plain, ` URI=""`, "")),
		"the document by its name":         f.over(plain, "pay.xml", transforms(c14n), `<pay><to>Asel</to></pay>`),
		"an empty element signed":          f.over(string(signXML(t, k, `<doc><x Id="p"/>`+evil+`</doc>`, element("p"))), "#p", transforms(c14n), `<x Id="p"></x>`),
		"base64, and an attribute":         f.replace(coded, `<pay Id="p">`, `<pay Id="p" to="Thief">`),
		"base64, and a tag":                f.replace(coded, "QXNlbA==", `<to>QXNl</to>bA==`),
		"base64, and content beside":       f.replace(coded, "<doc>", "<doc>"+evil),
		"the other signature first":        f.replace(f.replace(two, second, ""), first, second+first),
		"the first signature taken out":    f.replace(two, first, ""),
		"the earlier signature cut open":   f.replace(two, first, f.replace(first, end, "<ds:Object>"+evil+"</ds:Object>"+end)),
		"a signature in a signature":       f.replace(whole, end, "<ds:Object>"+string(signXML(t, thief, evil))+"</ds:Object>"+end),
		"a bare signature in a signature":  f.replace(whole, end, "<ds:Object>"+cut(t, thiefs, open, end)+"</ds:Object>"+end),
		"the signature in its own object":  `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Object>` + plain + `</ds:Object></ds:Signature>`,
		"another's certificate":            f.replace(plain, certificateOf(plain), certificateOf(thiefs)),
		"another's certificate, own key":   f.replace(f.replace(plain, certificateOf(plain), certificateOf(thiefs)), "<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName>"+k.Certificate.Subject.String()+"</ds:KeyName>"),
		"another's properties, referenced": f.replace(whole, cut(t, whole, "<xades:SignedProperties", "</xades:SignedProperties>"), cut(t, thiefs, "<xades:SignedProperties", "</xades:SignedProperties>")),
		"properties by their type alone": f.sign(f.replace(whole, cut(t, whole, `<ds:Reference URI="">`, "</ds:Reference>"),
			strings.Replace(cut(t, whole, `<ds:Reference URI="">`, "</ds:Reference>"), `URI=""`, `URI="" Type="http://uri.etsi.org/01903#SignedProperties"`, 1))),
		"another's token":                     f.replace(soap, identifier(soap), identifier(other)),
		"two security headers, one another's": f.replace(soap, security, security+strings.Replace(cut(t, other, "<wsse:Security", "</wsse:Security>"), "<wsse:Security", `<wsse:Security soap:actor="urn:next"`, 1)),
		"the header behind the body":          f.replace(soap, body, body+"<soap:Header><to>Thief</to></soap:Header>"+evil),
		"the body as a header of its own":     f.replace(soap, body, `<e:Header xmlns:e="urn:e">`+evil+`</e:Header>`+body),
		"the signature out of the header":     f.replace(f.replace(soap, security, ""), body, body+security),
		"an object in a message's signature":  f.replace(soap, end, "<ds:Object>"+evil+"</ds:Object>"+end),
		"text in an object of a message":      f.replace(soap, end, "<ds:Object>pay 9</ds:Object>"+end),
		"another document around":             `<docs>` + plain + f.replace(plain, sig, "") + `</docs>`,
	}
	for name, doc := range attacks {
		t.Run(name, func(t *testing.T) {
			r := h.v.Document(t.Context(), []byte(doc), h.knowing())
			if r.Indication == passed {
				t.Fatalf("accepted:\n%s", doc)
			}
			t.Logf("%v/%s by %s: %s", r.Indication, r.SubIndication, r.Deciding().Key, r.Deciding().Texts().EN)
		})
	}
}

// What passes says what was signed, whose it is, and claims nothing that nobody signed.
func TestXMLSaysWhatWasSigned(t *testing.T) {
	h := newHouse(t)
	k, thief := h.person(t), h.person(t)
	f := forger{t, k}
	judge := func(doc string, q verifier.Question) *verifier.Report {
		t.Helper()
		r := h.v.Document(t.Context(), []byte(doc), q)
		if r.Indication != passed {
			t.Fatalf("%v %s\n%s", r.Indication, r.Deciding().Texts().EN, doc)
		}
		return r
	}
	exclusive := func(o *xmldsig.SignOptions) { o.Canonical = "http://www.w3.org/2001/10/xml-exc-c14n#" }
	s := judge(string(signXML(t, k, `<doc Id="d" xml:lang="kk" xmlns:t="urn:t"><in><pay Id="p" type="t:x">1</pay></in></doc>`, element("p"), exclusive)), h.knowing()).Signatures[0]
	if got := strings.Join(s.Scope.Signed, "|") + ";" + strings.Join(s.Scope.Around, "|"); got != "/doc/in/pay (#p);doc|xmlns:t of doc|Id of doc|lang of doc|in" || len(s.Scope.Unsigned) != 0 {
		t.Errorf("scope %s, unsigned %v", got, s.Scope.Unsigned)
	}
	typed := string(secured(t, k, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><a xmlns:t="urn:t" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="t:x"/></s:Body></s:Envelope>`))
	if s := judge(typed, h.knowing()).Signatures[0]; strings.Join(s.Scope.Prefixes, " ") != "t" {
		t.Errorf("prefixes %v", s.Scope.Prefixes)
	}
	// What nobody signed around the body of a message is named, wherever it stands.
	around := f.replace(f.replace(f.replace(string(secured(t, k, message)), "<soap:Envelope ", `<soap:Envelope mode="x" soap:encodingStyle="urn:e" `),
		"<ds:Signature ", "<wrap><note/></wrap><ds:Signature "), "<wsse:Security ", "<trace/><wsse:Security ")
	if s := judge(around, h.knowing()).Signatures[0]; strings.Join(s.Scope.Unsigned, " ") != "mode of Envelope trace wrap" {
		t.Errorf("unsigned %v", s.Scope.Unsigned)
	}
	// What follows a signature's key decides whose it is, wherever its certificate stands.
	plain := string(signXML(t, k, `<pay>1</pay>`))
	own := cut(t, plain, "<ds:X509Certificate>", "</ds:X509Certificate>")
	foreign := cut(t, string(signXML(t, thief, `<pay>1</pay>`)), "<ds:X509Certificate>", "</ds:X509Certificate>")
	if s := judge(f.replace(plain, own, foreign+own), h.knowing()).Signatures[0]; string(s.Certificate.Raw) != string(k.Certificate.Raw) {
		t.Error("the first certificate counts instead of the one that signed")
	}
	// Properties that no reference covers are no claim.
	properties := string(signXML(t, k, `<pay>1</pay>`, asXAdES))
	all := strings.SplitAfter(cut(t, properties, "<ds:Reference", "</ds:SignedInfo>"), "</ds:Reference>")
	left := f.sign(f.replace(properties, all[1], ""))
	if s := judge(left, h.knowing()).Signatures[0]; s.ClaimedTime != nil || s.Level != "none" {
		t.Errorf("claimed %v, level %s", s.ClaimedTime, s.Level)
	}
	// A property that anyone may add, and that cannot be read, takes nothing away.
	added := f.replace(properties, "</xades:SignedProperties>", `</xades:SignedProperties><xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:SignatureTimeStamp><xades:Include URI="#x"/></xades:SignatureTimeStamp></xades:UnsignedSignatureProperties></xades:UnsignedProperties>`)
	if s := judge(added, h.knowing()).Signatures[0]; s.Level != "B" || s.SigningTime != nil {
		t.Errorf("level %s, time %v", s.Level, s.SigningTime)
	}
	// Without KeyInfo the certificate comes with the question.
	nameless := f.replace(plain, cut(t, plain, "<ds:KeyInfo>", "</ds:KeyInfo>"), "")
	q := h.knowing()
	q.Certs = append(q.Certs, thief.Certificate)
	if r := h.v.Document(t.Context(), []byte(nameless), q); r.SubIndication != verifier.NoSigningCertificateFound || !strings.Contains(r.Deciding().Texts().EN, "none of those given") {
		t.Errorf("%v %s", r.Indication, r.Deciding().Texts().EN)
	}
	q.Certs = append(q.Certs, k.Certificate)
	judge(nameless, q)
}
