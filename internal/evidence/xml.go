// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rastau/internal/pki"
	"rastau/verifier"
)

// The namespaces and identifiers of ETSI TS 119 102-2 V1.4.1 and of EN 319 102-1.
const (
	namespace      = "http://uri.etsi.org/19102/v1.4.1#"
	namespaceDS    = "http://www.w3.org/2000/09/xmldsig#"
	namespaceXAdES = "http://uri.etsi.org/01903/v1.3.2#"

	mainIndication = "urn:etsi:019102:mainindication:"
	subIndication  = "urn:etsi:019102:subindication:"
	objectType     = "urn:etsi:019102:validationObject:"
	processID      = "urn:etsi:019102:validationprocess:"
	statusApplied  = "urn:etsi:019102:constraintStatus:applied"
	statusDisabled = "urn:etsi:019102:constraintStatus:disabled"
	poeValidation  = "urn:etsi:019102:poetype:validation"
	checkID        = "urn:rastau:check:"
)

type xmlDigest struct {
	Method struct {
		Algorithm string `xml:"Algorithm,attr"`
	} `xml:"ds:DigestMethod"`
	Value string `xml:"ds:DigestValue"`
}

type xmlRef struct {
	To string `xml:"VOReference,attr"`
}

type xmlStatus struct {
	Main string   `xml:"MainIndication"`
	Sub  string   `xml:"SubIndication,omitempty"`
	Data *xmlData `xml:"AssociatedValidationReportData"`
}

type xmlData struct {
	Anchor  *xmlRef   `xml:"TrustAnchor"`
	Chain   *xmlChain `xml:"CertificateChain"`
	Related []xmlRef  `xml:"RelatedValidationObject"`
}

type xmlChain struct {
	Signing       xmlRef   `xml:"SigningCertificate"`
	Intermediates []xmlRef `xml:"IntermediateCertificate"`
	Anchor        *xmlRef  `xml:"TrustAnchor"`
}

type xmlConstraint struct {
	ID         string     `xml:"ValidationConstraintIdentifier"`
	Applied    string     `xml:"ConstraintStatus>Status"`
	Status     *xmlStatus `xml:"ValidationStatus"`
	Indication string     `xml:"Indications"`
}

type xmlIdentifier struct {
	ID          string    `xml:"id,attr"`
	Digest      xmlDigest `xml:"DigestAlgAndValue"`
	Value       string    `xml:"ds:SignatureValue"`
	HashOnly    bool      `xml:"HashOnly"`
	DocHashOnly bool      `xml:"DocHashOnly"`
}

type xmlPOE struct {
	Time  string `xml:"POETime"`
	Proof string `xml:"TypeOfProof"`
}

type xmlSigned struct {
	Digest xmlDigest `xml:"DigestAlgAndValue"`
	Ref    xmlRef    `xml:"SignersDocumentRepresentation"`
}

type xmlClaimed struct {
	Signed bool   `xml:"Signed,attr"`
	Time   string `xml:"Time"`
}

type xmlAttributes struct {
	SigningTime *xmlClaimed `xml:"SigningTime"`
}

type xmlSigner struct {
	Certificate xmlRef `xml:"SignerCertificate"`
	Name        string `xml:"Signer,omitempty"`
}

type xmlSignature struct {
	Identifier  *xmlIdentifier  `xml:"SignatureIdentifier"`
	PolicyID    string          `xml:"ValidationConstraintsEvaluationReport>SignatureValidationPolicy>SignaturePolicyIdentifier>XAdES:SignaturePolicyId>XAdES:SigPolicyId>XAdES:Identifier"`
	PolicyHash  xmlDigest       `xml:"ValidationConstraintsEvaluationReport>SignatureValidationPolicy>SignaturePolicyIdentifier>XAdES:SignaturePolicyId>XAdES:SigPolicyHash"`
	PolicyName  string          `xml:"ValidationConstraintsEvaluationReport>SignatureValidationPolicy>PolicyName"`
	Constraints []xmlConstraint `xml:"ValidationConstraintsEvaluationReport>ValidationConstraint"`
	Time        string          `xml:"ValidationTimeInfo>ValidationTime"`
	Best        xmlPOE          `xml:"ValidationTimeInfo>BestSignatureTime"`
	Signed      *xmlSigned      `xml:"SignersDocument"`
	Attributes  *xmlAttributes  `xml:"SignatureAttributes"`
	Signer      *xmlSigner      `xml:"SignerInformation"`
	Process     string          `xml:"SignatureValidationProcess>SignatureValidationProcessID"`
	Status      xmlStatus       `xml:"SignatureValidationStatus"`
}

type xmlObject struct {
	ID     string    `xml:"id,attr"`
	Type   string    `xml:"ObjectType"`
	Digest xmlDigest `xml:"ValidationObjectRepresentation>DigestAlgAndValue"`
}

