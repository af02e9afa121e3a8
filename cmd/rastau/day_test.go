// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rastau/internal/account"
	"rastau/internal/pki"
	"rastau/internal/testpki"
)

const (
	dayEnv   = "RASTAU_DAY" // requests; a day of ten a second is 864000. Without it a short form
	dayShort = 1500
	daySign  = 40 // signers, each with documents of their own; in the short form a few
)

// TestDay: a day's worth of requests for verdicts as fast as the machine answers, to one process and then to two, each on one core; memory
// stays flat, and every verdict is right. `make day` plays it whole. The figures are reported; that memory does not grow is asserted.
func TestDay(t *testing.T) {
	requests := dayShort
	if given := os.Getenv(dayEnv); given != "" {
		requests = made(strconv.Atoi(given))
	}
	one := playDay(t, 1, requests/2)
	two := playDay(t, 2, requests/2)
	t.Logf("two processes give %.2f × the verdicts of one; p99 %s against %s. The one who asks runs on the same two cores.",
		two.rate/one.rate, two.p99.Round(10*time.Microsecond), one.p99.Round(10*time.Microsecond))
	// What a million verdicts cost: the processor time of the service alone, measured while it is asked.
	seconds := one.cpu.Seconds() / float64(one.asked) * 1e6
	t.Logf("a million verdicts cost %.0f s of one core: %.1f %% of a core at 10 a second, %.2f cores at 1000 a second", seconds, seconds/1e6*10*100, seconds/1e6*1000)
}

type dayFigures struct {
	rate  float64 // verdicts a second
	p99   time.Duration
	cpu   time.Duration // of the service
	asked int
}

func playDay(t *testing.T, processes, requests int) dayFigures {
	t.Helper()
	dir := t.TempDir()
	var addresses []string
	for range processes + 1 {
		addresses = append(addresses, freeAddress(t))
	}
	w, err := openWorld(dir, addresses[0], addresses[processes], demoShared{EC: requests < dayShort}) // keys of RSA take long to make
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	t.Setenv("GOMAXPROCS", "1")
	var all []*served
	for i := range processes {
		c := *w.config
		c.Listen, c.Database, c.RatePerMinute = addresses[i], fmt.Sprintf("day%d.db", i), 100_000_000
		all = append(all, startServe(t, rastau(t), dir, fmt.Sprintf("load%d.yaml", i), &c))
		defer all[i].stop()
	}
	type question struct {
		body []byte
		want string
	}
	var questions []question
	signers := daySign
	if requests < dayShort {
		signers = 4
	}
	for i := range signers {
		key := made(w.ca.Issue(testpki.Leaf{CommonName: fmt.Sprintf("КҮНДІК ҮЛГІ %d", i), IIN: w.people.iin, Roles: []pki.OID{roleIndividual}}))
		for _, want := range []string{"TOTAL-PASSED", "TOTAL-PASSED", "TOTAL-PASSED", "TOTAL-FAILED"} {
			content := fmt.Appendf(nil, "құжат %d %s", i, want)
			signature := made(signedBy(key)(content))
			if want == "TOTAL-FAILED" {
				content = append(content, '!')
			}
			body := made(json.Marshal(map[string][]byte{"document": signature, "content": content}))
			questions = append(questions, question{fmt.Appendf(nil, "POST /v1/signatures/verify HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
				w.tokens[account.Auditor], len(body), body), want})
		}
	}
	var asked, wrong atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	var memory []int
	// One who asks has one connection to each process. What is sent was made before, so that asking costs little beside answering.
	type line struct {
		net.Conn
		*bufio.Reader
	}
	dial := func() []line {
		var lines []line
		for _, a := range addresses[:processes] {
			c := made(net.Dial("tcp", a))
			lines = append(lines, line{c, bufio.NewReaderSize(c, 16<<10)})
		}
		return lines
	}
	ask := func(lines []line, i int) error {
		q, to := questions[i%len(questions)], lines[i%len(lines)]
		if _, err := to.Conn.Write(q.body); err != nil {
			return err
		}
		res, err := http.ReadResponse(to.Reader, nil)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s %.200s %v", res.Status, text, err)
		}
		if member(text, `"indication":"`) != q.want && wrong.Add(1) < 5 {
			t.Errorf("it was to be %s: %.300s", q.want, text)
		}
		return nil
	}
	warm := dial()
	for i := range len(questions) * processes {
		if err := ask(warm, i); err != nil {
			t.Fatal(err)
		}
	}
	before := cpuOf(t, all...)
	began := time.Now()
	var clients sync.WaitGroup
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
				n := 0
				for _, s := range all {
					n += memoryOf(t, s)
				}
				mu.Lock()
				memory = append(memory, n)
				mu.Unlock()
			}
		}
	}()
	for range 4 * processes {
		clients.Go(func() {
			lines := dial()
			var mine []time.Duration
			for {
				i := int(asked.Add(1)) - 1
				if i >= requests {
					break
				}
				at := time.Now()
				if err := ask(lines, i); err != nil {
					t.Error(err)
					break
				}
				mine = append(mine, time.Since(at))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		})
	}
	clients.Wait()
	close(stop)
	elapsed := time.Since(began)
	f := dayFigures{rate: float64(len(took)) / elapsed.Seconds(), cpu: cpuOf(t, all...) - before, asked: len(took)}
	slices.Sort(took)
	if len(took) > 0 {
		f.p99 = took[len(took)*99/100]
	}
	mu.Lock()
	defer mu.Unlock()
	t.Logf("%d process(es): %d verdicts in %s, %.0f a second, p99 %s, %.1f µs of processor time each; resident %s; %d wrong", processes, len(took), elapsed.Round(time.Millisecond),
		f.rate, f.p99.Round(10*time.Microsecond), float64(f.cpu.Microseconds())/float64(max(1, len(took))), quarters(memory), wrong.Load())
	if n := len(memory); n >= 40 && mean(memory[3*n/4:]) > 1.1*mean(memory[n/4:n/2]) {
		t.Errorf("memory grows: %s", quarters(memory))
	}
	return f
}

// memoryOf is the memory of a process in KiB.
func memoryOf(t *testing.T, s *served) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Error(err)
		return 0
	}
	_, after, _ := strings.Cut(string(data), "VmRSS:")
	n, _ := strconv.Atoi(strings.Fields(after)[0])
	return n
}

func mean(list []int) float64 {
	sum := 0
	for _, n := range list {
		sum += n
	}
	return float64(sum) / float64(max(1, len(list)))
}

// quarters tells how memory went, in MiB for each quarter of the time.
func quarters(list []int) string {
	if len(list) < 4 {
		return "not measured, too short"
	}
	var parts []string
	for i := range 4 {
		parts = append(parts, fmt.Sprintf("%.0f", mean(list[i*len(list)/4:(i+1)*len(list)/4])/1024))
	}
	return strings.Join(parts, " → ") + " MiB"
}
