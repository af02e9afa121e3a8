// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"context"
	"log/slog"
	"slices"

	"rastau/internal/cms"
	"rastau/internal/pki"
)

// maxIssuers bounds the steps up that are fetched for one certificate.
const maxIssuers = 4

// fetchIssuers walks up from the certificate and fetches the issuers that nobody
// has given (RFC 5280 §4.2.2.1, caIssuers). What comes is untrusted like any other
// certificate at hand. It reports whether anything new came.
func (s *subject) fetchIssuers() bool {
	able := s.v.o.FetchIssuers && s.v.o.Web != nil || s.q.Replay != nil
	if !able || s.q.Offline || len(s.anchors) == 0 {
		return false
	}
	found := false
	for c, step := s.cert, 0; step < maxIssuers && !c.SelfIssued(); step++ {
		next := s.issuerOf(c)
		if next == nil {
			l := &link{cert: c}
			s.candidates = append(slices.Clip(s.candidates), s.once("issuer", l, func(ctx context.Context) fetched {
				return fetched{issuers: s.askIssuers(ctx, c)}
			}).issuers...)
			if next = s.issuerOf(c); next == nil {
				return found
			}
			found = true
		}
		c = next
	}
	return found
}

// issuerOf finds a candidate that bears the issuer's name, and its key identifier
// where both certificates name one.
func (s *subject) issuerOf(c *pki.Certificate) *pki.Certificate {
	for _, x := range s.candidates {
		if !x.Subject.Equal(c.Issuer) {
			continue
		}
		if len(c.AuthorityKeyID) == 0 || len(x.SubjectKeyID) == 0 || bytes.Equal(c.AuthorityKeyID, x.SubjectKeyID) {
			return x
		}
	}
	return nil
}

// askIssuers fetches what one certificate's addresses give: a certificate, or a
// "certs-only" CMS message (RFC 5280 §4.2.2.1).
func (s *subject) askIssuers(ctx context.Context, c *pki.Certificate) []*pki.Certificate {
	for _, url := range addresses(c.CAIssuers) {
		data, err := s.v.o.Web.Get(ctx, url, 4*pki.MaxCertificate)
		if err != nil {
			s.v.o.Log.Debug("issuer not fetched", slog.String("url", url), slog.Any("error", err))
			continue
		}
		all, err := pki.ReadCertificates(data)
		if err != nil {
			if sd, cmsErr := cms.Parse(data, cms.Limits{Bytes: 4 * pki.MaxCertificate}); cmsErr == nil {
				all, err = sd.Certificates, nil
			}
		}
		all = slices.DeleteFunc(slices.Clone(all), func(x *pki.Certificate) bool { return !x.Subject.Equal(c.Issuer) })
		if err == nil && len(all) > 0 {
			return all
		}
	}
	return nil
}
