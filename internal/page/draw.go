// SPDX-License-Identifier: Apache-2.0

package page

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"rastau/internal/pdf"
	"rastau/internal/phrase"
)

// Millimetres of an A4 page.
const (
	pageWidth, pageHeight = 210.0, 297.0
	margin                = 18.0
	inner                 = pageWidth - 2*margin
	column                = 84.0 // width of one language
	rightColumn           = pageWidth - margin - column
	footTop               = 229.0 // QR code and signature block start here
	qrSize                = 34.0
	nextTop               = 30.0 // where further pages begin
)

// The visible block of the signature, in millimetres from the top left.
const boxX, boxY, boxW, boxH = 58.0, footTop, pageWidth - margin - 58.0, qrSize

// maxPages bounds a licence with its appendices.
const maxPages = 60

// ErrTooLong: the texts do not fit on the pages that a licence may have.
var ErrTooLong = errors.New("the licence's texts do not fit: shorten the activity, conditions, address, appendices, or the signer's position")

// SignatureBox is where Draw leaves room for the visible block of the signature: llx, lly, urx, ury in PDF points on page 1.
func SignatureBox() [4]float64 {
	return [4]float64{boxX * points, (pageHeight - boxY - boxH) * points, (boxX + boxW) * points, (pageHeight - boxY) * points}
}

// Draw returns the licence as PDF/A-3. The same Licence gives the same bytes. It fails with *LetterError where a letter is missing
// in the font, ErrTooLong where the texts do not fit. Safe for concurrent use.
func Draw(l Licence) ([]byte, error) {
	drawn, err := l.draft()
	return drawn.Data, err
}

// Compose is [Draw] for whoever signs next: the file is not read again for that.
func Compose(l Licence) (*pdf.Document, error) {
	drawn, err := l.draft()
	if err != nil {
		return nil, err
	}
	if drawn.Offsets == nil { // a long one
		return pdf.Open(drawn.Data, pdf.Limits{})
	}
	return drawn.Document()
}

func (l Licence) draft() (pdf.Draft, error) {
	for _, t := range l.texts() {
		if err := CheckText(t.field, t.text); err != nil {
			return pdf.Draft{}, err
		}
	}
	c := newCanvas()
	defer c.release()
	d := &drawer{canvas: c, l: l, regular: faces()[0], bold: faces()[1], gap: gap}
	for _, draw := range []func() error{d.first, d.facts, d.english, d.appendices} {
		if err := draw(); err != nil {
			return pdf.Draft{}, err
		}
	}
	d.count()
	name := l.AttachmentName
	if name == "" {
		name = "licence.json"
	}
	return assembly{
		canvas:     d.canvas,
		properties: properties{title: label("page.title").KK + " " + l.Number, subject: l.Activity.KK, at: l.Issued, lang: "kk-KZ"},
		attachment: l.Attachment, name: name, about: label("page.attachment").EN,
	}.assemble(), nil
}

func label(key string) phrase.Text { return phrase.Get(key, nil) }

type text struct{ field, text string }

// texts lists every text of the licence, for the check of letters.
func (l Licence) texts() []text {
	out := []text{
		{"number", l.Number}, {"holder name", l.HolderName}, {"holder number", l.HolderNumber}, {"holder address", l.HolderAddress},
		{"signer", l.SignerName}, {"address of the check", l.VerifyURL},
	}
	add := func(field string, t phrase.Text) {
		out = append(out, text{field + " (kk)", t.KK}, text{field + " (ru)", t.RU})
		if l.English {
			out = append(out, text{field + " (en)", t.EN})
		}
	}
	add("activity", l.Activity)
	add("sub-types", joined(l.Subtypes))
	add("conditions", l.Conditions)
	add("licensor", l.Licensor)
	add("signer's position", l.SignerPosition)
	add("place", l.Place)
	add("basis", l.Basis)
	for _, a := range l.Appendices {
		add("appendix sub-types", joined(a.Subtypes))
		add("appendix basis", a.Basis)
		out = append(out, text{"appendix number", a.Number})
		for _, b := range a.Branches {
			out = append(out, text{"branch", b.Name + b.BIN + b.Address})
		}
		for _, o := range a.Objects {
			out = append(out, text{"object", o.Name.KK + o.Name.RU + o.Address})
		}
		for _, v := range a.Vehicles {
			out = append(out, text{"vehicle", v.Make + v.Plate})
		}
	}
	return out
}