type xmlReport struct {
	XMLName    xml.Name       `xml:"ValidationReport"`
	NS         string         `xml:"xmlns,attr"`
	DS         string         `xml:"xmlns:ds,attr"`
	XAdES      string         `xml:"xmlns:XAdES,attr"`
	Signatures []xmlSignature `xml:"SignatureValidationReport"`
	Objects    []xmlObject    `xml:"SignatureValidationObjects>ValidationObject"`
}

// objects collects what the report refers to, each once, in the order of mention.
type objects struct {
	list []xmlObject
	seen map[string]bool
}

// ref refers to an object by its kind and SHA-256.
func (o *objects) ref(kind string, digest []byte) xmlRef {
	return o.refBy(kind, pki.OIDSHA256, digest)
}

func (o *objects) refBy(kind string, hash pki.OID, digest []byte) xmlRef {
	id := "V-" + kind + "-" + hex.EncodeToString(digest)
	if !o.seen[id] {
		o.seen[id] = true
		o.list = append(o.list, xmlObject{id, objectType + kind, digestOf(hash, digest)})
	}
	return xmlRef{id}
}

// line refers to what a line of evidence names: "sha256:HEX kind …".
func (o *objects) line(l string) (ref xmlRef, kind string, ok bool) {
	digits, rest, _ := strings.Cut(strings.TrimPrefix(l, "sha256:"), " ")
	sum, err := hex.DecodeString(digits)
	if err != nil || len(sum) != sha256.Size {
		return xmlRef{}, "", false
	}
	word, _, _ := strings.Cut(rest, " ")
	switch word {
	case "certificate":
		kind = "certificate"
	case "crl", "delta-crl":
		kind = "CRL"
	case "ocsp":
		kind = "OCSPResponse"
	case "timestamp":
		kind = "timestamp"
	default:
		kind = "other"
	}
	return o.ref(kind, sum), kind, true
}

// XML writes the validation report of ETSI TS 119 102-2 V1.4.1 for a report about a
// document. Certificates have no such report.
func XML(r *verifier.Report) ([]byte, error) {
	if !r.Document {
		return nil, errors.New("evidence: ETSI TS 119 102-2 reports are about signatures")
	}
	o := &objects{seen: map[string]bool{}}
	out := xmlReport{NS: namespace, DS: namespaceDS, XAdES: namespaceXAdES}
	for i := range r.Signatures {
		out.Signatures = append(out.Signatures, o.signature(r, &r.Signatures[i]))
	}
	if len(out.Signatures) == 0 {
		s := o.common(r, r.Findings)
		s.Process = processID + "Basic"
		s.Status = xmlStatus{Main: mainIndication + strings.ToLower(r.Indication.String()), Sub: sub(r.SubIndication)}
		out.Signatures = append(out.Signatures, s)
	}
	out.Objects = o.list
	var buf bytes.Buffer
	buf.WriteString(xml.Header)
	enc := xml.NewEncoder(&buf)
	enc.Indent("", " ")
	if err := enc.Encode(out); err != nil {
		return nil, err
	}
	buf.WriteByte('\n')
	return buf.Bytes(), nil
}

func (o *objects) common(r *verifier.Report, findings []verifier.Finding) xmlSignature {
	at := r.Time.Value.UTC().Format(time.RFC3339)
	s := xmlSignature{PolicyID: verifier.PolicyID, PolicyHash: digestOf(pki.OIDSHA256, policyDigest()), PolicyName: "version " + verifier.PolicyVersion + ", algorithms " + r.Algorithms, Time: at,
		// Without a proof the signature is known to exist now, at its validation.
		Best: xmlPOE{at, poeValidation}}
	for _, f := range findings {
		s.Constraints = append(s.Constraints, o.constraint(f))
	}
	return s
}

func (o *objects) signature(r *verifier.Report, of *verifier.SignatureReport) xmlSignature {
	s := o.common(r, slices.Concat(r.Findings, of.Findings))
	if len(of.Value) > 0 {
		sum := sha256.Sum256(of.Value)
		s.Identifier = &xmlIdentifier{ID: "S-" + hex.EncodeToString(sum[:]), Digest: digestOf(pki.OIDSHA256, sum[:]), Value: base64.StdEncoding.EncodeToString(of.Value)}
	}
	if of.SigningTime != nil {
		s.Best.Time = of.SigningTime.UTC().Format(time.RFC3339)
	}
	for _, hash := range slices.Sorted(maps.Keys(of.Signed)) {
		// Of several digests of the same content one names it.
		if digestURI[hash] != "" && of.Signed[hash] != nil {
			s.Signed = &xmlSigned{digestOf(hash, of.Signed[hash]), o.refBy("signedData", hash, of.Signed[hash])}
			break
		}
	}
	if of.ClaimedTime != nil {
		s.Attributes = &xmlAttributes{&xmlClaimed{true, of.ClaimedTime.UTC().Format(time.RFC3339)}}
	}
	if of.Certificate != nil {
		sum := sha256.Sum256(of.Certificate.Raw)
		s.Signer = &xmlSigner{Certificate: o.ref("certificate", sum[:])}
		if of.Signer != nil {
			s.Signer.Name = of.Signer.Subject
		}
	}
	switch of.Level {
	case "LT", "LTA":
		s.Process = processID + "LTA"
	case "T":
		s.Process = processID + "LTVM"
	default:
		s.Process = processID + "Basic"
	}
	s.Status = xmlStatus{Main: mainIndication + strings.ToLower(of.Indication.String()), Sub: sub(of.SubIndication), Data: o.data(of.Findings)}
	return s
}

