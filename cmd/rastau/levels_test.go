// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/testpki"
	"rastau/internal/timestamp"
	"rastau/signer"
	"rastau/verifier"
)

// wants holds a report to TOTAL-PASSED at a level.
func wants(t *testing.T, r *verifier.Report, level signer.Level) {
	t.Helper()
	if r.Indication != verifier.TotalPassed || len(r.Signatures) == 0 {
		why := ""
		if d := r.Deciding(); d != nil {
			why = d.Key + ": " + d.In(phrase.EN)
		}
		t.Fatalf("%s, want TOTAL-PASSED at %s: %s", verdictLine(r.Indication, r.SubIndication), level, why)
	}
	for _, s := range r.Signatures {
		if s.Level != level.String() {
			t.Errorf("level %s, want %s", s.Level, level)
		}
	}
}

// TestLevels signs at every level with every kind of key; from LT on the file is judged by itself, with the clock years ahead
// where the level promises that.
func TestLevels(t *testing.T) {
	for _, kind := range []string{"RSA", "EC", "GOST"} {
		h := newOffice(t, testpki.Options{EC: kind == "EC", GOST: kind == "GOST"})
		signed := h.now()
		for level := signer.LevelB; level <= signer.LevelLTA; level++ {
			t.Run(kind+" "+level.String(), func(t *testing.T) {
				h.setClock(signed)
				files := map[string]struct{ signed, content []byte }{
					"attached.p7m": {made(h.signer.JSON(t.Context(), document, signer.JSONOptions{Level: level})), nil},
					"detached.p7s": {made(h.signer.JSON(t.Context(), document, signer.JSONOptions{Level: level, Detached: true})), document},
					"licence.pdf":  {made(h.signer.PDF(t.Context(), licencePage(t), signer.PDFOptions{Level: level, Rect: [4]float64{40, 40, 200, 90}})), nil},
				}
				for name, f := range files {
					if level >= signer.LevelLT {
						wants(t, h.judge(t.Context(), f.signed, f.content, signed), level)
					} else {
						wants(t, h.verifier.Document(t.Context(), f.signed, examiner{h.verifier, h.question}.ask(f.content)), level)
					}
					if level == signer.LevelLTA {
						// The signer's certificate has ended; the authority's time-stamp holds for fifteen years.
						wants(t, h.judge(t.Context(), f.signed, f.content, signed.AddDate(2, 0, 0)), level)
					}
					refusesTampered(t, h, f.signed, f.content, signed)
					if kind != "GOST" {
						peers(t, h, name, f.signed, level)
					}
				}
			})
		}
	}
}

// refusesTampered changes a byte here and there: none of the copies passes.
func refusesTampered(t *testing.T, h *office, data, content []byte, at time.Time) {
	t.Helper()
	for i := 1; i <= 8; i++ {
		changed := bytes.Clone(data)
		n := len(changed) * i / 9
		if pdf.Is(data) {
			// In the first revision, before the signature's own place: what stands in that, its time-stamp for one, may be taken away.
			n = bytes.Index(changed, []byte("/Contents <")) * i / 9
		}
		changed[n] ^= 4
		if r := h.judge(t.Context(), changed, content, at); r.Indication == verifier.TotalPassed && r.Intact != nil && *r.Intact && !harmless(data, n) {
			t.Errorf("byte %d of %d changed, and it passes", n, len(data))
		}
	}
}

// harmless says whether a byte of CAdES stands in what nobody has signed: certificates, lists, unsigned attributes.
func harmless(data []byte, n int) bool {
	if pdf.Is(data) {
		return false
	}
	sd := made(cms.Parse(data, cms.Limits{}))
	for _, part := range [][]byte{sd.Content, sd.Signers[0].Signature} {
		if from := bytes.Index(data, part); len(part) > 0 && from <= n && n < from+len(part) {
			return false
		}
	}
	return true
}

