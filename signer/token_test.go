// SPDX-License-Identifier: Apache-2.0

//go:build pkcs11

package signer_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"

	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/signer"
)

// softHSM is a token in software with the keys of a house; there is one for all tests, because the library is set up once a process.
type softHSM struct {
	module    string
	house     house
	rsa, ec   *pki.Key
	pins      atomic.Int64 // how often the PIN was asked for
	wrong     atomic.Bool  // the PIN given is another one
	problem   error
	directory string
}

const tokenPIN = "73519"

var (
	hsm     softHSM
	makeHSM sync.Once
)

func openHSM(tb testing.TB) *signer.Token {
	tb.Helper()
	makeHSM.Do(func() { hsm.problem = hsm.make(tb) })
	if hsm.problem != nil {
		tb.Fatal(hsm.problem)
	}
	if hsm.module == "" {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") != "" {
			tb.Fatal("SoftHSM2 is required here")
		}
		tb.Skip("SoftHSM2 is not installed; `make tools` installs it")
	}
	t, err := signer.OpenToken(hsm.options())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := t.Close(); err != nil {
			tb.Error(err)
		}
	})
	return t
}

func (s *softHSM) options() signer.TokenOptions {
	return signer.TokenOptions{Module: s.module, Label: "RASTAU", PIN: func() (string, error) {
		s.pins.Add(1)
		if s.wrong.Load() {
			return "00000", nil
		}
		return tokenPIN, nil
	}}
}

func (s *softHSM) make(tb testing.TB) error {
	if _, err := exec.LookPath("softhsm2-util"); err != nil {
		return nil
	}
	for _, pattern := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			s.module = found[0]
			break
		}
	}
	var err error
	if s.directory, err = os.MkdirTemp("", "softhsm-"); err != nil {
		return err
	}
	conf := filepath.Join(s.directory, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+s.directory+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		return err
	}
	os.Setenv("SOFTHSM2_CONF", conf) // for the library, for as long as the process lives
	s.house = newHouse(tb, false)
	s.rsa, s.ec = s.house.issue(tb, testpki.Leaf{}), newHouse(tb, true).issue(tb, testpki.Leaf{})
	if err := tool("--init-token", "--free", "--label", "RASTAU", "--pin", tokenPIN, "--so-pin", "90817"); err != nil {
		return err
	}
	for _, k := range []struct {
		label, id string
		key       *pki.Key
	}{{"licensor-rsa", "a1", s.rsa}, {"licensor-ec", "a2", s.ec}, {"bare", "a3", s.rsa}} {
		der, err := x509.MarshalPKCS8PrivateKey(k.key.Signer)
		if err != nil {
			return err
		}
		file := filepath.Join(s.directory, k.label+".pem")
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
			return err
		}
		if err := tool("--import", file, "--token", "RASTAU", "--label", k.label, "--id", k.id, "--pin", tokenPIN); err != nil {
			return err
		}
	}
	context, err := crypto11.Configure(&crypto11.Config{Path: s.module, TokenLabel: "RASTAU", Pin: tokenPIN})
	if err != nil {
		return err
	}
	defer context.Close()
	for id, k := range map[byte]*pki.Key{0xa1: s.rsa, 0xa2: s.ec} {
		c, err := x509.ParseCertificate(k.Certificate.Raw)
		if err != nil {
			return err
		}
		if err := context.ImportCertificateWithLabel([]byte{id}, []byte("certificate"), c); err != nil {
			return err
		}
	}
	return nil
}

func tool(args ...string) error {
	if out, err := exec.Command("softhsm2-util", args...).CombinedOutput(); err != nil {
		return errors.New("softhsm2-util " + strings.Join(args[:2], " ") + ": " + string(out))
	}
	return nil
}