// joined puts each text on a line of its own, with a mark before it where there are several.
func joined(all []phrase.Text) phrase.Text {
	mark := ""
	if len(all) > 1 {
		mark = bullet
	}
	var kk, ru, en []string
	for _, t := range all {
		kk, ru, en = append(kk, mark+t.KK), append(ru, mark+t.RU), append(en, mark+t.EN)
	}
	return phrase.Text{KK: strings.Join(kk, "\n"), RU: strings.Join(ru, "\n"), EN: strings.Join(en, "\n")}
}

type drawer struct {
	*canvas
	l             Licence
	regular, bold *face
	y             float64 // next free line
	bottom        float64 // where this page's facts end
	footed        bool    // the first page has its foot
	gap           float64 // below a fact
}

// begin starts a page with its frame and its marks.
func (d *drawer) begin() {
	d.newPage()
	d.artifact(func() {
		d.frame(10, 10, pageWidth-20, pageHeight-20, 0.6, teal)
		d.frame(11.4, 11.4, pageWidth-22.8, pageHeight-22.8, 0.2, teal)
		if d.l.Demo {
			// Along the diagonal of the page.
			angle := 50 * math.Pi / 180
			cos, sin := math.Cos(angle), math.Sin(angle)
			t := label("page.demo")
			for i, s := range []string{t.KK, t.RU} {
				off := float64(i)*30 - 12
				d.turned(pageWidth/2+off*sin, pageHeight/2+off*cos, cos, sin, d.bold, 74, pale, s)
			}
		}
	})
	if d.l.Duplicate {
		t := label("page.duplicate")
		s := t.KK + " / " + t.RU
		w := d.bold.width(s, 11)/points + 6
		d.artifact(func() { d.frame(pageWidth-margin-w, 15, w, 7.5, 0.5, red) })
		words := func() { d.canvas.text(pageWidth-margin-w+3, 20.2, d.bold, 11, red, s) }
		if len(d.sheets) == 1 { // read aloud once: a further page may begin inside a table
			d.say("P", "", words)
		} else {
			d.artifact(words)
		}
	}
	d.bottom = pageHeight - 16
}

// first draws what stands only on the first page: the heading, the code, the block of the signature.
func (d *drawer) first() error {
	d.begin()
	d.y = 25
	if d.l.Duplicate {
		d.y = 33
	}
	state := label("page.state")
	d.centred("P", d.regular, 10, teal, state.KK+" · "+state.RU)
	d.y += 11
	d.centred("H1", d.bold, 28, black, strings.ToUpper(label("page.title").KK))
	d.y += 9
	d.centred("P", d.bold, 15, teal, d.l.Number)
	if d.l.State != "" {
		mark, col := label("page.state."+string(d.l.State)), teal
		if d.l.State == Suspended || d.l.State == Terminated {
			col = red
		}
		d.y += 6.5
		d.centred("P", d.bold, 10, col, mark.KK+" · "+mark.RU)
	}
	d.y += 4.5
	d.artifact(func() { d.line(margin, d.y, pageWidth-margin, d.y, 0.3, teal) })
	d.y += 6
	d.bottom = footTop - 3
	return nil
}

// say draws words under one element.
func (d *drawer) say(role, lang string, draw func()) {
	d.canvas.begin(role, lang, "")
	draw()
	d.end()
}

func (d *drawer) centred(role string, f *face, size float64, col colour, s string) {
	d.say(role, "", func() {
		d.canvas.text(pageWidth/2-f.width(s, size)/2/points, d.y, f, size, col, s)
	})
}

// next goes on on a further page under the licence's number.
func (d *drawer) next() error {
	// The first page is full: what stands at its foot is read before the next.
	if err := d.foot(); err != nil {
		return err
	}
	if len(d.sheets) == maxPages {
		return ErrTooLong
	}
	d.begin()
	d.artifact(func() {
		s := label("page.title").KK + " " + d.l.Number
		d.canvas.text(pageWidth/2-d.bold.width(s, 10)/2/points, 21, d.bold, 10, teal, s)
		d.line(margin, 24, pageWidth-margin, 24, 0.2, teal)
	})
	d.y = nextTop
	return nil
}

// fact is one thing that the licence says.
type fact struct {
	key    string
	value  phrase.Text
	strong bool
}

func same(s string) phrase.Text { return phrase.Text{KK: s, RU: s, EN: s} }

func (l Licence) facts() []fact {
	until := label("page.unlimited")
	if !l.ValidUntil.IsZero() {
		until = same(day(l.ValidUntil))
	}
	number := "page.iin"
	if l.HolderNumberKind == "BIN" {
		number = "page.bin"
	}
	var again []string
	for _, t := range l.Reissued {
		again = append(again, day(t))
	}
	return []fact{
		{"page.holder", same(l.HolderName), true},
		{number, same(l.HolderNumber), true},
		{"page.address", same(l.HolderAddress), false},
		{"page.activity", l.Activity, true},
		{"page.issued", same(day(l.Issued)), false},
		{"page.first", same(day(since(l.FirstIssued, l.Issued))), false},
		{"page.reissued", same(strings.Join(again, ", ")), false},
		{"page.until", until, false},
		{"page.licensor", l.Licensor, false},
		{"page.place", l.Place, false},
		{"page.basis", l.Basis, false},
		{"page.conditions", l.Conditions, false},
		{"page.subtypes", joined(l.Subtypes), false},
	}
}

