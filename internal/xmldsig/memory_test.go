// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Judging a document allocates no more than ten times its size, whatever it is made of; what is allocated is counted, not
// what is in use at once, so that no collection of garbage hides anything.
func TestMemory(t *testing.T) {
	const size = 256 << 10
	for _, part := range []string{
		`<c/>`, `<c></c>`, `<a><b x="1">2</b><c/></a>`, `<c id="1"/>`, `<c ID="" Id="" id=""/>`, `<c xmlns=""/>`, `<c xml:id="i"/>`,
		`<!---->`, `<![CDATA[]]>`, `&lt;`, `ы`, "\r\n", `<c b="1" a="2"/>`, `<c d="&amp;"/>`, strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200),
		`<p:c xmlns:p="u:p"/>`, "text ",
	} {
		for form, algorithm := range map[string]string{"inclusive": "", "exclusive": exclusive} {
			doc := []byte("<doc>" + strings.Repeat(part, size/len(part)) + "</doc>")
			signed := signWith(t, rsaKey, doc, func(o *SignOptions) { o.Canonical = algorithm })
			pool = sync.Pool{} // a program's first document has nothing to use again
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			d := mustParse(t, signed)
			s := d.Signatures()[0]
			if ok := s.Verify(s.Certificate(nil)).Intact(); ok == nil || !*ok || !s.Scope().Whole {
				t.Fatalf("%.20q: not intact", part)
			}
			runtime.ReadMemStats(&after)
			if rooms := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(signed)); rooms > 10 {
				t.Errorf("%.20q, %s: %.1f times the document", part, form, rooms)
			} else {
				t.Logf("%.20q, %s: %.1f times the document", part, form, rooms)
			}
		}
	}
}
