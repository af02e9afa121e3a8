// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"rastau/internal/cms"
	"rastau/internal/pki"
	"rastau/signer"
	"rastau/verifier"
)

// NCANode turns on the endpoints of NCANode's third version, so that its clients can ask this service instead. Every answer
// follows this service's own verdicts; docs/NCANODE.md lists what differs and why.
type NCANode struct {
	Signer NCASigner          // Optional. Signs with the operator's key; if nil, nothing is signed.
	Alias  string             // Optional. What keyAlias must say where it says anything.
	Certs  []*pki.Certificate // Optional. The certificate of that key, for /pkcs12/info.
}

// NCASigner signs what NCANode's clients ask for (signer.Signer has it). It must be safe for concurrent use.
type NCASigner interface {
	JSON(ctx context.Context, content []byte, o signer.JSONOptions) ([]byte, error)
	XML(ctx context.Context, document []byte, o signer.XMLOptions) ([]byte, error)
	Security(ctx context.Context, message []byte) ([]byte, error)
}

// ncaRoutes are as NCANode has them: at the root, without accounts.
func (s *server) ncaRoutes() []route {
	if s.o.NCANode == nil {
		return nil
	}
	line := func(path string, h func(echo.Context) (any, error)) route {
		return route{http.MethodPost, path, nil, s.nca(h)}
	}
	return []route{
		line("/cms/verify", s.ncaVerifyCMS),
		line("/cms/extract", s.ncaExtract),
		line("/xml/verify", s.ncaVerifyXML),
		line("/wsse/verify", s.ncaVerifySecurity),
		line("/x509/info", s.ncaCertificates),
		line("/x509/verify", s.ncaRaw),
		line("/pkcs12/info", s.ncaKeys),
		line("/pkcs12/aliases", s.ncaAliases),
		line("/cms/sign", s.ncaSignCMS),
		line("/cms/sign/add", s.ncaAddCMS),
		line("/xml/sign", s.ncaSignXML),
		line("/wsse/sign", s.ncaSignSecurity),
	}
}

// ncaError is a refusal in NCANode's words.
type ncaError struct {
	status  int
	message string
}

func (e *ncaError) Error() string { return e.message }

func ncaRefuse(message string) error { return &ncaError{http.StatusBadRequest, message} }

// ncaStatus begins every answer.
type ncaStatus struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

var ncaOK = ncaStatus{http.StatusOK, "OK"}

// nca answers in NCANode's envelope, refusals too.
func (s *server) nca(handle func(echo.Context) (any, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := handle(c)
		if err == nil {
			err = c.Request().Context().Err()
		}
		if err == nil {
			return ok(c, v)
		}
		var mine *ncaError
		if errors.As(err, &mine) {
			return answer(c, mine.status, ncaStatus{mine.status, mine.message})
		}
		p := problemOf(err)
		if p.status == http.StatusInternalServerError {
			s.o.Log.ErrorContext(c.Request().Context(), "internal error", "request", requestID(c), "route", routePath(c), "error", err.Error())
			return answer(c, p.status, ncaStatus{p.status, p.title})
		}
		message := p.help
		if p.detail != nil {
			message = p.detail(err)
		}
		return answer(c, p.status, ncaStatus{p.status, message})
	}
}

// ncaRead reads a request; names that are not known are passed over, as NCANode's own reader does.
func ncaRead[T any](s *server, c echo.Context) (T, error) {
	var v T
	body, err := s.readBody(c)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return v, ncaRefuse("The request is not the JSON object that this address takes")
	}
	return v, nil
}

// ncaBytes decodes base64 of any kind of lines.
func ncaBytes(name, text string) ([]byte, error) {
	text = strings.Join(strings.Fields(text), "")
	if text == "" {
		return nil, ncaRefuse(name + " is missing")
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, ncaRefuse(name + " is no base64")
	}
	return data, nil
}

// ncaArmoured decodes base64, or takes PEM as it stands: NCALayer gives signatures so, and NCANode's own example sends
// certificates as PEM in base64.
func ncaArmoured(name, text string) ([]byte, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN ") {
		return []byte(text), nil
	}
	return ncaBytes(name, text)
}

// ncaQuestion is the installation's: revocation is always asked, whatever revocationCheck says, and there is no time but now.
func (s *server) ncaQuestion() verifier.Question {
	q := s.o.Question()
	q.Purpose = verifier.PurposeSign
	return q
}

// ncaSigner is a key in a request, as NCANode's clients send it.
type ncaSigner struct {
	Key          string `json:"key"`
	Password     string `json:"password"`
	KeyAlias     string `json:"keyAlias"`
	ReferenceURI string `json:"referenceUri"`
}

// ncaKeySent is the answer to a private key that was sent.
const ncaKeySent = "A private key must not travel in a request: whoever reads the request could sign as its holder. " +
	"Leave key and password out; the key that the operator configured signs. The key that was sent was not used; treat it as known to others"

// check refuses a key in the request, and any but the configured one.
func (k ncaSigner) check(n *NCANode) error {
	switch {
	case k.Key != "" || k.Password != "":
		return ncaRefuse(ncaKeySent)
	case k.KeyAlias != "" && k.KeyAlias != n.Alias:
		return ncaRefuse("No key of that alias is configured")
	}
	return nil
}

