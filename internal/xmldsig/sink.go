// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// source writes a range of the source; ranges that touch are handed on as one.
func (w *writer) source(from, to uint32) {
	if w.run[1] == from {
		w.run[1] = to
		return
	}
	w.due()
	w.run = [2]uint32{from, to}
}

// due hands on the range that was collected.
func (w *writer) due() {
	if w.run[0] < w.run[1] {
		w.append(w.src[w.run[0]:w.run[1]])
	}
	w.run = [2]uint32{}
}

func (w *writer) append(b []byte) {
	if len(w.buf)+len(b) > cap(w.buf) {
		w.drain()
		if len(b) >= cap(w.buf)/2 {
			w.write(b)
			return
		}
	}
	w.buf = append(w.buf, b...)
}

// drain hands on what is in the buffer.
func (w *writer) drain() {
	switch {
	case len(w.buf) == 0:
	case w.line != nil:
		w.buf = w.line.swap(w.buf)
	default:
		w.write(w.buf)
		w.buf = w.buf[:0]
	}
}

// write hands on octets that nobody changes as long as the document is in use.
func (w *writer) write(b []byte) {
	switch {
	case w.err != nil:
	case w.line != nil:
		w.line.full <- portion{octets: b}
	default:
		_, w.err = w.out.Write(b)
	}
}

// opened ends an empty element's tag in the two that canonical form has (Canonical XML 1.0 §2.3).
func (w *writer) opened(name []byte) {
	run := w.src[w.run[0]:w.run[1]]
	if need := len(run) + len(name) + len("></>"); len(w.buf)+need > cap(w.buf) {
		w.put("></")
		w.bytes(name)
		w.put(">")
		return
	}
	w.run = [2]uint32{}
	b := append(append(w.buf, run...), "></"...)
	w.buf = append(append(b, name...), '>')
}

func (w *writer) flush() {
	w.due()
	w.drain()
}

func (w *writer) put(s string) {
	w.due()
	if len(w.buf)+len(s) > cap(w.buf) {
		w.drain()
		if len(s) > cap(w.buf) {
			w.write([]byte(s))
			return
		}
	}
	w.buf = append(w.buf, s...)
}

func (w *writer) bytes(b []byte) {
	w.due()
	w.append(b)
}

func (w *writer) stop(why string) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", ErrCanonical, why)
	}
}

// escapeText writes character data that is not its own canonical form; in a CDATA section "&" and "<" are letters like others.
func (w *writer) escapeText(raw []byte, section bool) {
	w.due()
	for len(raw) > 0 {
		i := bytes.IndexAny(raw, "&<>\r")
		if i < 0 {
			w.append(raw)
			return
		}
		w.append(raw[:i])
		raw = raw[i:]
		size := 1
		r := rune(raw[0])
		switch {
		case r == '\r': // XML 1.0 §2.11: one line end
			if len(raw) > 1 && raw[1] == '\n' {
				size = 2
			}
			r = '\n'
		case r == '&' && !section:
			if size, r, _ = reference(raw, 0, false); size == 0 { // cannot be: the document was parsed
				w.stop("a reference that cannot be read")
				return
			}
		}
		switch r {
		case '&':
			w.put("&amp;")
		case '<':
			w.put("&lt;")
		case '>':
			w.put("&gt;")
		case '\r':
			w.put("&#xD;")
		default:
			var b [utf8.UTFMax]byte
			w.append(b[:utf8.EncodeRune(b[:], r)])
		}
		raw = raw[size:]
	}
}

// valueEscaper writes what must not stand in an attribute's value by itself (Canonical XML 1.0 §2.3).
var valueEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", "\"", "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;")

// escapeValue writes an attribute's value as an application sees it.
func (w *writer) escapeValue(v []byte) { w.bytes([]byte(valueEscaper.Replace(string(v)))) }

// other writes a comment or an instruction.
func (w *writer) other(n *node) {
	if n.flags&plainTag != 0 {
		w.source(n.from, n.to)
		return
	}
	if n.kind == comment {
		w.bytes(w.decodedLines(n.from, n.to))
		return
	}
	target := uint32(name(w.src, int(n.from)+2))
	w.put("<?")
	w.source(n.from+2, target)
	from, to := target, n.to-2
	for from < to && class[w.src[from]]&isSpace != 0 {
		from++
	}
	if from < to {
		w.put(" ")
		w.bytes(w.decodedLines(from, to))
	}
	w.put("?>")
}

// decodedLines normalises line ends alone (XML 1.0 §2.11).
func (d *Document) decodedLines(from, to uint32) []byte {
	out := bytes.ReplaceAll(d.src[from:to], []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(out, []byte("\r"), []byte("\n"))
}
