// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Documents that are nearly pieces: what is refused in any document is refused in one too, wherever it stands.
func TestPieceRefused(t *testing.T) {
	for _, bad := range []string{
		`<b></c>`, `<b></b`, `<b></bb>`, `<bb></b>`, `<b><c></b></c>`, `<b/`, `<b`, `<b x>`, `<b x="1" x="2"/>`, `<b x="1" x="1"></b>`,
		`<b x="<"/>`, `<b x="&no;"/>`, `<b x="1"y="2"/>`, `<b x="1/>`, `<1b/>`, `<-b/>`, `<.b/>`, `<:b/>`, `<b:/>`, `<b:c:d/>`, `<q:b/>`, `<b q:x="1"/>`,
		`<b 1x="1"/>`, `<b -x="1"/>`, `<×b/>`, `<b>]]></b>`, `<b>&no;</b>`, "<b>\x01</b>", "<b x=\"\x01\"/>", "<b\xff/>", "<b x\xff=\"1\"/>", `<b / >`, `< b/>`, `</a></b>`,
		`<b><!DOCTYPE b></b>`, `<b><?xml version="1.0"?></b>`, `<b>--</b></a><a>`, "<b x=\"1\"\xc2=\"\"/>",
	} {
		for _, around := range []string{"<a>%s</a>", "<a><u/>%s<u/></a>", "<a><u><v>%s</v></u></a>", "<a xmlns='urn:a'>0 %s</a>"} {
			doc := fmt.Sprintf(around, bad)
			if d, err := Parse([]byte(doc), Limits{}); err == nil {
				t.Errorf("%s is read, as %d nodes", doc, len(d.nodes))
			}
		}
	}
	// A name's last letter, whatever its length.
	for n := 1; n < 40; n++ {
		name := strings.Repeat("n", n)
		if _, err := Parse([]byte("<a><"+name+">1</"+name[1:]+"m></a>"), Limits{}); err == nil {
			t.Errorf("an end tag of another name of %d letters", n)
		}
		if _, err := Parse([]byte("<a><"+name+">1</m"+name[1:]+"></a>"), Limits{}); err == nil {
			t.Errorf("an end tag of another name of %d letters", n)
		}
		mustParse(t, []byte("<a><"+name+">1</"+name+"></a>")).Close()
	}
	if _, err := Parse([]byte(strings.Repeat("<a>", 9)+strings.Repeat("</a>", 9)), Limits{Depth: 8}); err == nil {
		t.Error("nine deep of eight")
	}
	if _, err := Parse([]byte(`<a><b p="" q="" r=""/></a>`), Limits{Attributes: 2}); err == nil {
		t.Error("three attributes of two")
	}
}

