// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"rastau/internal/account"
	"rastau/internal/phrase"
)

// client speaks to the demo's own API as any portal would.
type client struct {
	base   string
	tokens map[account.Role]string
	http   *http.Client
}

func newClient(base string, tokens map[account.Role]string) *client {
	return &client{base: base, tokens: tokens, http: &http.Client{Timeout: time.Minute}}
}

// call sends body as JSON (nil: a GET) and decodes the answer into answer; any status but 2xx is an error with the problem's text.
func (c *client) call(ctx context.Context, role account.Role, path string, body, answer any) error {
	data, err := c.raw(ctx, role, path, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("%s does not answer with JSON: %w", path, err)
	}
	return nil
}

// ask is call for answers of any status: the problem document of a refusal is decoded as well as an answer.
func (c *client) ask(ctx context.Context, role account.Role, path string, body, answer any) (status int, err error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(encoded))
	if err != nil {
		return 0, err
	}
	if role != "" {
		req.Header.Set("Authorization", "Bearer "+c.tokens[role])
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err == nil && answer != nil {
		err = json.Unmarshal(data, answer)
	}
	return res.StatusCode, err
}

func (c *client) raw(ctx context.Context, role account.Role, path string, body any) ([]byte, error) {
	method, content := http.MethodGet, io.Reader(nil)
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		method, content = http.MethodPost, bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.tokens[role])
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, bytes.TrimSpace(data))
	}
	return data, nil
}

// verdict is the part of a report that the story compares, read from its JSON as any client reads it.
type verdict struct {
	Indication    string       `json:"indication"`
	SubIndication *string      `json:"subIndication"`
	Intact        *bool        `json:"intact"`
	RetryAfter    *time.Time   `json:"retryAfter"`
	Findings      []findingDoc `json:"findings"`
	Signatures    []struct {
		Indication    string       `json:"indication"`
		SubIndication *string      `json:"subIndication"`
		Level         string       `json:"level"`
		Findings      []findingDoc `json:"findings"`
	} `json:"signatures"`
}

type findingDoc struct {
	Key, Outcome, Citation, Detail string
}

func (v *verdict) String() string {
	if v.SubIndication == nil {
		return v.Indication
	}
	return v.Indication + "/" + *v.SubIndication
}

// failing names every finding that failed or could not be decided, of the document and of its signatures.
func (v *verdict) failing() []findingDoc {
	all := append([]findingDoc(nil), v.Findings...)
	for _, s := range v.Signatures {
		all = append(all, s.Findings...)
	}
	var out []findingDoc
	for _, f := range all {
		if f.Outcome == "fail" || f.Outcome == "unknown" {
			out = append(out, f)
		}
	}
	return out
}

// detail is what the first signature's finding of a key says.
func (v *verdict) detail(key string) string {
	for _, s := range v.Signatures {
		for _, f := range s.Findings {
			if f.Key == key {
				return f.Detail
			}
		}
	}
	return "no finding " + key
}

// told is what the person reads.
type told struct {
	Code, Reason string
	Text, Next   phrase.Text
}

// submission is licensing.Submission as a client reads it.
type submission struct {
	Application struct {
		ID, Number, Status string
	} `json:"application"`
	Verdict    verdict    `json:"verdict"`
	Message    told       `json:"message"`
	RetryAfter *time.Time `json:"retryAfter"`
	Receipt    []byte     `json:"receipt"`
}
