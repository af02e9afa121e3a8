// SPDX-License-Identifier: Apache-2.0

package xmldsig

import (
	"slices"

	"rastau/internal/pki"
)

// Namespaces of what stands in and around a signature.
const (
	namespaceXAdES    = "http://uri.etsi.org/01903/v1.3.2#"
	namespaceXAdES141 = "http://uri.etsi.org/01903/v1.4.1#"
	namespaceWSSE     = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	typeProperties    = "http://uri.etsi.org/01903#SignedProperties"
)

// maxTransforms bounds the transforms of one reference; two are enough for every signature that is made.
const maxTransforms = 4

// Signature is one ds:Signature. It belongs to its document and is immutable.
type Signature struct {
	Problem      error  // it cannot be read as a signature: nothing else is set
	ID           string // its Id attribute, "" where absent
	Algorithm    pki.Algorithm
	Unknown      error // why the algorithm cannot be computed
	MethodURI    string
	Value        []byte // of SignatureValue, as written: r||s for ECDSA
	References   []*Reference
	Certificates []*pki.Certificate // of X509Data and the security token, in order
	Named        bool               // KeyInfo names a certificate without carrying it
	Properties   *Properties        // XAdES; nil where there are none
	Counter      bool               // it stands as a countersignature inside another signature
	Security     bool               // it stands in the header of WS-Security

	doc        *Document
	at         span
	info       uint32 // SignedInfo
	value      uint32 // SignatureValue
	keyInfo    uint32 // KeyInfo, 0 where absent
	objects    []uint32
	canonical  method
	keyNames   []keyName
	index      int // among the document's signatures
	properties uint32
}

// Reference is one ds:Reference: what was digested.
type Reference struct {
	URI, ID, Type string
	Hash          pki.OID
	HashURI       string
	Problem       error // [ErrNotFound], [ErrAmbiguous], [ErrExternal], [ErrTransform], pki.ErrUnsupported, [ErrStructure]
	Properties    bool  // it refers to the signature's own XAdES properties

	want      []byte
	target    span
	comments  bool // comments belong to what was selected
	own       bool // the enveloped-signature transform
	all       bool // all signatures are taken out
	decode    bool // base64
	canonical *method
}

// Signatures reads every signature of the document, in its order.
func (d *Document) Signatures() []*Signature {
	out := make([]*Signature, len(d.signatures))
	for i, at := range d.signatures {
		s := &Signature{doc: d, at: d.span(at), index: i}
		around := d.scopeAround(at)
		if err := s.read(around); err != nil {
			s.Problem = err
		}
		s.place()
		out[i] = s
	}
	return out
}

// place tells where the signature stands.
func (s *Signature) place() {
	above := s.doc.ancestors(s.at.from)
	for i, a := range above {
		e := s.doc.head(a, s.doc.scopeAround(a))
		switch {
		case e.uri == namespaceXAdES && e.local == "CounterSignature":
			s.Counter = true
		case e.uri == namespaceWSSE && e.local == "Security" && i == len(above)-1:
			s.Security = true
		}
	}
}

// read takes the signature apart (XMLDSig 1.1 §4.1): SignedInfo, SignatureValue, KeyInfo?, Object*, and nothing else.
func (s *Signature) read(around []uint32) error {
	d := s.doc
	if d.nodes[s.at.from].kind == emptyTag {
		return structure("Signature is empty")
	}
	budget := maxTree
	self := d.head(s.at.from, around)
	if err := foreign(self); err != nil {
		return err
	}
	s.ID, _ = self.attr("Id")
	cur := d.scopeIn(s.at.from, around)
	if d.loose(s.at.from) {
		return structure("text stands in Signature")
	}
	order := 0
	for _, at := range d.children(s.at.from) {
		h := d.head(at, cur)
		place := slices.Index([]string{"SignedInfo", "SignatureValue", "KeyInfo", "Object"}, h.local)
		if h.uri != xmldsig || place < order {
			return structure("Signature holds %s in the wrong place, or twice", h.local)
		}
		if err := foreign(h); err != nil {
			return err
		}
		order = place + 1
		if h.local == "Object" {
			order = place // as many as there are
			s.objects = append(s.objects, at)
			if err := s.readObject(at, cur, &budget); err != nil {
				return err
			}
			continue
		}
		e, err := d.tree(at, cur, &budget)
		if err != nil {
			return err
		}
		switch h.local {
		case "SignedInfo":
			s.info = at
			err = s.readInfo(e)
		case "SignatureValue":
			s.value = at
			s.Value, err = e.binary()
		case "KeyInfo":
			s.keyInfo = at
			err = s.readKeyInfo(e)
		}
		if err != nil {
			return err
		}
	}
	if s.info == 0 || s.value == 0 {
		return structure("SignedInfo or SignatureValue is missing")
	}
	return s.settle()
}