// facts stand closer together where they then end on the first page: a page with one line on it looks like a mistake.
func (d *drawer) facts() error {
	var rows []row
	wide, room := 0.0, d.bottom-d.y
	for _, f := range d.l.facts() {
		if r := d.lay(f); r.lines() > 0 {
			rows, wide = append(rows, r), wide+r.height()+gap
		}
	}
	if wide-gap > room && wide-gap-float64(len(rows)-1)*(gap-tightGap) <= room {
		d.gap = tightGap
	}
	for _, r := range rows {
		if err := d.row(r); err != nil {
			return err
		}
	}
	d.gap = gap
	return d.foot()
}

// Heights of a label and of a line of a value, and the space below a fact, in millimetres; sizes of letters in points.
const (
	labelHeight, lineHeight, gap, tightGap = 3.6, 4.5, 2.0, 1.0
	labelSize, valueSize                   = 7.0, 9.5
)

// row is a fact broken into lines: Kazakh left, Russian right.
type row struct {
	name        phrase.Text
	face        *face
	left, right []string
}

func (d *drawer) lay(f fact) row {
	if f.value.KK == "" && f.value.RU == "" {
		return row{}
	}
	face := d.regular
	if f.strong {
		face = d.bold
	}
	return row{label(f.key), face, d.listed(face, column, f.value.KK), d.listed(face, column, f.value.RU)}
}

func (r row) lines() int { return max(len(r.left), len(r.right)) }

func (r row) height() float64 { return labelHeight + float64(r.lines())*lineHeight }

// bullet begins each of several texts; the lines of a text stand right of it, one below the other.
const bullet, hang = "• ", "\u2007"

// listed breaks a value into lines; those of a text behind a bullet that are not its first begin with hang.
func (d *drawer) listed(f *face, width float64, value string) []string {
	if !strings.HasPrefix(value, bullet) {
		return wrapped(f, valueSize, width, value)
	}
	var out []string
	for text := range strings.SplitSeq(value, "\n") {
		text, ok := strings.CutPrefix(text, bullet)
		if !ok {
			out = append(out, wrapped(f, valueSize, width, text)...)
			continue
		}
		mark := bullet
		for _, line := range wrapped(f, valueSize, width-d.indent(f), text) {
			out, mark = append(out, mark+line), hang
		}
	}
	return out
}

// indent is the width of a bullet in millimetres.
func (d *drawer) indent(f *face) float64 { return f.width(bullet, valueSize) / points }

// row prints one fact, the label small and grey above the value. What does not fit goes on on the next page under the same label.
func (d *drawer) row(r row) error {
	name, face, left, right := r.name, r.face, r.left, r.right
	for len(left) > 0 || len(right) > 0 {
		room := int((d.bottom - d.y - labelHeight) / lineHeight)
		// A fact is begun on this page only where it ends on it, or where it would not fit on a page of its own.
		if need := max(len(left), len(right)); room < need && (room < 2 || need <= 40) {
			if err := d.next(); err != nil {
				return err
			}
			continue
		}
		top := d.y
		left = d.cell(margin, top, name.KK, left, room, face, "")
		right = d.cell(rightColumn, top, name.RU, right, room, face, "ru-RU")
	}
	if r.lines() > 0 {
		d.y += d.gap
	}
	return nil
}

// cell prints a label and as many lines of its value as there is room for, moves d.y below them and returns the rest.
func (d *drawer) cell(x, y float64, name string, lines []string, room int, face *face, lang string) (rest []string) {
	n := min(room, len(lines))
	if n == 0 {
		return lines
	}
	d.say("P", lang, func() {
		d.canvas.text(x, y+2.4, d.regular, labelSize, grey, name)
		y += labelHeight
		for _, line := range lines[:n] {
			if rest, ok := strings.CutPrefix(line, hang); ok {
				d.canvas.text(x+d.indent(face), y+3.3, face, valueSize, black, rest)
			} else {
				d.canvas.text(x, y+3.3, face, valueSize, black, line)
			}
			y += lineHeight
		}
	})
	d.y = max(d.y, y)
	return lines[n:]
}

