// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// maxURL bounds an address in bytes.
const maxURL = 2048

// ParseURL reads an address and refuses (ErrRefused) what no list, certificate or responder can stand under: other
// schemes than http and https, credentials, no host, more than 2048 bytes. The fragment is dropped.
func ParseURL(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrRefused, maxURL)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: not an URL", ErrRefused)
	}
	if err := checkURL(u); err != nil {
		return nil, err
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

func checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: scheme %.20q is not http or https", ErrRefused, u.Scheme)
	case u.User != nil:
		return fmt.Errorf("%w: an address with credentials", ErrRefused)
	case u.Opaque != "" || u.Hostname() == "":
		return fmt.Errorf("%w: no host", ErrRefused)
	case strings.ContainsAny(u.Host, "%\\ \t\r\n"): // a zone (RFC 6874) means this machine's own links
		return fmt.Errorf("%w: a host name with white space, a zone or an escape", ErrRefused)
	}
	return nil
}

// guard judges an URL before its name is resolved. Hosts written as numbers are judged here already, because behind a
// proxy no socket of ours would show them.
func (c *Client) guard(u *url.URL) error {
	if err := checkURL(u); err != nil {
		return err
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return c.judge(a)
	}
	return nil
}

// control judges the address that is really dialled, after the resolver spoke: a name may point anywhere, and differently
// a moment later. It runs before connect(2), so that a refused address sees no packet.
func (c *Client) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network %s", ErrRefused, network)
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %.60q is not an address", ErrRefused, address)
	}
	if err := c.judge(ap.Addr()); err != nil || c.watch == nil {
		return err
	}
	return c.watch(address)
}

func (c *Client) judge(a netip.Addr) error {
	a = a.Unmap().WithZone("") // Prefix.Contains says no to every zoned address
	for _, p := range c.allow {
		if p.Contains(a) {
			return nil
		}
	}
	if name, special := Special(a); special {
		return fmt.Errorf("%w: %s is %s", ErrRefused, a, name)
	}
	return nil
}
