// SPDX-License-Identifier: Apache-2.0

package testpki

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"rastau/internal/gost"
	"rastau/internal/pki"
)

// saved is the file that Save writes: keys in the open, for a development authority only.
type saved struct {
	Authorities []savedCA
	TSA         savedKey
}

type savedCA struct {
	savedKey
	ID     string
	Number int64 // of the last list
}

type savedKey struct {
	PKCS8       []byte
	Certificate []byte
	Chain       [][]byte
}

// stateFile stands in the folder that Save and Load are given.
const stateFile = "pki.json"

// CAs lists the authorities below the root, in the order they were made.
func (p *PKI) CAs() []*CA {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*CA
	for i := 1; p.cas[fmt.Sprintf("ca%d", i)] != nil; i++ {
		all = append(all, p.cas[fmt.Sprintf("ca%d", i)])
	}
	return all
}

// Save writes the authorities' and the TSA's keys into a folder, so that a later process goes on as the same PKI.
// Revocations and issued certificates are not written.
func (p *PKI) Save(folder string) error {
	var state saved
	for _, ca := range append([]*CA{p.root}, p.CAs()...) {
		key, err := saveKey(ca.Key, ca.Certificate, nil)
		if err != nil {
			return err
		}
		ca.mu.Lock()
		state.Authorities = append(state.Authorities, savedCA{savedKey: key, ID: ca.id, Number: ca.number})
		ca.mu.Unlock()
	}
	p.mu.Lock()
	tsa := p.tsa
	p.mu.Unlock()
	if tsa != nil {
		key, err := saveKey(tsa.Signer, tsa.Certificate, tsa.Chain)
		if err != nil {
			return err
		}
		state.TSA = key
	}
	data, err := json.Marshal(state)
	if err != nil {
		return err
	}
	// Written beside and renamed: a crash leaves a whole file or none.
	part := filepath.Join(folder, stateFile+".part")
	if err := os.WriteFile(part, data, 0o600); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(folder, stateFile))
}

// Load goes on as the PKI that Save wrote. List numbers go on from the clock, so that no later list is older than one of
// the earlier process. Serial numbers that this process did not issue are answered as good unless they are listed.
func Load(folder string, o Options) (*PKI, error) {
	data, err := os.ReadFile(filepath.Join(folder, stateFile))
	if err != nil {
		return nil, err
	}
	var state saved
	if err := json.Unmarshal(data, &state); err != nil {
		return nil, fmt.Errorf("testpki: %s: %w", stateFile, err)
	}
	if len(state.Authorities) == 0 {
		return nil, fmt.Errorf("testpki: %s holds no authority", stateFile)
	}
	p, err := newPKI(o)
	if err != nil {
		return nil, err
	}
	for i, s := range state.Authorities {
		key, err := loadKey(s.savedKey)
		if err != nil {
			return nil, err
		}
		ca := p.blankCA(p.root, key.Signer)
		ca.reloaded = true
		ca.number = max(s.Number, o.Now().Unix())
		ca.Certificate = key.Certificate
		if ca.x509, err = x509.ParseCertificate(key.Certificate.Raw); err != nil {
			return nil, err
		}
		p.register(ca)
		if i == 0 {
			p.root = ca
		}
		if ca.id != s.ID {
			return nil, fmt.Errorf("testpki: authority %q stands where %q was expected", s.ID, ca.id)
		}
	}
	if state.TSA.PKCS8 != nil {
		if p.tsa, err = loadKey(state.TSA); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func saveKey(key crypto.Signer, cert *pki.Certificate, chain []*pki.Certificate) (savedKey, error) {
	der, err := marshalPrivate(key)
	if err != nil {
		return savedKey{}, err
	}
	s := savedKey{PKCS8: der, Certificate: slices.Clone(cert.Raw)}
	for _, c := range chain {
		s.Chain = append(s.Chain, c.Raw)
	}
	return s, nil
}

func loadKey(s savedKey) (*pki.Key, error) {
	signer, err := parsePrivate(s.PKCS8)
	if err != nil {
		return nil, err
	}
	key := &pki.Key{Signer: signer}
	if key.Certificate, err = pki.ParseCertificate(s.Certificate); err != nil {
		return nil, err
	}
	for _, der := range s.Chain {
		c, err := pki.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		key.Chain = append(key.Chain, c)
	}
	return key, nil
}

// marshalPrivate encodes a PrivateKeyInfo (RFC 5208).
func marshalPrivate(key crypto.Signer) ([]byte, error) {
	if key, ok := key.(*gost.PrivateKey); ok {
		return pki.MarshalNationalPrivateKey(key)
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

func parsePrivate(der []byte) (crypto.Signer, error) {
	key, err := pki.ParseNationalPrivateKey(der)
	if err == nil {
		return key, nil
	}
	if !errors.Is(err, pki.ErrUnsupported) {
		return nil, err
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, errors.New("testpki: the saved key cannot sign")
	}
	return signer, nil
}
