// SPDX-License-Identifier: Apache-2.0

package api

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
	"rastau/verifier"
)

// ncaCertificate is NCANode's CertificateInfo.
type ncaCertificate struct {
	Valid        bool            `json:"valid"`
	Revocations  []ncaRevocation `json:"revocations"`
	NotBefore    ncaTime         `json:"notBefore"`
	NotAfter     ncaTime         `json:"notAfter"`
	KeyUsage     string          `json:"keyUsage"` // AUTH, SIGN, UNKNOWN
	SerialNumber string          `json:"serialNumber"`
	SignAlg      string          `json:"signAlg"`
	KeyUser      []string        `json:"keyUser"`
	PublicKey    string          `json:"publicKey"`
	Signature    string          `json:"signature"`
	Subject      ncaSubject      `json:"subject"`
	Issuer       ncaSubject      `json:"issuer"`
}

// ncaRevocation is what one source said. The time of a revocation stands in the reason.
type ncaRevocation struct {
	Revoked        bool     `json:"revoked"`
	By             string   `json:"by"` // OCSP, CRL
	RevocationTime *ncaTime `json:"revocationTime"`
	Reason         *string  `json:"reason"`
}

type ncaSubject struct {
	CommonName   string `json:"commonName,omitempty"`
	LastName     string `json:"lastName,omitempty"` // GIVENNAME, which holds the patronymic
	SurName      string `json:"surName,omitempty"`
	Email        string `json:"email,omitempty"`
	Organization string `json:"organization,omitempty"`
	IIN          string `json:"iin,omitempty"`
	BIN          string `json:"bin,omitempty"`
	Country      string `json:"country,omitempty"`
	Locality     string `json:"locality,omitempty"`
	State        string `json:"state,omitempty"`
	DN           string `json:"dn"`
}

type ncaCMSSigner struct {
	Certificates []ncaCertificate `json:"certificates"`
	TSP          *ncaStamp        `json:"tsp,omitempty"`
}

type ncaStamp struct {
	SerialNumber     string  `json:"serialNumber"`
	GenTime          ncaTime `json:"genTime"`
	Policy           string  `json:"policy"`
	TSA              *string `json:"tsa"`
	TSPHashAlgorithm string  `json:"tspHashAlgorithm"`
	Hash             string  `json:"hash"`
}

// ncaTime is a time as NCANode writes it.
type ncaTime time.Time

func (t ncaTime) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05.000+00:00")), nil
}

// ncaUsers are NCANode's names of the roles.
var ncaUsers = map[pki.OID]string{
	"1.2.398.3.3.4.1.1": "INDIVIDUAL", "1.2.398.3.3.4.1.2": "ORGANIZATION", "1.2.398.3.3.4.1.2.1": "CEO", "1.2.398.3.3.4.1.2.2": "CAN_SIGN",
	"1.2.398.3.3.4.1.2.3": "CAN_SIGN_FINANCIAL", "1.2.398.3.3.4.1.2.4": "HR", "1.2.398.3.3.4.1.2.5": "EMPLOYEE", "1.2.398.3.3.4.2": "NCA_PRIVILEGES",
	"1.2.398.3.3.4.2.1": "NCA_ADMIN", "1.2.398.3.3.4.2.2": "NCA_MANAGER", "1.2.398.3.3.4.2.3": "NCA_OPERATOR", "1.2.398.3.3.4.3": "IDENTIFICATION",
	"1.2.398.3.3.4.3.1": "IDENTIFICATION_CON", "1.2.398.3.3.4.3.2": "IDENTIFICATION_REMOTE", "1.2.398.3.3.4.3.2.1": "IDENTIFICATION_REMOTE_DIGITAL_ID",
}

// ncaAlgorithms are Java's names of signature algorithms.
var ncaAlgorithms = map[pki.OID]string{
	pki.OIDSHA1WithRSA: "SHA1withRSA", pki.OIDSHA256WithRSA: "SHA256withRSA", pki.OIDSHA384WithRSA: "SHA384withRSA", pki.OIDSHA512WithRSA: "SHA512withRSA",
	pki.OIDECDSAWithSHA256: "SHA256withECDSA", pki.OIDECDSAWithSHA384: "SHA384withECDSA", pki.OIDECDSAWithSHA512: "SHA512withECDSA",
	pki.OIDGOST2004Sign: "ECGOST34310", pki.OIDGOST2015Sign512: "ECGOST3410-2015-512", pki.OIDGOST2015Sign256: "ECGOST3410-2015-256",
}

