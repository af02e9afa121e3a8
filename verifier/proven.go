// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rastau/crl"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/trust"
)

// A Verifier remembers what it has proven, so that the next signature of the same
// person costs little more than its own mathematics. Whatever is remembered gives the
// very report that judging anew would give; where that is not certain it is judged anew.
const (
	// maxProven bounds one generation of each kind of memory; there are two.
	maxProven = 1024
	// maxProvenCertificate bounds a certificate that is kept decoded, in bytes: real ones
	// have two or three thousand.
	maxProvenCertificate = 8 << 10
	// maxProvenCandidates bounds the bag of certificates of a remembered path.
	maxProvenCandidates = 64
	// provenTime is how long anything is remembered at most. It divides a day, and every
	// end in the tables of algorithms is the last second of a day: what counts at a time
	// counts until the last second of the same hour.
	provenTime = time.Hour
)

// memory is what a Verifier remembers. It is safe for concurrent use.
type memory struct {
	seed         maphash.Seed
	certificates shelf[uint64, *pki.Certificate]
	names        shelf[uint64, pki.Name] // of authorities
	signatures   shelf[madeKey, struct{}]
	answers      shelf[[32]byte, struct{}]
	paths        shelf[pathKey, *provenPaths]
	chains       shelf[chainKey, *provenChain]
	authorities  shelf[authorityKey, *goodAuthority]
	trusted      atomic.Pointer[[]trust.Anchor] // see anchors
}

func newMemory() *memory { return &memory{seed: maphash.MakeSeed()} }

// shelf keeps the newest entries: when the young generation is full it becomes the old
// one, and what was not asked for meanwhile is gone.
type shelf[K comparable, V any] struct {
	mu         sync.RWMutex
	young, old map[K]V
}

func (s *shelf[K, V]) get(key K) (V, bool) {
	s.mu.RLock()
	v, young := s.young[key]
	ok := young
	if !ok {
		v, ok = s.old[key]
	}
	s.mu.RUnlock()
	if ok && !young {
		s.put(key, v)
	}
	return v, ok
}

func (s *shelf[K, V]) put(key K, v V) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil || len(s.young) >= maxProven {
		s.old, s.young = s.young, make(map[K]V, len(s.young))
	}
	s.young[key] = v
}

func (s *shelf[K, V]) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.young, s.old = nil, nil
}

// Forget drops everything that was proven before: the operator has changed whom to trust. Judgements under way end as they began.
func (v *Verifier) Forget() {
	m := v.memory
	m.certificates.clear()
	m.names.clear()
	m.signatures.clear()
	m.answers.clear()
	m.paths.clear()
	m.chains.clear()
	m.authorities.clear()
	m.trusted.Store(nil)
}

// certificate decodes a certificate, or gives the one decoded before from the same
// bytes: they are compared whole, the hash only finds them. Only certificates of proven
// paths are kept, so that nobody fills the memory with ones of their own making.
func (m *memory) certificate(der []byte) (*pki.Certificate, error) {
	if c, ok := m.certificates.get(maphash.Bytes(m.seed, der)); ok && bytes.Equal(c.Raw, der) {
		return c, nil
	}
	return pki.ParseCertificateKnowing(der, m.name)
}

// name is certificate for the name of an authority.
func (m *memory) name(der []byte) (pki.Name, error) {
	if n, ok := m.names.get(maphash.Bytes(m.seed, der)); ok && bytes.Equal(n.Raw, der) {
		return n, nil
	}
	return pki.ParseName(der)
}

// keep remembers the certificates of a proven path, and the names of those above the first.
func (m *memory) keep(path []*pki.Certificate) {
	for i, c := range path {
		if len(c.Raw) > maxProvenCertificate {
			continue
		}
		key := maphash.Bytes(m.seed, c.Raw)
		if have, ok := m.certificates.get(key); ok && have == c {
			continue
		}
		m.certificates.put(key, c)
		if i > 0 {
			m.names.put(maphash.Bytes(m.seed, c.Subject.Raw), c.Subject)
		}
	}
}

// anchors is a copy of a question's anchors: the one made before where the same are trusted, as nearly always.
func (m *memory) anchors(of []trust.Anchor) []trust.Anchor {
	if before := m.trusted.Load(); before != nil && slices.EqualFunc(*before, of, sameAnchor) {
		return *before
	}
	own := slices.Clone(of)
	m.trusted.Store(&own)
	return own
}

// madeKey is a certificate and a key by their digests.
type madeKey struct{ certificate, key [32]byte }

// made is pki.Certificate.CheckSignatureFrom, which remembers the keys that made the
// signatures of authorities. That is mathematics alone: it holds at every time, under
// every policy and whoever is trusted, and all of these are asked for anew. The digests
// stand for every byte that went into it. A holder's own certificate is not remembered
// here, or everybody's would drive out the few that serve them all.
func (m *memory) made(c *pki.Certificate, key *pki.PublicKey) error {
	if c.BasicConstraints == nil || !c.BasicConstraints.CA || len(key.Raw) == 0 {
		return c.CheckSignatureFrom(key)
	}
	k := madeKey{c.SHA256, key.SHA256()}
	if _, known := m.signatures.get(k); known {
		return nil
	}
	err := c.CheckSignatureFrom(key)
	if err == nil {
		m.signatures.put(k, struct{}{})
	}
	return err
}

