// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"bytes"
	"errors"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"rastau/internal/pki"
)

var (
	errAttribute  = errors.New("not an Attribute")
	errAttributes = errors.New("too many attributes or values")
)

// readAttributes reads the contents of a SET OF Attribute.
func readAttributes(set cryptobyte.String) ([]Attribute, error) {
	if set.Empty() {
		return nil, nil
	}
	// Nearly every set has a handful of attributes with one value each.
	attrs, all := make([]Attribute, 0, 6), make([][]byte, 0, 6)
	for !set.Empty() {
		var body, values cryptobyte.String
		if !set.ReadASN1(&body, asn1.SEQUENCE) {
			return nil, errAttribute
		}
		t, err := pki.ReadOID(&body)
		if err != nil || !body.ReadASN1(&values, asn1.SET) || !body.Empty() {
			return nil, errAttribute
		}
		first := len(all)
		for !values.Empty() {
			var value cryptobyte.String
			var tag asn1.Tag
			if !values.ReadAnyASN1Element(&value, &tag) {
				return nil, errAttribute
			}
			if all = append(all, value); len(all)-first > maxAttributes {
				return nil, errAttributes
			}
		}
		a := Attribute{Type: t}
		if len(all) > first {
			a.Values = all[first:len(all):len(all)]
		}
		if attrs = append(attrs, a); len(attrs) > maxAttributes {
			return nil, errAttributes
		}
	}
	return attrs, nil
}

// attributeSet encodes attributes as a DER SET OF under tag: SET for what is signed,
// [0] for what is sent.
func attributeSet(attrs []Attribute, tag asn1.Tag) ([]byte, error) {
	elements := make([][]byte, len(attrs))
	for i, a := range attrs {
		var err error
		if elements[i], err = a.encode(); err != nil {
			return nil, err
		}
	}
	var b cryptobyte.Builder
	addSetOf(&b, tag, elements)
	return b.Bytes()
}

// encode writes the Attribute in DER.
func (a Attribute) encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		pki.AddOID(b, a.Type)
		addSetOf(b, asn1.SET, a.Values)
	})
	return b.Bytes()
}

// addSetOf writes elements in the ascending order of their encodings (X.690 §11.6).
// None is a prefix of another, being whole encodings, so padding does not come into it.
func addSetOf(b *cryptobyte.Builder, tag asn1.Tag, elements [][]byte) {
	sorted := slices.Clone(elements)
	slices.SortFunc(sorted, bytes.Compare)
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, e := range sorted {
			b.AddBytes(e)
		}
	})
}

// sortedAttributes says whether the contents of a SET OF Attribute, which attrs were
// read from, stand in the order of DER, the values of each attribute too.
func sortedAttributes(set cryptobyte.String, attrs []Attribute) bool {
	var last cryptobyte.String
	for !set.Empty() {
		var element cryptobyte.String
		if !set.ReadASN1Element(&element, asn1.SEQUENCE) || bytes.Compare(last, element) > 0 {
			return false
		}
		last = element
	}
	for _, a := range attrs {
		if !slices.IsSortedFunc(a.Values, bytes.Compare) {
			return false
		}
	}
	return true
}
