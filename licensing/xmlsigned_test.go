// SPDX-License-Identifier: Apache-2.0

package licensing_test

import (
	"bytes"
	"strings"
	"testing"

	"rastau/internal/pki"
	"rastau/internal/xmldsig"
	"rastau/licensing"
)

// packaged is the XML that an applicant signs.
func packaged(pkg []byte) string {
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(string(pkg))
	return `<?xml version="1.0" encoding="UTF-8"?><package xmlns="urn:rastau:package">` + text + `</package>`
}

func signedXML(t testing.TB, k *pki.Key, doc string, change ...func(*xmldsig.SignOptions)) []byte {
	t.Helper()
	o := xmldsig.SignOptions{Key: k.Signer, Certificate: k.Certificate, Chain: k.Chain}
	for _, c := range change {
		c(&o)
	}
	out, err := xmldsig.Sign(t.Context(), []byte(doc), o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// An application signed as XML is registered; one that says anything else than the package is not. TestNationalAlgorithms
// does it with the national keys.
func TestSubmitXML(t *testing.T) {
	t.Run("ECDSA", submitXML)
	t.Run("RSA", submitXML)
}

func submitXML(t *testing.T) {
	h := newHouse(t)
	key := h.person(t)
	app := h.draft(t)
	for name, bad := range map[string][]byte{
		"another package": signedXML(t, key, packaged(bytes.Replace(app.Package, []byte("{"), []byte("{ "), 1))),
		"another element": signedXML(t, key, strings.ReplaceAll(packaged(app.Package), "package", "application")),
		"an attribute":    signedXML(t, key, strings.Replace(packaged(app.Package), "<package", `<package note="x"`, 1)),
		"an element":      signedXML(t, key, strings.Replace(packaged(app.Package), "</package>", "<more/></package>", 1)),
		"a part alone": signedXML(t, key, "<doc>"+strings.Replace(strings.TrimPrefix(packaged(app.Package), `<?xml version="1.0" encoding="UTF-8"?>`), "<package", `<package Id="p"`, 1)+"</doc>",
			func(o *xmldsig.SignOptions) { o.Element = "p" }),
		"an instruction":   append([]byte(`<?show evil?>`), signedXML(t, key, strings.TrimPrefix(packaged(app.Package), `<?xml version="1.0" encoding="UTF-8"?>`))...),
		"no signature":     []byte(packaged(app.Package)),
		"altered":          bytes.Replace(signedXML(t, key, packaged(app.Package)), []byte("urn:rastau:package"), []byte("urn:rastau:packagе"), 1),
		"a comment inside": signedXML(t, key, strings.Replace(packaged(app.Package), "{", "<!-- -->{", 1)),
	} {
		sub, err := h.service.Submit(t.Context(), applicant, app.ID, bad)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if sub.Application.Status != licensing.Draft {
			t.Errorf("%s: %s", name, sub.Application.Status)
		}
	}
	good := signedXML(t, key, packaged(app.Package))
	algorithm := "ecdsa-sha256"
	switch {
	case national(t):
		algorithm = "gostr34102015-gostr34112015-512"
	case rsaKeys(t):
		algorithm = "rsa-sha256"
	}
	if !bytes.Contains(good, []byte(algorithm+`"`)) {
		t.Fatalf("not signed with %s", algorithm)
	}
	sub, err := h.service.Submit(t.Context(), applicant, app.ID, good)
	if err != nil {
		t.Fatal(err)
	}
	if sub.Application.Status != licensing.Registered {
		t.Fatalf("%s: %+v", sub.Application.Status, sub.Verdict.Deciding())
	}
	again, err := h.service.Submit(t.Context(), applicant, app.ID, good)
	if err != nil || again.Application.Number != sub.Application.Number {
		t.Errorf("sent again: %v", err)
	}
}
