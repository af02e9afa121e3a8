// SPDX-License-Identifier: Apache-2.0

package page

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"rsc.io/qr"

	"rastau/internal/phrase"
)

// Millimetres of an A4 page.
const (
	pageWidth, pageHeight = 210.0, 297.0
	margin                = 18.0
	column                = 84.0 // width of one language
	gutter                = pageWidth - 2*margin - 2*column
	rightColumn           = margin + column + gutter
	footTop               = 232.0 // QR code and signature block start here
	qrSize                = 34.0
	points                = 72 / 25.4 // PDF points in a millimetre
)

// The visible block of the signature, in millimetres from the top left.
const boxX, boxY, boxW, boxH = 62.0, footTop, 130.0, qrSize

// maxPages bounds a licence: what does not fit on the first page goes on on the next.
const maxPages = 8

// ErrTooLong: the texts do not fit on the pages that a licence may have.
var ErrTooLong = errors.New("the licence's texts do not fit: shorten the activity, conditions or address")

// SignatureBox is where Draw leaves room for the visible block of the signature: llx, lly, urx, ury in PDF points on page 1.
func SignatureBox() [4]float64 {
	return [4]float64{boxX * points, (pageHeight - boxY - boxH) * points, (boxX + boxW) * points, (pageHeight - boxY) * points}
}

// Draw returns the page as PDF. The same Licence gives the same bytes. It fails with *LetterError where a letter is missing
// in the font, ErrTooLong where the texts do not fit. Safe for concurrent use.
func Draw(l Licence) ([]byte, error) {
	for _, t := range l.texts() {
		if err := CheckText(t.field, t.text); err != nil {
			return nil, err
		}
	}
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetCatalogSort(true) // deterministic bytes
	pdf.SetCreationDate(l.Issued.UTC())
	pdf.SetModificationDate(l.Issued.UTC())
	pdf.SetProducer("Rastau", true)
	pdf.SetTitle(label("page.title").KK+" "+l.Number, true)
	pdf.SetSubject(l.Activity.KK, true)
	pdf.SetLang("kk")
	pdf.SetMargins(margin, margin, margin)
	pdf.SetAutoPageBreak(false, margin)
	pdf.AddUTF8FontFromBytes("Noto", "", regular)
	pdf.AddUTF8FontFromBytes("Noto", "B", bold)
	if l.Attachment != nil {
		name := l.AttachmentName
		if name == "" {
			name = "licence.json"
		}
		pdf.SetAttachments([]fpdf.Attachment{{Content: l.Attachment, Filename: name, Description: label("page.attachment").EN}})
	}
	d := drawer{Fpdf: pdf, licence: l}
	if err := d.first(); err != nil {
		return nil, err
	}
	if err := d.body(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("drawing the licence: %w", err)
	}
	return out.Bytes(), nil
}

func label(key string) phrase.Text { return phrase.Get(key, nil) }

type text struct{ field, text string }

// texts lists every text of the licence, for the check of letters.
func (l Licence) texts() []text {
	return []text{
		{"number", l.Number}, {"holder name", l.HolderName}, {"holder number", l.HolderNumber}, {"holder address", l.HolderAddress},
		{"activity (kk)", l.Activity.KK}, {"activity (ru)", l.Activity.RU},
		{"sub-types (kk)", strings.Join(kazakh(l.Subtypes), " ")}, {"sub-types (ru)", strings.Join(russian(l.Subtypes), " ")},
		{"conditions (kk)", l.Conditions.KK}, {"conditions (ru)", l.Conditions.RU},
		{"licensor (kk)", l.Licensor.KK}, {"licensor (ru)", l.Licensor.RU}, {"signer", l.SignerName},
		{"signer's position (kk)", l.SignerPosition.KK}, {"signer's position (ru)", l.SignerPosition.RU},
		{"place (kk)", l.Place.KK}, {"place (ru)", l.Place.RU}, {"basis (kk)", l.Basis.KK}, {"basis (ru)", l.Basis.RU}, {"address of the check", l.VerifyURL},
	}
}

type drawer struct {
	*fpdf.Fpdf
	licence Licence
	y       float64 // next free line, mm from the top
	bottom  float64 // where this page's facts end
}

// first begins the page with the title, the QR code and the block of the signature.
func (d *drawer) first() error {
	d.begin()
	d.head(d.licence)
	d.foot(d.licence)
	d.bottom = footTop - 3
	return d.code(d.licence.VerifyURL)
}

