// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"rastau/crl"
	"rastau/internal/ocsp"
	"rastau/internal/pki"
	"rastau/internal/span"
)

const (
	// nonceBytes of an OCSP request (RFC 9654 §2.1).
	nonceBytes = 32
	// maxAddresses of one kind that are asked for one certificate: a certificate
	// may name hundreds.
	maxAddresses = 3
)

// fetched is what the network gave for one certificate.
type fetched struct {
	evidence
	issuers  []*pki.Certificate
	failures []string // English
	retry    time.Time
	sources  []listAt // of lists
	partial  bool     // of several addresses of lists not all answered
}

// askResponders asks the responders that the certificate names (RFC 6960 §3.1),
// until one answers.
func (s *subject) askResponders(l *link) fetched {
	if s.v.o.Web == nil && s.q.Replay == nil {
		return fetched{}
	}
	return s.once("ocsp", l, func(ctx context.Context) fetched {
		var out fetched
		for _, url := range addresses(l.cert.OCSPServers) {
			asking, step := span.Ask(ctx, "revocation OCSP", url)
			held, err := s.askResponder(asking, url, l)
			step.End(err)
			if err == nil {
				out.responses = []heldResponse{held}
				return out
			}
			s.v.o.Log.Debug("ocsp not answered", slog.String("url", url), slog.Any("error", err))
			out.failures = append(out.failures, "OCSP could not be reached")
			out.retry = earlier(out.retry, retryTime(err), s.q.At)
		}
		return out
	})
}

func (s *subject) askResponder(ctx context.Context, url string, l *link) (heldResponse, error) {
	if s.v.o.OCSP != nil {
		der, nonce, err := s.v.o.OCSP.Ask(ctx, url, ocsp.Query{Certificate: l.cert, Issuer: l.issuer, Candidates: s.candidates,
			At: s.q.At, MaxAge: s.q.MaxAge, Algorithms: s.q.Algorithms})
		return heldResponse{der: der, from: network, nonce: nonce}, err
	}
	nonce := make([]byte, nonceBytes)
	if _, err := io.ReadFull(s.v.o.Rand, nonce); err != nil {
		return heldResponse{}, fmt.Errorf("nonce: %w", err)
	}
	request, err := ocsp.Request(l.cert, l.issuer, ocsp.RequestOptions{Nonce: nonce})
	if err != nil {
		return heldResponse{}, err
	}
	der, err := s.v.o.Web.Post(ctx, url, "application/ocsp-request", request, ocsp.MaxResponse)
	if err != nil {
		return heldResponse{}, err
	}
	return heldResponse{der: der, from: network, nonce: nonce}, nil
}

// fetchLists fetches the lists that the certificate's distribution points name
// (RFC 5280 §6.3.3 (a)), and their delta lists (§4.2.1.15, §5.2.6).
func (s *subject) fetchLists(l *link) fetched {
	if s.v.o.Lists == nil && s.q.Replay == nil {
		return fetched{}
	}
	return s.once("crl", l, func(ctx context.Context) fetched {
		var out fetched
		deltas := pointAddresses(l.cert.FreshestCRL)
		for _, url := range pointAddresses(l.cert.DistributionPoints) {
			list, err := s.list(ctx, url, l)
			if err != nil {
				s.v.o.Log.Debug("list not fetched", slog.String("url", url), slog.Any("error", err))
				out.failures = append(out.failures, "the revocation list could not be fetched")
				out.retry = earlier(out.retry, retryTime(err), s.q.At)
				out.partial = true
				continue
			}
			out.addLists(network, []*crl.List{list})
			out.sources = append(out.sources, listAt{url, list, l})
			deltas = append(deltas, pointAddresses(list.FreshestCRL)...)
		}
		if len(out.lists) == 0 {
			return out
		}
		// A delta list only adds to a complete one; without it the complete list
		// still speaks for itself until its nextUpdate.
		for _, url := range addresses(deltas) {
			list, err := s.list(ctx, url, l)
			if err != nil {
				out.partial = true
				continue
			}
			out.addLists(network, []*crl.List{list})
			out.sources = append(out.sources, listAt{url, list, l})
		}
		return out
	})
}

