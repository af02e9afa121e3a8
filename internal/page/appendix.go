// SPDX-License-Identifier: Apache-2.0

package page

import (
	"strconv"

	"rastau/internal/phrase"
)

// appendices draws each appendix from the top of a page.
func (d *drawer) appendices() error {
	for _, a := range d.l.Appendices {
		if err := d.appendix(a); err != nil {
			return err
		}
	}
	return nil
}

func (d *drawer) appendix(a Appendix) error {
	if err := d.next(); err != nil {
		return err
	}
	title := phrase.Get("page.appendix", map[string]string{"number": a.Number})
	d.y += 6
	d.say("H2", "", func() { d.canvas.text(margin, d.y, d.bold, 13, black, title.KK) })
	d.say("H2", "ru-RU", func() { d.canvas.text(rightColumn, d.y, d.bold, 13, black, title.RU) })
	d.y += 6
	for _, f := range []fact{
		{"page.issued", same(day(since(a.Issued, d.l.Issued))), false},
		{"page.holder", same(d.l.HolderName), true},
		{"page.subtypes", joined(a.Subtypes), false},
		{"page.basis", a.Basis, false},
	} {
		if err := d.row(d.lay(f)); err != nil {
			return err
		}
	}
	return d.tables(a)
}

// tables draws the lists of an appendix that are not empty.
func (d *drawer) tables(a Appendix) error {
	branches := table{title: "page.branches", columns: []tableColumn{{"page.branch.name", 68}, {"page.bin", 26}, {"page.address", 70}}}
	for _, b := range a.Branches {
		branches.rows = append(branches.rows, []string{b.Name, b.BIN, b.Address})
	}
	objects := table{title: "page.objects", columns: []tableColumn{{"page.object.name", 74}, {"page.address", 90}}}
	for _, o := range a.Objects {
		name := o.Name.KK
		if o.Name.RU != "" && o.Name.RU != name {
			name += "\n" + o.Name.RU
		}
		objects.rows = append(objects.rows, []string{name, o.Address})
	}
	vehicles := table{title: "page.vehicles", columns: []tableColumn{{"page.vehicle.make", 84}, {"page.vehicle.year", 36}, {"page.vehicle.plate", 44}}}
	for _, v := range a.Vehicles {
		year := ""
		if v.Year != 0 {
			year = strconv.Itoa(v.Year)
		}
		vehicles.rows = append(vehicles.rows, []string{v.Make, year, v.Plate})
	}
	for _, t := range []table{branches, objects, vehicles} {
		if len(t.rows) > 0 {
			if err := d.table(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// tableColumn is a column of a table: the key of its label, its width in millimetres.
type tableColumn struct {
	key   string
	width float64
}

// table is a list with numbered rows.
type table struct {
	title   string
	columns []tableColumn
	rows    [][]string
}

const (
	numbering  = inner - 164 // width of the column with numbers
	cellPad    = 1.5
	tableSize  = 8.5
	tableLine  = 4.0
	headerLine = 3.2
	maxRow     = 50 // lines: a row stands on one page
)

// table draws it; its head is repeated on every page that it goes on on.
func (d *drawer) table(t table) error {
	title := label(t.title)
	if d.y+6+2*headerLine+3*tableLine > d.bottom {
		if err := d.next(); err != nil {
			return err
		}
	}
	d.y += 5
	d.say("H3", "", func() { d.canvas.text(margin, d.y, d.bold, valueSize, teal, title.KK+" · "+title.RU) })
	d.y += 2.5
	leave := d.enter("Table", "")
	defer leave()
	d.tableHead(t, true)
	for i, row := range t.rows {
		cells := [][]string{{strconv.Itoa(i + 1)}}
		height := 1
		for k, c := range t.columns {
			lines := wrapped(d.regular, tableSize, c.width-2*cellPad, row[k])
			cells, height = append(cells, lines), max(height, len(lines))
		}
		if height > maxRow {
			return ErrTooLong
		}
		tall := float64(height)*tableLine + 1.6
		if d.y+tall > d.bottom {
			if err := d.next(); err != nil {
				return err
			}
			d.tableHead(t, false)
		}
		d.tableRow(t, cells)
		d.y += tall
		d.artifact(func() { d.line(margin, d.y, pageWidth-margin, d.y, 0.15, hair) })
	}
	d.y += gap
	return nil
}

// tableHead names the columns; read aloud once, drawn on every page.
func (d *drawer) tableHead(t table, aloud bool) {
	d.artifact(func() { d.box(margin, d.y, inner, 2*headerLine+1.6, colour{0.9, 0.95, 0.96}) })
	draw := func(x float64, name phrase.Text) func() {
		return func() {
			d.canvas.text(x+cellPad, d.y+headerLine, d.regular, labelSize, grey, name.KK)
			if name.RU != name.KK {
				d.canvas.text(x+cellPad, d.y+2*headerLine, d.regular, labelSize, grey, name.RU)
			}
		}
	}
	cell := func(x float64, name phrase.Text) {
		if !aloud {
			d.artifact(draw(x, name))
			return
		}
		id := d.canvas.begin("TH", "", "")
		d.elements[id].header = true
		draw(x, name)()
		d.end()
	}
	if aloud {
		defer d.enter("TR", "")()
	}
	x := margin
	cell(x, same("№"))
	x += numbering
	for _, c := range t.columns {
		cell(x, label(c.key))
		x += c.width
	}
	d.y += 2*headerLine + 1.6
}

func (d *drawer) tableRow(t table, cells [][]string) {
	defer d.enter("TR", "")()
	x := margin
	for k, lines := range cells {
		d.say("TD", "", func() {
			y := d.y + 3.4
			for _, line := range lines {
				d.canvas.text(x+cellPad, y, d.regular, tableSize, black, line)
				y += tableLine
			}
		})
		if k == 0 {
			x += numbering
		} else {
			x += t.columns[k-1].width
		}
	}
}
