// SPDX-License-Identifier: Apache-2.0

// Package testredis starts real redis-servers for tests: on loopback, on a free port, without files left behind.
// Only tests import it.
package testredis

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const patience = 10 * time.Second

// Server is one redis-server.
type Server struct {
	URL  string // redis://127.0.0.1:port/0
	Addr string // 127.0.0.1:port

	t    testing.TB
	cmd  *exec.Cmd
	once sync.Once
}

// Start runs a redis-server until the test ends. Where none is installed the test is skipped, or fails with
// RASTAU_REQUIRE_TOOLS=1.
func Start(t testing.TB) *Server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") == "1" {
			t.Fatal("redis-server is required and not installed")
		}
		t.Skip("redis-server is not installed: the test with a real one is skipped")
	}
	// The port is free when asked for; another process may take it before the server does, so try again.
	for range 5 {
		if s := start(t, path, freePort(t)); s != nil {
			t.Cleanup(s.Kill)
			return s
		}
	}
	t.Fatal("redis-server does not start")
	return nil
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

func start(t testing.TB, path string, port int) *Server {
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	cmd := exec.Command(path, "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", t.TempDir(), "--daemonize", "no", "--loglevel", "warning")
	if err := cmd.Start(); err != nil {
		t.Fatalf("redis-server: %v", err)
	}
	s := &Server{URL: "redis://" + addr + "/0", Addr: addr, t: t, cmd: cmd}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		select {
		case <-exited:
			return nil
		default:
		}
		if reply, err := s.command("PING"); err == nil && reply == "+PONG" {
			return s
		}
	}
	s.Kill()
	return nil
}

// command sends one inline command and reads one line, without a client library: what is tested is not its own witness.
func (s *Server) command(line string) (string, error) {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(context.Background(), "tcp", s.Addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprintf(c, "%s\r\n", line); err != nil {
		return "", err
	}
	reply, err := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(reply), err
}

// Flush empties it.
func (s *Server) Flush() {
	s.t.Helper()
	if reply, err := s.command("FLUSHALL"); err != nil || reply != "+OK" {
		s.t.Fatalf("FLUSHALL: %q %v", reply, err)
	}
}

// Kill ends the server at once, as a power cut would. It may be called again.
func (s *Server) Kill() {
	s.once.Do(func() {
		_ = s.cmd.Process.Signal(syscall.SIGCONT) // a paused process is killed all the same, but leaves no zombie waiting
		_ = s.cmd.Process.Kill()
	})
}

// Pause makes it hang: connections are taken, nothing is answered. Resume ends that.
func (s *Server) Pause()  { s.signal(syscall.SIGSTOP) }
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("redis-server: %v", err)
	}
}