// list is the list of an address, once it is known who has signed it.
func (s *subject) list(ctx context.Context, url string, l *link) (*crl.List, error) {
	ctx, step := span.Ask(ctx, "revocation list", url)
	list, err := s.v.o.Lists.List(ctx, url, s.vouch(ctx, l))
	step.End(err)
	return list, err
}

// vouch says who may have signed a list for this certificate, before it is kept or
// used: whoever crl.Judge would take, at the time by which the list is proven to
// exist. A certificate that merely bears the issuer's name is nobody.
func (s *subject) vouch(ctx context.Context, l *link) func(*crl.List) error {
	return func(list *crl.List) error {
		q := s.listQuery(l, nil)
		q.Proven = s.since(list.SHA256())
		if err := list.Authorised(ctx, q); err != nil {
			return fmt.Errorf("list of %s: %w", list.Issuer, err)
		}
		return nil
	}
}

// askedKey is what the network is asked once a question: which kind of data, about which
// certificate, as issued with which key.
type askedKey struct {
	kind                string
	certificate, issuer [32]byte
}

// String is the form in which a record keeps it.
func (k askedKey) String() string {
	return k.kind + " " + hex.EncodeToString(k.certificate[:]) + " " + hex.EncodeToString(k.issuer[:])
}

// askedKeyOf reads it back; what it cannot be is never asked for.
func askedKeyOf(text string) (k askedKey) {
	parts := strings.Split(text, " ")
	if len(parts) != 3 || len(parts[1]) != 64 || len(parts[2]) != 64 {
		return k
	}
	k.kind = parts[0]
	if _, err := hex.Decode(k.certificate[:], []byte(parts[1])); err != nil {
		return askedKey{}
	}
	if _, err := hex.Decode(k.issuer[:], []byte(parts[2])); err != nil {
		return askedKey{}
	}
	return k
}

// once asks the network about one certificate at most once a question and kind.
func (s *subject) once(kind string, l *link, ask func(context.Context) fetched) fetched {
	key := askedKey{kind, l.cert.SHA256, l.issuer.Key.SHA256()}
	if out := s.answer(key); out != nil {
		return *out
	}
	if s.q.Replay != nil {
		return fetched{} // nobody answered then, and nobody is asked now
	}
	out := ask(s.online)
	s.asked = append(s.asked, asked{key, out})
	return out
}

// asked is what the network was asked, and what it gave.
type asked struct {
	key askedKey
	fetched
}

// answer is what the network has given already, nil where it was not asked. A question asks about few certificates: they are
// looked through.
func (in *inquiry) answer(key askedKey) *fetched {
	for i := range in.asked {
		if in.asked[i].key == key {
			return &in.asked[i].fetched
		}
	}
	return nil
}

// pointAddresses lists the addresses of distribution points.
func pointAddresses(points []pki.DistributionPoint) []string {
	var out []string
	for i := range points {
		for j := range points[i].FullNames {
			if n := &points[i].FullNames[j]; n.Tag == pki.URIName {
				out = appendAddress(out, n.Text)
			}
		}
	}
	return out
}

// addresses keeps each http address once, at most maxAddresses.
func addresses(all []string) []string {
	var out []string
	for _, u := range all {
		out = appendAddress(out, u)
	}
	return out
}

func appendAddress(out []string, u string) []string {
	if len(out) < maxAddresses && (begins(u, "http://") || begins(u, "https://")) && !slices.Contains(out, u) {
		return append(out, u)
	}
	return out
}

// begins reports whether u begins with the scheme, in any case of letters.
func begins(u, scheme string) bool {
	return len(u) >= len(scheme) && strings.EqualFold(u[:len(scheme)], scheme)
}

// retryTime is when a source says it may be asked again; zero where it does not.
func retryTime(err error) time.Time {
	var u *crl.UnavailableError
	if errors.As(err, &u) {
		return u.RetryAt
	}
	var o *ocsp.UnavailableError
	if errors.As(err, &o) {
		return o.RetryAt
	}
	return time.Time{}
}
