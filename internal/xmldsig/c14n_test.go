// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// program finds a program that these tests compare with; where the run demands all tools, it must be there.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("RASTAU_REQUIRE_TOOLS") == "1" {
			t.Fatalf("%s is required and not installed: .ci/tools installs it", name)
		}
		t.Skipf("%s is not installed: .ci/tools installs it", name)
	}
	return path
}

// canonicalForm is the whole document in canonical form.
func canonicalForm(t testing.TB, doc []byte, algorithm string) []byte {
	t.Helper()
	d, err := Parse(doc, Limits{})
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	var out bytes.Buffer
	if err := d.canonical(&out, span{whole: true}, nil, methods[algorithm]); err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return out.Bytes()
}

// generate writes a document that uses everything that is read here, in all the ways it can be written.
func generate(r *rand.Rand, depth int) string {
	var b strings.Builder
	if r.IntN(3) == 0 {
		b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	}
	if r.IntN(4) == 0 {
		b.WriteString("<!-- before -->\n<?go  on ?>\r\n")
	}
	writeElement(r, &b, depth, map[string]string{})
	if r.IntN(4) == 0 {
		b.WriteString("\n<?after?>\n<!--after-->\n")
	}
	return b.String()
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

func writeElement(r *rand.Rand, b *strings.Builder, depth int, scope map[string]string) {
	inner := map[string]string{}
	for k, v := range scope {
		inner[k] = v
	}
	var attrs []string
	quote := func(v string) string {
		if r.IntN(4) == 0 {
			return "'" + v + "'"
		}
		return "\"" + v + "\""
	}
	seen := map[string]bool{}
	for range r.IntN(3) {
		p := pick(r, "", "a", "b", "c")
		if seen[p] {
			continue
		}
		seen[p] = true
		uri := pick(r, "urn:one", "urn:two", "http://example.kz/?a", "urn:four")
		if p == "" {
			if r.IntN(4) == 0 {
				uri = ""
			}
			attrs = append(attrs, "xmlns="+quote(uri))
		} else {
			attrs = append(attrs, "xmlns:"+p+"="+quote(uri))
		}
		inner[p] = uri
	}
	named := map[string]bool{}
	for range r.IntN(4) {
		p := pick(r, "", "", "a", "b", "xml")
		if p != "" && p != "xml" && inner[p] == "" {
			continue
		}
		local := pick(r, "x", "y", "Z", "ы", "q-1")
		if p == "xml" {
			local = pick(r, "lang", "space", "base")
		}
		key := inner[p] + " " + local
		if p == "xml" {
			key = "xml " + local
		}
		if p == "" {
			key = local
		}
		if named[key] {
			continue
		}
		named[key] = true
		value := pick(r, "1", "", "a b", "&lt;&amp;&quot;", "tab\tline\nend", "&#9;&#xA;&#13;", "қазақ", "&#x410;&gt;'", "\r\n>")
		if p == "xml" {
			value = pick(r, "kk", "preserve", "ru")
		}
		q := quote(strings.ReplaceAll(value, "'", ""))
		if p != "" {
			p += ":"
		}
		attrs = append(attrs, p+local+pick(r, "=", " = ")+q)
	}
	p := pick(r, "", "", "a", "b", "c")
	if p != "" && inner[p] == "" {
		p = ""
	}
	if p != "" {
		p += ":"
	}
	name := p + pick(r, "e", "list", "Өтініш", "n.1")
	r.Shuffle(len(attrs), func(i, j int) { attrs[i], attrs[j] = attrs[j], attrs[i] })
	b.WriteString("<" + name)
	for _, a := range attrs {
		b.WriteString(pick(r, " ", " ", "\n  ") + a)
	}
	if r.IntN(5) == 0 {
		b.WriteString(pick(r, "/>", " />"))
		return
	}
	b.WriteString(pick(r, ">", ">", " >"))
	for range r.IntN(5) {
		switch r.IntN(8) {
		case 0, 1, 2:
			if depth > 0 {
				writeElement(r, b, depth-1, inner)
			}
		case 3:
			b.WriteString("<!-- note \r\n -->")
		case 4:
			b.WriteString(pick(r, "<?go on?>", "<?go?>", "<?go   on  ?>"))
		case 5:
			b.WriteString("<![CDATA[<&> ]]\r\n]]>")
		default:
			b.WriteString(pick(r, "text", "мәтін", " \n\t", "a &amp; b &lt; &gt; > \"'", "&#13;\r\n\r", "&#xD;&#x1F600;", "]]"))
		}
	}
	b.WriteString("</" + name + pick(r, ">", ">", " >"))
}

// Whole documents against libxml2.
func TestXmllint(t *testing.T) {
	bin := program(t, "xmllint")
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 120 {
		doc := []byte(generate(r, 5))
		file := filepath.Join(dir, "d.xml")
		if err := os.WriteFile(file, doc, 0o600); err != nil {
			t.Fatal(err)
		}
		for flag, algorithm := range map[string]string{"--c14n": c14n10Comments, "--c14n11": c14n11Comments, "--exc-c14n": excComments} {
			want, err := exec.Command(bin, flag, file).Output()
			if err != nil {
				t.Fatalf("document %d: %v\n%s", i, err, doc)
			}
			if got := canonicalForm(t, doc, algorithm); !bytes.Equal(got, want) {
				t.Fatalf("document %d, %s\n%s\ngot  %s\nwant %s", i, flag, doc, got, want)
			}
		}
	}
}

func large(size int) []byte {
	var b bytes.Buffer
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<root xmlns=\"urn:kz:test\" xmlns:a=\"urn:a\">\n")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "  <item id=\"%d\"><a:name>Өтініш беруші %d</a:name><sum currency=\"KZT\">%d</sum><empty/></item>\n", i, i, i*17)
	}
	b.WriteString("</root>\n")
	return b.Bytes()
}

