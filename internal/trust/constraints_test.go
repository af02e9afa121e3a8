// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"rastau/internal/pki"
	"rastau/internal/trust"
)

func general(tag int, text string) pki.GeneralName { return pki.GeneralName{Tag: tag, Text: text} }

func address(s string) pki.GeneralName {
	ip := net.ParseIP(s)
	if v4 := ip.To4(); v4 != nil && !strings.HasPrefix(s, "::") {
		ip = v4
	}
	return pki.GeneralName{Tag: pki.IPName, Bytes: ip}
}

func network(t testing.TB, s string) pki.GeneralName {
	t.Helper()
	_, n, err := net.ParseCIDR(s)
	if err != nil {
		t.Fatal(err)
	}
	return pki.GeneralName{Tag: pki.IPName, Bytes: append([]byte(n.IP), n.Mask...)}
}

// directory makes a name of organization and common name, either "" for none.
func directory(organization, common string) pki.GeneralName {
	var n pki.Name
	for _, a := range []pki.Attribute{{Type: pki.OIDOrganization, Value: organization}, {Type: pki.OIDCommonName, Value: common}} {
		if a.Value != "" {
			a.Tag = 12
			n.RDNs = append(n.RDNs, pki.RDN{a})
		}
	}
	return pki.GeneralName{Tag: pki.DirectoryName, Dir: n}
}

func TestNameConstraints(t *testing.T) {
	const dns, mail, uri = pki.DNSName, pki.RFC822Name, pki.URIName
	for _, tt := range []struct {
		title            string
		name, base       pki.GeneralName
		permitted, meets bool // permitted by the subtree; refused where it is excluded
	}{
		{"host itself", general(dns, "gov.kz"), general(dns, "gov.kz"), true, true},
		{"host below", general(dns, "a.b.GOV.kz"), general(dns, "gov.KZ"), true, true},
		{"host that only ends alike", general(dns, "egov.kz"), general(dns, "gov.kz"), false, false},
		{"host above", general(dns, "kz"), general(dns, "gov.kz"), false, false},
		{"every host", general(dns, "gov.kz"), general(dns, ""), true, true},
		{"wildcard below", general(dns, "*.gov.kz"), general(dns, "gov.kz"), true, true},
		{"wildcard that may be the name", general(dns, "*.gov.kz"), general(dns, "pki.gov.kz"), false, true},
		{"wildcard of one label only", general(dns, "*.gov.kz"), general(dns, "test.pki.gov.kz"), false, false},
		{"malformed host", general(dns, ".gov.kz"), general(dns, "gov.kz"), false, true},
		{"host with an underscore", general(dns, "a_b.gov.kz"), general(dns, "gov.kz"), false, true},

		{"mailbox itself", general(mail, "info@Gov.kz"), general(mail, "info@gov.kz"), true, true},
		{"mailbox of another case", general(mail, "INFO@gov.kz"), general(mail, "info@gov.kz"), false, false},
		{"mailbox on the host", general(mail, "info@gov.kz"), general(mail, "gov.kz"), true, true},
		{"mailbox below the host", general(mail, "info@pki.gov.kz"), general(mail, "gov.kz"), false, false},
		{"mailbox in the domain", general(mail, "info@pki.gov.kz"), general(mail, ".gov.kz"), true, true},
		{"mailbox on the domain itself", general(mail, "info@gov.kz"), general(mail, ".gov.kz"), false, false},
		{"quoted mailbox", general(mail, `"a@b"@gov.kz`), general(mail, "gov.kz"), true, true},
		{"mailbox quoted for nothing", general(mail, `"a"@gov.kz`), general(mail, "a@gov.kz"), true, true},
		{"mailbox with a quoted letter", general(mail, `"\a"@gov.kz`), general(mail, "a@gov.kz"), true, true},
		{"mailbox, the constraint quoted", general(mail, "a@gov.kz"), general(mail, `"a"@gov.kz`), true, true},
		{"two at signs", general(mail, "a@b@gov.kz"), general(mail, "gov.kz"), false, true},
		{"an asterisk means itself", general(mail, "*@pki.gov.kz"), general(mail, "*@gov.kz"), false, false},

		{"URI host", general(uri, "http://pki.gov.kz/cps"), general(uri, "pki.gov.kz"), true, true},
		{"URI host, port and user", general(uri, "https://u:p@PKI.gov.kz:443?x=//gov.us"), general(uri, "pki.gov.kz"), true, true},
		{"URI below", general(uri, "http://pki.gov.kz"), general(uri, ".gov.kz"), true, true},
		{"URI below, but a host is asked", general(uri, "http://pki.gov.kz"), general(uri, "gov.kz"), false, false},
		{"URI whose user looks like a host", general(uri, "http://gov.kz@example.org/"), general(uri, "gov.kz"), false, false},
		{"URI without authority", general(uri, "urn:oid:1.2.398"), general(uri, "gov.kz"), false, true},
		{"URI of an address", general(uri, "http://192.0.2.1/"), general(uri, "gov.kz"), false, true},

		{"address inside", address("192.0.2.77"), network(t, "192.0.2.0/24"), true, true},
		{"address outside", address("192.0.3.77"), network(t, "192.0.2.0/24"), false, false},
		{"long address inside", address("2001:db8::1"), network(t, "2001:db8::/32"), true, true},
		{"short address in long clothes", address("::ffff:192.0.2.77"), network(t, "192.0.2.0/24"), false, true},
		{"address of a wrong length", pki.GeneralName{Tag: pki.IPName, Bytes: []byte{1, 2, 3}}, network(t, "192.0.2.0/24"), false, true},

		{"directory below", directory("Ministry", "Person"), directory("MINISTRY ", ""), true, true},
		{"directory elsewhere", directory("Other", "Person"), directory("Ministry", ""), false, false},
		{"directory above", directory("Ministry", ""), directory("Ministry", "Person"), false, false},

		{"a form that is not evaluated", pki.GeneralName{Tag: pki.OtherName, Bytes: []byte{1}}, pki.GeneralName{Tag: pki.OtherName, Bytes: []byte{2}}, false, true},
		{"registered identifier", general(pki.RegisteredID, "1.2.398"), general(pki.RegisteredID, "1.2.398"), false, true},
		{"a constraint on another form", general(dns, "gov.kz"), general(mail, "example.org"), true, false},
	} {
		t.Run(tt.title, func(t *testing.T) {
			c := &pki.Certificate{SubjectAltNames: []pki.GeneralName{tt.name}}
			tree := []pki.Subtree{{Base: tt.base}}
			if problem := trust.ConstraintProblem(c, &pki.NameConstraints{Permitted: tree}); (problem == "") != tt.permitted {
				t.Errorf("permitted subtree: %q", problem)
			}
			if problem := trust.ConstraintProblem(c, &pki.NameConstraints{Excluded: tree}); (problem != "") != tt.meets {
				t.Errorf("excluded subtree: %q", problem)
			}
		})
	}
}