// peers asks other houses' programs about a file.
func peers(t *testing.T, h *office, name string, data []byte, level signer.Level) {
	t.Helper()
	file := h.write(t, level.String()+"-"+name, data)
	root := filepath.Join(h.dir, "anchors")
	if err := os.MkdirAll(root, 0o700); err != nil {
		t.Fatal(err)
	}
	pemFile := filepath.Join(root, "root.pem")
	if err := os.WriteFile(pemFile, made(os.ReadFile(h.root)), 0o600); err != nil {
		t.Fatal(err)
	}
	if pdf.Is(data) {
		if got := pdfsig(t, h.dir, file); !strings.Contains(got, "Signature is Valid.") || !strings.Contains(got, "Certificate is Trusted.") {
			t.Errorf("pdfsig:\n%s", got)
		}
		if out, err := exec.Command(tool(t, "qpdf"), "--check", file).CombinedOutput(); err != nil {
			t.Errorf("qpdf --check: %v\n%s", err, out)
		}
		if err := api.Validate(bytes.NewReader(data), nil); err != nil {
			t.Errorf("pdfcpu: %v", err)
		}
		broken := bytes.Clone(data)
		broken[bytes.Index(broken, []byte("/MediaBox"))+12] ^= 1
		if got := pdfsig(t, h.dir, h.write(t, "broken.pdf", broken)); strings.Contains(got, "Signature is Valid.") {
			t.Errorf("pdfsig accepts a changed page:\n%s", got)
		}
	} else {
		args := []string{"cms", "-verify", "-in", file, "-inform", "DER", "-CAfile", h.root, "-purpose", "any", "-out", os.DevNull}
		if strings.HasPrefix(name, "detached") {
			args = append(args, "-content", h.write(t, "content.json", document))
		}
		if out, err := exec.Command(tool(t, "openssl"), args...).CombinedOutput(); err != nil {
			t.Errorf("openssl cms -verify: %v\n%s", err, out)
		}
	}
	stamps(t, h, data, level)
}

// stamps asks openssl about every time-stamp token, over exactly the bytes that it must cover.
func stamps(t *testing.T, h *office, data []byte, level signer.Level) {
	t.Helper()
	type stamp struct{ token, over []byte }
	var all []stamp
	if pdf.Is(data) {
		doc := made(pdf.Open(data, pdf.Limits{}))
		for _, s := range doc.Signatures() {
			var over bytes.Buffer
			made(over.ReadFrom(doc.Signed(s)))
			if s.IsTimestamp() {
				all = append(all, stamp{s.Contents, over.Bytes()})
				continue
			}
			for _, token := range made(cms.Parse(s.Contents, cms.Limits{})).Signers[0].TimestampTokens() {
				all = append(all, stamp{token, made(cms.Parse(s.Contents, cms.Limits{})).Signers[0].Signature})
			}
		}
	} else {
		sd := made(cms.Parse(data, cms.Limits{}))
		one := sd.Signers[0]
		for _, token := range one.TimestampTokens() {
			all = append(all, stamp{token, one.Signature})
		}
		for _, token := range one.ArchiveTokens() {
			parsed := made(timestamp.Parse(token))
			shown := made(cms.DigestContent(bytes.NewReader(document), []pki.OID{parsed.HashAlgorithm}))
			over, _, err := sd.ArchiveInput(one, parsed.Signed.Signers[0], parsed.HashAlgorithm, shown)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, stamp{token, over})
		}
	}
	want := map[signer.Level]int{signer.LevelB: 0, signer.LevelT: 1, signer.LevelLT: 1, signer.LevelLTA: 2}[level]
	if len(all) != want {
		t.Errorf("%d time-stamps, want %d", len(all), want)
	}
	for i, s := range all {
		token, over := h.write(t, fmt.Sprintf("token%d", i), s.token), h.write(t, fmt.Sprintf("over%d", i), s.over)
		out, err := exec.Command(tool(t, "openssl"), "ts", "-verify", "-in", token, "-token_in", "-data", over, "-CAfile", h.root).CombinedOutput()
		if err != nil {
			t.Errorf("openssl ts -verify: %v\n%s", err, out)
		}
	}
}