// BenchmarkVerify judges signed documents of 10 MB whole: the reading, the canonical form, the digests, the value, and what
// else stands in the document. ratio is the fastest round's time against the fastest SHA-256 over the document with one check
// of a signature value, because other programs on the machine only ever add;
// rooms is the memory allocated against the size of the document.
func BenchmarkVerify(b *testing.B) {
	k := keyOf(b, rsaKey)
	for name, doc := range map[string][]byte{"records": large(10 << 20), "text": prose(10 << 20), "tags": dense(10 << 20)} {
		for form, algorithm := range map[string]string{"inclusive": "", "exclusive": exclusive} {
			b.Run(name+"/"+form, func(b *testing.B) {
				signed := signWith(b, rsaKey, doc, func(o *SignOptions) { o.Canonical = algorithm })
				verify := func() {
					d := mustParse(b, signed)
					s := d.Signatures()[0]
					if ok := s.Verify(s.Certificate(nil)).Intact(); ok == nil || !*ok || !s.Scope().Whole {
						b.Fatal("not intact")
					}
					d.Close()
				}
				verify()
				mine, floor := time.Hour, time.Hour
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				rounds := 0
				d := mustParse(b, signed)
				s := d.Signatures()[0]
				for b.Loop() {
					start := time.Now()
					verify()
					mid := time.Now()
					sha256.Sum256(signed)
					if err := s.checkValue(k.Certificate); err != nil {
						b.Fatal(err)
					}
					mine, floor = min(mine, mid.Sub(start)), min(floor, time.Since(mid))
					rounds++
				}
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(mine)/float64(floor), "ratio")
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(rounds)/float64(len(signed)), "rooms")
			})
		}
	}
}

// prose has long texts, dense hardly anything but tags.
func prose(size int) []byte {
	var b bytes.Buffer
	b.WriteString("<doc>")
	for b.Len() < size {
		b.WriteString("<p>" + strings.Repeat("Лицензия берілді. The licence was issued & sealed. ", 40)[:1950] + "</p>\n")
	}
	return append(bytes.ReplaceAll(b.Bytes(), []byte("&"), []byte("&amp;")), "</doc>"...)
}

func dense(size int) []byte {
	var b bytes.Buffer
	b.WriteString("<doc>")
	for b.Len() < size {
		b.WriteString(`<a><b x="1">2</b><c/></a>`)
	}
	return append(b.Bytes(), "</doc>"...)
}

func mustParse(t testing.TB, doc []byte) *Document {
	d, err := Parse(doc, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
