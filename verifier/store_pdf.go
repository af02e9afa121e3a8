// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"time"

	"rastau/crl"
	"rastau/internal/pdf"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
)

// maxStored bounds the certificates, lists and responses of a PDF's security store that
// take part, of each kind; of lists and responses maxEmbedded for each signature.
const maxStored = 512

// store is the document security store of a PDF (EN 319 142-1 §5.4.2), read once for all
// its signatures, with what document timestamps prove about it. What it holds is as
// untrusted as any other data at hand.
type store struct {
	dss          *pdf.DSS
	certificates []*pki.Certificate
	lists        map[[32]byte]*crl.List // by digest; one that cannot be read is missing
	stamps       []stamped              // valid document timestamps, the latest first
	proven       *poe                   // pieces of the store that they cover
}

// stamped is a valid document timestamp: all bytes before end existed then.
type stamped struct {
	end int64
	at  time.Time
}

func (in *inquiry) store(doc *pdf.Document) *store {
	s := &store{dss: doc.DSS(), lists: map[[32]byte]*crl.List{}, proven: &poe{}}
	if s.dss == nil {
		s.dss = &pdf.DSS{}
	}
	for _, list := range []*[]pdf.Item{&s.dss.Certificates, &s.dss.CRLs, &s.dss.OCSPs} {
		*list = (*list)[:min(len(*list), maxStored)]
	}
	for _, i := range s.dss.Certificates {
		if c, err := in.v.memory.certificate(i.DER); err == nil {
			s.certificates = append(s.certificates, c)
		}
	}
	for _, i := range s.dss.CRLs {
		if l, err := crl.Parse(i.DER, crl.Limits{}); err == nil {
			s.lists[l.SHA256()] = l
			in.keeper.keep(PieceList, embedded, i.DER)
		}
	}
	for _, i := range s.dss.OCSPs {
		in.keeper.keep(PieceResponse, embedded, i.DER)
	}
	return s
}

// evidence is what the store holds for one signature: first what is filed under it
// (VRI), then answers that name one of its own certificates, then the rest.
func (s *store) evidence(sig pdf.Signature, own []*pki.Certificate) evidence {
	filed, _ := s.dss.For(sig)
	var out evidence
	seen := map[[32]byte]bool{}
	for _, i := range slices.Concat(filed.CRLs, s.dss.CRLs) {
		sum := sha256.Sum256(i.DER)
		if l := s.lists[sum]; l != nil && !seen[sum] && len(out.lists) < maxEmbedded {
			seen[sum] = true
			out.addLists(embedded, []*crl.List{l})
		}
	}
	named := slices.DeleteFunc(slices.Clone(s.dss.OCSPs), func(i pdf.Item) bool {
		return !slices.ContainsFunc(own, func(c *pki.Certificate) bool { return bytes.Contains(i.DER, c.SerialBytes) })
	})
	for _, i := range slices.Concat(filed.OCSPs, named, s.dss.OCSPs) {
		if sum := sha256.Sum256(i.DER); !seen[sum] && len(out.responses) < maxEmbedded {
			seen[sum] = true
			out.addResponses(embedded, [][]byte{i.DER})
		}
	}
	return out
}

// prove notes a valid document timestamp: what it covers existed then (EN 319 102-1
// §5.6.2.3). Pieces of the store are covered by revision.
func (s *store) prove(sig pdf.Signature, t *timestamp.Token) {
	s.stamps = append(s.stamps, stamped{sig.End, t.GenTime})
	for _, i := range slices.Concat(s.dss.Certificates, s.dss.CRLs, s.dss.OCSPs) {
		if i.Revision <= sig.Revision {
			s.proven.prove(i.DER, t.GenTime)
		}
	}
}

// before gives the proofs about one signature or document timestamp: those of the store,
// and when the revision that it signed is proven to exist; zero where it is not.
func (s *store) before(sig pdf.Signature) (p *poe, existed time.Time) {
	for _, by := range s.stamps {
		if by.end > sig.End {
			existed = earliest(existed, by.at)
		}
	}
	return s.proven.clone(), existed
}

// message adds to the CMS of a signature what the store holds.
func (s *store) message(m *message, sig pdf.Signature) {
	m.candidates = append(slices.Clip(m.candidates), s.certificates...)
	m.at = m.at.and(s.evidence(sig, m.sd.Certificates))
}