// data names the chain that was judged and everything that the findings rest on.
func (o *objects) data(findings []verifier.Finding) *xmlData {
	var d xmlData
	seen := map[string]bool{}
	for _, f := range findings {
		chain := f.Key == "cert.path" && f.Outcome == verifier.Pass && d.Chain == nil
		var certs []xmlRef
		for _, l := range f.Evidence {
			ref, kind, ok := o.line(l)
			if !ok {
				continue
			}
			if kind == "certificate" {
				certs = append(certs, ref)
			}
			if !seen[ref.To] {
				seen[ref.To] = true
				d.Related = append(d.Related, ref)
			}
		}
		if chain && len(certs) > 0 {
			d.Chain = &xmlChain{Signing: certs[0]}
			if last := len(certs) - 1; last > 0 {
				d.Anchor = &certs[last]
				d.Chain.Anchor, d.Chain.Intermediates = &certs[last], certs[1:last]
			}
		}
	}
	if d.Chain == nil && len(d.Related) == 0 {
		return nil
	}
	return &d
}

func (o *objects) constraint(f verifier.Finding) xmlConstraint {
	c := xmlConstraint{ID: checkID + f.Key, Applied: statusApplied, Indication: f.Detail() + " (" + f.Citation + ")"}
	switch f.Outcome {
	case verifier.Pass:
		c.Status = &xmlStatus{Main: mainIndication + "passed"}
	case verifier.Fail:
		c.Status = &xmlStatus{Main: mainIndication + "indeterminate", Sub: sub(f.Sub)}
		if f.Indication == verifier.TotalFailed {
			c.Status.Main = mainIndication + "failed"
		}
	case verifier.Unknown:
		c.Status = &xmlStatus{Main: mainIndication + "indeterminate", Sub: sub(f.Sub)}
	case verifier.NotApplicable:
		c.Applied = statusDisabled
	}
	return c
}

// policyDigest identifies the policy's data: identifier, version and the table of
// algorithms, a line each. EN 319 132-1 §5.2.9 wants a digest beside an identifier.
func policyDigest() []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n", verifier.PolicyID, verifier.PolicyVersion)
	for _, e := range pki.AlgorithmEnds() {
		fmt.Fprintf(h, "%s\t%t\t%s\n", e.Name, e.Never, e.Until.UTC().Format(time.DateOnly))
	}
	return h.Sum(nil)
}

func sub(s verifier.SubIndication) string {
	if s == "" {
		return ""
	}
	return subIndication + string(s)
}

// digestURI names a hash as XML does (RFC 9231 §2.1, RFC 6931).
var digestURI = map[pki.OID]string{
	pki.OIDSHA1:     "http://www.w3.org/2000/09/xmldsig#sha1",
	pki.OIDSHA224:   "http://www.w3.org/2001/04/xmldsig-more#sha224",
	pki.OIDSHA256:   "http://www.w3.org/2001/04/xmlenc#sha256",
	pki.OIDSHA384:   "http://www.w3.org/2001/04/xmldsig-more#sha384",
	pki.OIDSHA512:   "http://www.w3.org/2001/04/xmlenc#sha512",
	pki.OIDSHA3x224: "http://www.w3.org/2007/05/xmldsig-more#sha3-224",
	pki.OIDSHA3x256: "http://www.w3.org/2007/05/xmldsig-more#sha3-256",
	pki.OIDSHA3x384: "http://www.w3.org/2007/05/xmldsig-more#sha3-384",
	pki.OIDSHA3x512: "http://www.w3.org/2007/05/xmldsig-more#sha3-512",
}

func digestOf(hash pki.OID, digest []byte) xmlDigest {
	var d xmlDigest
	if d.Method.Algorithm = digestURI[hash]; d.Method.Algorithm == "" {
		d.Method.Algorithm = "urn:oid:" + string(hash)
	}
	d.Value = base64.StdEncoding.EncodeToString(digest)
	return d
}
