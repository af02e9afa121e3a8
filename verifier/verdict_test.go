// SPDX-License-Identifier: Apache-2.0

package verifier_test

import (
	"bytes"
	"encoding/asn1"
	"strconv"
	"strings"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/cms"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/verifier"
)

const (
	passed        = verifier.TotalPassed
	refuted       = verifier.TotalFailed
	indeterminate = verifier.Indeterminate
)

// Every row of the table of verdicts, through the front door: a document, its
// question, the verdict and the finding that decides.
func TestDocumentVerdicts(t *testing.T) {
	ago := func(d time.Duration) time.Time { return day0.Add(-d) }
	const day = 24 * time.Hour
	tests := []struct {
		name       string
		make       func(t *testing.T, h *house) ([]byte, verifier.Question)
		indication verifier.Indication
		sub        verifier.SubIndication
		key        string
		intact     string // true, false, null
	}{
		{"good", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.IIN, q.BIN = iin, bin
			return sign(t, h.person(t)), q
		}, passed, "", "", "true"},
		{"good, detached", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.Content = reader(statement)
			return sign(t, h.person(t), detached), q
		}, passed, "", "", "true"},
		{"no signature format", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return []byte("a plain letter"), h.ask()
		}, refuted, verifier.FormatFailure, "document.format", "null"},
		{"empty file", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return nil, h.ask()
		}, refuted, verifier.FormatFailure, "document.format", "null"},
		{"XML behind a line", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return []byte("\xef\xbb\xbf\n<?xml version=\"1.0\"?><a/>"), h.ask()
		}, refuted, verifier.FormatFailure, "document.format", "null"},
		{"empty XML signature", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return []byte(`<a><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></a>`), h.ask()
		}, refuted, verifier.FormatFailure, "document.format", "false"},
		{"empty XML signature in UTF-16", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			out := []byte("\xff\xfe")
			for _, c := range []byte(`<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>`) {
				out = append(out, c, 0)
			}
			return out, h.ask()
		}, refuted, verifier.FormatFailure, "document.format", "false"},
		{"XML without a signature", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return []byte(`<a/>`), h.ask()
		}, indeterminate, verifier.NoSignatureFound, "document.signature", "null"},
		{"damaged PDF", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return []byte("%PDF-1.7\nnothing else"), h.ask()
		}, refuted, verifier.FormatFailure, "document.format", "null"},
		{"zero signatures", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			der, err := testpki.WithoutSigners(sign(t, h.person(t)))
			if err != nil {
				t.Fatal(err)
			}
			return der, h.ask()
		}, indeterminate, verifier.NoSignatureFound, "document.signature", "null"},
		{"detached content not given", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return sign(t, h.person(t), detached), h.ask()
		}, indeterminate, verifier.SignedDataNotFound, "signature.content", "null"},
		{"detached content not given, of an unknown digest", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return unknownDigest(t, sign(t, h.person(t), detached)), h.ask()
		}, indeterminate, verifier.SignedDataNotFound, "signature.content", "null"},
		{"another digest given, of an unknown digest", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.Digests = map[pki.OID][]byte{pki.OIDSHA512: make([]byte, 64)}
			return unknownDigest(t, sign(t, h.person(t), detached)), q
		}, indeterminate, verifier.SignedDataNotFound, "signature.content", "null"},
		{"detached content given, of an unknown digest", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.Content = reader(statement)
			return unknownDigest(t, sign(t, h.person(t), detached)), q
		}, indeterminate, verifier.CryptoConstraintsFailure, "signature.algorithm", "null"},
		{"attached content, of an unknown digest", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.Content = reader(statement)
			return unknownDigest(t, sign(t, h.person(t))), q
		}, indeterminate, verifier.CryptoConstraintsFailure, "signature.algorithm", "null"},
		{"detached content not given, and nobody trusted", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return sign(t, h.person(t), detached), verifier.Question{Offline: true}
		}, indeterminate, verifier.SignedDataNotFound, "signature.content", "null"},
		{"content altered", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			der := sign(t, h.person(t))
			i := bytes.Index(der, statement)
			der[i+len(statement)-1] ^= 1
			return der, h.ask()
		}, refuted, verifier.HashFailure, "signature.digest", "false"},
		{"another content shown beside", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.Content = reader([]byte("other"))
			return sign(t, h.person(t)), q
		}, refuted, verifier.HashFailure, "signature.digest", "false"},
		{"another digest given beside", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.Digests = map[pki.OID][]byte{pki.OIDSHA512: make([]byte, 64)}
			return sign(t, h.person(t)), q
		}, refuted, verifier.HashFailure, "signature.digest", "false"},
		{"signature value wrong", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			der := sign(t, h.person(t))
			der[len(der)-1] ^= 1
			return der, h.ask()
		}, refuted, verifier.SigCryptoFailure, "signature.value", "false"},
		{"signer's certificate missing", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			der, err := testpki.WithoutCertificates(sign(t, h.person(t)))
			if err != nil {
				t.Fatal(err)
			}
			return der, h.ask()
		}, indeterminate, verifier.NoSigningCertificateFound, "signature.certificate", "null"},
		{"no path to an anchor", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			other := newHouse(t)
			return sign(t, h.person(t)), other.ask()
		}, indeterminate, verifier.NoCertificateChainFound, "cert.path", "true"},
		{"path breaks RFC 5280", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return sign(t, h.person(t, func(l *testpki.Leaf) { l.Critical = []pki.OID{"1.3.6.1.4.1.99999.1"} })), h.ask()
		}, indeterminate, verifier.CertificateChainGeneralFailure, "cert.path", "true"},
		{"expired", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.NoRevocation = true
			return sign(t, h.person(t, func(l *testpki.Leaf) { l.NotBefore, l.NotAfter = ago(400*day), ago(30*day) })), q
		}, indeterminate, verifier.OutOfBoundsNoPOE, "cert.validity", "true"},
		{"expired, and known not to be revoked", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k := h.person(t, func(l *testpki.Leaf) { l.NotBefore, l.NotAfter = ago(400*day), ago(time.Hour) })
			q := h.ask()
			q.Lists = append(q.Lists, list(t, h.ca, testpki.CRLOptions{ThisUpdate: ago(2 * time.Hour), NextUpdate: day0.Add(time.Hour)}))
			return sign(t, k), q
		}, indeterminate, verifier.OutOfBoundsNotRevoked, "cert.validity", "true"},
		{"expired since, and a timestamp from before", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			h.pki.KeepArchive()
			k := h.person(t, func(l *testpki.Leaf) { l.NotBefore, l.NotAfter = ago(30*time.Minute), ago(10*time.Minute) })
			return sign(t, k, h.stamped(ago(20*time.Minute))), h.ask()
		}, passed, "", "", "true"},
		{"expired since, a timestamp from before, and nobody remembers", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			// RFC 6960 §2.2: a revocation from before the timestamp may be forgotten by now.
			k := h.person(t, func(l *testpki.Leaf) { l.NotBefore, l.NotAfter = ago(30*time.Minute), ago(10*time.Minute) })
			return sign(t, k, h.stamped(ago(20*time.Minute))), h.ask()
		}, indeterminate, verifier.TryLater, "cert.revocation", "true"},
		{"expired before the timestamp", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			// The timestamp proves that the signature is no younger than itself, not
			// that it is younger than the certificate's end.
			k := h.person(t, func(l *testpki.Leaf) { l.NotBefore, l.NotAfter = ago(30*time.Minute), ago(10*time.Minute) })
			q := h.ask()
			q.NoRevocation = true
			return sign(t, k, h.stamped(ago(5*time.Minute))), q
		}, indeterminate, verifier.OutOfBoundsNoPOE, "cert.validity", "true"},
		{"made after the end, which a content timestamp proves", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k := h.person(t, func(l *testpki.Leaf) { l.NotBefore, l.NotAfter = ago(30*time.Minute), ago(10*time.Minute) })
			return sign(t, k, h.contentStamped(t, ago(5*time.Minute))), h.ask()
		}, refuted, verifier.Expired, "cert.validity", "true"},
		{"not yet valid", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			return sign(t, h.person(t, func(l *testpki.Leaf) { l.NotBefore = day0.Add(day) })), q
		}, indeterminate, verifier.OutOfBoundsNoPOE, "cert.validity", "true"},
		{"made before the beginning, which a timestamp proves", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k := h.person(t, func(l *testpki.Leaf) { l.NotBefore = ago(5 * time.Minute) })
			return sign(t, k, h.stamped(ago(10*time.Minute))), h.ask()
		}, refuted, verifier.NotYetValid, "cert.validity", "true"},
		{"revoked by both sources", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k := h.person(t)
			h.ca.Revoke(k.Certificate, ago(10*time.Minute), 1)
			return sign(t, k), h.ask()
		}, indeterminate, verifier.RevokedNoPOE, "cert.revocation", "true"},
		{"revoked by list", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k := h.person(t)
			h.ca.RevokeCRLOnly(k.Certificate, ago(10*time.Minute), 1)
			return sign(t, k), h.ask()
		}, indeterminate, verifier.RevokedNoPOE, "cert.revocation", "true"},
		{"revoked by OCSP", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k := h.person(t)
			h.ca.RevokeOCSPOnly(k.Certificate, ago(10*time.Minute), 1)
			return sign(t, k), h.ask()
		}, indeterminate, verifier.RevokedNoPOE, "cert.revocation", "true"},
		{"the authority revoked", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k := h.person(t)
			h.pki.Root().Revoke(h.ca.Certificate, ago(10*time.Minute), 2)
			return sign(t, k), h.ask()
		}, indeterminate, verifier.RevokedCANoPOE, "cert.revocation", "true"},
		{"revoked since, and a timestamp from before", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k := h.person(t)
			h.ca.Revoke(k.Certificate, ago(10*time.Minute), 1)
			return sign(t, k, h.stamped(ago(20*time.Minute))), h.ask()
		}, passed, "", "", "true"},
		{"made after the revocation, which a content timestamp proves", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k := h.person(t)
			h.ca.Revoke(k.Certificate, ago(10*time.Minute), 1)
			return sign(t, k, h.contentStamped(t, ago(5*time.Minute))), h.ask()
		}, refuted, verifier.Revoked, "cert.revocation", "true"},
		{"authentication certificate", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return sign(t, h.person(t, func(l *testpki.Leaf) { l.Auth = true })), h.ask()
		}, indeterminate, verifier.ChainConstraintsFailure, "cert.purpose", "true"},
		{"certificate of an authority", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			return sign(t, &pki.Key{Signer: h.ca.Key, Certificate: h.ca.Certificate}), h.ask()
		}, indeterminate, verifier.ChainConstraintsFailure, "cert.purpose", "true"},
		{"certificate of a timestamp service", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k, err := h.pki.NewTSA(h.ca)
			if err != nil {
				t.Fatal(err)
			}
			return sign(t, k), h.ask()
		}, indeterminate, verifier.ChainConstraintsFailure, "cert.purpose", "true"},
		{"policy", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.Policies, q.RequireExplicitPolicy = []pki.OID{"1.2.3.4"}, true
			return sign(t, h.person(t)), q
		}, indeterminate, verifier.ChainConstraintsFailure, "cert.policy", "true"},
		{"IIN of someone else", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.IIN = "880412300003"
			return sign(t, h.person(t)), q
		}, indeterminate, verifier.ChainConstraintsFailure, "holder.iin", "true"},
		{"BIN of another body", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.BIN = "150940000003"
			return sign(t, h.person(t)), q
		}, indeterminate, verifier.ChainConstraintsFailure, "holder.bin", "true"},
		{"no BIN", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.BIN = bin
			return sign(t, h.person(t, func(l *testpki.Leaf) { l.BIN = "" })), q
		}, indeterminate, verifier.ChainConstraintsFailure, "holder.bin", "true"},
		{"revocation data missing", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.Offline = true
			return sign(t, h.person(t)), q
		}, indeterminate, verifier.TryLater, "cert.revocation", "true"},
		{"revocation data stale", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k := h.person(t)
			q := h.ask()
			q.Offline = true
			stale := testpki.CRLOptions{ThisUpdate: ago(2 * day), NextUpdate: ago(day)}
			q.Lists = append(q.Lists, list(t, h.ca, stale), list(t, h.pki.Root(), stale))
			return sign(t, k), q
		}, indeterminate, verifier.TryLater, "cert.revocation", "true"},
		{"on hold", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			k := h.person(t)
			h.ca.Revoke(k.Certificate, ago(10*time.Minute), 6)
			return sign(t, k), h.ask()
		}, indeterminate, verifier.TryLater, "cert.revocation", "true"},
		{"refused for purpose although revocation is unknown", func(t *testing.T, h *house) ([]byte, verifier.Question) {
			q := h.ask()
			q.Offline = true
			return sign(t, h.person(t, func(l *testpki.Leaf) { l.Auth = true })), q
		}, indeterminate, verifier.ChainConstraintsFailure, "cert.purpose", "true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			data, q := tt.make(t, h)
			r := h.v.Document(t.Context(), data, q)
			expect(t, r, tt.indication, tt.sub, tt.key)
			if got := tristate(r.Intact); got != tt.intact {
				t.Errorf("intact %s, want %s", got, tt.intact)
			}
			if (r.SubIndication == verifier.TryLater) != (r.RetryAfter != nil) {
				t.Errorf("%s with retryAfter %v", r.SubIndication, r.RetryAfter)
			}
			if r.RetryAfter != nil && !r.RetryAfter.After(r.Time.Value) {
				t.Errorf("retryAfter %v is not after %v", r.RetryAfter, r.Time.Value)
			}
			checkReport(t, r)
		})
	}
}

