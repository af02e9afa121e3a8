// SPDX-License-Identifier: Apache-2.0

package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"rastau/internal/blob"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func nameOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// both runs a contract test on a folder and on a bucket of a real S3 service.
func both(t *testing.T, test func(t *testing.T, s blob.Store)) {
	t.Run("folder", func(t *testing.T) {
		s, err := blob.NewFolder(filepath.Join(t.TempDir(), "a folder? with #signs"))
		must(t, err)
		test(t, s)
	})
	t.Run("bucket", func(t *testing.T) { test(t, bucket(t)) })
}

const access, secret = "test", "test only secret"

// bucket starts an S3 service on loopback until the test ends.
func bucket(t *testing.T) *blob.Bucket {
	t.Helper()
	gateway, err := exec.LookPath("versitygw")
	if home, e := os.UserHomeDir(); err != nil && e == nil {
		gateway, err = exec.LookPath(filepath.Join(home, "go", "bin", "versitygw"))
	}
	if err != nil {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") == "1" {
			t.Fatal("versitygw is required and not installed: .ci/tools installs it")
		}
		t.Skip("versitygw is not installed: the test with a real S3 service is skipped")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := l.Addr().String()
	must(t, l.Close())
	cmd := exec.Command(gateway, "--access", access, "--secret", secret, "--port", address, "--quiet", "posix", t.TempDir())
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	owner, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(access, secret, "")})
	must(t, err)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err = owner.MakeBucket(t.Context(), "licences", minio.MakeBucketOptions{}); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the S3 service does not start: %v\n%s", err, said.String())
		}
	}
	b, err := blob.NewBucket(blob.BucketOptions{Address: "http://" + address + "/licences", AccessKey: access, Secret: secret})
	must(t, err)
	return b
}

func TestContract(t *testing.T) { both(t, testContract) }

func testContract(t *testing.T, s blob.Store) {
	ctx := t.Context()
	must(t, s.Check(ctx))
	content := bytes.Repeat([]byte("scan "), 100_000)
	name := nameOf(content)
	if _, err := s.Get(ctx, name, 1<<20); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("before: %v", err)
	}
	for range 2 {
		must(t, s.Put(ctx, name, content))
	}
	got, err := s.Get(ctx, name, int64(len(content)))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := s.Get(ctx, name, int64(len(content))-1); !errors.Is(err, blob.ErrTooLarge) {
		t.Errorf("larger than the limit: %v", err)
	}
	began := time.Now().Add(-time.Minute)
	seen := map[string]bool{}
	must(t, s.Walk(ctx, func(name string, put time.Time) error {
		if put.Before(began) || put.After(time.Now().Add(time.Minute)) {
			t.Errorf("put at %s", put)
		}
		seen[name] = true
		return nil
	}))
	if len(seen) != 1 || !seen[name] {
		t.Errorf("walked over %v", seen)
	}
	stop := errors.New("stop")
	if err := s.Walk(ctx, func(string, time.Time) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("not stopped: %v", err)
	}
	for range 2 {
		must(t, s.Remove(ctx, name))
	}
	if _, err := s.Get(ctx, name, 1<<20); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("after: %v", err)
	}
	for _, bad := range []string{"", "../../etc/passwd", strings.Repeat("A", 64), name[:63], name + "0", "../" + name[3:]} {
		_, err := s.Get(ctx, bad, 1)
		for _, err := range []error{err, s.Put(ctx, bad, nil), s.Remove(ctx, bad)} {
			if !errors.Is(err, blob.ErrName) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Put(ctx, name, content); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestTogether: the same bytes put by many at once are there once and whole.
func TestTogether(t *testing.T) { both(t, testTogether) }

func testTogether(t *testing.T, s blob.Store) {
	content := bytes.Repeat([]byte{7}, 50_000)
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if err := s.Put(t.Context(), nameOf(content), content); err != nil {
				t.Error(err)
			}
			if got, err := s.Get(t.Context(), nameOf(content), 1<<20); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

// TestUnfinished: what a killed process left half-written has no name and is swept away in time.
func TestUnfinished(t *testing.T) {
	path := t.TempDir()
	s, err := blob.NewFolder(path)
	must(t, err)
	left := filepath.Join(path, "ab", ".new-0011223344556677")
	must(t, os.WriteFile(left, []byte("half"), 0o400))
	nothing := func(name string, _ time.Time) error { t.Errorf("walked over %s", name); return nil }
	must(t, s.Walk(t.Context(), nothing))
	if _, err := os.Stat(left); err != nil {
		t.Error("a file that may still be written was swept away")
	}
	old := time.Now().Add(-25 * time.Hour)
	must(t, os.Chtimes(left, old, old))
	must(t, s.Walk(t.Context(), nothing))
	if _, err := os.Stat(left); err == nil {
		t.Error("an abandoned file was left")
	}
}

func TestPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "blobs")
	s, err := blob.NewFolder(path)
	must(t, err)
	must(t, s.Put(t.Context(), nameOf(nil), []byte{}))
	for name, want := range map[string]os.FileMode{"": 0o700, nameOf(nil)[:2]: 0o700, filepath.Join(nameOf(nil)[:2], nameOf(nil)): 0o400} {
		info, err := os.Stat(filepath.Join(path, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v %v", name, info, err)
		}
	}
}

func TestNewBucketRefuses(t *testing.T) {
	for _, address := range []string{"", "folder", "https://host", "https://host/a/b", "https://user:secret@host/b", "ftp://host/b"} {
		if _, err := blob.NewBucket(blob.BucketOptions{Address: address, AccessKey: "a", Secret: "b"}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := blob.NewBucket(blob.BucketOptions{Address: "https://host/b"}); err == nil {
		t.Error("no credentials")
	}
}

func ExampleFolder() {
	path, err := os.MkdirTemp("", "blobs")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(path)
	s, err := blob.NewFolder(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	name := nameOf([]byte("scan"))
	fmt.Println(s.Put(context.Background(), name, []byte("scan")))
	content, err := s.Get(context.Background(), name, 1024)
	fmt.Println(string(content), err)
	// Output:
	// <nil>
	// scan <nil>
}