// ncaCertificateOf shows a certificate with what was found about it: valid is the verdict on the certificate, at the time that
// counts for its signature.
func ncaCertificateOf(c *pki.Certificate, findings []verifier.Finding) ncaCertificate {
	b64 := base64.StdEncoding.EncodeToString
	out := ncaCertificate{
		Valid: true, Revocations: []ncaRevocation{}, NotBefore: ncaTime(c.NotBefore), NotAfter: ncaTime(c.NotAfter), KeyUsage: "UNKNOWN",
		SerialNumber: c.Serial.Text(16), SignAlg: ncaAlgorithms[c.Algorithm.OID], KeyUser: []string{},
		PublicKey: b64(c.PublicKey.Raw), Signature: b64(c.Signature), Subject: ncaSubjectOf(c.Subject), Issuer: ncaSubjectOf(c.Issuer),
	}
	if out.SignAlg == "" {
		out.SignAlg = string(c.Algorithm.OID)
	}
	switch {
	case c.KeyUsage&pki.NonRepudiation != 0:
		out.KeyUsage = "SIGN"
	case c.KeyUsage&pki.KeyEncipherment != 0 || c.HasExtKeyUsage(pki.OIDClientAuth):
		out.KeyUsage = "AUTH"
	}
	for _, o := range c.ExtKeyUsage {
		if name, ok := ncaUsers[o]; ok && !slices.Contains(out.KeyUser, name) {
			out.KeyUser = append(out.KeyUser, name)
		}
	}
	looked := false
	for i := range findings {
		f := &findings[i]
		about := strings.HasPrefix(f.Key, "cert.") || strings.HasPrefix(f.Key, "holder.")
		if about && (f.Outcome == verifier.Fail || f.Outcome == verifier.Unknown) {
			out.Valid = false
		}
		looked = looked || f.Key == "cert.path"
		// The first is the certificate's own, those of its authorities follow.
		if f.Key == "cert.revocation" && len(out.Revocations) == 0 && (f.Outcome == verifier.Pass || f.Outcome == verifier.Fail) {
			text := f.Texts().EN
			r := ncaRevocation{Revoked: f.Outcome == verifier.Fail, By: "CRL", Reason: &text}
			if strings.Contains(strings.Join(f.Evidence, " "), " ocsp ") {
				r.By = "OCSP"
			}
			if !r.Revoked {
				r.Reason = nil
			}
			out.Revocations = append(out.Revocations, r)
		}
	}
	out.Valid = out.Valid && looked
	return out
}

func ncaSubjectOf(n pki.Name) ncaSubject {
	out := ncaSubject{
		CommonName: n.First(pki.OIDCommonName), LastName: n.First(pki.OIDGivenName), SurName: n.First(pki.OIDSurname), Email: n.First(pki.OIDEmailAddress),
		Organization: n.First(pki.OIDOrganization), Country: n.First(pki.OIDCountry), Locality: n.First(pki.OIDLocality), State: n.First(pki.OIDState),
		BIN: strings.TrimPrefix(n.First(pki.OIDOrganizationalUnit), "BIN"), DN: ncaDN(n),
	}
	if number, isBody := strings.CutPrefix(n.First(pki.OIDSerialNumber), "BIN"); isBody {
		out.BIN = number
	} else {
		out.IIN = strings.TrimPrefix(number, "IIN")
	}
	return out
}

// ncaWords are Java's names of attributes where they differ from RFC 4514's.
var ncaWords = map[pki.OID]string{pki.OIDGivenName: "GIVENNAME", pki.OIDSurname: "SURNAME", pki.OIDEmailAddress: "EMAILADDRESS"}

// ncaDN writes a name as Java does: the last part first, values with special characters in quotes.
func ncaDN(n pki.Name) string {
	var parts []string
	for i := len(n.RDNs) - 1; i >= 0; i-- {
		var values []string
		for _, a := range n.RDNs[i] {
			word := ncaWords[a.Type]
			if word == "" {
				word = pki.AttributeName(a.Type)
			}
			value := a.Value
			if strings.ContainsAny(value, ",+=\n<>#;\\\"") || strings.TrimSpace(value) != value {
				value = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
			}
			values = append(values, word+"="+value)
		}
		parts = append(parts, strings.Join(values, " + "))
	}
	return strings.Join(parts, ", ")
}

// ncaStampOf shows the time-stamp of a signature; nil where there is none that can be read.
func ncaStampOf(signer *cms.Signer) *ncaStamp {
	for _, raw := range signer.TimestampTokens() {
		t, err := timestamp.Parse(raw)
		if err != nil {
			continue
		}
		return &ncaStamp{
			SerialNumber: hex.EncodeToString(t.Serial.Bytes()), GenTime: ncaTime(t.GenTime), Policy: string(t.Policy),
			TSPHashAlgorithm: strings.ReplaceAll(pki.HashName(t.HashAlgorithm), "-", ""), Hash: hex.EncodeToString(t.Imprint),
		}
	}
	return nil
}