func tristate(b *bool) string {
	switch {
	case b == nil:
		return "null"
	case *b:
		return "true"
	}
	return "false"
}

// checkReport holds what is true of every report: each finding says what, by which
// rule and in three languages, and every verdict has its explanation.
func checkReport(t *testing.T, r *verifier.Report) {
	t.Helper()
	all := append([]verifier.Finding(nil), r.Findings...)
	for _, s := range r.Signatures {
		all = append(all, s.Findings...)
	}
	for _, f := range all {
		if f.Key == "" || f.Citation == "" || f.Detail() == "" || f.Texts().KK == "" || f.Texts().RU == "" || f.Texts().EN == "" {
			t.Errorf("incomplete finding %+v", f)
		}
		for _, text := range []string{f.Texts().KK, f.Texts().RU, f.Texts().EN} {
			if bytes.ContainsAny([]byte(text), "{}") || text == "" {
				t.Errorf("%s: a placeholder is left in %q", f.Key, text)
			}
		}
		if (f.Outcome == verifier.Fail || f.Outcome == verifier.Unknown) && f.Sub == "" {
			t.Errorf("%s: %s without a sub-indication", f.Key, f.Outcome)
		}
	}
	if (r.Indication == verifier.TotalPassed) != (r.SubIndication == "") {
		t.Errorf("%v with sub-indication %q", r.Indication, r.SubIndication)
	}
}

