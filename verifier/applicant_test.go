// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/identity"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// subjectOf writes a name with a serialNumber or organizational unit as given.
func subjectOf(attributes ...[2]string) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, a := range append([][2]string{{string(pki.OIDCommonName), "СЫНАҚОВ СЫНАҚ"}}, attributes...) {
			b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					pki.AddOID(b, pki.OID(a[0]))
					b.AddASN1(asn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a[1])) })
				})
			})
		}
	})
	return b.BytesOrPanic()
}

// withDigit makes a BIN of another body or unit: its check digit is only a warning.
func withDigit(n string, i int, d byte) string { return n[:i] + string(d) + n[i+1:] }

// The matching matrix, row by row: who may sign as what.
func TestApplicants(t *testing.T) {
	const (
		sign, serial, unit = pki.OIDEmailProtection, string(pki.OIDSerialNumber), string(pki.OIDOrganizationalUnit)
		system             = pki.OIDRoleSystem + ".77"
	)
	roles := func(r ...pki.OID) []pki.OID { return append([]pki.OID{sign}, r...) }
	person := testpki.Leaf{IIN: iin, ExtKeyUsage: roles(pki.OIDRoleIndividual)}
	body := func(b string, r ...pki.OID) testpki.Leaf {
		return testpki.Leaf{IIN: iin, BIN: b, Organization: "Сынақ ЖШС", ExtKeyUsage: roles(append([]pki.OID{pki.OIDRoleLegal}, r...)...)}
	}
	head, signer := body(bin, pki.OIDRoleHead), body(bin, pki.OIDRoleSigner)
	finance, hr, employee := body(bin, pki.OIDRoleFinancial), body(bin, pki.OIDRoleHR), body(bin, pki.OIDRoleEmployee)
	joint, branch := withDigit(bin, 4, '6'), withDigit(bin, 5, '1')
	machine := body(bin, system)
	machine.IIN = ""
	raw := func(l testpki.Leaf, attributes ...[2]string) testpki.Leaf {
		l.RawSubject = subjectOf(attributes...)
		return l
	}
	tests := []struct {
		name   string
		kind   verifier.Applicant
		leaf   testpki.Leaf
		change func(*verifier.Question)
		key    string // of the refusal; "" passes
	}{
		{"a person", verifier.NaturalPerson, person, nil, ""},
		{"a person, by number", verifier.NaturalPerson, person, func(q *verifier.Question) { q.IIN = iin }, ""},
		{"a person under another name", verifier.NaturalPerson, testpki.Leaf{CommonName: "ЕРТЕҢ АТЫ", IIN: iin, ExtKeyUsage: person.ExtKeyUsage},
			func(q *verifier.Question) { q.IIN = iin }, ""},
		{"a namesake", verifier.NaturalPerson, person, func(q *verifier.Question) {
			q.IIN = identity.NewIIN(time.Date(1990, 1, 2, 0, 0, 0, 0, time.UTC), false, 77)
		}, "holder.iin"},
		{"a head as a person", verifier.NaturalPerson, head, nil, "holder.capacity"},
		{"a certificate with a BIN and a person's role", verifier.NaturalPerson, testpki.Leaf{IIN: iin, BIN: bin, ExtKeyUsage: person.ExtKeyUsage}, nil, "holder.capacity"},
		{"a role in a body without its BIN", verifier.NaturalPerson, testpki.Leaf{IIN: iin, ExtKeyUsage: roles(pki.OIDRoleIndividual, pki.OIDRoleEmployee)}, nil, "holder.capacity"},
		{"a person without an IIN", verifier.NaturalPerson, testpki.Leaf{ExtKeyUsage: person.ExtKeyUsage}, nil, "holder.capacity"},
		{"no role at all", verifier.NaturalPerson, testpki.Leaf{IIN: iin, ExtKeyUsage: roles()}, nil, "holder.capacity"},
		{"two IINs", verifier.NaturalPerson, raw(person, [2]string{serial, "IIN" + iin}, [2]string{serial, "IIN" + withDigit(iin, 10, '9')}), nil, "holder.capacity"},
		{"lower case", verifier.NaturalPerson, raw(person, [2]string{serial, "iin" + iin}), nil, "holder.capacity"},
		{"Cyrillic look-alikes", verifier.NaturalPerson, raw(person, [2]string{serial, "ІІN" + iin}), nil, "holder.capacity"},
		{"a look-alike BIN hidden in a person's certificate", verifier.NaturalPerson, raw(person, [2]string{serial, "IIN" + iin}, [2]string{unit, "ВIN" + bin}), nil, "holder.capacity"},
		{"a sole entrepreneur", verifier.SoleEntrepreneur, person, nil, ""},
		{"a head as a sole entrepreneur", verifier.SoleEntrepreneur, head, nil, "holder.capacity"},
		{"a joint enterprise", verifier.JointEnterprise, body(joint, pki.OIDRoleHead), nil, ""},
		{"a company as a joint enterprise", verifier.JointEnterprise, head, nil, "holder.capacity"},
		{"a company by its head", verifier.LegalEntity, head, nil, ""},
		{"a company by who may sign", verifier.LegalEntity, signer, nil, ""},
		{"a company by its head, number of another", verifier.LegalEntity, head, func(q *verifier.Question) { q.BIN = branch }, "holder.bin"},
		{"a company by finance", verifier.LegalEntity, finance, nil, "holder.capacity"},
		{"a company by HR", verifier.LegalEntity, hr, nil, "holder.capacity"},
		{"a company by an employee", verifier.LegalEntity, employee, nil, "holder.capacity"},
		{"a company by an employee, where that is let pass", verifier.LegalEntity, employee, func(q *verifier.Question) { q.Subordinates = true }, ""},
		{"a company by somebody with no right named", verifier.LegalEntity, body(bin), nil, "holder.capacity"},
		{"a company by a person", verifier.LegalEntity, person, nil, "holder.capacity"},
		{"two BINs", verifier.LegalEntity, raw(head, [2]string{serial, "IIN" + iin}, [2]string{unit, "BIN" + bin}, [2]string{unit, "BIN" + joint}), nil, "holder.capacity"},
		{"a role of another authority's", verifier.LegalEntity, body(bin, "1.2.398.3.17.3.3"), nil, "holder.capacity"},
		{"the head", verifier.Head, head, nil, ""},
		{"who may sign, as the head", verifier.Head, signer, nil, "holder.capacity"},
		{"an employee as the head, where employees are let pass", verifier.Head, employee, func(q *verifier.Question) { q.Subordinates = true }, "holder.capacity"},
		{"who may sign", verifier.RightToSign, signer, nil, ""},
		{"finance", verifier.Finance, finance, nil, "holder.capacity"},
		{"finance, let pass", verifier.Finance, finance, func(q *verifier.Question) { q.Subordinates = true }, ""},
		{"HR, let pass as finance", verifier.Finance, hr, func(q *verifier.Question) { q.Subordinates = true }, "holder.capacity"},
		{"HR", verifier.HR, hr, nil, "holder.capacity"},
		{"HR, let pass", verifier.HR, hr, func(q *verifier.Question) { q.Subordinates = true }, ""},
		{"an employee", verifier.Employee, employee, nil, "holder.capacity"},
		{"an employee, let pass", verifier.Employee, employee, func(q *verifier.Question) { q.Subordinates = true }, ""},
		{"a branch", verifier.Branch, body(branch, pki.OIDRoleHead), nil, ""},
		{"a head office as a branch", verifier.Branch, head, nil, "holder.capacity"},
		{"an information system", verifier.InformationSystem, machine, nil, ""},
		{"a head as an information system", verifier.InformationSystem, head, nil, "holder.capacity"},
		{"an operator", verifier.Operator, employee, func(q *verifier.Question) { q.BIN = bin }, ""},
		{"an operator of another centre", verifier.Operator, employee, func(q *verifier.Question) { q.BIN = branch }, "holder.bin"},
		{"a person as an operator", verifier.Operator, person, nil, "holder.capacity"},
		{"an authorised person", verifier.AuthorisedPerson, signer, func(q *verifier.Question) { q.BIN = bin }, ""},
		{"an employee as an authorised person", verifier.AuthorisedPerson, employee, nil, "holder.capacity"},
		{"a capacity that nobody has defined", "emperor", head, nil, "holder.capacity"},
	}
	h := newHouse(t)
	asked := map[verifier.Applicant]bool{}
	for _, tt := range tests {
		asked[tt.kind] = true
		t.Run(tt.name, func(t *testing.T) {
			k := h.person(t, func(l *testpki.Leaf) { *l = tt.leaf })
			q := h.ask()
			q.Applicant, q.NoRevocation, q.Certs = tt.kind, true, k.Chain
			if tt.change != nil {
				tt.change(&q)
			}
			r := h.v.Certificate(t.Context(), k.Certificate, q)
			if tt.key == "" {
				expect(t, r, passed, "", "")
			} else {
				expect(t, r, indeterminate, verifier.ChainConstraintsFailure, tt.key)
			}
			checkReport(t, r)
		})
	}
	for _, a := range verifier.Applicants() {
		if !asked[a] {
			t.Errorf("%s is not asked about here", a)
		}
	}
}
