// SPDX-License-Identifier: Apache-2.0

// Package client asks a Rastau service about signatures, certificates and licences (docs/API.md). It answers with the service's
// own verdicts and judges nothing itself; it needs the standard library alone. The workflow is left out: portals write their own
// forms for it.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer bounds an answer in bytes.
const maxAnswer = 32 << 20

// Client asks one service. It is safe for concurrent use once its fields are set.
type Client struct {
	URL   string       // Required. https://host of the service.
	Token string       // Required. Bearer token of an account with a role that may judge.
	HTTP  *http.Client // Optional. If nil, one with a timeout of 90 s: the service waits up to 60 s for revocation sources.
}

// Question is what is asked of a file. Zero fields are left to the service.
type Question struct {
	Document      []byte     `json:"document,omitempty"`    // of VerifySignature and VerifyLicence
	Certificate   []byte     `json:"certificate,omitempty"` // of VerifyCertificate
	Number        string     `json:"number,omitempty"`      // of VerifyLicence
	Content       []byte     `json:"content,omitempty"`     // detached content
	ContentDigest string     `json:"contentDigest,omitempty"`
	At            *time.Time `json:"at,omitempty"` // the time judged; nil: now
	IIN           string     `json:"iin,omitempty"`
	BIN           string     `json:"bin,omitempty"`
	Purpose       string     `json:"purpose,omitempty"` // sign, auth, any
	Lang          string     `json:"lang,omitempty"`    // kk, ru, en
}

// Report is a verdict (EN 319 102-1). Only TOTAL-PASSED is a yes.
type Report struct {
	Format        string      `json:"format"`
	Indication    string      `json:"indication"` // TOTAL-PASSED, TOTAL-FAILED, INDETERMINATE
	SubIndication *string     `json:"subIndication"`
	Intact        *bool       `json:"intact"` // the bytes are what was signed; nil: could not be computed
	Signatures    []Signature `json:"signatures"`
	Findings      []Finding   `json:"findings"`
	RetryAfter    *time.Time  `json:"retryAfter"` // of TRY_LATER
}

// Passed says whether the answer is yes.
func (r *Report) Passed() bool { return r != nil && r.Indication == "TOTAL-PASSED" }

// Signature is the verdict on one signature.
type Signature struct {
	Indication    string     `json:"indication"`
	SubIndication *string    `json:"subIndication"`
	Intact        *bool      `json:"intact"`
	Signer        *Person    `json:"signer"`
	SigningTime   *time.Time `json:"signingTime"` // proven by a time-stamp
	ClaimedTime   *time.Time `json:"claimedTime"` // proves nothing
	Level         string     `json:"level"`       // B, T, LT, LTA, none
	Scope         *Scope     `json:"scope"`       // of XML
	Findings      []Finding  `json:"findings"`
}

// Scope says what of an XML document a signature covers: nobody signed what is not in Signed.
type Scope struct {
	Signed   []string `json:"signed"`   // "the document", or paths of elements
	Unsigned []string `json:"unsigned"` // what else the document shows
	Around   []string `json:"around"`   // the elements that hold what was signed
	Prefixes []string `json:"prefixes"` // declared in it, and not signed: no name uses them
}

// Person is the holder of a certificate.
type Person struct {
	Subject string  `json:"subject"`
	Issuer  string  `json:"issuer"`
	Serial  string  `json:"serial"`
	IIN     *string `json:"iin"`
	BIN     *string `json:"bin"`
}

// Finding is the outcome of one check.
type Finding struct {
	Key      string   `json:"key"`     // stable
	Outcome  string   `json:"outcome"` // pass, warn, unknown, fail, not-applicable
	Citation string   `json:"citation"`
	Detail   string   `json:"detail"` // one sentence
	Evidence []string `json:"evidence"`
}

// LicenceAnswer says what a licence is.
type LicenceAnswer struct {
	Verdict *Report `json:"verdict"` // of the file; nil where none was given
	Licence struct {
		Number     string `json:"number"`
		Registered bool   `json:"registered"`
		SameFile   bool   `json:"sameFile"`
		InForce    bool   `json:"inForce"`
		Entitled   *bool  `json:"entitled"`
	} `json:"licence"`
}

// Problem is a refusal (RFC 9457): the question could not be read or may not be asked. A bad signature is none.
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"` // stable
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Field  string `json:"field"`
}

func (p *Problem) Error() string {
	return fmt.Sprintf("rastau: %d %s: %s", p.Status, p.Code, p.Detail)
}

// VerifySignature judges every signature of a document: CMS, PDF, XML. The error is a [*Problem] where the service refuses.
func (c *Client) VerifySignature(ctx context.Context, q Question) (*Report, error) {
	return ask[Report](ctx, c, "/v1/signatures/verify", q)
}

// VerifyCertificate judges one certificate.
func (c *Client) VerifyCertificate(ctx context.Context, q Question) (*Report, error) {
	return ask[Report](ctx, c, "/v1/certificates/verify", q)
}

// VerifyLicence says whether a licence, by its file or its number, is registered and in force.
func (c *Client) VerifyLicence(ctx context.Context, q Question) (*LicenceAnswer, error) {
	return ask[LicenceAnswer](ctx, c, "/v1/licences/verify", q)
}

func ask[T any](ctx context.Context, c *Client, path string, q Question) (*T, error) {
	if c.URL == "" {
		return nil, errors.New("rastau: Client.URL is required")
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(c.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: 90 * time.Second}
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxAnswer:
		return nil, fmt.Errorf("rastau: the answer is longer than %d bytes", maxAnswer)
	}
	if res.StatusCode != http.StatusOK {
		p := &Problem{}
		if err := json.Unmarshal(data, p); err != nil || p.Code == "" {
			return nil, fmt.Errorf("rastau: status %d, and no problem document", res.StatusCode)
		}
		return nil, p
	}
	out := new(T)
	if err := json.Unmarshal(data, out); err != nil {
		return nil, fmt.Errorf("rastau: the answer cannot be read: %w", err)
	}
	return out, nil
}