// Certificates asked about at a stated time: there time is not in doubt.
func TestCertificateVerdicts(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name       string
		make       func(t *testing.T, h *house) (*pki.Certificate, verifier.Question)
		indication verifier.Indication
		sub        verifier.SubIndication
		key        string
	}{
		{"good", func(t *testing.T, h *house) (*pki.Certificate, verifier.Question) {
			return h.person(t).Certificate, h.ask()
		}, passed, "", ""},
		{"expired", func(t *testing.T, h *house) (*pki.Certificate, verifier.Question) {
			return h.person(t, func(l *testpki.Leaf) { l.NotBefore, l.NotAfter = day0.Add(-2*day), day0.Add(-day) }).Certificate, h.ask()
		}, refuted, verifier.Expired, "cert.validity"},
		{"not yet valid", func(t *testing.T, h *house) (*pki.Certificate, verifier.Question) {
			return h.person(t, func(l *testpki.Leaf) { l.NotBefore = day0.Add(day) }).Certificate, h.ask()
		}, refuted, verifier.NotYetValid, "cert.validity"},
		{"revoked", func(t *testing.T, h *house) (*pki.Certificate, verifier.Question) {
			c := h.person(t).Certificate
			h.ca.Revoke(c, day0.Add(-time.Minute), 1)
			return c, h.ask()
		}, refuted, verifier.Revoked, "cert.revocation"},
		{"revoked after the time judged", func(t *testing.T, h *house) (*pki.Certificate, verifier.Question) {
			c := h.person(t).Certificate
			h.ca.Revoke(c, day0.Add(-time.Minute), 1)
			q := h.ask()
			q.At, q.Offline = day0.Add(-10*time.Minute), true
			fresh := testpki.CRLOptions{ThisUpdate: day0.Add(-20 * time.Minute), NextUpdate: day0.Add(time.Hour)}
			q.Lists = []*crl.List{list(t, h.ca, fresh), list(t, h.pki.Root(), fresh)}
			return c, q
		}, passed, "", ""},
		{"the root itself", func(t *testing.T, h *house) (*pki.Certificate, verifier.Question) {
			return h.pki.Root().Certificate, h.ask()
		}, passed, "", ""},
		{"nobody trusted", func(t *testing.T, h *house) (*pki.Certificate, verifier.Question) {
			return h.person(t).Certificate, verifier.Question{}
		}, indeterminate, verifier.NoCertificateChainFound, "cert.path"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			c, q := tt.make(t, h)
			q.Certs = append(q.Certs, h.ca.Certificate)
			r := h.v.Certificate(t.Context(), c, q)
			expect(t, r, tt.indication, tt.sub, tt.key)
			checkReport(t, r)
		})
	}
	t.Run("no certificate", func(t *testing.T) {
		h := newHouse(t)
		r := h.v.CertificateFile(t.Context(), []byte("a letter"), h.ask())
		expect(t, r, refuted, verifier.FormatFailure, "document.format")
	})
}