// once is ocsp.Query.Once: of an answer that a source gives again the signatures are proven once. What it says, when and
// by whose right is judged each time.
func (m *memory) once(digest [32]byte, prove func() error) error {
	if _, known := m.answers.get(digest); known {
		return nil
	}
	err := prove()
	if err == nil {
		m.answers.put(digest, struct{}{})
	}
	return err
}

// pathKey and the bags of provenPaths are all that trust.Find looks at but the time.
type pathKey struct {
	// The certificate by its bytes: another with the same name, number and key is
	// another certificate.
	leaf [32]byte
	// What counts as an algorithm is part of whether a path is valid, and so are the
	// policies asked for and the three ways to ask for them (RFC 5280 §6.1.1 (c), (e)–(g)).
	algorithms *pki.AlgorithmPolicy
	policies   string
	inputs     [3]bool
}

type provenPaths struct {
	// Whom the asker trusts, and among which certificates paths were looked for: a path
	// over a certificate that this message does not bring must not pass, or the verdict
	// would depend on which message came before.
	anchors    []trust.Anchor
	candidates []*pki.Certificate
	paths      []trust.Path
	window     window
}

// window is when something remembered holds: from the time it was proven at until
// anything that it was computed from may change. Both ends are strict on the safe side.
type window struct{ from, until time.Time }

func (w window) holds(at time.Time) bool { return !at.Before(w.from) && at.Before(w.until) }

// narrow ends the window at t, where t does not lie before it.
func (w *window) narrow(t time.Time) {
	if !t.Before(w.from) && t.Before(w.until) {
		w.until = t
	}
}

// period ends the window where that of a certificate begins or ends.
func (w *window) period(c *pki.Certificate) {
	if c.NotBefore.After(w.from) { // one that has just begun is valid already
		w.narrow(c.NotBefore)
	}
	w.narrow(c.NotAfter)
}

// hour is the longest window.
func (s *subject) hour() window {
	return window{s.when, s.when.Truncate(provenTime).Add(provenTime - time.Second)}
}

// pathWindow ends where the period of any certificate in sight begins or ends: another
// path may then be better, or this one be none.
func (s *subject) pathWindow(candidates []*pki.Certificate) window {
	w := s.hour()
	w.period(s.cert)
	for _, c := range candidates {
		w.period(c)
	}
	for _, a := range s.anchors {
		if a.Certificate != nil {
			w.period(a.Certificate)
		}
	}
	return w
}

// fresh ends the window where a list is no longer fresh; false where nobody can say when.
func (s *subject) fresh(w *window, l *crl.List) bool {
	if l.NextUpdate.IsZero() {
		return false
	}
	w.narrow(l.NextUpdate)
	if s.q.MaxAge > 0 {
		w.narrow(l.ThisUpdate.Add(s.q.MaxAge))
	}
	return true
}

func (s *subject) pathKey() pathKey {
	k := pathKey{leaf: s.cert.SHA256, algorithms: s.q.Algorithms}
	if s.role.principal() { // see find: nobody else is asked about policies
		k.inputs = [3]bool{s.q.RequireExplicitPolicy, s.q.InhibitPolicyMapping, s.q.InhibitAnyPolicy}
		switch len(s.q.Policies) {
		case 0:
		case 1:
			k.policies = string(s.q.Policies[0])
		default:
			all := make([]string, len(s.q.Policies))
			for i, p := range s.q.Policies {
				all[i] = string(p)
			}
			k.policies = strings.Join(all, " ")
		}
	}
	return k
}

// sees reports whether a question has the same anchors and the same bag, in order.
func (p *provenPaths) sees(anchors []trust.Anchor, candidates []*pki.Certificate) bool {
	return slices.EqualFunc(p.anchors, anchors, sameAnchor) && slices.EqualFunc(p.candidates, candidates, sameCertificate)
}

func sameAnchor(a, b trust.Anchor) bool {
	if a.Certificate != b.Certificate && (a.Certificate == nil || b.Certificate == nil || a.Certificate.SHA256 != b.Certificate.SHA256) {
		return false
	}
	return bytes.Equal(a.Name.Raw, b.Name.Raw) && bytes.Equal(a.Key.Raw, b.Key.Raw)
}

func sameCertificate(a, b *pki.Certificate) bool { return a == b || a.SHA256 == b.SHA256 }

// provenPath is what find would find, where it has found a valid path before.
func (s *subject) provenPath() ([]trust.Path, bool) {
	p, ok := s.v.memory.paths.get(s.pathKey())
	if !ok || !p.window.holds(s.when) || !p.sees(s.anchors, s.candidates) {
		return nil, false
	}
	return p.paths, true
}