// begin starts a page with its frame and, for a specimen, its mark.
func (d *drawer) begin() {
	d.AddPage()
	d.frame()
	if d.licence.Demo {
		d.demoMark()
	}
}

// next goes on on a further page under the licence's number.
func (d *drawer) next() error {
	if d.PageNo() == maxPages {
		return ErrTooLong
	}
	d.begin()
	d.y = 18
	d.SetTextColor(0, 95, 115)
	d.centred(fmt.Sprintf("%s · %d", d.licence.Number, d.PageNo()), "B", 11, 7)
	d.y += 3
	d.bottom = pageHeight - 18
	return nil
}

func (d *drawer) frame() {
	d.SetDrawColor(0, 95, 115)
	d.SetLineWidth(0.6)
	d.Rect(10, 10, pageWidth-20, pageHeight-20, "D")
	d.SetLineWidth(0.2)
	d.Rect(11.4, 11.4, pageWidth-22.8, pageHeight-22.8, "D")
}

func (d *drawer) demoMark() {
	t := label("page.demo")
	d.SetFont("Noto", "B", 64)
	d.SetTextColor(235, 235, 235)
	d.TransformBegin()
	d.TransformRotate(38, pageWidth/2, pageHeight/2)
	for i, s := range []string{t.KK, t.RU} {
		d.Text(pageWidth/2-d.GetStringWidth(s)/2, pageHeight/2+float64(i)*28-8, s)
	}
	d.TransformEnd()
}

func (d *drawer) centred(s string, style string, size, lineHeight float64) {
	d.SetFont("Noto", style, size)
	for _, line := range d.SplitText(s, pageWidth-2*margin) {
		d.SetXY(margin, d.y)
		d.CellFormat(pageWidth-2*margin, lineHeight, line, "", 0, "C", false, 0, "")
		d.y += lineHeight
	}
}

func (d *drawer) head(l Licence) {
	d.SetTextColor(0, 95, 115)
	d.y = 20
	state := label("page.state")
	d.centred(state.KK+" · "+state.RU, "", 10, 6)
	d.y += 4
	d.SetTextColor(0, 0, 0)
	d.centred(strings.ToUpper(label("page.title").KK), "B", 26, 13)
	d.SetTextColor(0, 95, 115)
	d.centred(l.Number, "B", 15, 8)
	d.y += 3
	d.SetDrawColor(0, 95, 115)
	d.SetLineWidth(0.3)
	d.Line(margin, d.y, pageWidth-margin, d.y)
	d.y += 4
	d.SetTextColor(0, 0, 0)
}

func (d *drawer) body() error {
	l := d.licence
	first := l.FirstIssued
	if first.IsZero() {
		first = l.Issued
	}
	until := label("page.unlimited")
	if !l.ValidUntil.IsZero() {
		until = same(day(l.ValidUntil))
	}
	number := "page.iin"
	if l.HolderNumberKind == "BIN" {
		number = "page.bin"
	}
	for _, fact := range []struct {
		key    string
		value  phrase.Text
		strong bool
	}{
		{"page.holder", same(l.HolderName), true},
		{number, same(l.HolderNumber), true},
		{"page.address", same(l.HolderAddress), false},
		{"page.activity", l.Activity, true},
		{"page.issued", same(day(l.Issued)), false},
		{"page.first", same(day(first)), false},
		{"page.until", until, false},
		{"page.licensor", l.Licensor, false},
		{"page.place", l.Place, false},
		{"page.basis", l.Basis, false},
		{"page.conditions", l.Conditions, false},
		{"page.subtypes", phrase.Text{KK: bullets(kazakh(l.Subtypes)), RU: bullets(russian(l.Subtypes))}, false},
	} {
		if fact.value.KK == "" && fact.value.RU == "" {
			continue
		}
		if err := d.row(fact.key, fact.value, fact.strong); err != nil {
			return err
		}
	}
	return nil
}

func same(s string) phrase.Text { return phrase.Text{KK: s, RU: s} }
func kazakh(all []phrase.Text) (out []string) {
	for _, t := range all {
		out = append(out, t.KK)
	}
	return out
}
func russian(all []phrase.Text) (out []string) {
	for _, t := range all {
		out = append(out, t.RU)
	}
	return out
}
func bullets(items []string) string {
	if len(items) == 0 {
		return ""
	}
	return "• " + strings.Join(items, "\n• ")
}

// Heights of a label and of a line of a value, and the space below a fact, in millimetres.
const labelHeight, lineHeight, gap = 3.6, 4.6, 1.8