// Every verdict that can be borne is explained to people, with what to do next.
func TestEverySubIndicationIsExplained(t *testing.T) {
	for _, s := range verifier.SubIndications() {
		for _, prefix := range []string{"sub.", "todo."} {
			if !phrase.Has(prefix + string(s)) {
				t.Errorf("%s%s is not in the catalogue", prefix, s)
			}
		}
	}
	for _, i := range []verifier.Indication{passed, refuted, indeterminate} {
		if !phrase.Has("indication." + i.String()) {
			t.Errorf("indication.%s is not in the catalogue", i)
		}
	}
}

// The document's verdict is the worst of its signatures, each of which keeps its own.
func TestWorstSignatureDecides(t *testing.T) {
	h := newHouse(t)
	good, auth := h.person(t), h.person(t, func(l *testpki.Leaf) { l.Auth = true })
	der := merge(t, sign(t, good), sign(t, auth))
	r := h.v.Document(t.Context(), der, h.ask())
	expect(t, r, indeterminate, verifier.ChainConstraintsFailure, "cert.purpose")
	if len(r.Signatures) != 2 {
		t.Fatalf("%d signatures", len(r.Signatures))
	}
	seen := map[verifier.Indication]int{}
	for _, s := range r.Signatures {
		seen[s.Indication]++
	}
	if seen[passed] != 1 || seen[indeterminate] != 1 {
		t.Errorf("verdicts %v, want one of each", seen)
	}
}