func (s *server) ncaCertificates(c echo.Context) (any, error) {
	a, err := ncaRead[struct {
		Certs []string `json:"certs"`
	}](s, c)
	if err != nil {
		return nil, err
	}
	if len(a.Certs) > maxNCACerts {
		return nil, ncaRefuse("certs must hold no more than 100 certificates")
	}
	out := ncaVerification{ncaOK, len(a.Certs) > 0, []*ncaCertificate{}}
	for i, text := range a.Certs {
		cert, err := ncaParse("certs", text)
		if err != nil { // NCANode goes on, and so do its clients
			out.Message, out.Valid = fmt.Sprintf("[%d]: %v", i, err), false
			out.Signers = append(out.Signers, nil)
			continue
		}
		one, valid := s.ncaJudge(c, cert)
		out.Valid = out.Valid && valid
		out.Signers = append(out.Signers, one)
	}
	return out, nil
}

// ncaParse reads one certificate.
func ncaParse(name, text string) (*pki.Certificate, error) {
	data, err := ncaArmoured(name, text)
	if err != nil {
		return nil, err
	}
	all, err := pki.ReadCertificates(data)
	if err != nil || len(all) != 1 {
		return nil, ncaRefuse(name + " holds something that is no certificate")
	}
	return all[0], nil
}

// maxNCACerts bounds the certificates of one question.
const maxNCACerts = 100

func (s *server) ncaJudged(c echo.Context, all []*pki.Certificate) ncaVerification {
	out := ncaVerification{ncaOK, len(all) > 0, []*ncaCertificate{}}
	for _, cert := range all {
		one, valid := s.ncaJudge(c, cert)
		out.Valid = out.Valid && valid
		out.Signers = append(out.Signers, one)
	}
	return out
}

// ncaJudge judges one certificate, whatever it is for.
func (s *server) ncaJudge(c echo.Context, cert *pki.Certificate) (*ncaCertificate, bool) {
	q := s.ncaQuestion()
	q.Purpose = verifier.PurposeAny
	r := s.o.Verifier.Certificate(c.Request().Context(), cert, q)
	s.o.Memory.Verdict(s.o.Log, "certificate", r)
	one := ncaCertificateOf(cert, r.Findings)
	one.Valid = r.Indication == verifier.TotalPassed
	return &one, one.Valid
}

// ncaRaw checks a bare signature value with a certificate's key. Only the certificate must be there: without a signature and
// the data it is judged, and nothing is valid.
func (s *server) ncaRaw(c echo.Context) (any, error) {
	a, err := ncaRead[struct {
		Certificate string  `json:"certificate"`
		Signature   string  `json:"signature"`
		Data        *string `json:"data"`
	}](s, c)
	if err != nil {
		return nil, err
	}
	cert, err := ncaParse("certificate", a.Certificate)
	if err != nil {
		return nil, err
	}
	var signature []byte
	if a.Signature != "" {
		if signature, err = ncaBytes("signature", a.Signature); err != nil {
			return nil, err
		}
	}
	one, valid := s.ncaJudge(c, cert)
	status := ncaOK
	switch {
	case signature == nil:
		valid, status.Message = false, "No signature was sent, so none is valid; the certificate was judged"
	case a.Data == nil:
		valid, status.Message = false, "No data was sent, so no signature over it is valid; the certificate was judged"
	default:
		valid = valid && rawHolds(cert, *a.Data, signature, s.ncaQuestion().Algorithms, s.o.Now())
	}
	return struct {
		ncaVerification
		Signer *ncaCertificate `json:"signer"`
	}{ncaVerification{status, valid, []*ncaCertificate{one}}, one}, nil
}

// rawHolds: the key made the value over the text, which NCANode takes as it stands, or over the octets that it stands for
// in base64, which a text in JSON cannot hold otherwise. The algorithm is the one that the certificate itself is signed
// with, as NCANode has it, or the usual one of the key.
func rawHolds(cert *pki.Certificate, text string, signature []byte, policy *pki.AlgorithmPolicy, now time.Time) bool {
	data := [][]byte{[]byte(text)}
	if octets, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil {
		data = append(data, octets)
	}
	algorithms := []pki.Algorithm{cert.Algorithm}
	if usual, err := rawAlgorithm(cert); err == nil {
		algorithms = append(algorithms, usual)
	}
	for _, algorithm := range algorithms {
		if policy.Accept(algorithm, &cert.PublicKey, now) != nil {
			continue
		}
		for _, d := range data {
			if cert.PublicKey.Verify(algorithm, d, signature) == nil {
				return true
			}
		}
	}
	return false
}

// rawAlgorithm: RSA and ECDSA with SHA-256, the national algorithms with their own hash.
func rawAlgorithm(c *pki.Certificate) (pki.Algorithm, error) {
	names := map[pki.OID]pki.OID{
		pki.OIDRSA: pki.OIDSHA256WithRSA, pki.OIDEC: pki.OIDECDSAWithSHA256, pki.OIDGOST2004Key: pki.OIDGOST2004Sign,
		pki.OIDGOST2015Key512: pki.OIDGOST2015Sign512, pki.OIDGOST2015Key256: pki.OIDGOST2015Sign256,
	}
	name, ok := names[c.PublicKey.Algorithm.OID]
	if !ok {
		return pki.Algorithm{}, pki.ErrUnsupported
	}
	return pki.NewAlgorithm(name, nil)
}