// What a piece hides in one node is written, found and shown as if every tag had its own.
func TestPiece(t *testing.T) {
	for doc, want := range map[string]string{
		`<r><a><b/><c x="1"/>t<d>/&gt;/</d></a></r>`:                              `<r><a><b></b><c x="1"></c>t<d>/&gt;/</d></a></r>`,
		`<r><a><bcdefghijk/></a><a><b x="/" y="'"/></a></r>`:                      `<r><a><bcdefghijk></bcdefghijk></a><a><b x="/" y="'"></b></a></r>`,
		`<r><a b=">"><c/></a></r>`:                                                `<r><a b=">"><c></c></a></r>`,
		`<r><a y="1" x="2"><c/></a></r>`:                                          `<r><a x="2" y="1"><c></c></a></r>`,
		`<r><a><c><e/></c ></a></r>`:                                              `<r><a><c><e></e></c></a></r>`,
		`<r><a><!--n--><c/></a></r>`:                                              `<r><a><c></c></a></r>`,
		`<r><a><c/>&#65;</a><a>]]</a></r>`:                                        `<r><a><c></c>A</a><a>]]</a></r>`,
		`<p:r xmlns:p="urn:p"><p:a><p:b/><c/></p:a><p:a/></p:r>`:                  `<p:r xmlns:p="urn:p"><p:a><p:b></p:b><c></c></p:a><p:a></p:a></p:r>`,
		`<r><ә><ө/><ұ қ="1"/></ә><_><b-1.x/></_></r>`:                             `<r><ә><ө></ө><ұ қ="1"></ұ></ә><_><b-1.x></b-1.x></_></r>`,
		"<r><a>\r\n<b/></a><a>\n\t<b/>\n</a>\n</r>\n":                             "<r><a>\n<b></b></a><a>\n\t<b></b>\n</a>\n</r>",
		`<r><a><b xmlns=""/></a><a><b xmlns="urn:b"/></a></r>`:                    `<r><a><b></b></a><a><b xmlns="urn:b"></b></a></r>`,
		`<r><a><![CDATA[<b/>]]></a></r>`:                                          `<r><a>&lt;b/&gt;</a></r>`,
		`<r xmlns:xsi="urn:i"><a><b xsi:nil="true"/></a><a/></r>`:                 `<r xmlns:xsi="urn:i"><a><b xsi:nil="true"></b></a><a></a></r>`,
		`<r><a Id="1"><b Id="2"/></a><a><b><c id=""/></b></a></r>`:                `<r><a Id="1"><b Id="2"></b></a><a><b><c id=""></c></b></a></r>`,
		`<r>` + strings.Repeat(`<a>`, 100) + strings.Repeat(`</a>`, 100) + `</r>`: `<r>` + strings.Repeat(`<a>`, 100) + strings.Repeat(`</a>`, 100) + `</r>`,
	} {
		got, err := Canonical([]byte(doc))
		if err != nil || string(got) != want {
			t.Errorf("%s\ngot  %s %v\nwant %s", doc, got, err, want)
		}
	}
	d := mustParse(t, []byte(`<p:r xmlns:p="urn:p" xmlns:q="urn:q"><p:a>1<p:b/><p:c d="2">3</p:c>4</p:a><q:e><q:f>5</q:f></q:e></p:r>`))
	if len(d.nodes) != 4 || d.nodes[1].kind != piece || d.nodes[2].kind != piece {
		t.Fatalf("%d nodes", len(d.nodes))
	}
	for m, want := range map[string]string{
		c14n10:    `<p:a xmlns:p="urn:p" xmlns:q="urn:q">1<p:b></p:b><p:c d="2">3</p:c>4</p:a>`,
		exclusive: `<p:a xmlns:p="urn:p">1<p:b></p:b><p:c d="2">3</p:c>4</p:a>`,
	} {
		var out bytes.Buffer
		if err := d.canonical(&out, d.span(1), nil, methods[m]); err != nil || out.String() != want {
			t.Errorf("%s: %s %v", m, out.Bytes(), err)
		}
	}
	var out bytes.Buffer
	_ = d.canonical(&out, d.span(d.root), nil, methods[exclusive])
	if !strings.HasSuffix(out.String(), `<q:e xmlns:q="urn:q"><q:f>5</q:f></q:e></p:r>`) {
		t.Errorf("%s", out.Bytes())
	}
	if text := d.textOf(&d.nodes[1]); string(text) != "134" || !d.loose(1) || d.loose(2) || string(d.stringOf(0, nil)) != "1345" {
		t.Errorf("text %q", text)
	}
	budget := 9
	if e, err := d.tree(1, d.scopeAround(1), &budget); err != nil || !e.broken {
		t.Error("an element with others in it is read as text alone")
	}
}

// Whole documents of pieces and of what is nearly one, in every algorithm, against a reader that has no pieces.
func TestPieceAndNode(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 400 {
		doc := []byte(nearly(r, 0))
		d := mustParse(t, doc)
		// A comment in each element gives each a node of its own; canonical form leaves it out.
		apart := mustParse(t, bytes.ReplaceAll(bytes.ReplaceAll(doc, []byte("</"), []byte("<!----></")), []byte("/>"), []byte(" />")))
		for uri, m := range methods {
			m.comments = false
			var a, b bytes.Buffer
			if err := d.canonical(&a, span{from: d.root, whole: true}, nil, m); err != nil {
				t.Fatal(err)
			}
			if err := apart.canonical(&b, span{from: apart.root, whole: true}, nil, m); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Fatalf("%s\n%s\n%s\n%s %v", uri, doc, a.Bytes(), b.Bytes(), err)
			}
		}
	}
}

func nearly(r *rand.Rand, depth int) string {
	name := pick(r, "a", "b", "abcdefg", "abcdefgh", "abcdefghi", "p:a", "p:b", "q:a", "ә")
	out := "<" + name
	if depth == 0 {
		out += ` xmlns:p="urn:p" xmlns:q="urn:q"`
	}
	if depth > 0 && r.IntN(9) == 0 {
		out += pick(r, ` xmlns="urn:d"`, ` xmlns:p="urn:q"`, ` p:x="1"`, ` xml:lang="kk"`)
	}
	for _, a := range []string{` a="1"`, ` ab="&quot;/"`, ` b="ы"`, ` id="7"`} {
		if r.IntN(4) == 0 {
			out += a
		}
	}
	if r.IntN(5) == 0 {
		return out + "/>"
	}
	out += ">"
	for range r.IntN(4) {
		switch {
		case depth < 5 && r.IntN(4) > 0:
			out += nearly(r, depth+1)
		default:
			out += pick(r, "text", "a &lt; b", "мәтін", "\n  ", "a/b", "&#65;")
		}
	}
	return out + "</" + name + ">"
}