// row prints one fact: Kazakh left, Russian right; the label small and grey above the value. What does not fit goes on on
// the next page under the same label.
func (d *drawer) row(key string, value phrase.Text, strong bool) error {
	name := label(key)
	left, right := d.lines(value.KK, strong), d.lines(value.RU, strong)
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
		left = d.cell(margin, top, name.KK, left, room, strong)
		right = d.cell(rightColumn, top, name.RU, right, room, strong)
	}
	d.y += gap
	return nil
}

// lines breaks a value into lines of a column.
func (d *drawer) lines(value string, strong bool) []string {
	d.valueFont(strong)
	var all []string
	for _, paragraph := range strings.Split(value, "\n") {
		all = append(all, d.SplitText(paragraph, column)...)
	}
	return all
}

func (d *drawer) valueFont(strong bool) {
	style := ""
	if strong {
		style = "B"
	}
	d.SetFont("Noto", style, 9.5)
	d.SetTextColor(0, 0, 0)
}

// cell prints a label and as many lines of its value as there is room for, moves d.y below them and returns the rest.
func (d *drawer) cell(x, y float64, name string, lines []string, room int, strong bool) (rest []string) {
	d.SetFont("Noto", "", 7)
	d.SetTextColor(95, 95, 95)
	d.SetXY(x, y)
	d.CellFormat(column, 3.4, name, "", 0, "L", false, 0, "")
	y += labelHeight
	d.valueFont(strong)
	n := min(room, len(lines))
	for _, line := range lines[:n] {
		d.SetXY(x, y)
		d.CellFormat(column, lineHeight, line, "", 0, "L", false, 0, "")
		y += lineHeight
	}
	d.y = max(d.y, y)
	return lines[n:]
}

// foot prints what the page says about its signature; the cryptographic facts stand in the signature itself.
func (d *drawer) foot(l Licence) {
	d.SetDrawColor(0, 95, 115)
	d.SetLineWidth(0.3)
	d.Rect(boxX, boxY, boxW, boxH, "D")
	signed := label("page.signed")
	person := label("page.person")
	y := boxY + 2.5
	line := func(style string, size, height float64, grey int, s string) {
		d.SetFont("Noto", style, size)
		d.SetTextColor(grey, grey, grey)
		for _, part := range d.SplitText(s, boxW-8) {
			d.SetXY(boxX+3, y)
			d.CellFormat(boxW-6, height, part, "", 0, "L", false, 0, "")
			y += height
		}
	}
	line("B", 8, 4.2, 0, signed.KK)
	line("B", 8, 4.2, 0, signed.RU)
	y += 1
	line("", 7, 3.6, 95, person.KK+" · "+person.RU)
	line("B", 9.5, 5, 0, l.SignerName)
	line("", 7.5, 3.7, 0, l.SignerPosition.KK)
	line("", 7.5, 3.7, 0, l.SignerPosition.RU)

	note := label("page.note")
	d.SetFont("Noto", "", 6.5)
	d.SetTextColor(95, 95, 95)
	y = footTop + qrSize + 2.5
	for _, s := range []string{note.KK, note.RU} {
		for _, part := range d.SplitText(s, pageWidth-2*margin) {
			d.SetXY(margin, y)
			d.CellFormat(pageWidth-2*margin, 3.2, part, "", 0, "L", false, 0, "")
			y += 3.2
		}
	}
}

// code draws the QR code as vector squares, with the four modules of quiet zone that ISO/IEC 18004 §9.1 asks for.
func (d *drawer) code(url string) error {
	if url == "" {
		return errors.New("the licence has no address for its public check")
	}
	c, err := qr.Encode(url, qr.M)
	if err != nil {
		return fmt.Errorf("the address of the check does not fit into a QR code: %w", err)
	}
	const quiet = 4
	module := qrSize / float64(c.Size+2*quiet)
	d.SetFillColor(255, 255, 255)
	d.Rect(margin, footTop, qrSize, qrSize, "F")
	d.SetFillColor(0, 0, 0)
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			run := 0
			for x+run < c.Size && c.Black(x+run, y) {
				run++
			}
			if run > 0 {
				// a hair's overlap downwards keeps viewers from drawing white seams
				d.Rect(margin+float64(x+quiet)*module, footTop+float64(y+quiet)*module, float64(run)*module, module*1.02, "F")
				x += run
			}
		}
	}
	d.LinkString(margin, footTop, qrSize, qrSize, url)
	return nil
}
