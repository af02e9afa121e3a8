// SPDX-License-Identifier: Apache-2.0

package xmldsig

import "errors"

// ErrOther: the document is not the plain element that was asked for.
var ErrOther = errors.New("another document than the element asked for")

// Text gives the text of a document that is one element of that name, without attributes, holding nothing but text and
// signatures: what a program reads there is what a person does. The error is [ErrOther]. Whether the signatures hold, and
// over what, is not asked.
func (d *Document) Text(uri, local string) ([]byte, error) {
	e := d.head(d.root, d.scopeAround(d.root))
	n := &d.nodes[d.root]
	if e.uri != uri || e.local != local || len(e.attrs) > 0 || n.kind != startTag {
		return nil, ErrOther
	}
	var out []byte
	signatures := 0
	text := n.to
	for i := d.root + 1; i <= n.link; i++ {
		c := &d.nodes[i]
		part := d.decoded(text, c.from, false)
		if signatures > 0 && blank(part) { // line ends between signatures
			part = nil
		}
		out = append(out, part...)
		if i == n.link {
			break
		}
		if signatures == len(d.signatures) || d.signatures[signatures] != i {
			return nil, ErrOther
		}
		for signatures < len(d.signatures) && d.signatures[signatures] <= c.link { // those inside it too
			signatures++
		}
		i, text = c.link, d.nodes[c.link].to
	}
	return out, nil
}
