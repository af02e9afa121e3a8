// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"slices"

	"rastau/internal/identity"
	"rastau/internal/pki"
)

// Applicant is the capacity in which the holder of the certificate is expected to act.
type Applicant string

// The capacities. The empty one is not asked.
const (
	NaturalPerson     Applicant = "natural-person"
	SoleEntrepreneur  Applicant = "sole-entrepreneur"
	JointEnterprise   Applicant = "joint-enterprise"
	LegalEntity       Applicant = "legal-entity"
	Head              Applicant = "head"
	RightToSign       Applicant = "right-to-sign"
	Finance           Applicant = "finance"
	HR                Applicant = "hr"
	Employee          Applicant = "employee"
	Branch            Applicant = "branch"
	InformationSystem Applicant = "information-system"
	Operator          Applicant = "operator"
	AuthorisedPerson  Applicant = "authorised-person"
)

// presence says whether a number must stand in the certificate.
type presence int

const (
	optional presence = iota
	required
	forbidden
)

// capacity is one row of the policy: which certificate serves an applicant.
type capacity struct {
	of       Applicant
	iin, bin presence
	roles    []pki.OID // any of them; a role stands for those under it where below is set
	below    bool
	units    []string // of the BIN, as internal/identity names them; nil: any
	bodies   []string // likewise
	// subordinate: holders without the right to sign for the body. They are refused
	// unless Question.Subordinates says otherwise (law on electronic documents and
	// signatures, article 10: the signature is that of whoever has the authority).
	subordinate bool
	staff       bool // with that leave they may stand in for the body
}

// capacities is the matching matrix. Numbers and roles alone decide, never names: a
// name changes with marriage and mis-spelling, and the certificate with it. A role is
// an extended key usage of the National Certification Authority (order V2000021440);
// roles of other authorities are not known to mean the same, so they serve nobody.
var capacities = []capacity{
	// A natural person's certificate names no body: with a BIN it is another capacity.
	{of: NaturalPerson, iin: required, bin: forbidden, roles: []pki.OID{pki.OIDRoleIndividual}},
	// By the law on identification numbers a sole entrepreneur has the person's own.
	{of: SoleEntrepreneur, iin: required, bin: forbidden, roles: []pki.OID{pki.OIDRoleIndividual}},
	{of: JointEnterprise, iin: required, bin: required, roles: []pki.OID{pki.OIDRoleHead}, bodies: []string{identity.BodyJointEnterprise}},
	{of: LegalEntity, iin: required, bin: required, roles: []pki.OID{pki.OIDRoleHead, pki.OIDRoleSigner}, staff: true},
	{of: Head, iin: required, bin: required, roles: []pki.OID{pki.OIDRoleHead}},
	// The head has the full right to sign, so also this one.
	{of: RightToSign, iin: required, bin: required, roles: []pki.OID{pki.OIDRoleSigner, pki.OIDRoleHead}},
	{of: Finance, iin: required, bin: required, roles: []pki.OID{pki.OIDRoleFinancial}, subordinate: true},
	{of: HR, iin: required, bin: required, roles: []pki.OID{pki.OIDRoleHR}, subordinate: true},
	{of: Employee, iin: required, bin: required, roles: []pki.OID{pki.OIDRoleEmployee}, subordinate: true},
	{of: Branch, iin: required, bin: required, roles: []pki.OID{pki.OIDRoleHead, pki.OIDRoleSigner}, units: []string{identity.UnitBranch, identity.UnitRepresentativeOffice}, staff: true},
	{of: InformationSystem, bin: required, roles: []pki.OID{pki.OIDRoleSystem}, below: true},
	// An operator signs for the centre with a service certificate; the applicant's
	// numbers are another matter.
	{of: Operator, iin: required, bin: required, roles: []pki.OID{pki.OIDRoleEmployee, pki.OIDRoleSigner, pki.OIDRoleHead}},
	{of: AuthorisedPerson, iin: required, bin: required, roles: []pki.OID{pki.OIDRoleHead, pki.OIDRoleSigner}},
}

// subordinates are the roles that do not sign for the body.
var subordinates = []pki.OID{pki.OIDRoleFinancial, pki.OIDRoleHR, pki.OIDRoleEmployee}

// Applicants lists the capacities that a question may name, in the order of the policy.
func Applicants() []Applicant {
	out := make([]Applicant, len(capacities))
	for i, c := range capacities {
		out[i] = c.of
	}
	return out
}

// capacityOf finds the row; nil for a capacity that nobody has defined.
func capacityOf(a Applicant) *capacity {
	i := slices.IndexFunc(capacities, func(c capacity) bool { return c.of == a })
	if i < 0 {
		return nil
	}
	return &capacities[i]
}

// serves reports whether one of the holder's roles is among those of the row.
func (c *capacity) serves(held []pki.OID) bool {
	return slices.ContainsFunc(held, func(h pki.OID) bool {
		return slices.ContainsFunc(c.roles, func(r pki.OID) bool { return h == r || c.below && h.Under(r) })
	})
}
