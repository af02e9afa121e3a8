// SPDX-License-Identifier: Apache-2.0

// Package testpki is a whole development PKI in memory: a root, certification
// authorities below it, leaves with Kazakhstan's profile, revocation lists
// (RFC 5280), an OCSP responder with a delegate per authority (RFC 6960,
// RFC 9654) and a time-stamping authority (RFC 3161), all served by one
// handler. Its keys are RSA, ECDSA or GOST 34.10-2015. Only tests and cmd (for
// the demo) import it.
//
// It leaves out whatever makes a real authority one: nothing is stored, nobody
// is identified, keys live in memory, and every authority says DEMO in its name.
package testpki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"rastau/internal/gost"
	"rastau/internal/pki"
)

// Options of a PKI.
type Options struct {
	// Now is the clock of certificates, lists, answers and time-stamps. Required.
	Now func() time.Time
	// BaseURL is the address of the server that will serve Handler; it stands in
	// every certificate issued after it is known (lists, OCSP, issuer's
	// certificate). Optional. If empty, certificates carry no such addresses;
	// SetBaseURL may name it later.
	BaseURL string
	// KeyBits is the size of RSA keys. Optional. If zero, 2048.
	KeyBits int
	// EC asks for P-256 keys instead of RSA: hundreds of times faster to make. Optional.
	EC bool
	// GOST asks for keys of GOST 34.10-2015 with 512 bits, whatever EC and KeyBits say. Optional.
	GOST bool
}

// Names of the development authorities. The real ones bear the same Kazakh
// words without DEMO.
const (
	rootName = "НЕГІЗГІ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ DEMO"
	caName   = "ҰЛТТЫҚ КУӘЛАНДЫРУШЫ ОРТАЛЫҚ DEMO"
	tsaName  = "УАҚЫТ БЕЛГІСІ ҚЫЗМЕТІ DEMO"
	ocspName = "OCSP ЖАУАП БЕРУШІ DEMO"
	ownerOrg = "RASTAU DEMO"
)

const day = 24 * time.Hour

// PKI owns one root and any number of authorities below it. Safe for concurrent use.
type PKI struct {
	now  func() time.Time
	bits int
	ec   bool
	gost bool
	root *CA

	mu       sync.Mutex
	base     string
	cas      map[string]*CA // by the name that stands in addresses
	tsa      *pki.Key
	requests map[string]int
	down     struct{ crl, ocsp, tsa bool }
	archive  bool
}

// New makes a PKI with its root.
func New(o Options) (*PKI, error) {
	p, err := newPKI(o)
	if err != nil {
		return nil, err
	}
	if p.root, err = p.newCA(nil, rootName); err != nil {
		return nil, err
	}
	return p, nil
}

// newPKI is a PKI without any authority yet.
func newPKI(o Options) (*PKI, error) {
	if o.Now == nil {
		return nil, errors.New("testpki: Options.Now is required")
	}
	if o.KeyBits == 0 {
		o.KeyBits = 2048
	}
	return &PKI{
		now:      o.Now,
		bits:     o.KeyBits,
		ec:       o.EC,
		gost:     o.GOST,
		base:     strings.TrimRight(o.BaseURL, "/"),
		cas:      make(map[string]*CA),
		requests: make(map[string]int),
	}, nil
}

// SetBaseURL names the server for certificates issued from now on.
func (p *PKI) SetBaseURL(u string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.base = strings.TrimRight(u, "/")
}

// Root is the trust anchor.
func (p *PKI) Root() *CA { return p.root }

// NewCA makes an authority under the root. An empty name gives the development
// double of the National Certification Authority.
func (p *PKI) NewCA(commonName string) (*CA, error) {
	if commonName == "" {
		commonName = caName
	}
	return p.newCA(p.root, commonName)
}

// NewTSA makes a time-stamping authority with a certificate of ca, whose sole
// and critical extended key usage is timeStamping (RFC 3161 §2.3). It becomes
// the one that /tsp and TimestampToken use.
func (p *PKI) NewTSA(ca *CA) (*pki.Key, error) {
	key, err := ca.Issue(Leaf{
		CommonName:   tsaName,
		Organization: ownerOrg,
		NotBefore:    ca.Certificate.NotBefore,
		NotAfter:     ca.Certificate.NotAfter,
		KeyUsage:     pki.DigitalSignature | pki.NonRepudiation,
		ExtKeyUsage:  []pki.OID{pki.OIDTimeStamping},
	})
	if err != nil {
		return nil, err
	}
	p.UseTSA(key)
	return key, nil
}

// UseTSA makes /tsp and TimestampToken sign with a key of the caller's making: a
// service whose certificate ends early, or one that may not stamp at all.
func (p *PKI) UseTSA(key *pki.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tsa = key
}

// SetDown makes every path of a kind answer 503, or serve again.
func (p *PKI) SetDown(crl, ocsp, tsa bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down.crl, p.down.ocsp, p.down.tsa = crl, ocsp, tsa
}

// KeepArchive makes the responders say that they know of certificates after their end too (RFC 6960 §4.4.4); without it a
// served "good" says nothing of an expired one.
func (p *PKI) KeepArchive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.archive = true
}

func (p *PKI) archives() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.archive
}

// SetCADown does the same for one authority.
func (p *PKI) SetCADown(ca *CA, crl, ocsp bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ca.down.crl, ca.down.ocsp = crl, ocsp
}

// Requests tells how often a path was asked, whether it answered or was down:
// "/crl/ca1.crl". An OCSP GET counts under the responder's path.
func (p *PKI) Requests(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[path]
}

// newKey makes a private key of the kind the options ask for.
func (p *PKI) newKey() (crypto.Signer, error) {
	if p.gost {
		return gost.GenerateKey(gost.TC26512A(), rand.Reader)
	}
	if p.ec {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, p.bits)
}

// register gives a new authority its name for addresses.
func (p *PKI) register(ca *CA) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ca.id = "root"
	if len(p.cas) > 0 {
		ca.id = fmt.Sprintf("ca%d", len(p.cas))
	}
	p.cas[ca.id] = ca
}

// baseURL is the server's address as known now.
func (p *PKI) baseURL() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.base
}