func TestLevels(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	for _, tt := range []struct {
		name  string
		der   []byte
		level string
	}{
		{"B", sign(t, k), "B"},
		{"T", sign(t, k, h.stamped(day0.Add(-time.Minute))), "T"},
		{"a timestamp over something else", sign(t, k, func(o *cms.SignOptions) {
			o.Stamp = stampOther(h)
		}), "B"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := h.v.Document(t.Context(), tt.der, h.ask())
			expect(t, r, passed, "", "")
			s := r.Signatures[0]
			if s.Level != tt.level {
				t.Errorf("level %s, want %s", s.Level, tt.level)
			}
			if (s.SigningTime != nil) != (tt.level == "T") {
				t.Errorf("signing time %v at level %s", s.SigningTime, s.Level)
			}
			if s.ClaimedTime == nil || !s.ClaimedTime.Equal(day0) {
				t.Errorf("claimed time %v", s.ClaimedTime)
			}
		})
	}
}

// A signature that brings its own lists is judged by them, without the network; a
// forged one among them is passed over.
func TestEmbeddedLists(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	der := sign(t, k, h.stamped(day0.Add(-time.Second)))
	own, root := list(t, h.ca, testpki.CRLOptions{}), list(t, h.pki.Root(), testpki.CRLOptions{})
	forged := list(t, h.ca, testpki.CRLOptions{Signer: h.person(t)})
	q := h.ask()
	q.Offline = true
	r := h.v.Document(t.Context(), embed(t, der, forged, own, root), q)
	expect(t, r, passed, "", "")
	if s := r.Signatures[0]; s.Level != "LT" {
		t.Errorf("level %s, want LT", s.Level)
	}
	r = h.v.Document(t.Context(), embed(t, der, forged, root), q)
	expect(t, r, indeterminate, verifier.TryLater, "cert.revocation")
	h.ca.Revoke(k.Certificate, day0.Add(-time.Minute), 1)
	r = h.v.Document(t.Context(), embed(t, der, own, root, list(t, h.ca, testpki.CRLOptions{ThisUpdate: day0})), q)
	expect(t, r, indeterminate, verifier.RevokedNoPOE, "cert.revocation")
}