// foreign refuses attributes that the schema does not know on the parts of a signature (XMLDSig 1.1 §4.1 to §4.6): nobody
// signs those of Signature itself. Identifiers of other vocabularies and what XML Schema may put everywhere say nothing.
func foreign(e *element) error {
	for _, a := range e.attrs {
		switch {
		case a.uri == "" && (isID([]byte(a.local)) || e.local == "Object" && (a.local == "MimeType" || a.local == "Encoding")):
		case a.uri == namespaceXML && a.local == "id", a.uri == namespaceWSU && a.local == "Id", a.uri == namespaceXSI:
		default:
			return structure("%s has the attribute %.40q, which it does not know", e.local, a.local)
		}
	}
	return nil
}

// readObject looks for the properties of XAdES; what else an object holds is content.
func (s *Signature) readObject(at uint32, around []uint32, budget *int) error {
	d := s.doc
	cur := d.scopeIn(at, around)
	for _, c := range d.children(at) {
		if h := d.head(c, cur); h.uri != namespaceXAdES || h.local != "QualifyingProperties" {
			continue
		}
		// EN 319 132-1 §4.4.2: one QualifyingProperties, inside one Object.
		if s.Properties != nil {
			return structure("QualifyingProperties stands twice")
		}
		e, err := d.tree(c, cur, budget)
		if err != nil {
			return err
		}
		if s.Properties, err = readProperties(e); err != nil {
			return err
		}
		s.properties = at
	}
	return nil
}

func (s *Signature) readInfo(e *element) error {
	if len(e.children) < 3 || !is(e.children[0], "CanonicalizationMethod") || !is(e.children[1], "SignatureMethod") {
		return structure("SignedInfo lacks what it must begin with")
	}
	if !blank(e.text) {
		return structure("text stands in SignedInfo")
	}
	m, err := readMethod(e.children[0])
	if err != nil {
		return err
	}
	s.canonical = m
	s.MethodURI, _ = e.children[1].attr("Algorithm")
	if s.Algorithm, s.Unknown = algorithm(e.children[1]); s.Unknown != nil && s.Algorithm.OID == "" {
		return s.Unknown
	}
	if len(e.children)-2 > s.doc.limits.References {
		return xmlError(ErrLimit, int(s.doc.nodes[e.node].from), "more than %d references", s.doc.limits.References)
	}
	for _, c := range e.children[2:] {
		if !is(c, "Reference") {
			return structure("SignedInfo holds %s", c.local)
		}
		r, err := readReference(c)
		if err != nil {
			return err
		}
		s.References = append(s.References, r)
	}
	return nil
}

func is(e *element, local string) bool { return e.uri == xmldsig && e.local == local }

// readMethod reads a canonicalisation algorithm with its parameter.
func readMethod(e *element) (method, error) {
	uri, _ := e.attr("Algorithm")
	m, ok := methods[uri]
	if !ok {
		return m, errTransform(uri)
	}
	for _, c := range e.children {
		if !m.exclusive || c.uri != exclusive || c.local != "InclusiveNamespaces" {
			return m, structure("the canonicalisation has parameters that it does not know")
		}
		list, _ := c.attr("PrefixList")
		m.prefixes = append(m.prefixes, fields(list)...)
	}
	return m, nil
}

// readReference reads a Reference; what cannot be computed is its Problem.
func readReference(e *element) (*Reference, error) {
	r := &Reference{}
	uri, given := e.attr("URI")
	r.URI = uri
	r.ID, _ = e.attr("Id")
	r.Type, _ = e.attr("Type")
	rest := e.children
	if len(rest) > 0 && is(rest[0], "Transforms") {
		if err := r.readTransforms(rest[0]); err != nil {
			return nil, err
		}
		rest = rest[1:]
	}
	if len(rest) != 2 || !is(rest[0], "DigestMethod") || !is(rest[1], "DigestValue") || !blank(e.text) {
		return nil, structure("Reference is not Transforms, DigestMethod, DigestValue")
	}
	r.HashURI, _ = rest[0].attr("Algorithm")
	var ok bool
	if r.Hash, ok = digests[r.HashURI]; !ok && r.Problem == nil {
		r.Problem = pki.ErrUnsupported
	}
	var err error
	if r.want, err = rest[1].binary(); err != nil {
		return nil, err
	}
	if !given && r.Problem == nil {
		r.Problem = ErrExternal
	}
	return r, nil
}

// Upon says whether s is a countersignature of other: it stands among its unsigned properties and signs its value.
func (s *Signature) Upon(other *Signature) bool {
	if s == other || s.Problem != nil || other.Problem != nil || !other.at.holds(s.at.from) {
		return false
	}
	return slices.ContainsFunc(s.References, func(r *Reference) bool {
		return r.Problem == nil && !r.target.whole && r.target.from == other.value
	})
}

// Digest is the digest that was signed for the reference.
func (r *Reference) Digest() []byte { return r.want }
