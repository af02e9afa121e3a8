// SPDX-License-Identifier: Apache-2.0

package batch_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rastau/crl"
	"rastau/internal/batch"
	"rastau/internal/pki"
	"rastau/internal/trust"
	"rastau/verifier"
)

const session = "../../testdata/session/"

// sessionTime is when the files of testdata/session were made.
var sessionTime = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(session + name)
	must(t, err)
	return data
}

// question trusts the session's root and has its lists.
func question(t testing.TB) func() verifier.Question {
	t.Helper()
	roots, err := pki.ReadCertificates(read(t, "root.pem"))
	must(t, err)
	q := verifier.Question{At: sessionTime, Anchors: []trust.Anchor{trust.AnchorOf(roots[0])}, Offline: true}
	for _, name := range []string{"lists/root.crl", "lists/ca.crl"} {
		list, err := crl.Parse(read(t, name), crl.Limits{})
		must(t, err)
		q.Lists = append(q.Lists, list)
	}
	return func() verifier.Question { return q }
}

// counting judges and remembers how often it judged each file.
type counting struct {
	mu     sync.Mutex
	times  map[string]int
	before func(name string)
	hang   string // this file is never judged
	v      *verifier.Verifier
	ask    func() verifier.Question
}

func newCounting(t testing.TB) *counting {
	return &counting{times: map[string]int{}, v: verifier.New(verifier.Options{Now: time.Now}), ask: question(t)}
}

func (c *counting) judge(ctx context.Context, in batch.Input) (*verifier.Report, error) {
	c.mu.Lock()
	c.times[in.Name]++
	c.mu.Unlock()
	if c.before != nil {
		c.before(in.Name)
	}
	q := c.ask()
	in.Narrow(&q)
	return c.v.Document(ctx, in.Document, q), nil
}

// sample are files with every kind of verdict.
func sample(t testing.TB) map[string][]byte {
	return map[string][]byte{"a/good.p7s": read(t, "good.p7s"), "a/revoked.p7s": read(t, "revoked.p7s"), "altered.p7s": read(t, "altered.p7s"),
		"ә қағаз.p7s": read(t, "good.p7s"), "text.txt": []byte("no signature"), ".hidden": []byte("x")}
}

var wanted = []string{
	"a/good.p7s TOTAL-PASSED", "a/revoked.p7s INDETERMINATE/REVOKED_NO_POE", "altered.p7s TOTAL-FAILED/HASH_FAILURE",
	"text.txt TOTAL-FAILED/FORMAT_FAILURE", "ә қағаз.p7s TOTAL-PASSED",
}

func writeFolder(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(at), 0o700))
		must(t, os.WriteFile(at, data, 0o600))
	}
	return dir
}