// ncaKey takes the signers of a request: none, or one that the operator configured.
func (s *server) ncaKey(signers ...ncaSigner) (NCASigner, error) {
	n := s.o.NCANode
	for _, k := range signers {
		if err := k.check(n); err != nil {
			return nil, err
		}
	}
	switch {
	case len(signers) > 1:
		return nil, ncaRefuse("One key is configured, so there can be one signer")
	case n.Signer == nil:
		return nil, ncaRefuse("No key is configured for signing")
	}
	return n.Signer, nil
}

type ncaCMS struct {
	CMS      string      `json:"cms"`
	Data     *string     `json:"data"`
	Signers  []ncaSigner `json:"signers"`
	WithTSP  bool        `json:"withTsp"`
	Detached bool        `json:"detached"`
}

// ncaMessage reads the CMS of a request.
func ncaMessage(a ncaCMS) ([]byte, *cms.SignedData, error) {
	data, err := ncaArmoured("cms", a.CMS)
	if err != nil {
		return nil, nil, err
	}
	der, err := cms.Decode(data)
	if err != nil {
		return nil, nil, ncaRefuse("cms is no CMS message")
	}
	sd, err := cms.Parse(der, cms.Limits{})
	if err != nil {
		return nil, nil, ncaRefuse("cms is no signed CMS message: " + err.Error())
	}
	return data, sd, nil
}

func (s *server) ncaVerifyCMS(c echo.Context) (any, error) {
	a, err := ncaRead[ncaCMS](s, c)
	if err != nil {
		return nil, err
	}
	data, sd, err := ncaMessage(a)
	if err != nil {
		return nil, err
	}
	q := s.ncaQuestion()
	if a.Data != nil && *a.Data != "" {
		content, err := ncaBytes("data", *a.Data)
		if err != nil {
			return nil, err
		}
		q.Content = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	}
	r := s.o.Verifier.Document(c.Request().Context(), data, q)
	s.o.Memory.Verdict(s.o.Log, "signature", r)
	out := struct {
		ncaStatus
		Valid   bool           `json:"valid"`
		Signers []ncaCMSSigner `json:"signers"`
	}{ncaOK, r.Indication == verifier.TotalPassed, []ncaCMSSigner{}}
	for i, sig := range r.Signatures {
		one := ncaCMSSigner{Certificates: []ncaCertificate{}}
		if sig.Certificate != nil {
			one.Certificates = append(one.Certificates, ncaCertificateOf(sig.Certificate, sig.Findings))
		}
		if i < len(sd.Signers) {
			one.TSP = ncaStampOf(sd.Signers[i])
		}
		out.Signers = append(out.Signers, one)
	}
	return out, nil
}

func (s *server) ncaExtract(c echo.Context) (any, error) {
	a, err := ncaRead[ncaCMS](s, c)
	if err != nil {
		return nil, err
	}
	_, sd, err := ncaMessage(a)
	if err != nil {
		return nil, err
	}
	if sd.Detached {
		return nil, ncaRefuse("CMS doesn't have signed content")
	}
	return struct {
		ncaStatus
		Data string `json:"data"`
	}{ncaOK, base64.StdEncoding.EncodeToString(sd.Content)}, nil
}

type ncaXML struct {
	XML             string      `json:"xml"`
	Signers         []ncaSigner `json:"signers"`
	ClearSignatures bool        `json:"clearSignatures"`
	TrimXML         bool        `json:"trimXml"`
	ncaSigner                   // of /wsse/sign
}

func (s *server) ncaVerifyXML(c echo.Context) (any, error) { return s.ncaXML(c, false) }

func (s *server) ncaVerifySecurity(c echo.Context) (any, error) { return s.ncaXML(c, true) }

// ncaXML judges a document or a message; NCANode takes white space around it away.
func (s *server) ncaXML(c echo.Context, message bool) (any, error) {
	a, err := ncaRead[ncaXML](s, c)
	if err != nil {
		return nil, err
	}
	document := strings.TrimSpace(a.XML)
	if document == "" {
		return nil, ncaRefuse("xml is missing")
	}
	r := s.o.Verifier.Document(c.Request().Context(), []byte(document), s.ncaQuestion())
	s.o.Memory.Verdict(s.o.Log, "signature", r)
	if r.Format != "xml" || len(r.Signatures) == 0 && r.SubIndication == verifier.FormatFailure {
		why := "xml is no XML document"
		if f := r.Deciding(); f != nil {
			why = f.Texts().EN
		}
		return nil, ncaRefuse(why)
	}
	out := ncaVerification{ncaOK, r.Indication == verifier.TotalPassed, []*ncaCertificate{}}
	if message && !secured(r) {
		out.Valid = false // a signed document is no signed message
	}
	// The latest signature first, as NCANode takes one after the other off.
	for i := len(r.Signatures) - 1; i >= 0; i-- {
		sig := r.Signatures[i]
		if sig.Certificate == nil {
			out.Signers = append(out.Signers, nil)
			continue
		}
		one := ncaCertificateOf(sig.Certificate, sig.Findings)
		out.Signers = append(out.Signers, &one)
	}
	return out, nil
}

// secured says whether one signature covers the body of a message.
func secured(r *verifier.Report) bool {
	return len(r.Signatures) == 1 && r.Signatures[0].Message
}

type ncaVerification struct {
	ncaStatus
	Valid   bool              `json:"valid"`
	Signers []*ncaCertificate `json:"signers"`
}