// Likewise with the values that CAdES keeps in unsigned attributes.
func TestEmbeddedValues(t *testing.T) {
	h := newHouse(t)
	k := h.person(t)
	der := sign(t, k, h.stamped(day0.Add(-time.Second)), func(o *cms.SignOptions) { o.Chain = nil })
	sd, err := cms.Parse(der, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	der, err = sd.AddUnsigned(0, cms.Attribute{Type: "1.2.840.113549.1.9.16.2.23", Values: [][]byte{sequence(h.ca.Certificate.Raw)}})
	if err != nil {
		t.Fatal(err)
	}
	if sd, err = cms.Parse(der, cms.Limits{}); err != nil {
		t.Fatal(err)
	}
	basic := basicOf(t, answer(t, h.ca, k.Certificate, testpki.OCSPOptions{}))
	root, tsa := list(t, h.pki.Root(), testpki.CRLOptions{}), list(t, h.ca, testpki.CRLOptions{})
	values := sequence(explicit(0, sequence(root.Raw, tsa.Raw)), explicit(1, sequence(basic)))
	der, err = sd.AddUnsigned(0, cms.Attribute{Type: "1.2.840.113549.1.9.16.2.24", Values: [][]byte{values}})
	if err != nil {
		t.Fatal(err)
	}
	q := h.ask()
	q.Offline = true
	r := h.v.Document(t.Context(), der, q)
	expect(t, r, passed, "", "")
	if s := r.Signatures[0]; s.Level != "LT" {
		t.Errorf("level %s, want LT", s.Level)
	}
	if text := string(marshal(t, r)); !strings.Contains(text, " ocsp source=embedded ") || !strings.Contains(text, " crl source=embedded ") {
		t.Errorf("the evidence does not name the embedded answer and list: %s", text)
	}
}

// unknownDigest names a digest that nobody knows (the last arc of its object identifier
// is changed) as the message's and the signer's.
func unknownDigest(t *testing.T, der []byte) []byte {
	t.Helper()
	sd, err := cms.Parse(der, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var arcs asn1.ObjectIdentifier
	for arc := range strings.SplitSeq(string(sd.Signers[0].DigestAlgorithm.OID), ".") {
		n, err := strconv.Atoi(arc)
		if err != nil {
			t.Fatal(err)
		}
		arcs = append(arcs, n)
	}
	known, err := asn1.Marshal(arcs)
	if err != nil {
		t.Fatal(err)
	}
	behind := 0 // the certificates, which may name it too
	for _, c := range sd.Certificates {
		behind = max(behind, bytes.Index(der, c.Raw)+len(c.Raw))
	}
	out := bytes.Clone(der)
	for _, from := range []int{0, behind} {
		out[from+bytes.Index(out[from:], known)+len(known)-1] = 0x63
	}
	return out
}