// TestKeyJudged: a revoked, foreign or expired certificate signs nothing, and neither does one of which nobody says anything now.
func TestKeyJudged(t *testing.T) {
	h := newOffice(t, testpki.Options{EC: true})
	other := newOffice(t, testpki.Options{EC: true})
	revoked := made(h.ca.Issue(testpki.Leaf{}))
	h.ca.Revoke(revoked.Certificate, h.now(), 1)
	expired := made(h.ca.Issue(testpki.Leaf{NotBefore: h.now().AddDate(-1, 0, 0), NotAfter: h.now().Add(-time.Minute)}))
	for name, c := range map[string]struct {
		key  *pki.Key
		want error
	}{
		"revoked": {revoked, signer.ErrRefused},
		"foreign": {other.key, signer.ErrRefused},
		"expired": {expired, signer.ErrExpired},
	} {
		s := h.newSigner(t, made(signer.NewRing(c.key)))
		if out, err := s.JSON(t.Context(), document, signer.JSONOptions{}); out != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if out, err := s.PDF(t.Context(), licencePage(t), signer.PDFOptions{}); out != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		// Where another key is good, it signs instead.
		s = h.newSigner(t, made(signer.NewRing(c.key, h.key)))
		signed, err := s.JSON(t.Context(), document, signer.JSONOptions{})
		if err != nil {
			t.Errorf("%s, and a good one: %v", name, err)
			continue
		}
		if err := h.verifier.CheckSigned(t.Context(), "cades", signed, document, h.key.Certificate); err != nil {
			t.Errorf("%s, and a good one: %v", name, err)
		}
	}
	h.pki.SetDown(true, true, false)
	later := made(h.ca.Issue(testpki.Leaf{}))
	if _, err := h.newSigner(t, made(signer.NewRing(later))).JSON(t.Context(), document, signer.JSONOptions{}); !errors.Is(err, signer.ErrUndecided) {
		t.Errorf("nobody answers: %v", err)
	}
}

// TestRevokedWhileRunning: the yes of a minute ago does not hold for ever.
func TestRevokedWhileRunning(t *testing.T) {
	h := newOffice(t, testpki.Options{EC: true})
	made(h.signer.JSON(t.Context(), document, signer.JSONOptions{}))
	h.ca.Revoke(h.key.Certificate, h.now(), 1)
	h.setClock(h.now().Add(61 * time.Second))
	if _, err := h.signer.JSON(t.Context(), document, signer.JSONOptions{}); !errors.Is(err, signer.ErrRefused) {
		t.Errorf("revoked a minute ago: %v", err)
	}
}