func pack(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, data := range files {
		f, err := w.Create(name)
		must(t, err)
		_, err = f.Write(data)
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func fromZIP(t testing.TB, raw []byte, l batch.Limits) (*batch.Source, error) {
	t.Helper()
	return batch.FromZIP(bytes.NewReader(raw), int64(len(raw)), l)
}

// toFile judges a source and gives the lines.
func toFile(t testing.TB, s *batch.Source, out string, c *counting) []string {
	t.Helper()
	_, err := batch.ToFile(t.Context(), s, batch.FileOptions{Out: out, Question: "q", Judge: c.judge, Workers: 3})
	must(t, err)
	raw, err := os.ReadFile(out)
	must(t, err)
	return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
}

func verdict(t testing.TB, line string) string {
	t.Helper()
	var l struct{ File, Indication, SubIndication, Error string }
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if l.Error != "" {
		return l.File + " error: " + l.Error
	}
	return strings.TrimSuffix(l.File+" "+l.Indication+"/"+l.SubIndication, "/")
}

func same(t testing.TB, lines, want []string) {
	t.Helper()
	var got []string
	for _, l := range lines {
		got = append(got, verdict(t, l))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSources: a folder, an archive and a table of the same files give the same verdicts, each that of the file alone.
func TestSources(t *testing.T) {
	files := sample(t)
	dir := writeFolder(t, files)
	packed := filepath.Join(t.TempDir(), "b.zip")
	must(t, os.WriteFile(packed, pack(t, files), 0o600))
	for name, at := range map[string]string{"folder": dir, "archive": packed} {
		s, err := batch.Open(at, batch.Limits{})
		must(t, err)
		same(t, toFile(t, s, filepath.Join(t.TempDir(), name), newCounting(t)), wanted)
		must(t, s.Close())
	}
	table := "name;document;at\r\n"
	for _, w := range wanted {
		name := w[:strings.LastIndex(w, " ")]
		table += `"` + name + `";` + base64.StdEncoding.EncodeToString(files[name]) + ";2026-11-02T00:00:00Z\r\n"
	}
	s, err := batch.FromTable([]byte("\xef\xbb\xbf"+table), batch.Limits{})
	must(t, err)
	same(t, toFile(t, s, filepath.Join(t.TempDir(), "table"), newCounting(t)), wanted)
}

// TestTable: what the table says of one file is asked of this file, and only of it.
func TestTable(t *testing.T) {
	files := sample(t)
	files[batch.TableName] = []byte("file,name,iin,at\n" +
		"a/good.p7s,,,\n" +
		"a/good.p7s,other holder,900101300017,\n" +
		"a/good.p7s,too early,,2001-01-01T00:00:00Z\n" +
		"missing.p7s,,,\n")
	want := []string{"a/good.p7s TOTAL-PASSED", "other holder INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE",
		"too early INDETERMINATE/OUT_OF_BOUNDS_NO_POE", "missing.p7s error: "}
	s, err := batch.Open(writeFolder(t, files), batch.Limits{})
	must(t, err)
	lines := toFile(t, s, filepath.Join(t.TempDir(), "out"), newCounting(t))
	want[3] = "missing.p7s error: missing.p7s cannot be opened: no such file or directory"
	same(t, lines, want)
	if s, err = fromZIP(t, pack(t, files), batch.Limits{}); err != nil {
		t.Fatal(err)
	}
	want[3] = "missing.p7s error: the archive has no missing.p7s"
	same(t, toFile(t, s, filepath.Join(t.TempDir(), "out"), newCounting(t)), want)
}

// TestBounds: what is too much or could be read in two ways is refused before it is unpacked, with a sentence.
func TestBounds(t *testing.T) {
	good := read(t, "good.p7s")
	many := map[string][]byte{}
	for i := range 20 {
		many[fmt.Sprint(i)] = good
	}
	twice := func() []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for range 2 {
			f, err := w.Create("a.p7s")
			must(t, err)
			_, err = f.Write(good)
			must(t, err)
		}
		must(t, w.Close())
		return b.Bytes()
	}()
	for _, c := range []struct {
		name, say string
		archive   []byte
		limits    batch.Limits
		want      error
	}{
		{"too many files", "20 files, and 10 are allowed", pack(t, many), batch.Limits{Files: 10}, batch.ErrLimit},
		{"far too many files", "more than 2 files", pack(t, crowd(5_000)), batch.Limits{Files: 2}, batch.ErrLimit},
		{"twice", "stands twice", twice, batch.Limits{}, batch.ErrSource},
		{"no file", "no file to judge", pack(t, nil), batch.Limits{}, batch.ErrSource},
		{"cut", "cannot be read", twice[:len(twice)-30], batch.Limits{}, batch.ErrSource},
		{"control characters", "no name", pack(t, map[string][]byte{"a\nb": good}), batch.Limits{}, batch.ErrSource},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := fromZIP(t, c.archive, c.limits); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.say) {
				t.Errorf("%v, want %q", err, c.say)
			}
		})
	}
	for name, table := range map[string]string{
		"neither a ZIP":          "",
		"unknown column":         "file,secret\na,b\n",
		"either the column":      "file,document\na,b\n",
		"stands twice; give":     "document,name\nAAAA,a\nAAAA,a\n",
		"no base64":              "document\n!\n",
		"twelve digits":          "document,iin\nAAAA,1\n",
		"RFC 3339":               "document,at\nAAAA,yesterday\n",
		"files cannot be named":  "document,content\nAAAA,/etc/passwd\n",
		"contentDigest: a sha25": "document,contentDigest\nAAAA,sha256:00\n",
	} {
		if _, err := batch.FromTable([]byte(table), batch.Limits{}); !errors.Is(err, batch.ErrSource) || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}

	// An archive of some kilobytes that would fill the memory: the file gets an error for its verdict, the rest goes on.
	bomb := pack(t, map[string][]byte{"a bomb": make([]byte, 64<<20), "good.p7s": good})
	if len(bomb) > 1<<20 {
		t.Fatalf("no bomb: %d bytes", len(bomb))
	}
	s, err := fromZIP(t, bomb, batch.Limits{File: 1 << 20})
	must(t, err)
	same(t, toFile(t, s, filepath.Join(t.TempDir(), "out"), newCounting(t)),
		[]string{"a bomb error: a bomb is larger than 1048576 bytes", "good.p7s TOTAL-PASSED"})
	// All together too large: what came before stands, and the batch says why it ended.
	if s, err = fromZIP(t, pack(t, many), batch.Limits{Total: int64(3*len(good) + 1)}); err != nil {
		t.Fatal(err)
	}
	sum, err := batch.ToFile(t.Context(), s, batch.FileOptions{Out: filepath.Join(t.TempDir(), "out"), Question: "q", Judge: newCounting(t).judge})
	if !errors.Is(err, batch.ErrLimit) || sum.Verdicts["TOTAL-PASSED"] != 3 {
		t.Errorf("%v %+v", err, sum)
	}
}

// crowd is so many empty files.
func crowd(n int) map[string][]byte {
	out := make(map[string][]byte, n)
	for i := range n {
		out[fmt.Sprintf("%07d", i)] = nil
	}
	return out
}

