// SPDX-License-Identifier: Apache-2.0

package egov

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"mime"
	"strings"

	"rastau/internal/xmldsig"
	"rastau/verifier"
)

// TypeSOAP is the media type of messages in SOAP 1.1 envelopes (SOAP 1.1 §6).
const TypeSOAP = "text/xml; charset=utf-8"

// The element in the body of the envelope that carries the message as text.
const (
	messageNamespace = "urn:rastau:message"
	messageElement   = "message"
)

// SecuritySigner signs the body of a SOAP message (signer.Signer has it).
type SecuritySigner interface {
	Security(ctx context.Context, message []byte) ([]byte, error)
}

// Security is the envelope of the State's gateway: SOAP whose body is signed with WS-Security. It is safe for concurrent use.
type Security struct {
	Signer   SecuritySigner           // Required.
	Judge    Judge                    // Required.
	Question func() verifier.Question // Required. Anchors, policy, and the certificates of authorities, which WS-Security does not carry.
	Peer     string                   // Required. BIN that the other side's certificate must carry.
}

// Seal signs the message.
func (s *Security) Seal(ctx context.Context, message []byte) ([]byte, string, error) {
	var b strings.Builder
	b.WriteString(`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header></soap:Header><soap:Body>`)
	b.WriteString(`<` + messageElement + ` xmlns="` + messageNamespace + `">`)
	if err := xml.EscapeText(&b, message); err != nil {
		return nil, "", err
	}
	b.WriteString(`</` + messageElement + `></soap:Body></soap:Envelope>`)
	sealed, err := s.Signer.Security(ctx, []byte(b.String()))
	return sealed, TypeSOAP, err
}

// Open judges the envelope: TOTAL-PASSED, one signature, by the peer, over the body whose message it answers.
func (s *Security) Open(ctx context.Context, sealed []byte, mediaType string) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(mediaType); err != nil || kind != "text/xml" {
		return nil, fmt.Errorf("the message comes as %q, not as %s", mediaType, TypeSOAP)
	}
	if s.Peer == "" {
		return nil, errors.New("the other side's BIN is not configured")
	}
	d, err := xmldsig.Parse(sealed, xmldsig.Limits{Bytes: maxMessage, Signatures: 1})
	if err != nil {
		return nil, fmt.Errorf("the message is no signed one: %w", err)
	}
	defer d.Close()
	q := s.Question()
	q.Purpose, q.BIN, q.Content, q.Digests = verifier.PurposeSign, s.Peer, nil, nil
	r := s.Judge.Document(ctx, sealed, q)
	if r.Indication != verifier.TotalPassed {
		why := ""
		if f := r.Deciding(); f != nil {
			why = ": " + f.Key
		}
		return nil, fmt.Errorf("the message's signature is %s%s", r.Indication, why)
	}
	if len(r.Signatures) != 1 || !r.Signatures[0].Message {
		return nil, errors.New("the signature does not cover the body of the message")
	}
	return d.Message(messageNamespace, messageElement)
}
