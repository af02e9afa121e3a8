// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"crypto"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

// The makers here write what EN 319 122-1 describes from the bytes of the message
// alone, without the code that judges it.

const (
	certificateValues pki.OID = "1.2.840.113549.1.9.16.2.23"
	revocationValues  pki.OID = "1.2.840.113549.1.9.16.2.24"
	archiveTimestamp  pki.OID = "0.4.0.1733.2.4"
	hashIndexV3       pki.OID = "0.4.0.19122.1.5"
)

const year = 365 * 24 * time.Hour

func parsed(t testing.TB, der []byte) *cms.SignedData {
	t.Helper()
	sd, err := cms.Parse(der, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return sd
}

func added(t testing.TB, der []byte, kind pki.OID, value []byte) []byte {
	t.Helper()
	out, err := parsed(t, der).AddUnsigned(0, cms.Attribute{Type: kind, Values: [][]byte{value}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// hashes writes a SEQUENCE OF OCTET STRING with the digest of each element.
func hashes(elements ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, e := range elements {
			d := sha256.Sum256(e)
			b.AddASN1OctetString(d[:])
		}
	})
	return b.BytesOrPanic()
}

// each splits the contents of a constructed element.
func each(in cryptobyte.String) [][]byte {
	var out [][]byte
	for !in.Empty() {
		var e cryptobyte.String
		var tag asn1.Tag
		if !in.ReadAnyASN1Element(&e, &tag) {
			panic("not DER")
		}
		out = append(out, e)
	}
	return out
}

// archived puts an archive timestamp of version 3 upon an attached message whose
// certificates and lists are as embed and sign write them. token makes the token.
func archived(t testing.TB, der []byte, token func(input []byte) []byte, change ...func(index [][]byte) [][]byte) []byte {
	t.Helper()
	in := cryptobyte.String(der)
	var outer, content, signed, encap, set, info cryptobyte.String
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !outer.SkipASN1(asn1.OBJECT_IDENTIFIER) || !outer.ReadASN1(&content, zero) ||
		!content.ReadASN1(&signed, asn1.SEQUENCE) || !signed.SkipASN1(asn1.INTEGER) || !signed.SkipASN1(asn1.SET) ||
		!signed.ReadASN1(&encap, asn1.SEQUENCE) {
		t.Fatal("not a SignedData")
	}
	var certificates, lists, values [][]byte
	var present bool
	if signed.ReadOptionalASN1(&set, &present, zero); present {
		certificates = each(set)
	}
	if signed.ReadOptionalASN1(&set, &present, one); present {
		lists = each(set)
	}
	if !signed.ReadASN1(&set, asn1.SET) || !set.ReadASN1(&info, asn1.SEQUENCE) {
		t.Fatal("no SignerInfo")
	}
	fields := each(info)
	input := append([]byte{}, each(encap)[0]...) // eContentType
	digest := sha256.Sum256(statement)
	input = append(input, digest[:]...)
	for _, f := range fields {
		if f[0] == 0xa1 { // unsignedAttrs
			body := cryptobyte.String(f)
			body.ReadASN1(&body, one)
			for _, attr := range each(body) {
				a := cryptobyte.String(attr)
				a.ReadASN1(&a, asn1.SEQUENCE)
				parts := each(a)
				v := cryptobyte.String(parts[1])
				v.ReadASN1(&v, asn1.SET)
				for _, value := range each(v) {
					values = append(values, append(append([]byte{}, parts[0]...), value...))
				}
			}
			continue
		}
		input = append(input, f...)
	}
	algorithm := sequence(oid(pki.OIDSHA256))
	parts := [][]byte{algorithm, hashes(certificates...), hashes(lists...), hashes(values...)}
	for _, c := range change {
		parts = c(parts)
	}
	index := sequence(parts...)
	stamp := token(append(input, index...))
	stamp = added(t, stamp, hashIndexV3, index)
	return added(t, der, archiveTimestamp, stamp)
}

// archive is a house whose people sign for the long term.
type archive struct {
	*house
	k      *pki.Key
	signed time.Time
}

// newArchive: the signer's certificate lasts a year, the timestamp service's two.
func newArchive(t testing.TB) *archive {
	h := newHouse(t)
	h.pki.KeepArchive() // what has expired is asked about years later
	a := &archive{house: h, k: h.person(t), signed: day0}
	a.newServiceFor(t, 2*year)
	h.pass(time.Minute)
	return a
}

// values are the certificates, lists and the answer about the signer, all issued at a
// stated time and good for an hour, as attributes of CAdES-LT.
func (a *archive) values(t testing.TB, der []byte, at time.Time) []byte {
	t.Helper()
	o := testpki.CRLOptions{ThisUpdate: at, NextUpdate: at.Add(time.Hour)}
	root, own := list(t, a.pki.Root(), o), list(t, a.ca, o)
	basic := basicOf(t, answer(t, a.ca, a.k.Certificate, testpki.OCSPOptions{ThisUpdate: at, NextUpdate: at.Add(time.Hour)}))
	der = added(t, der, certificateValues, sequence(a.ca.Certificate.Raw))
	return added(t, der, revocationValues, sequence(explicit(0, sequence(root.Raw, own.Raw)), explicit(1, sequence(basic))))
}

// longTerm is CAdES-LT: signed, stamped at a.signed, with data from just after.
func (a *archive) longTerm(t testing.TB) []byte {
	return a.values(t, sign(t, a.k, a.stamped(a.signed)), a.signed.Add(time.Second))
}

func (a *archive) token(t testing.TB, at time.Time) func([]byte) []byte {
	return func(input []byte) []byte {
		token, err := a.house.pki.TimestampToken(input, at)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
}

// withData embeds fresh lists of both authorities into a token's own signature, so
// that the service can still be judged when everything else has gone.
func (a *archive) withData(t testing.TB, at time.Time, make func([]byte) []byte) func([]byte) []byte {
	return func(input []byte) []byte {
		o := testpki.CRLOptions{ThisUpdate: at, NextUpdate: at.Add(time.Hour)}
		root, own := list(t, a.house.pki.Root(), o), list(t, a.ca, o)
		return added(t, make(input), revocationValues, sequence(explicit(0, sequence(root.Raw, own.Raw))))
	}
}

func TestArchivedSignatures(t *testing.T) {
	tests := []struct {
		name       string
		make       func(t *testing.T, a *archive) ([]byte, verifier.Question)
		indication verifier.Indication
		sub        verifier.SubIndication
		key, level string
	}{
		{"LT, by its own data, hours after they went stale", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			der := a.longTerm(t)
			a.pass(48 * time.Hour)
			q := a.ask()
			q.Offline = true
			q.Lists = fresh(t, a) // of the authority itself, as of now
			return der, q
		}, passed, "", "", "LT"},
		{"LT, signer expired since", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			a.newServiceFor(t, 3*year)
			der := a.longTerm(t)
			a.pass(400 * 24 * time.Hour)
			return der, a.ask()
		}, passed, "", "", "LT"},
		{"LT, signer expired and the timestamp service too", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			der := a.longTerm(t)
			a.pass(4 * year)
			return der, a.ask()
		}, indeterminate, verifier.OutOfBoundsNotRevoked, "cert.validity", "B"},
		{"LTA, everything expired but the archive's service", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			der := a.longTerm(t)
			a.pass(300 * 24 * time.Hour)
			at := a.clock()
			a.newServiceFor(t, 6*year)
			der = archived(t, der, a.token(t, at))
			a.pass(3 * year)
			return der, a.ask()
		}, passed, "", "", "LTA"},
		{"LTA, offline, by what it brings and fresh lists for the archive's service", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			der := a.longTerm(t)
			a.pass(time.Minute * 10)
			at := a.clock()
			a.newServiceFor(t, 6*year)
			der = archived(t, der, a.token(t, at))
			a.pass(3 * year)
			q := a.ask()
			q.Offline = true
			q.Lists = fresh(t, a)
			return der, q
		}, passed, "", "", "LTA"},
		{"LTA, signer revoked since", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			der := a.longTerm(t)
			a.pass(300 * 24 * time.Hour)
			a.newServiceFor(t, 6*year)
			der = archived(t, der, a.token(t, a.clock()))
			a.pass(time.Hour)
			a.ca.Revoke(a.k.Certificate, a.clock(), 1)
			a.pass(3 * year)
			return der, a.ask()
		}, passed, "", "", "LTA"},
		{"two archive timestamps, the first of an expired service", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			der := a.longTerm(t)
			a.pass(300 * 24 * time.Hour)
			a.newServiceFor(t, 2*year)
			at := a.clock()
			der = archived(t, der, a.withData(t, at.Add(time.Second), a.token(t, at)))
			a.pass(year)
			a.newServiceFor(t, 6*year)
			der = archived(t, der, a.token(t, a.clock()))
			a.pass(3 * year)
			return der, a.ask()
		}, passed, "", "", "LTA"},
		{"the same without the second", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			der := a.longTerm(t)
			a.pass(300 * 24 * time.Hour)
			a.newServiceFor(t, 2*year)
			der = archived(t, der, a.token(t, a.clock()))
			a.pass(4 * year)
			return der, a.ask()
		}, indeterminate, verifier.OutOfBoundsNotRevoked, "cert.validity", "B"},
		{"archive timestamp made after the signer's service had expired", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			der := a.longTerm(t)
			a.pass(2 * year)
			a.newServiceFor(t, 6*year)
			der = archived(t, der, a.token(t, a.clock()))
			a.pass(year)
			return der, a.ask()
		}, indeterminate, verifier.OutOfBoundsNotRevoked, "cert.validity", "T"},
		{"archive timestamp over something else", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			der := a.longTerm(t)
			a.newServiceFor(t, 6*year)
			der = archived(t, der, func([]byte) []byte { return a.token(t, a.clock())([]byte("something else")) })
			a.pass(3 * year)
			return der, a.ask()
		}, indeterminate, verifier.OutOfBoundsNotRevoked, "cert.validity", "B"},
		{"archive timestamp that leaves the data out", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			// The signature is proven to be old, the data that should excuse it are not;
			// but their signer stands, and they are newer than the signature.
			der := a.longTerm(t)
			a.pass(10 * time.Minute)
			a.newServiceFor(t, 6*year)
			der = archived(t, der, a.token(t, a.clock()), func(index [][]byte) [][]byte {
				index[3] = hashes()
				return index
			})
			a.pass(3 * year)
			return der, a.ask()
		}, passed, "", "", "LT"},
		{"something that the archive timestamp covers was taken away", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			a.newServiceFor(t, 6*year)
			der := a.longTerm(t)
			a.pass(10 * time.Minute)
			der = archived(t, der, a.token(t, a.clock()), func(index [][]byte) [][]byte {
				index[2] = hashes([]byte("a list that was here"))
				return index
			})
			a.pass(time.Minute)
			return der, a.ask()
		}, passed, "", "", "LT"},
		{"hashes in the index that no longer count", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			der := a.longTerm(t)
			a.newServiceFor(t, 6*year)
			a.pass(10 * time.Minute)
			der = archived(t, der, a.token(t, a.clock()), func([][]byte) [][]byte {
				none := hashes()
				return [][]byte{sequence(oid(pki.OIDSHA1)), none, none, none}
			})
			a.pass(3 * year)
			return der, a.ask()
		}, indeterminate, verifier.OutOfBoundsNotRevoked, "cert.validity", "B"},
		{"a timestamp claims a later time than the one that covers it", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			der := a.longTerm(t)
			a.pass(10 * time.Minute)
			der = archived(t, der, a.token(t, a.signed.Add(-time.Second)))
			return der, a.ask()
		}, indeterminate, verifier.TimestampOrderFailure, "signature.timestamp", "T"},
		{"content stamped after the signature", func(t *testing.T, a *archive) ([]byte, verifier.Question) {
			a.pass(10 * time.Minute)
			return sign(t, a.k, a.contentStamped(t, a.signed.Add(time.Minute)), a.stamped(a.signed)), a.ask()
		}, indeterminate, verifier.TimestampOrderFailure, "signature.timestamp", "T"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newArchive(t)
			der, q := tt.make(t, a)
			r := a.v.Document(t.Context(), der, q)
			expect(t, r, tt.indication, tt.sub, tt.key)
			checkReport(t, r)
			if s := r.Signatures[0]; s.Level != tt.level {
				t.Errorf("level %s, want %s", s.Level, tt.level)
			}
			if t.Failed() {
				t.Log(strings.ReplaceAll(string(marshal(t, r)), `{"key"`, "\n{\"key\""))
			}
		})
	}
}

