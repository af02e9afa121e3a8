// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Date asks a server for its clock: the Date header (RFC 9110 §6.6.1) of its answer to HEAD, whatever the status. It tells seconds.
// Errors: ErrRefused, ErrUnreachable.
func (c *Client) Date(ctx context.Context, raw string) (time.Time, error) {
	u, err := ParseURL(raw)
	if err != nil {
		return time.Time{}, err
	}
	if err := c.guard(u); err != nil {
		return time.Time{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %v", ErrRefused, err)
	}
	req.Header.Set("User-Agent", c.userAgent)
	resp, err := c.http.Do(req)
	if err != nil {
		return time.Time{}, unreachable(err)
	}
	if err := resp.Body.Close(); err != nil {
		return time.Time{}, unreachable(err)
	}
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: its answer has no Date", ErrUnreachable)
	}
	return at, nil
}