// TestResume cuts the file of results at every byte, as a death of the process may, and goes on: the same bytes come out, and no
// file whose line was whole is judged again.
func TestResume(t *testing.T) {
	dir := writeFolder(t, sample(t))
	open := func() *batch.Source {
		s, err := batch.Open(dir, batch.Limits{})
		must(t, err)
		return s
	}
	out := filepath.Join(t.TempDir(), "out")
	toFile(t, open(), out, newCounting(t))
	whole, err := os.ReadFile(out)
	must(t, err)
	c := newCounting(t)
	for cut := 0; cut <= len(whole); cut += 1 + cut%397 {
		must(t, os.WriteFile(out, whole[:cut], 0o600))
		c.times = map[string]int{}
		toFile(t, open(), out, c)
		again, err := os.ReadFile(out)
		must(t, err)
		if !bytes.Equal(again, whole) {
			t.Fatalf("cut at %d: the results differ", cut)
		}
		if had := bytes.Count(whole[:cut], []byte("\n")); len(c.times) != len(wanted)-had {
			t.Fatalf("cut at %d: %d results stood and %d files were judged again", cut, had, len(c.times))
		}
	}
	for name, change := range map[string]func(){
		"another question": func() { must(t, os.WriteFile(out+".batch", []byte(`{"question":"other"}`), 0o600)) },
		"nothing known":    func() { must(t, os.Remove(out+".batch")) },
		"no results":       func() { must(t, os.WriteFile(out, []byte("something else\n"), 0o600)) },
	} {
		must(t, os.WriteFile(out, whole, 0o600))
		must(t, os.WriteFile(out+".batch", []byte(`{"question":"q"}`), 0o600))
		change()
		before, err := os.ReadFile(out)
		must(t, err)
		_, err = batch.ToFile(t.Context(), open(), batch.FileOptions{Out: out, Question: "q", Judge: c.judge})
		after, _ := os.ReadFile(out)
		if err == nil || !bytes.Equal(before, after) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInterrupted: what is done when the time ends stands, without a gap.
func TestInterrupted(t *testing.T) {
	dir := writeFolder(t, sample(t))
	s, err := batch.Open(dir, batch.Limits{})
	must(t, err)
	out := filepath.Join(t.TempDir(), "out")
	ctx, stop := context.WithCancel(t.Context())
	c := newCounting(t)
	c.before = func(name string) {
		if name == "altered.p7s" {
			stop()
		}
	}
	sum, err := batch.ToFile(ctx, s, batch.FileOptions{Out: out, Question: "q", Judge: c.judge, Workers: 1})
	if !errors.Is(err, context.Canceled) || len(sum.Verdicts) != 2 {
		t.Fatalf("%v %+v", err, sum)
	}
	c.before = nil
	if s, err = batch.Open(dir, batch.Limits{}); err != nil {
		t.Fatal(err)
	}
	same(t, toFile(t, s, out, c), wanted)
	if c.times["a/good.p7s"] != 1 || c.times["altered.p7s"] != 2 {
		t.Errorf("%v", c.times)
	}
}

// TestGate: while people wait, a batch waits too, but it comes to its end.
func TestGate(t *testing.T) {
	gate := new(batch.Gate)
	for range 64 {
		defer gate.Enter()()
	}
	s, c, _ := newService(t, gate)
	j := submit(t, s, sample(t))
	began := time.Now()
	runAll(t, s, j.ID)
	if took := time.Since(began); took < time.Second {
		t.Errorf("five files took %v beside 64 requests: the batch does not wait", took)
	}
	if got := len(lines(t, s, j.ID)); got != len(wanted) || len(c.times) == 0 {
		t.Errorf("%d lines, %v", got, c.times)
	}
}

func FuzzSource(f *testing.F) {
	f.Add(pack(f, map[string][]byte{"a": []byte("x"), batch.TableName: []byte("file,content\na,a\n")}), true)
	f.Add([]byte("document,name,at\nAAAA,a,2026-01-01T00:00:00Z\n"), false)
	limits := batch.Limits{Files: 50, File: 1 << 16, Total: 1 << 18}
	f.Fuzz(func(t *testing.T, raw []byte, archive bool) {
		var s *batch.Source
		var err error
		if archive {
			s, err = batch.FromZIP(bytes.NewReader(raw), int64(len(raw)), limits)
		} else {
			s, err = batch.FromTable(raw, limits)
		}
		if err != nil {
			if !errors.Is(err, batch.ErrSource) && !errors.Is(err, batch.ErrLimit) {
				t.Fatalf("%v", err)
			}
			return
		}
		total, seen := 0, map[string]bool{}
		for i := range s.Len() {
			in, err := s.Read(i)
			if err != nil {
				return
			}
			if seen[in.Name] || in.Name == "" {
				t.Fatalf("the name %q stands twice or is empty", in.Name)
			}
			seen[in.Name] = true
			total += len(in.Document) + len(in.Content)
		}
		if s.Len() > limits.Files || total > int(limits.Total) && archive {
			t.Fatalf("%d files of %d bytes", s.Len(), total)
		}
	})
}