func TestMalformedConstraints(t *testing.T) {
	for _, tt := range []struct {
		base pki.GeneralName
		want bool
	}{
		{general(pki.DNSName, "gov.kz"), true},
		{general(pki.DNSName, ""), true},
		{general(pki.DNSName, ".gov.kz"), false},
		{general(pki.DNSName, "*.gov.kz"), false},
		{general(pki.DNSName, "gov..kz"), false},
		{general(pki.DNSName, "gov.kz."), false},
		{general(pki.RFC822Name, ".gov.kz"), true},
		{general(pki.RFC822Name, "a@gov.kz"), true},
		{general(pki.RFC822Name, "a@b@gov.kz"), false},
		{general(pki.RFC822Name, "@gov.kz"), false},
		{general(pki.URIName, ".gov.kz"), true},
		{general(pki.URIName, "http://gov.kz"), false},
		{network(t, "192.0.2.0/23"), true},
		{network(t, "0.0.0.0/0"), true},
		{pki.GeneralName{Tag: pki.IPName, Bytes: []byte{192, 0, 2, 0, 255, 0, 255, 0}}, false},
		{pki.GeneralName{Tag: pki.IPName, Bytes: []byte{192, 0, 2, 0}}, false},
		{pki.GeneralName{Tag: pki.OtherName}, true}, // fails where such a name turns up
	} {
		if got := trust.WellFormed(tt.base); got != tt.want {
			t.Errorf("%d %q %x: well-formed %v", tt.base.Tag, tt.base.Text, tt.base.Bytes, got)
		}
	}
}

