// SPDX-License-Identifier: Apache-2.0

package pdf

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// write appends o in PDF syntax.
func write(b *bytes.Buffer, o object) {
	switch o := o.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		fmt.Fprintf(b, "%t", o)
	case int64:
		b.Write(strconv.AppendInt(b.AvailableBuffer(), o, 10))
	case float64:
		b.Write(strconv.AppendFloat(b.AvailableBuffer(), o, 'f', -1, 64)) // no exponents (§7.3.3)
	case name:
		writeName(b, o)
	case text:
		if o.hex {
			fmt.Fprintf(b, "<%x>", o.value)
			return
		}
		writeLiteral(b, o.value)
	case array:
		b.WriteByte('[')
		for i, e := range o {
			if i > 0 {
				b.WriteByte(' ')
			}
			write(b, e)
		}
		b.WriteByte(']')
	case dict:
		b.WriteString("<<")
		for _, k := range slices.Sorted(maps.Keys(o)) {
			writeName(b, k)
			b.WriteByte(' ')
			write(b, o[k])
		}
		b.WriteString(">>")
	case *stream:
		write(b, o.dict)
		b.WriteString("\nstream\n")
		b.Write(o.raw)
		b.WriteString("\nendstream")
	case ref:
		out := append(strconv.AppendInt(b.AvailableBuffer(), int64(o.num), 10), ' ')
		b.Write(append(strconv.AppendInt(out, int64(o.gen), 10), " R"...))
	}
}

func writeName(b *bytes.Buffer, n name) {
	b.WriteByte('/')
	for _, c := range []byte(n) {
		if c <= ' ' || c >= 127 || c == '#' || isDelim(c) {
			fmt.Fprintf(b, "#%02x", c)
			continue
		}
		b.WriteByte(c)
	}
}

func writeLiteral(b *bytes.Buffer, v []byte) {
	b.WriteByte('(')
	for _, c := range v {
		switch c {
		case '(', ')', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\r':
			b.WriteString(`\r`)
		case '\n':
			b.WriteString(`\n`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(')')
}

// update is an incremental revision being written (ISO 32000-1 §7.5.6). The original bytes stay as they are.
type update struct {
	d       *Document
	out     bytes.Buffer
	next    int // first object number not in use
	written map[int]ref
	offsets map[int]int
}

// update begins a revision of about so many bytes.
func (d *Document) update(size int) *update {
	u := &update{d: d, written: map[int]ref{}, offsets: map[int]int{}}
	if whole := d.room(); whole != nil {
		u.out = *bytes.NewBuffer(whole)
	} else {
		u.out.Grow(len(d.data) + size)
		u.out.Write(d.data)
	}
	if n := len(d.data); n > 0 && d.data[n-1] != '\n' {
		u.out.WriteByte('\n')
	}
	for n := range d.numbers() {
		u.next = max(u.next, n+1)
	}
	// Numbers that the file refers to without having them would come alive: step over /Size as well.
	if size, ok := d.last().trailer()["Size"].(int64); ok && size <= maxObject {
		u.next = max(u.next, int(size))
	}
	return u
}

func (u *update) fresh() ref {
	u.next++
	return ref{u.next - 1, 0}
}

func (u *update) put(id ref, o object) {
	u.written[id.num] = id
	u.offsets[id.num] = u.out.Len()
	fmt.Fprintf(&u.out, "%d %d obj\n", id.num, id.gen)
	write(&u.out, o)
	u.out.WriteString("\nendobj\n")
}

// finish writes the cross-references in the kind the file already uses: one reader of the first revision must be able
// to read the last (§7.5.8.4), and a table cannot continue a stream.
func (u *update) finish() {
	last := u.d.revs[len(u.d.revs)-1]
	at := last.sections[len(last.sections)-1]
	trailer := dict{"Prev": int64(at.at)}
	for _, k := range []name{"Root", "Info", "ID"} {
		if v, ok := last.trailer[k]; ok {
			trailer[k] = v
		}
	}
	if !at.stream {
		u.table(trailer)
		return
	}
	u.stream(trailer)
}

// groups are the runs of consecutive object numbers.
func (u *update) groups() [][]int {
	var out [][]int
	for _, n := range slices.Sorted(maps.Keys(u.offsets)) {
		if k := len(out) - 1; k >= 0 && out[k][len(out[k])-1] == n-1 {
			out[k] = append(out[k], n)
			continue
		}
		out = append(out, []int{n})
	}
	return out
}

func (u *update) table(trailer dict) {
	start := u.out.Len()
	u.out.WriteString("xref\n")
	for _, g := range u.groups() {
		fmt.Fprintf(&u.out, "%d %d\n", g[0], len(g))
		for _, n := range g {
			fmt.Fprintf(&u.out, "%010d %05d n \n", u.offsets[n], u.written[n].gen)
		}
	}
	trailer["Size"] = int64(u.next)
	u.out.WriteString("trailer\n")
	write(&u.out, trailer)
	fmt.Fprintf(&u.out, "\nstartxref\n%d\n%%%%EOF\n", start)
}

func (u *update) stream(d dict) {
	id := u.fresh()
	start := u.out.Len()
	u.written[id.num], u.offsets[id.num] = id, start
	var rows bytes.Buffer
	index := array{}
	for _, g := range u.groups() {
		index = append(index, int64(g[0]), int64(len(g)))
		for _, n := range g {
			o := u.offsets[n]
			rows.Write([]byte{1, byte(o >> 24), byte(o >> 16), byte(o >> 8), byte(o), byte(u.written[n].gen >> 8), byte(u.written[n].gen)})
		}
	}
	d["Type"], d["W"], d["Index"] = name("XRef"), array{int64(1), int64(4), int64(2)}, index
	d["Size"], d["Length"] = int64(u.next), int64(rows.Len())
	fmt.Fprintf(&u.out, "%d 0 obj\n", id.num)
	write(&u.out, &stream{d, rows.Bytes()})
	fmt.Fprintf(&u.out, "\nendobj\nstartxref\n%d\n%%%%EOF\n", start)
}