// TestRotation: the keys are changed while signatures are made, and none fails; the one valid now signs.
func TestRotation(t *testing.T) {
	h := newOffice(t, testpki.Options{EC: true})
	start := h.now()
	next := made(h.ca.Issue(testpki.Leaf{NotBefore: start.Add(time.Hour), NotAfter: start.AddDate(2, 0, 0)}))
	ring := made(signer.NewRing(next, h.key))
	s := h.newSigner(t, ring)
	by := func() *pki.Certificate {
		t.Helper()
		signed := made(s.JSON(t.Context(), document, signer.JSONOptions{Level: signer.LevelB}))
		sd := made(cms.Parse(signed, cms.Limits{}))
		return sd.SignerCertificate(sd.Signers[0], nil)
	}
	if c := by(); c.SHA256 != h.key.Certificate.SHA256 || s.Certificate().SHA256 != c.SHA256 {
		t.Error("a key signed before its time")
	}
	h.setClock(start.Add(2 * time.Hour))
	if c := by(); c.SHA256 != next.Certificate.SHA256 || s.Certificate().SHA256 != c.SHA256 {
		t.Error("the key whose time has come does not sign")
	}
	failed := make(chan error, 4)
	stop := make(chan struct{})
	for range cap(failed) {
		go func() {
			for {
				select {
				case <-stop:
					failed <- nil
					return
				default:
				}
				if _, err := s.JSON(t.Context(), document, signer.JSONOptions{Level: signer.LevelB}); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	for i := range 40 {
		keys := []*pki.Key{h.key, next}
		if i%2 == 0 {
			slices.Reverse(keys)
		}
		if err := ring.Replace(keys...); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	close(stop)
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if err := ring.Replace(); !errors.Is(err, signer.ErrKey) || len(ring.Keys()) != 2 {
		t.Errorf("no keys at all: %v", err)
	}
	if _, err := s.JSON(t.Context(), document, signer.JSONOptions{Certificate: made(h.ca.Issue(testpki.Leaf{})).Certificate}); !errors.Is(err, signer.ErrKey) {
		t.Errorf("a key that is not held: %v", err)
	}
}

// TestExtendCommand extends what others have signed, at the command line.
func TestExtendCommand(t *testing.T) {
	h := newOffice(t, testpki.Options{EC: true})
	allow := []string{"--allow", "127.0.0.0/8", "--anchors", h.root, "--quiet"}
	extend := func(file string, more ...string) (int, string, string) {
		t.Helper()
		return call(t, slices.Concat([]string{"extend", "--tsa", h.base + "/tsp"}, allow, more, []string{file})...)
	}
	pdfFile := h.write(t, "b.pdf", made(h.signer.PDF(t.Context(), licencePage(t), signer.PDFOptions{Level: signer.LevelB})))
	cmsFile := h.write(t, "b.p7s", made(h.signer.JSON(t.Context(), document, signer.JSONOptions{Level: signer.LevelB, Detached: true})))
	content := h.write(t, "document.json", document)
	for _, file := range []string{pdfFile, cmsFile} {
		var more, offline []string
		if file == cmsFile {
			more = []string{"--content", content}
		}
		before := made(os.ReadFile(file))
		for _, level := range []string{"T", "LT", "LTA", "LTA"} {
			if code, out, problems := extend(file, append([]string{"--level", level}, more...)...); code != 0 || !strings.Contains(out, "level "+level) {
				t.Fatalf("%s to %s: exit %d\n%s%s", file, level, code, out, problems)
			}
			after := made(os.ReadFile(file))
			if len(after) <= len(before) || file == pdfFile && !bytes.HasPrefix(after, before) {
				t.Errorf("%s to %s: what was there did not stay", file, level)
			}
			before = after
			offline = nil
			if level != "T" {
				offline = []string{"--offline"}
			}
			code, out, problems := call(t, slices.Concat([]string{"verify", "--json"}, allow, more, offline, []string{file})...)
			if code != 0 || !strings.Contains(out, `"level":"`+level+`"`) {
				t.Errorf("%s at %s: exit %d\n%s%s", file, level, code, out, problems)
			}
		}
		// A level that is there already adds nothing.
		code, out, _ := extend(file, slices.Concat([]string{"--level", "T", "--json", "--out", filepath.Join(h.dir, "out")}, more)...)
		if code != 0 || !strings.Contains(out, `"until":"20`) || !bytes.Equal(made(os.ReadFile(filepath.Join(h.dir, "out"))), before) {
			t.Errorf("T again: exit %d %s", code, out)
		}
	}
	revoked := made(h.ca.Issue(testpki.Leaf{}))
	late := h.write(t, "revoked.pdf", made(h.newSigner(t, made(signer.NewRing(revoked))).PDF(t.Context(), licencePage(t), signer.PDFOptions{Level: signer.LevelB})))
	h.ca.Revoke(revoked.Certificate, h.now().Add(-time.Hour), 1)
	broken := made(os.ReadFile(pdfFile))
	broken[bytes.Index(broken, []byte("/MediaBox"))+12] ^= 1
	for name, c := range map[string]struct {
		file string
		args []string
		code int
	}{
		"revoked":           {late, nil, 3},
		"broken":            {h.write(t, "broken.pdf", broken), nil, 1},
		"not signed":        {h.write(t, "plain.pdf", licencePage(t)), nil, 1},
		"no document":       {content, nil, 1},
		"no level":          {pdfFile, []string{"--level", "B"}, 2},
		"another time":      {pdfFile, []string{"--at", "2026-01-01T00:00:00Z"}, 2},
		"no authority":      {pdfFile, []string{"--tsa", h.base + "/nothing"}, 3},
		"no file":           {filepath.Join(h.dir, "none.pdf"), nil, 4},
		"no content":        {cmsFile, nil, 3},
		"no folder for out": {pdfFile, []string{"--out", filepath.Join(h.dir, "none", "x.pdf")}, 4},
	} {
		was, _ := os.ReadFile(c.file)
		if code, out, problems := extend(c.file, c.args...); code != c.code || problems == "" {
			t.Errorf("%s: exit %d, want %d\n%s%s", name, code, c.code, out, problems)
		}
		if now, _ := os.ReadFile(c.file); !bytes.Equal(was, now) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}