// english says it all once more on a page of its own.
func (d *drawer) english() error {
	if !d.l.English {
		return nil
	}
	if err := d.next(); err != nil {
		return err
	}
	d.y += 6
	d.say("H2", "en", func() {
		d.canvas.text(margin, d.y, d.bold, 16, black, label("page.title").EN+" "+d.l.Number)
	})
	d.y += 5.5
	for _, line := range wrapped(d.regular, labelSize, inner, label("page.translation").EN) {
		d.say("P", "en", func() { d.canvas.text(margin, d.y, d.regular, labelSize, grey, line) })
		d.y += 3.4
	}
	d.y += 3
	facts := d.l.facts()
	if d.l.State != "" {
		facts = append([]fact{{"page.status", label("page.state." + string(d.l.State)), true}}, facts...)
	}
	facts = append(facts, fact{"page.person", same(d.l.SignerName), false}, fact{"page.position", d.l.SignerPosition, false})
	for _, f := range facts {
		face := d.regular
		if f.strong {
			face = d.bold
		}
		lines := d.listed(face, inner, f.value.EN)
		if f.value.EN == "" {
			continue
		}
		for len(lines) > 0 {
			room := int((d.bottom - d.y - labelHeight) / lineHeight)
			if room < min(len(lines), 40) {
				if err := d.next(); err != nil {
					return err
				}
				continue
			}
			lines = d.cell(margin, d.y, label(f.key).EN, lines, room, face, "en")
		}
		d.y += gap
	}
	return nil
}

// foot prints the code and what the page says about its signature; the cryptographic facts stand in the signature itself.
func (d *drawer) foot() error {
	if d.footed {
		return nil
	}
	d.footed = true
	l := d.l
	if err := d.code(l.VerifyURL); err != nil {
		return err
	}
	d.artifact(func() { d.frame(boxX, boxY, boxW, boxH, 0.3, teal) })
	if err := d.block(); err != nil {
		return err
	}
	y := footTop + qrSize + 1.0
	note := label("page.note")
	for i, s := range []string{l.VerifyURL, note.KK, note.RU} {
		f, size, lang := d.regular, 6.8, ""
		if i == 0 {
			f, size = d.bold, 7.0
		}
		if i == 2 {
			lang = "ru-RU"
		}
		d.say("P", lang, func() {
			for _, part := range wrapped(f, size, inner, s) {
				y += 3.2
				d.canvas.text(margin, y, f, size, grey, part)
			}
		})
		y += 0.4
	}
	if y > pageHeight-13 { // the frame is near
		return ErrTooLong
	}
	return nil
}

// smallest is how far the letters of the signature's block are made smaller where its texts are long.
const smallest = 0.7

// block fills the visible block of the signature. Long names and positions are written smaller, so that all of it stands inside.
func (d *drawer) block() error {
	signed, person := label("page.signed"), label("page.person")
	all := []struct {
		lang         string
		face         *face
		above        float64 // millimetres left free before it
		size, height float64 // of a line: points, millimetres
		colour       colour
		text         string
	}{
		{"", d.bold, 0, 8, 4, black, signed.KK},
		{"ru-RU", d.bold, 0, 8, 4, black, signed.RU},
		{"", d.regular, 1.6, labelSize, 3.6, grey, person.KK + " · " + person.RU},
		{"", d.bold, 0, 10, 4.8, black, d.l.SignerName},
		{"", d.regular, 0, 7.5, 4, black, d.l.SignerPosition.KK},
		{"ru-RU", d.regular, 0, 7.5, 3.6, black, d.l.SignerPosition.RU},
	}
	for scale := 1.0; scale >= smallest; scale -= 0.05 {
		tall := 0.0
		lines := make([][]string, len(all))
		for i, t := range all {
			lines[i] = wrapped(t.face, t.size*scale, boxW-8, t.text)
			tall += t.above*scale + float64(len(lines[i]))*t.height*scale
		}
		if tall > boxH-4 {
			continue
		}
		y := boxY + 2
		for i, t := range all {
			y += t.above * scale
			d.say("P", t.lang, func() {
				for _, part := range lines[i] {
					y += t.height * scale
					d.canvas.text(boxX+4, y, t.face, t.size*scale, t.colour, part)
				}
			})
		}
		return nil
	}
	return ErrTooLong
}

// count writes how many pages there are, where there is more than one.
func (d *drawer) count() {
	all := d.sheets
	if len(all) == 1 {
		return
	}
	for i, s := range all {
		d.sheets = []*sheet{s} // artifacts have no place in the structure: any page may be the last
		d.artifact(func() {
			d.canvas.text(margin, 21, d.regular, 8, grey, strconv.Itoa(i+1)+" / "+strconv.Itoa(len(all)))
		})
	}
	d.sheets = all
}