func TestNameConstraintLayers(t *testing.T) {
	permit := func(bases ...pki.GeneralName) *pki.NameConstraints {
		nc := &pki.NameConstraints{}
		for _, b := range bases {
			nc.Permitted = append(nc.Permitted, pki.Subtree{Base: b})
		}
		return nc
	}
	kz, gov := permit(general(pki.DNSName, "kz")), permit(general(pki.DNSName, "gov.kz"), general(pki.DNSName, "example.org"))
	for _, tt := range []struct {
		host  string
		layer []*pki.NameConstraints
		want  bool
	}{
		{"pki.gov.kz", []*pki.NameConstraints{kz, gov}, true},
		{"example.org", []*pki.NameConstraints{gov}, true},
		{"example.org", []*pki.NameConstraints{kz, gov}, false}, // a CA cannot widen what stands above it
		{"edu.kz", []*pki.NameConstraints{gov, kz}, false},
		{"edu.kz", nil, true},
	} {
		c := &pki.Certificate{SubjectAltNames: []pki.GeneralName{general(pki.DNSName, tt.host)}}
		if problem := trust.ConstraintProblem(c, tt.layer...); (problem == "") != tt.want {
			t.Errorf("%s under %d layers: %q", tt.host, len(tt.layer), problem)
		}
	}
}

// TestMailInSubject: an address in the subject counts as much as an alternative name.
func TestMailInSubject(t *testing.T) {
	c := &pki.Certificate{
		Subject:         pki.Name{RDNs: []pki.RDN{{{Type: pki.OIDEmailAddress, Tag: 22, Value: "a@example.org"}}}},
		SubjectAltNames: []pki.GeneralName{general(pki.RFC822Name, "a@gov.kz")},
	}
	nc := &pki.NameConstraints{Permitted: []pki.Subtree{{Base: general(pki.RFC822Name, "gov.kz")}}}
	if trust.ConstraintProblem(c, nc) == "" {
		t.Error("the address in the subject was not judged")
	}
}

// TestConstraintsBounded: names times constraints end in a refusal, not in seconds.
func TestConstraintsBounded(t *testing.T) {
	c, nc := &pki.Certificate{}, &pki.NameConstraints{}
	for range 512 {
		c.SubjectAltNames = append(c.SubjectAltNames, directory("Ministry", "Person"))
		nc.Excluded = append(nc.Excluded, pki.Subtree{Base: directory("Other", "")})
	}
	started := time.Now()
	if problem := trust.ConstraintProblem(c, nc); !strings.Contains(problem, "too many") {
		t.Errorf("got %q", problem)
	}
	if spent := time.Since(started); spent > time.Second {
		t.Errorf("took %v", spent)
	}
}

// TestConstraintsOnPaths: who is judged by constraints, and how a path reports them.
func TestConstraintsOnPaths(t *testing.T) {
	root := issue(t, nil, "Root", nil, ca)
	limits := func(critical bool) change {
		return func(c *x509.Certificate) {
			c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = critical, []string{"gov.kz"}
		}
	}
	host := func(name string) change { return func(c *x509.Certificate) { c.DNSNames = []string{name} } }
	limited := issue(t, root, "Limited", nil, ca, limits(true))
	// A self-issued certificate between is not judged (RFC 5280 §6.1.3 (b)).
	renewed := issue(t, limited, "Limited", nil, ca, host("example.org"))
	lax := issue(t, root, "Lax", nil, ca, limits(false))
	below := issue(t, limited, "Below", nil, ca, host("example.org"))
	leafLimits := issue(t, root, "Leaf with constraints", nil, limits(true))

	for _, tt := range []struct {
		name    string
		query   trust.Query
		length  int
		reasons []trust.Reason
	}{
		{"inside", ask(issue(t, limited, "Leaf", nil, host("a.gov.kz")), []*party{root}, limited), 2, nil},
		{"outside", ask(issue(t, limited, "Leaf", nil, host("a.kz")), []*party{root}, limited), 2, []trust.Reason{trust.NameConstraint}},
		{"a CA outside", ask(issue(t, below, "Leaf", nil), []*party{root}, limited, below), 3, []trust.Reason{trust.NameConstraint}},
		{"self-issued outside", ask(issue(t, renewed, "Leaf", nil), []*party{root}, limited, renewed), 3, nil},
		{"self-issued outside, as leaf", ask(renewed, []*party{root}, limited), 2, []trust.Reason{trust.NameConstraint}},
		{"not critical", ask(issue(t, lax, "Leaf", nil), []*party{root}, lax), 2, []trust.Reason{trust.Malformed}},
		{"in a leaf", ask(leafLimits, []*party{root}), 1, []trust.Reason{trust.Malformed}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			paths, hint := find(tt.query)
			checkReasons(t, paths, hint, tt.length, tt.reasons)
		})
	}
}
