// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"strings"
	"testing"

	"rastau/internal/xmldsig"
)

// cut gives the text between two marks, marks included.
func cut(t testing.TB, s, from, to string) string {
	t.Helper()
	i := strings.Index(s, from)
	j := strings.Index(s[max(i, 0):], to)
	if i < 0 || j < 0 {
		t.Fatalf("no %q … %q in %s", from, to, s)
	}
	return s[i : i+j+len(to)]
}

// Signed documents rebuilt around their signatures, none of which may pass. Each begins with one that does.
func TestXMLWrapping(t *testing.T) {
	h := newHouse(t)
	k, thief := h.person(t), h.person(t)
	const paid = `<pay Id="p"><to>Asel</to><sum>100</sum></pay>`
	const evil = `<pay><to>Thief</to><sum>100</sum></pay>`
	byID := string(signXML(t, k, `<doc>`+paid+`</doc>`, element("p")))
	exc := string(signXML(t, k, `<doc>`+paid+`</doc>`, element("p"), func(o *xmldsig.SignOptions) { o.Canonical = "http://www.w3.org/2001/10/xml-exc-c14n#" }))
	whole := string(signXML(t, k, `<pay><to>Asel</to><sum>100</sum></pay>`, asXAdES))
	soap := string(secured(t, k, message))
	thiefs := string(signXML(t, thief, evil, asXAdES))
	const open, end = "<ds:Signature ", "</ds:Signature>"
	sig := func(doc string) string { return cut(t, doc, open, end) }
	body := cut(t, soap, "<soap:Body", "</soap:Body>")
	security := cut(t, soap, "<wsse:Security", "</wsse:Security>")
	envelope := func(header, bodies string) string {
		return `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header>` + header + `</soap:Header>` + bodies + `</soap:Envelope>`
	}
	id := cut(t, body, `wsu:Id="`, `">`)
	const evilBody = `<soap:Body><ask xmlns="urn:kz:gbd">Басқа</ask></soap:Body>`
	replace := func(s, old, new string) string {
		t.Helper()
		if !strings.Contains(s, old) {
			t.Fatalf("no %q in %s", old, s)
		}
		return strings.Replace(s, old, new, 1)
	}
	info := cut(t, whole, "<ds:SignedInfo>", "</ds:SignedInfo>")
	value := cut(t, whole, "<ds:SignatureValue>", "</ds:SignatureValue>")
	digest := strings.TrimSuffix(strings.TrimPrefix(cut(t, byID, "<ds:DigestValue>", "</ds:DigestValue>"), "<ds:DigestValue>"), "</ds:DigestValue>")
	transforms := cut(t, whole, "<ds:Transforms>", "</ds:Transforms>")
	for name, doc := range map[string]string{"by identifier": byID, "exclusive": exc, "whole": whole, "message": soap} {
		if r := h.v.Document(t.Context(), []byte(doc), h.knowing()); r.Indication != passed {
			t.Fatalf("%s: the document itself does not pass: %v", name, r.Deciding())
		}
	}
	object := func(s, content string) string { return replace(s, end, "<ds:Object>"+content+"</ds:Object>"+end) }
	attacks := map[string]string{
		"original in a wrapper, evil with its identifier":      `<doc><pay Id="p"><to>Thief</to></pay><old>` + paid + `</old>` + sig(byID) + `</doc>`,
		"original in a wrapper, evil with another identifier":  `<doc><pay Id="q"><to>Thief</to></pay><old>` + paid + `</old>` + sig(byID) + `</doc>`,
		"original in a wrapper, evil without one":              `<doc>` + evil + `<old>` + paid + `</old>` + sig(byID) + `</doc>`,
		"evil behind the signature":                            `<doc><old>` + paid + `</old>` + sig(byID) + evil + `</doc>`,
		"evil before the original":                             `<doc>` + evil + paid + sig(byID) + `</doc>`,
		"evil after the original":                              `<doc>` + paid + evil + sig(byID) + `</doc>`,
		"evil around the original":                             `<doc><pay><to>Thief</to>` + paid + `</pay>` + sig(byID) + `</doc>`,
		"original in an object of its own signature":           `<doc>` + evil + object(sig(byID), paid) + `</doc>`,
		"original in an object, evil by another name":          `<doc><payment><to>Thief</to></payment>` + object(sig(byID), paid) + `</doc>`,
		"original in an object of a made signature":            `<doc>` + evil + `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Object>` + paid + `</ds:Object></ds:Signature>` + sig(byID) + `</doc>`,
		"original inside the key information":                  `<doc>` + evil + replace(sig(byID), "<ds:KeyInfo>", "<ds:KeyInfo>"+paid) + `</doc>`,
		"evil in an object, the original in its place":         replace(byID, sig(byID), object(sig(byID), evil)),
		"evil in an object, by another name":                   replace(byID, sig(byID), object(sig(byID), `<payment><to>Thief</to></payment>`)),
		"evil in an object, the whole document signed":         object(whole, evil),
		"a part of evil in an object, the whole signed":        object(whole, `<to>Thief</to>`),
		"text in an object, the whole signed":                  object(whole, `to Thief`),
		"evil beside the properties":                           replace(whole, "</xades:QualifyingProperties>", "</xades:QualifyingProperties>"+evil),
		"evil inside the key information":                      replace(whole, "<ds:KeyInfo>", "<ds:KeyInfo>"+evil),
		"a new root around everything":                         `<pay><to>Thief</to>` + byID + `</pay>`,
		"signature as the root, original in its object":        object(sig(byID), evil+paid),
		"evil in another namespace":                            `<doc><pay xmlns="urn:evil"><to>Thief</to></pay><old>` + paid + `</old>` + sig(byID) + `</doc>`,
		"evil with a prefix":                                   `<doc xmlns:e="urn:evil"><e:pay><to>Thief</to></e:pay><old>` + paid + `</old>` + sig(byID) + `</doc>`,
		"the identifier again as ID":                           replace(byID, "<doc>", `<doc><x ID="p"/>`),
		"the identifier again as id":                           replace(byID, "<doc>", `<doc><x id="p"/>`),
		"the identifier again as xml:id":                       replace(byID, "<doc>", `<doc><x xml:id="p"/>`),
		"the identifier again as wsu:Id":                       replace(byID, "<doc>", `<doc><x xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" w:Id="p"/>`),
		"the identifier again as a reference":                  replace(byID, "<doc>", `<doc><x Id="&#112;"/>`),
		"the identifier again on the root":                     replace(byID, "<doc>", `<doc Id="p">`),
		"text around the original":                             replace(byID, "<doc>", `<doc>to Thief `),
		"a section around the original":                        replace(byID, "<doc>", `<doc><![CDATA[to Thief]]>`),
		"attributes around the original":                       replace(byID, "<doc>", `<doc to="Thief">`),
		"the original taken away":                              replace(byID, paid, evil),
		"the identifier moved to evil":                         replace(replace(byID, `<pay Id="p">`, `<pay>`), `</pay>`, `</pay><pay Id="p"><to>Thief</to></pay>`),
		"a namespace over the original":                        replace(byID, "<doc>", `<doc xmlns="urn:evil">`),
		"a namespace over the original, exclusive":             replace(exc, "<doc>", `<doc xmlns="urn:evil">`),
		"a comment inside a text":                              replace(byID, "<to>Asel", `<to>As<!-- -->el`),
		"a comment before a text":                              replace(whole, "<to>Asel", `<to><!-- -->Asel`),
		"a comment in the digest":                              replace(byID, digest, digest[:8]+"<!-- -->"+digest[8:]),
		"an element in the digest":                             replace(byID, digest, digest+"<x/>"),
		"a comment in the signature value":                     replace(whole, "<ds:SignatureValue>", "<ds:SignatureValue><!-- AAAA -->"),
		"another SignedInfo in front":                          replace(whole, info, strings.Replace(info, digestOf(t, info), digest, 1)+info),
		"another SignedInfo behind":                            replace(whole, value, value+strings.Replace(info, digestOf(t, info), digest, 1)),
		"SignedInfo hidden in an object, another in its place": object(replace(whole, info, strings.Replace(info, digestOf(t, info), digest, 1)), info),
		"another value":                                        replace(whole, value, value+value),
		"another reference":                                    replace(whole, "</ds:SignedInfo>", cut(t, byID, "<ds:Reference", "</ds:Reference>")+"</ds:SignedInfo>"),
		"no reference":                                         replace(whole, cut(t, whole, "<ds:Reference", "</ds:Reference>"), ""),
		"the reference to the properties alone":                replace(whole, cut(t, whole, `<ds:Reference URI="">`, "</ds:Reference>"), ""),
		"the thief's signature over the original":              replace(whole, sig(whole), sig(thiefs)),
		"the original's signature over evil":                   replace(thiefs, sig(thiefs), sig(whole)),
		"the thief's certificate":                              replace(whole, cut(t, whole, "<ds:KeyInfo>", "</ds:KeyInfo>"), cut(t, thiefs, "<ds:KeyInfo>", "</ds:KeyInfo>")),
		"the thief's properties":                               replace(whole, cut(t, whole, "<ds:Object>", "</ds:Object>"), cut(t, thiefs, "<ds:Object>", "</ds:Object>")),
		"an empty signature beside":                            replace(whole, open, `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Object>`+evil+`</ds:Object></ds:Signature>`+open),
		"the same signature twice":                             replace(whole, end, end+sig(whole)),
		"a stylesheet as transform":                            replace(whole, transforms, `<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/></ds:Transforms>`),
		"an expression that selects nothing":                   replace(whole, transforms, `<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>false()</ds:XPath></ds:Transform></ds:Transforms>`),
		"a reference out of the document":                      replace(whole, `<ds:Reference URI="">`, `<ds:Reference URI="http://127.0.0.1:1/x">`),
		"a reference into a file":                              replace(whole, `<ds:Reference URI="">`, `<ds:Reference URI="file:///etc/passwd">`),
		"an entity":                                            `<!DOCTYPE pay [<!ENTITY e "Thief">]>` + replace(whole, "Asel", "&e;"),
		"a document type alone":                                `<!DOCTYPE pay>` + whole,
		"a namespace that looks like it":                       strings.ReplaceAll(whole, `xmlns:ds="http://www.w3.org/2000/09/xmldsig#"`, `xmlns:ds="http://www.w3.org/2000/09/xmldsig"`),
		"the body in a header, evil without an identifier":     envelope(security+`<wrap>`+body+`</wrap>`, evilBody),
		"the body in a header, evil with its identifier":       envelope(security+`<wrap>`+body+`</wrap>`, replace(evilBody, "<soap:Body>", `<soap:Body xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" `+id)),
		"the body inside the security header":                  envelope(replace(security, "</wsse:Security>", body+"</wsse:Security>"), evilBody),
		"the body in an object of the signature":               envelope(replace(security, end, "<ds:Object>"+body+"</ds:Object>"+end), evilBody),
		"two bodies":                                           envelope(security, evilBody+body),
		"an element behind the body":                           envelope(security, body+`<q xmlns="urn:q">9</q>`),
		"text behind the body":                                 envelope(security, body+"pay 9"),
		"two bodies, the other way round":                      envelope(security, body+evilBody),
		"a body in another namespace":                          envelope(security, `<e:Body xmlns:e="urn:evil">x</e:Body>`+body),
		"a message in a message":                               envelope("", `<soap:Body>`+soap+`</soap:Body>`),
		"a header signed instead of the body":                  string(signXML(t, thief, envelope(`<x Id="h">1</x>`, evilBody), element("h"))),
	}
	if len(attacks) < 30 {
		t.Fatalf("only %d attacks", len(attacks))
	}
	for name, doc := range attacks {
		t.Run(name, func(t *testing.T) {
			r := h.v.Document(t.Context(), []byte(doc), h.knowing())
			if r.Indication == passed {
				t.Fatalf("accepted:\n%s", doc)
			}
			if r.Intact != nil && *r.Intact && r.Deciding().Key != "signature.scope" && r.Deciding().Key != "signature.certificate" {
				t.Errorf("intact, and refused for %s (%s)", r.Deciding().Key, r.Deciding().Texts().EN)
			}
			t.Logf("%v/%s by %s", r.Indication, r.SubIndication, r.Deciding().Key)
		})
	}
}

