// SPDX-License-Identifier: Apache-2.0

package egov

import (
	"context"
	"errors"
	"fmt"

	"rastau/internal/cms"
	"rastau/signer"
	"rastau/verifier"
)

// TypeCMS is the media type of messages in CMS envelopes (RFC 5652, RFC 7193 §2).
const TypeCMS = "application/cms"

// Signer signs messages (signer.Signer has it).
type Signer interface {
	JSON(ctx context.Context, content []byte, o signer.JSONOptions) ([]byte, error)
}

// Judge judges messages (verifier.Verifier has it).
type Judge interface {
	Document(ctx context.Context, data []byte, q verifier.Question) *verifier.Report
}

// CMS is the envelope of signed messages in CAdES with the content attached. It is safe for concurrent use.
type CMS struct {
	Signer   Signer                   // Required.
	Judge    Judge                    // Required.
	Question func() verifier.Question // Required. Anchors and policy.
	Peer     string                   // Required. BIN that the other side's certificate must carry.
}

// Seal signs the message.
func (c *CMS) Seal(ctx context.Context, message []byte) ([]byte, string, error) {
	sealed, err := c.Signer.JSON(ctx, message, signer.JSONOptions{Level: signer.LevelB}) // judged at once, so its time needs no proof
	return sealed, TypeCMS, err
}

// Open judges the envelope: TOTAL-PASSED, by the peer, over exactly the content that it answers.
func (c *CMS) Open(ctx context.Context, sealed []byte, mediaType string) ([]byte, error) {
	if mediaType != TypeCMS {
		return nil, fmt.Errorf("the message comes as %q, not as %s", mediaType, TypeCMS)
	}
	if c.Peer == "" {
		return nil, errors.New("the other side's BIN is not configured")
	}
	sd, err := cms.Parse(sealed, cms.Limits{Bytes: maxMessage})
	if err != nil {
		return nil, fmt.Errorf("the message is no signed one: %w", err)
	}
	if sd.Detached || len(sd.Signers) != 1 {
		return nil, errors.New("the message must carry its content and one signature")
	}
	q := c.Question()
	q.Purpose, q.BIN, q.Content, q.Digests = verifier.PurposeSign, c.Peer, nil, nil
	if r := c.Judge.Document(ctx, sealed, q); r.Indication != verifier.TotalPassed {
		why := ""
		if f := r.Deciding(); f != nil {
			why = ": " + f.Key
		}
		return nil, fmt.Errorf("the message's signature is %s%s", r.Indication, why)
	}
	return sd.Content, nil
}
