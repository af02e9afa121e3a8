// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

// FuzzFind asks about any bag of certificates: the first is the leaf, the last
// the anchor. Whatever the bag, Find ends soon, and a valid path is one whose
// every signature and name holds when checked again.
func FuzzFind(f *testing.F) {
	root := issue(f, nil, "Root", nil, ca)
	limited := issue(f, root, "Limited", nil, ca, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"gov.kz"}
		c.PermittedEmailAddresses, c.ExcludedURIDomains = []string{".gov.kz"}, []string{"gov.kz"}
	})
	cross := issue(f, limited, "Root", root.key, ca)
	leaf := issue(f, limited, "Leaf", nil, func(c *x509.Certificate) {
		c.DNSNames, c.EmailAddresses = []string{"a.gov.kz"}, []string{"a@b.gov.kz"}
	})
	bundle := func(parties ...*party) []byte {
		var out []byte
		for _, p := range parties {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Raw})...)
		}
		return out
	}
	for _, seed := range [][]byte{
		bundle(leaf, limited, root), bundle(leaf, cross, limited, root), bundle(root, root), bundle(leaf, root), bundle(cross, limited, cross),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		certificates, err := pki.ReadCertificates(data)
		if err != nil || len(certificates) == 0 {
			return
		}
		q := trust.Query{
			Leaf: certificates[0], Candidates: certificates, At: at, AnchorConstraints: len(data)%2 == 0,
			Anchors: []trust.Anchor{trust.AnchorOf(certificates[len(certificates)-1])},
		}
		started := time.Now()
		paths, hint := trust.Find(context.Background(), q)
		if spent := time.Since(started); spent > 10*time.Second {
			t.Errorf("took %v", spent)
		}
		if (len(paths) == 0) != (hint != "") {
			t.Errorf("%d paths and the hint %q", len(paths), hint)
		}
		for _, p := range paths {
			if !p.Valid() || q.Leaf.SHA256 == p.Anchor.Certificate.SHA256 {
				continue // a leaf that is the anchor is trusted as it stands
			}
			for i, c := range p.Certificates {
				issuer := p.Issuer(i)
				if !c.Issuer.Equal(issuer.Name) || c.CheckSignatureFrom(&issuer.Key) != nil || at.Before(c.NotBefore) || at.After(c.NotAfter) {
					t.Errorf("a valid path does not hold at %d", i)
				}
			}
		}
	})
}

// FuzzNameConstraints holds, for any name and constraint of a form: what a
// permitted subtree lets pass, the same subtree refuses where it is excluded.
func FuzzNameConstraints(f *testing.F) {
	for tag, pairs := range map[int][][2]string{
		pki.DNSName:    {{"a.gov.kz", "gov.kz"}, {"*.gov.kz", "pki.gov.kz"}, {"", ""}},
		pki.RFC822Name: {{"a@gov.kz", ".gov.kz"}, {`"a@b"@c.kz`, "a@c.kz"}},
		pki.URIName:    {{"http://u@h.kz:80/", "h.kz"}, {"urn:x", ""}},
		pki.IPName:     {{"\xc0\x00\x02\x01", "\xc0\x00\x02\x00\xff\xff\xff\x00"}, {"\x01", "\x01\x02\x03\x04\x00\xff\x00\x00"}},
	} {
		for _, p := range pairs {
			f.Add(tag, p[0], p[1])
		}
	}
	f.Fuzz(func(t *testing.T, tag int, name, base string) {
		form := func(s string) pki.GeneralName {
			return pki.GeneralName{Tag: tag, Text: s, Bytes: []byte(s)}
		}
		if !trust.WellFormed(form(base)) {
			return // such a CA certificate is refused as malformed
		}
		c := &pki.Certificate{SubjectAltNames: []pki.GeneralName{form(name)}}
		tree := []pki.Subtree{{Base: form(base)}}
		permitted := trust.ConstraintProblem(c, &pki.NameConstraints{Permitted: tree}) == ""
		refused := trust.ConstraintProblem(c, &pki.NameConstraints{Excluded: tree}) != ""
		if permitted && !refused {
			t.Errorf("form %d: %q passes %q permitted and excluded alike", tag, name, base)
		}
	})
}