func digestOf(t testing.TB, info string) string {
	t.Helper()
	return strings.TrimSuffix(strings.TrimPrefix(cut(t, info, "<ds:DigestValue>", "</ds:DigestValue>"), "<ds:DigestValue>"), "</ds:DigestValue>")
}

// The public bypasses of other readers, each of which accepted such a document.
func TestXMLPublicBypasses(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	doc := string(signXML(t, k, `<a><b Id="one">1</b><c Id="two">2</c></a>`, asXAdES))
	reference := cut(t, doc, "<ds:Reference", "</ds:Reference>")
	info := cut(t, doc, "<ds:SignedInfo>", "</ds:SignedInfo>")
	for name, bad := range map[string]string{
		// goxmldsig GHSA-479m-364c-43vc: with several references the digest of one was compared with the content of another.
		"GHSA-479m-364c-43vc": strings.Replace(strings.Replace(doc, `<c Id="two">2</c>`, `<c Id="two">9</c>`, 1), reference, reference+strings.Replace(reference, `URI=""`, `URI="#one"`, 1), 1),
		// goxmldsig CVE-2020-15216: a second SignedInfo, of which one was verified and the other read.
		"CVE-2020-15216": strings.Replace(strings.Replace(doc, "Id=\"one\">1", "Id=\"one\">9", 1), info, strings.Replace(info, "URI=\"\"", "URI=\"#two\"", 1)+info, 1),
		// signedxml CVE-2023-34205: what was read from the bytes as received differed from what was canonicalised, here by a
		// section and a comment inside SignedInfo.
		"CVE-2023-34205":         strings.Replace(doc, digestOf(t, info), "<![CDATA["+digestOf(t, info)[:4]+"]]><!-- -->"+digestOf(t, info)[4:], 1),
		"CVE-2023-34205, method": strings.Replace(doc, "<ds:SignedInfo>", "<ds:SignedInfo><!-- <ds:Reference/> -->x", 1),
	} {
		if bad == doc {
			t.Fatalf("%s: nothing was changed", name)
		}
		r := h.v.Document(t.Context(), []byte(bad), h.knowing())
		if r.Indication == passed || r.Intact != nil && *r.Intact {
			t.Errorf("%s: %v, intact %v", name, r.Indication, r.Intact)
		}
	}
}