// bag is what the search of paths has kept of anchors and candidates, where it has, else its own.
func (s *subject) bag(candidates []*pki.Certificate) *provenPaths {
	if p := s.found; p != nil && p.sees(s.anchors, candidates) {
		return p
	}
	return &provenPaths{anchors: s.v.memory.anchors(s.anchors), candidates: slices.Clip(candidates)}
}

// keepPaths remembers a search whose best path is valid, and the certificates on it.
func (s *subject) keepPaths(paths []trust.Path) {
	if len(paths) == 0 || !paths[0].Valid() || len(paths) > maxPaths || len(s.candidates) > maxProvenCandidates {
		return
	}
	s.found = &provenPaths{
		anchors: s.v.memory.anchors(s.anchors), candidates: slices.Clip(s.candidates),
		paths: paths, window: s.pathWindow(s.candidates),
	}
	s.v.memory.paths.put(s.pathKey(), s.found)
	s.v.memory.keep(paths[0].Certificates)
}

// chainKey is what pathChecks look at beyond the path: every part of the question that
// is not ruled out by asksNow.
type chainKey struct {
	path         pathKey
	role         role
	purpose      Purpose // what the certificate must serve
	iin, bin     string  // and whose it must be,
	applicant    Applicant
	subordinates bool
	noRevocation bool          // whether revocation counts,
	maxAge       time.Duration // and how old the answer may be
	offline      bool
	lang         phrase.Lang // of the sentences
}

// provenChain is a certificate on which everything held.
type provenChain struct {
	paths   *provenPaths
	window  window // in which all lists are fresh, too
	sources []listAt
	judged  judged
	said    time.Time // the time that the findings speak of
	person  *Person
}

// listAt is the list that an address gave for a certificate.
type listAt struct {
	url  string
	list *crl.List
	of   *link // the certificate
}

// asksNow reports whether the question is about now and the evidence is the network's
// alone. Nothing else is remembered: of another time the answer is another, evidence
// that was given or came with the signature may say something else, and whoever wants
// the record wants all that was looked at.
func (s *subject) asksNow() bool {
	return s.source == sourceClock && s.role.principal() && s.when.Equal(s.q.At) && !s.proven && s.after == nil && s.poe.empty() &&
		len(s.at.lists)+len(s.at.responses)+len(s.q.Lists)+len(s.q.OCSPs) == 0 &&
		s.keeper == nil && !s.q.KeepRecord && s.q.Replay == nil
}

func (s *subject) chainKey() chainKey {
	return chainKey{s.pathKey(), s.role, s.purpose, s.q.IIN, s.q.BIN, s.q.Applicant, s.q.Subordinates,
		s.q.NoRevocation, s.q.MaxAge, s.q.Offline, s.q.Lang}
}

// keepChain remembers a certificate on which everything holds and whose revocation
// lists alone have settled. An OCSP answer is not remembered: it was given to one
// question, with its nonce (RFC 9654 §1), and the responder may know better by the next.
func (s *subject) keepChain(key chainKey, candidates []*pki.Certificate, j *judged) {
	if j.path == nil || !j.path.Valid() || j.momentary || decide(j.findings) >= 0 || j.embedded || len(candidates) > maxProvenCandidates {
		return
	}
	p := &provenChain{
		paths:  s.bag(candidates),
		window: s.pathWindow(candidates), sources: j.sources,
		judged: judged{findings: j.findings, path: j.path}, said: s.when, person: personOf(s.cert, s.holder()),
	}
	j.person = p.person
	for _, l := range j.sources {
		if !s.fresh(&p.window, l.list) {
			return
		}
	}
	for i := range p.judged.findings {
		// Reports copy the findings and share these from now on: nobody may append into them.
		p.judged.findings[i].Evidence = slices.Clip(p.judged.findings[i].Evidence)
	}
	s.v.memory.chains.put(key, p)
}

// recall gives the judgement of a certificate that was judged before, where the same
// lists still stand at their addresses: the source is asked for each, and renews or
// replaces it as ever. A new list is judged anew.
func (s *subject) recall(ctx context.Context, key chainKey) (judged, bool) {
	p, ok := s.v.memory.chains.get(key)
	if !ok || !p.window.holds(s.when) || !p.paths.sees(s.anchors, s.candidates) || ctx.Err() != nil {
		return judged{}, false
	}
	for _, known := range p.sources {
		now, err := s.v.o.Lists.List(s.online, known.url, func(l *crl.List) error {
			if l == known.list {
				return nil
			}
			t := *s
			t.path = p.judged.path
			return t.vouch(ctx, known.of)(l)
		})
		if err != nil || now != known.list {
			return judged{}, false
		}
	}
	j := p.judged
	j.person = p.person
	if p.said.Unix() != s.when.Unix() {
		at := s.moment(s.when)
		j.findings = slices.Clone(j.findings)
		for i := range j.findings {
			j.findings[i] = j.findings[i].retold(at)
		}
	}
	return j, true
}

// retold says a finding of another time judged.
func (f Finding) retold(at string) Finding {
	for i := 0; i+1 < len(f.args); i += 2 {
		if f.args[i] == "at" {
			f.args = slices.Clone(f.args)
			f.args[i+1] = at
			return f
		}
	}
	return f
}
