// SPDX-License-Identifier: Apache-2.0

package console

import (
	"time"

	"rastau/crl"
	"rastau/internal/ocsp"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
	"rastau/verifier"
)

// link is one thing that a verdict rests on, with the times that count for it.
type link struct {
	Kind     string // a key of the catalogue: console.chain.KIND
	Name     string
	By       string // who made it
	From     time.Time
	Until    time.Time // zero: open, or a moment alone
	Said     string    // an OCSP answer's status, a list's number of entries
	SHA256   string
	Sequence int // certificates: 0 is the anchor
}

// maxListShown bounds a list that is read again to show its times.
const maxListShown = 8 << 20

// chainOf shows what was used: the certificates from the anchor down, then lists, answers and time stamps.
func chainOf(r *verifier.Report) []link {
	if r == nil || r.Record == nil {
		return nil
	}
	var anchors, certs, rest []link
	for _, p := range r.Record.Pieces {
		if !p.Used && p.Kind != verifier.PieceAnchor {
			continue
		}
		l := link{SHA256: hexOf(p.SHA256[:])}
		switch p.Kind {
		case verifier.PieceAnchor, verifier.PieceCertificate:
			c, err := pki.ParseCertificate(p.Bytes)
			if err != nil {
				continue
			}
			l.Kind, l.Name, l.By, l.From, l.Until = string(p.Kind), nameIn(c.Subject), nameIn(c.Issuer), c.NotBefore, c.NotAfter
			if p.Kind == verifier.PieceAnchor {
				if p.Used {
					anchors = append(anchors, l)
				}
			} else {
				certs = append(certs, l)
			}
		case verifier.PieceList:
			l.Kind = "list"
			if len(p.Bytes) <= maxListShown {
				if list, err := crl.Parse(p.Bytes, crl.Limits{}); err == nil {
					l.Name, l.From, l.Until = nameIn(list.Issuer), list.ThisUpdate, list.NextUpdate
				}
			}
			rest = append(rest, l)
		case verifier.PieceResponse:
			l.Kind = "ocsp"
			if a, err := ocsp.Parse(p.Bytes); err == nil && len(a.Singles) > 0 {
				l.From, l.Until, l.Said = a.ProducedAt, a.Singles[0].NextUpdate, string(a.Singles[0].Status)
				if a.ByName != nil {
					l.By = nameIn(*a.ByName)
				} else if len(a.Certificates) > 0 {
					l.By = nameIn(a.Certificates[0].Subject)
				}
			}
			rest = append(rest, l)
		case verifier.PieceTimestamp:
			l.Kind = "timestamp"
			if t, err := timestamp.Parse(p.Bytes); err == nil {
				l.From = t.GenTime
				if certs := t.Signed.Certificates; len(certs) > 0 {
					if c, err := pki.ParseCertificate(certs[0].Raw); err == nil {
						l.By = nameIn(c.Subject)
					}
				}
			}
			rest = append(rest, l)
		}
	}
	return append(append(anchors, certs...), rest...)
}

// nameIn is the common name, else the whole one.
func nameIn(n pki.Name) string {
	if cn := n.First(pki.OIDCommonName); cn != "" {
		return cn
	}
	return n.String()
}