// raw is the library itself, past the Token: what it does happens to everybody in the process.
func raw(t *testing.T) (*pkcs11.Ctx, uint) {
	t.Helper()
	p := pkcs11.New(hsm.module)
	slots, err := p.GetSlotList(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range slots {
		if info, err := p.GetTokenInfo(s); err == nil && info.Label == "RASTAU" {
			return p, s
		}
	}
	t.Fatal("no token")
	return nil, 0
}

func TestToken(t *testing.T) {
	token := openHSM(t)
	all, err := token.Keys()
	if err != nil || len(all) != 3 {
		t.Fatalf("keys: %v, %v", all, err)
	}
	for label, want := range map[string]*pki.Key{"licensor-rsa": hsm.rsa, "licensor-ec": hsm.ec} {
		k, err := token.Key(label, nil)
		if err != nil {
			t.Fatal(err)
		}
		if k.Certificate.SHA256 != want.Certificate.SHA256 {
			t.Errorf("%s: another certificate", label)
		}
		if _, inMemory := k.Signer.(interface{ Validate() error }); inMemory {
			t.Errorf("%s has left the token", label)
		}
		s := newSigner(t, k, hsm.house)
		if _, err := s.JSON(t.Context(), licence, signer.JSONOptions{}); err != nil {
			t.Errorf("%s: %v", label, err)
		}
		if _, err := s.PDF(t.Context(), licencePage(t), signer.PDFOptions{}); err != nil {
			t.Errorf("%s: %v", label, err)
		}
	}
	if k, err := token.Key("bare", []*pki.Certificate{hsm.rsa.Certificate, hsm.house.ca.Certificate}); err != nil || len(k.Chain) != 1 {
		t.Errorf("a key whose certificate is given: %v", err)
	} else if _, err := newSigner(t, k, nil).JSON(t.Context(), licence, signer.JSONOptions{}); err != nil {
		t.Error(err)
	}
	for _, label := range []string{"bare", "nobody"} {
		if _, err := token.Key(label, nil); !errors.Is(err, signer.ErrKey) {
			t.Errorf("%s: %v", label, err)
		}
	}
	if k, err := token.Key("licensor-rsa", []*pki.Certificate{hsm.ec.Certificate}); err != nil {
		t.Error(err)
	} else if _, err := signer.NewRing(k); !errors.Is(err, signer.ErrKey) {
		t.Errorf("the certificate of another key: %v", err)
	}
}

func TestTokenRefuses(t *testing.T) {
	if err := openHSM(t).Close(); err != nil { // one who is logged in is logged in for the whole process
		t.Fatal(err)
	}
	for name, change := range map[string]func(*signer.TokenOptions){
		"no module":        func(o *signer.TokenOptions) { o.Module = "" },
		"no such module":   func(o *signer.TokenOptions) { o.Module = filepath.Join(hsm.directory, "none.so") },
		"no such token":    func(o *signer.TokenOptions) { o.Label = "ANOTHER" },
		"no PIN":           func(o *signer.TokenOptions) { o.PIN = nil },
		"PIN not there":    func(o *signer.TokenOptions) { o.PIN = func() (string, error) { return "", os.ErrNotExist } },
		"wrong PIN":        func(o *signer.TokenOptions) { o.PIN = func() (string, error) { return "1", nil } },
		"no label at all":  func(o *signer.TokenOptions) { o.Label = "" },
		"module is no lib": func(o *signer.TokenOptions) { o.Module = filepath.Join(hsm.directory, "softhsm2.conf") },
	} {
		o := hsm.options()
		change(&o)
		if token, err := signer.OpenToken(o); !errors.Is(err, signer.ErrKey) || !errors.Is(err, signer.ErrToken) {
			t.Errorf("%s: %v", name, err)
			if token != nil {
				token.Close()
			}
		}
	}
}

// TestTokenLost takes sessions, login and library away under a signer that works: what signs afterwards opens the token anew.
func TestTokenLost(t *testing.T) {
	token := openHSM(t)
	k, err := token.Key("licensor-ec", nil)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte("bytes"))
	sign := func(what string) {
		t.Helper()
		if _, err := k.Signer.Sign(nil, digest[:], crypto.SHA256); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	sign("at first")
	library, slot := raw(t)
	asked := hsm.pins.Load()
	for what, lose := range map[string]func() error{
		"sessions closed": func() error { return library.CloseAllSessions(slot) },
		"library ended":   func() error { return library.Finalize() },
	} {
		if err := lose(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		sign(what)
	}
	if n := hsm.pins.Load() - asked; n != 2 {
		t.Errorf("the PIN was asked for %d times", n)
	}

	// A PIN that is wrong by now is tried once: a token locks itself after a few.
	hsm.wrong.Store(true)
	defer hsm.wrong.Store(false)
	asked = hsm.pins.Load()
	library, slot = raw(t)
	if err := library.CloseAllSessions(slot); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := k.Signer.Sign(nil, digest[:], crypto.SHA256); !errors.Is(err, signer.ErrToken) {
			t.Errorf("with a wrong PIN: %v", err)
		}
	}
	if n := hsm.pins.Load() - asked; n != 1 {
		t.Errorf("a wrong PIN was tried %d times", n)
	}
}

// TestTokenParallel signs from many sides at once, again and again after all sessions were lost: whoever meets that first opens
// the token anew, for everybody. (SoftHSM2 itself does not survive losing a session in the middle of a signature.)
func TestTokenParallel(t *testing.T) {
	token := openHSM(t)
	k, err := token.Key("licensor-rsa", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newSigner(t, k, nil)
	library, slot := raw(t)
	asked := hsm.pins.Load()
	const rounds = 8
	for range rounds {
		if err := library.CloseAllSessions(slot); err != nil {
			t.Fatal(err)
		}
		var signing sync.WaitGroup
		for range 16 {
			signing.Go(func() {
				for range 4 {
					if _, err := s.JSON(t.Context(), licence, signer.JSONOptions{Level: signer.LevelB}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		signing.Wait()
	}
	if n := hsm.pins.Load() - asked; n != rounds {
		t.Errorf("the token was opened %d times for %d losses", n, rounds)
	}
}

// BenchmarkToken: signatures in the token, alone and on two cores.
func BenchmarkToken(b *testing.B) {
	token := openHSM(b)
	k, err := token.Key("licensor-rsa", nil)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("bytes"))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := k.Signer.Sign(nil, digest[:], crypto.SHA256); err != nil {
				b.Error(err)
			}
		}
	})
}
