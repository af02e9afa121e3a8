// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"rastau/crl"
	"rastau/internal/ocsp"
	"rastau/internal/pki"
	"rastau/verifier"
)

// The bounds for one hostile file, and the largest file of an archive that is read.
const (
	hostileTime   = time.Second
	hostileMemory = 256 << 20
	maxMember     = 64 << 20
)

// hostileReaders are all readers of outside bytes behind verify, certificate, crl, ocsp and key.
var hostileReaders = []struct {
	name string
	read func(ctx context.Context, v *verifier.Verifier, data []byte)
}{
	{"verify", func(ctx context.Context, v *verifier.Verifier, data []byte) {
		v.Document(ctx, data, verifier.Question{Offline: true, Algorithms: pki.LegacyAlgorithms})
	}},
	{"certificate", func(ctx context.Context, v *verifier.Verifier, data []byte) {
		v.CertificateFile(ctx, data, verifier.Question{Offline: true, Algorithms: pki.LegacyAlgorithms})
	}},
	{"crl", func(_ context.Context, _ *verifier.Verifier, data []byte) {
		if l, err := crl.Parse(data, crl.Limits{}); err == nil {
			for e := range l.All {
				l.Lookup(e.Issuer, e.Serial)
			}
		}
	}},
	{"ocsp", func(_ context.Context, _ *verifier.Verifier, data []byte) { _, _ = ocsp.Parse(data) }},
	{"key", func(_ context.Context, _ *verifier.Verifier, data []byte) { _, _ = pki.ReadPKCS12(data, "") }},
}

// hostile hands every file of the archives to every reader: none may panic, take a second or 256 MiB.
func hostile(ctx context.Context, dir string, archives []entry) (*Result, error) {
	r := &Result{Suite: "malformed", Note: fmt.Sprintf("each file through %d readers", len(hostileReaders))}
	v := verifier.New(verifier.Options{Now: time.Now})
	for _, a := range archives {
		if err := r.archive(ctx, v, filepath.Join(dir, a.File), a.ID); err != nil {
			return nil, err
		}
	}
	if r.Cases == 0 {
		return nil, fmt.Errorf("%w: the archives are empty", ErrNoSuite)
	}
	return r, nil
}

func (r *Result) archive(ctx context.Context, v *verifier.Verifier, name, id string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(t, maxMember))
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r.member(ctx, v, id+"/"+filepath.Base(h.Name), data)
	}
}

func (r *Result) member(ctx context.Context, v *verifier.Verifier, id string, data []byte) {
	r.Cases++
	good := true
	for _, reader := range hostileReaders {
		if problem := r.survive(ctx, v, reader.read, data); problem != "" {
			good = false
			r.Failures = append(r.Failures, fmt.Sprintf("%s: %s: %s", id, reader.name, problem))
		}
	}
	if good {
		r.Agree++
	}
}

// survive runs one reader and says what is wrong with how it ended.
func (r *Result) survive(ctx context.Context, v *verifier.Verifier, read func(context.Context, *verifier.Verifier, []byte), data []byte) (problem string) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	defer func() {
		if p := recover(); p != nil {
			problem = fmt.Sprintf("panic: %v", p)
		}
	}()
	read(ctx, v, data)
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	r.Slowest, r.Largest = max(r.Slowest, took), max(r.Largest, allocated)
	switch {
	case took > hostileTime:
		return "took " + took.String()
	case allocated > hostileMemory:
		return fmt.Sprintf("allocated %d MiB", allocated>>20)
	}
	return ""
}
