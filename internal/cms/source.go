// SPDX-License-Identifier: Apache-2.0

package cms

// This file finds the signedAttrs as they stood in a BER message. Bringing a
// message to DER repairs them, and whether they needed repair is a finding
// (RFC 5652 §5.3: signedAttrs "MUST be DER encoded, even if the rest of the
// structure is BER encoded").

// element is one BER element of a message that package ber has accepted.
type element struct {
	raw, contents []byte
}

func (e element) tag() byte { return e.raw[0] }

// children splits the contents of a constructed element; nil where they cannot be
// read. Each element is measured once per level, and the levels asked for are few.
func (e element) children() []element {
	var out []element
	for in := e.contents; len(in) > 0; {
		child, ok := readElement(in)
		if !ok {
			return nil
		}
		out = append(out, child)
		in = in[len(child.raw):]
	}
	return out
}

// readElement reads the element that in starts with. An indefinite one is measured
// by counting the elements open inside it, without recursion.
func readElement(in []byte) (element, bool) {
	head, size, definite, ok := readHeader(in)
	if !ok {
		return element{}, false
	}
	if definite {
		return element{raw: in[:head+size], contents: in[head : head+size]}, true
	}
	at := head
	for open := 1; open > 0; {
		h, n, definite, ok := readHeader(in[at:])
		if !ok {
			return element{}, false
		}
		switch {
		case in[at] == 0 && definite && n == 0: // end-of-contents
			open--
		case !definite:
			open++
		}
		at += h + n
	}
	return element{raw: in[:at], contents: in[head : at-2]}, true
}

// readHeader reads tag and length; size is 0 for the indefinite form.
func readHeader(in []byte) (head, size int, definite, ok bool) {
	if len(in) < 2 {
		return 0, 0, false, false
	}
	head = 1
	if in[0]&0x1f == 0x1f {
		for head < len(in) && in[head]&0x80 != 0 {
			head++
		}
		head++
	}
	if head >= len(in) {
		return 0, 0, false, false
	}
	first := in[head]
	head++
	if first == 0x80 {
		return head, 0, false, in[0]&0x20 != 0
	}
	if first < 0x80 {
		size = int(first)
	} else {
		octets := int(first & 0x7f)
		if octets > len(in)-head {
			return 0, 0, false, false
		}
		for _, c := range in[head : head+octets] {
			if size = size<<8 | int(c); size > len(in) {
				return 0, 0, false, false
			}
		}
		head += octets
	}
	return head, size, true, size <= len(in)-head
}

// signedAttrsOf returns the signedAttrs element of each SignerInfo of a BER message
// as it stands, nil where a signer has none. An unforeseen shape yields nothing, and
// then no signer's attributes count as DER.
func signedAttrsOf(message []byte) [][]byte {
	info, ok := readElement(message)
	if !ok {
		return nil
	}
	explicit := info.children()
	if len(explicit) != 2 {
		return nil
	}
	signed := explicit[1].children()
	if len(signed) != 1 {
		return nil
	}
	fields := signed[0].children()
	if len(fields) == 0 {
		return nil
	}
	var out [][]byte
	for _, signer := range fields[len(fields)-1].children() {
		var attrs []byte
		// version, sid, digestAlgorithm, then [0] signedAttrs where present
		if f := signer.children(); len(f) > 3 && f[3].tag() == 0xa0 {
			attrs = f[3].raw
		}
		out = append(out, attrs)
	}
	return out
}
