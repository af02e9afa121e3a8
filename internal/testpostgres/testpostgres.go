// SPDX-License-Identifier: Apache-2.0

// Package testpostgres starts real PostgreSQL servers for tests: on loopback, on a free port, in a temporary folder, as a
// user that is not root, because PostgreSQL refuses root. Only tests import it.
package testpostgres

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	patience = 30 * time.Second
	owner    = "rastau"
	// Password of the database's owner, to be given apart from URL where a test wants that.
	Password = "test only"
)

// Server is one PostgreSQL.
type Server struct {
	t       testing.TB
	bin     string
	folder  string
	port    int
	durable bool
	leash   io.Closer // the server is killed when this end of the pipe closes, however that happens
	pid     int
	gone    chan struct{}
}

// Database makes a fresh database on a server that the tests of this binary share, and gives its address. That server does
// not sync its disk: tests of durability take Start. Where PostgreSQL is not installed the test is skipped, or fails with
// RASTAU_REQUIRE_TOOLS=1.
func Database(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		shared.server = start(t, false)
	}
	return shared.server.Database(t)
}

// shared lives as long as the test binary: its server ends with the leash.
var shared struct {
	sync.Mutex
	server *Server
}

// Start runs a server of the test's own, with the syncs of a real one, until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := start(t, true)
	t.Cleanup(s.Kill)
	return s
}

var made atomic.Int64

// Database makes a fresh database and gives its address.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	defer c.Close(ctx)
	name := fmt.Sprintf("test%d", made.Add(1))
	if _, err := c.Exec(ctx, `CREATE DATABASE `+name); err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	return s.url(name)
}

func (s *Server) url(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(owner, Password), Host: fmt.Sprintf("127.0.0.1:%d", s.port), Path: database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Kill ends the server at once, as a power cut would. Restart brings it back with its data.
func (s *Server) Kill() {
	if s.leash == nil {
		return
	}
	_ = syscall.Kill(s.pid, syscall.SIGKILL)
	_ = s.leash.Close()
	<-s.gone
	s.leash = nil
}

// Restart starts a killed server on the same data and port; it recovers from its log.
func (s *Server) Restart() {
	s.t.Helper()
	if err := s.run(); err != nil {
		s.t.Fatalf("PostgreSQL does not come back: %v", err)
	}
}

func start(t testing.TB, durable bool) *Server {
	t.Helper()
	bin := binaries()
	if bin == "" {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") == "1" {
			t.Fatal("PostgreSQL is required and not installed")
		}
		t.Skip("PostgreSQL is not installed: the test with a real one is skipped")
	}
	folder, err := os.MkdirTemp("", "rastau-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, bin: bin, folder: folder, durable: durable}
	if err := s.init(); err != nil {
		t.Fatalf("initdb: %v", err)
	}
	// The port is free when asked for; another process may take it before the server does, so try again.
	for range 5 {
		s.port = freePort(t)
		if err = s.run(); err == nil {
			return s
		}
	}
	t.Fatalf("PostgreSQL does not start: %v", err)
	return nil
}

// binaries finds the newest of Debian's folders, or what is on the PATH.
func binaries() string {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(found) > 0 {
		slices.SortFunc(found, func(a, b string) int { return versionOf(a) - versionOf(b) })
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

func versionOf(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

func (s *Server) init() error {
	who, err := unprivileged()
	if err != nil {
		return err
	}
	password := filepath.Join(s.folder, "password")
	if err := os.WriteFile(password, []byte(Password+"\n"), 0o600); err != nil {
		return err
	}
	if who != nil {
		for _, name := range []string{s.folder, password} {
			if err := os.Chown(name, int(who.Uid), int(who.Gid)); err != nil {
				return err
			}
		}
	}
	cmd := exec.Command(filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", owner, "-A", "scram-sha-256", "--pwfile", password,
		"-E", "UTF8", "--locale", "C", "--no-sync")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	cmd.Dir = s.folder
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, said.String())
	}
	return nil
}

// unprivileged is whom the server runs as: nil for the user of the test itself, else the user that Debian's package makes.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL refuses root, and there is no user postgres: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// keeper starts the server, tells its number, and waits for the end of its own input: a test that is killed leaves nothing running.
const keeper = `"$@" >"$LOG" 2>&1 </dev/null & p=$!; echo $p; cat >/dev/null; kill -QUIT $p 2>/dev/null; wait $p; test -z "$SHARED" || rm -rf "$FOLDER"`

func (s *Server) run() error {
	who, err := unprivileged()
	if err != nil {
		return err
	}
	arguments := []string{"-c", keeper, "keeper", filepath.Join(s.bin, "postgres"), "-D", s.data(), "-p", strconv.Itoa(s.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + s.folder, "-c", "max_connections=100", "-c", "shared_buffers=64MB"}
	if !s.durable {
		arguments = append(arguments, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	cmd := exec.Command("/bin/sh", arguments...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who, Setpgid: true} // a Ctrl-C at the tests reaches the leash only
	cmd.Dir = s.folder
	cmd.Env = append(os.Environ(), "LOG="+filepath.Join(s.folder, "log"), "FOLDER="+s.folder)
	if !s.durable {
		cmd.Env = append(cmd.Env, "SHARED=1")
	} else {
		s.t.Cleanup(func() { os.RemoveAll(s.folder) })
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := fmt.Fscan(out, &s.pid); err != nil {
		return fmt.Errorf("the server's number: %w", err)
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	s.leash, s.gone = in, gone
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		c, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			err = c.Close(ctx)
		}
		cancel()
		if err == nil {
			return nil
		}
		if time.Now().After(end) || syscall.Kill(s.pid, 0) != nil {
			said, _ := os.ReadFile(filepath.Join(s.folder, "log"))
			s.Kill()
			return fmt.Errorf("%w: %s", err, said)
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