// rootService gives the house a timestamp service that the root certified itself.
func (a *archive) rootService(t testing.TB, d time.Duration) {
	t.Helper()
	k, err := a.house.pki.Root().Issue(testpki.Leaf{
		CommonName: "Уақыт белгісі", NotBefore: a.clock().Add(-time.Hour), NotAfter: a.clock().Add(d),
		KeyUsage: pki.DigitalSignature, ExtKeyUsage: []pki.OID{pki.OIDTimeStamping},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.house.pki.UseTSA(k)
}

// old is a signature with a digest that counted until the end of 2025.
func old(t testing.TB, h *house, k *pki.Key) []byte {
	t.Helper()
	d := sha256.Sum224(statement)
	return forgery{
		key: k, hash: crypto.SHA224, digest: "2.16.840.1.101.3.4.2.4", alg: "1.2.840.10045.4.3.1", content: holding(statement),
		attrs: [][]byte{attribute(pki.OIDContentType, oid(pki.OIDData)), attribute(pki.OIDMessageDigest, octets(d[:]))},
	}.der(t)
}

func (h *house) tokenOver(t testing.TB, der []byte, at time.Time) []byte {
	t.Helper()
	token, err := h.pki.TimestampToken(parsed(t, der).Signers[0].Signature, at)
	if err != nil {
		t.Fatal(err)
	}
	return added(t, der, pki.OIDSignatureTimeStamp, token)
}

// An algorithm that no longer counts did so once: what matters is what is proven.
func TestWeakenedAlgorithm(t *testing.T) {
	h := newHouse(t)
	k := h.person(t, func(l *testpki.Leaf) { l.NotBefore = day0.AddDate(-1, 0, 0); l.NotAfter = day0.AddDate(1, 0, 0) })
	der := old(t, h, k)
	expect(t, h.v.Document(t.Context(), der, h.ask()), indeterminate, verifier.CryptoConstraintsFailureNoPOE, "signature.algorithm")
	expect(t, h.v.Document(t.Context(), h.tokenOver(t, der, day0.AddDate(0, -1, 0)), h.ask()), indeterminate, verifier.CryptoConstraintsFailureNoPOE, "signature.algorithm")
	expect(t, h.v.Document(t.Context(), h.tokenOver(t, der, day0.AddDate(0, -6, 0)), h.ask()), passed, "", "")
}

// An expired authority's key may be anybody's: what it has signed about revocation
// counts where it is proven to be older.
func TestAuthorityEnded(t *testing.T) {
	a := newArchive(t)
	a.rootService(t, 19*year)
	der := a.longTerm(t)
	a.pass(10 * time.Minute)
	kept := archived(t, der, a.token(t, a.clock()))
	a.pass(16 * year)
	r := a.v.Document(t.Context(), der, a.ask())
	expect(t, r, indeterminate, verifier.RevocationOutOfBoundsNoPOE, "cert.revocation")
	checkReport(t, r)
	r = a.v.Document(t.Context(), kept, a.ask())
	expect(t, r, passed, "", "")
	if s := r.Signatures[0]; s.Level != "LTA" {
		t.Errorf("level %s, want LTA", s.Level)
	}
}

// A document timestamp is itself judged as of the next one that covers it.
func TestDocumentTimestampsInTurn(t *testing.T) {
	a := newArchive(t)
	once := stampPDF(t, a.house, signPDF(t, page(t), a.k), a.clock())
	a.pass(year)
	a.newServiceFor(t, 6*year)
	twice := stampPDF(t, a.house, once, a.clock())
	a.pass(3 * year)
	q := a.ask()
	q.NoRevocation = true
	expect(t, a.v.Document(t.Context(), once, q), indeterminate, verifier.OutOfBoundsNoPOE, "cert.validity")
	r := a.v.Document(t.Context(), twice, q)
	expect(t, r, passed, "", "")
	if s := r.Signatures[0]; s.SigningTime == nil || !s.SigningTime.Equal(day0.Add(time.Minute)) {
		t.Errorf("signing time %v", s.SigningTime)
	}
}

// Whoever signs with a stolen key chooses what the message brings: a list from before
// the revocation, current by its own times, does not outweigh what the network knows.
func TestEmbeddedDataAreChosen(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	o := testpki.CRLOptions{ThisUpdate: day0.Add(-30 * time.Minute), NextUpdate: day0.Add(time.Hour)}
	own, root := list(t, h.ca, o), list(t, h.pki.Root(), o)
	h.ca.Revoke(k.Certificate, day0.Add(-20*time.Minute), 1)
	der := embed(t, sign(t, k, h.stamped(day0.Add(-10*time.Minute))), own, root)
	expect(t, h.v.Document(t.Context(), der, h.ask()), indeterminate, verifier.RevokedNoPOE, "cert.revocation")
	h.pki.SetDown(true, true, false)
	expect(t, h.v.Document(t.Context(), embed(t, sign(t, h.person(t)), own, root), h.ask()), passed, "", "")
}

// A responder's certificate lasts weeks. What it signed counts as long as it does, or
// where it is proven that it did.
func TestResponderEnded(t *testing.T) {
	a := newArchive(t)
	a.rootService(t, 19*year)
	delegate, err := a.ca.Issue(testpki.Leaf{CommonName: "Жауап беруші", OCSPSigning: true, NoCheck: true, NotBefore: day0.Add(-time.Hour), NotAfter: day0.AddDate(0, 1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	at := a.signed.Add(time.Second)
	basic := basicOf(t, answer(t, a.ca, a.k.Certificate, testpki.OCSPOptions{ThisUpdate: at, NextUpdate: at.Add(time.Hour), Signer: delegate}))
	der := added(t, sign(t, a.k, a.stamped(a.signed)), revocationValues, sequence(explicit(1, sequence(basic))))
	a.pass(10 * time.Minute)
	kept := archived(t, der, a.token(t, a.clock()))
	a.pass(2 * year)
	q := a.ask()
	q.Offline = true
	q.Lists = fresh(t, a)
	expect(t, a.v.Document(t.Context(), der, q), indeterminate, verifier.RevocationOutOfBoundsNoPOE, "cert.revocation")
	expect(t, a.v.Document(t.Context(), kept, q), passed, "", "")
}

// newServiceFor gives the house a timestamp service whose certificate lasts so long.
func (a *archive) newServiceFor(t testing.TB, d time.Duration) {
	t.Helper()
	k, err := a.ca.Issue(testpki.Leaf{
		CommonName: "Уақыт белгісі", NotBefore: a.clock().Add(-time.Hour), NotAfter: a.clock().Add(d),
		KeyUsage: pki.DigitalSignature, ExtKeyUsage: []pki.OID{pki.OIDTimeStamping},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.house.pki.UseTSA(k)
}

func fresh(t testing.TB, a *archive) []*crl.List {
	return []*crl.List{list(t, a.house.pki.Root(), testpki.CRLOptions{}), list(t, a.ca, testpki.CRLOptions{})}
}

// Archive timestamps that others have made, of both kinds of index: whether they fit
// their messages. Nobody here is trusted, so none of them proves anything.
func TestArchiveTimestampsOfOthers(t *testing.T) {
	dir := suite(t, "cms")
	for name, fits := range map[string]bool{
		"Signature-C-B-LTA-10.p7m":      true,
		"Signature-C-A-XL-1.p7m":        true,
		"cades-lta-duplicated-atst.p7m": true,
		"cades-lta-copied-atst.p7m":     false,
		"cades-ats-v3-wrong-cert.p7m":   false,
		"cades-ats-v3-wrong-ocsp.p7s":   false,
		"evidence-record/Signature-C-LTA-d233a2d9-a257-40dc-bcdb-bf4516b6d1da.p7m": true,
		"dss-1220/CAdES-BpLTA_modified_ats_hash_element.p7m":                       false,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			q := h.ask()
			q.Offline, q.At = true, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			r := h.v.Document(t.Context(), file(t, dir, "dss-cades/"+name), q)
			seen := false
			for _, f := range findings(r, "signature.archive") {
				if f.Outcome != verifier.Warn {
					continue
				}
				seen = true
				if misfit := strings.Contains(f.Detail(), "its index of what it covers"); misfit == fits {
					t.Errorf("%s, want that it fits: %v", f.Detail(), fits)
				}
			}
			if !seen {
				t.Error("no archive timestamp was judged")
			}
		})
	}
}
