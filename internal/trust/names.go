// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"net/netip"
	"strings"

	"rastau/internal/pki"
)

// This file holds the syntax of the name forms that name constraints speak of,
// and how each form lies within a constraint (RFC 5280 §4.2.1.10).

// isHost reports whether s is a host name in the preferred syntax (RFC 1034
// §3.5, RFC 1123 §2.1).
func isHost(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if !(c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
				return false
			}
		}
	}
	return true
}

// isDNSName reports whether s is a host name or one whose first label is the
// wildcard (RFC 9525 §6.3).
//
// RFC 1123 §2.1: "a valid host name can never have the dotted-decimal form #.#.#.#,
// since at least the highest-level component label will be alphabetic". An address has
// a name form of its own, and constraints on addresses do not see it here.
func isDNSName(s string) bool {
	s = strings.TrimPrefix(s, "*.")
	_, err := netip.ParseAddr(s)
	return isHost(s) && err != nil
}

// splitMailbox takes a mailbox apart at its last "@" (RFC 5321 §4.1.2). An "@"
// in the local part must be quoted.
func splitMailbox(s string) (local, host string, ok bool) {
	at := strings.LastIndexByte(s, '@')
	if at <= 0 {
		return "", "", false
	}
	local, host = s[:at], s[at+1:]
	quoted := len(local) > 2 && local[0] == '"' && local[len(local)-1] == '"'
	if strings.ContainsRune(local, '@') && !quoted {
		return "", "", false
	}
	return unquoted(local), host, isHost(host)
}

// unquoted gives the local part that a quoted one means: "the quotation marks … are not
// part of the local-part", and a backslash stands for the character after it (RFC 5321
// §4.1.2). Otherwise "a"@example.com would slip past a constraint on a@example.com.
func unquoted(local string) string {
	if len(local) < 2 || local[0] != '"' || local[len(local)-1] != '"' {
		return local
	}
	var out strings.Builder
	for body := local[1 : len(local)-1]; body != ""; body = body[1:] {
		if body[0] == '\\' && len(body) > 1 {
			body = body[1:]
		}
		out.WriteByte(body[0])
	}
	return out.String()
}

// uriHost is the fully qualified domain name of a URI's authority. "If a
// constraint is applied to the uniformResourceIdentifier name form and a
// subsequent certificate includes a subjectAltName extension with a URI that
// does not include an authority component with a host name specified as a
// fully qualified domain name … then the application MUST reject".
func uriHost(uri string) (string, bool) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || scheme == "" || strings.ContainsAny(scheme, "/?#@") {
		return "", false
	}
	if end := strings.IndexAny(rest, "/?#\\"); end >= 0 {
		rest = rest[:end]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	host, port, hasPort := strings.Cut(rest, ":")
	if hasPort && strings.Trim(port, "0123456789") != "" {
		return "", false
	}
	if _, err := netip.ParseAddr(host); err == nil || !isHost(host) || !strings.Contains(host, ".") {
		return "", false
	}
	return host, true
}

// isConstraint reports whether the base of a subtree is well-formed. Forms
// that are not evaluated pass: they fail where a name of theirs turns up.
func isConstraint(base pki.GeneralName) bool {
	s := base.Text
	switch base.Tag {
	case pki.DNSName: // an empty one covers every name; a leading "." belongs to other forms
		return s == "" || isHost(s)
	case pki.RFC822Name:
		if strings.ContainsRune(s, '@') {
			_, _, ok := splitMailbox(s)
			return ok
		}
		return s == "" || isHost(strings.TrimPrefix(s, "."))
	case pki.URIName:
		return s == "" || isHost(strings.TrimPrefix(s, "."))
	case pki.IPName:
		_, ok := prefixOf(base.Bytes)
		return ok
	}
	return true
}

// belowHost reports whether name is base or has labels added on its left.
func belowHost(name, base string) bool {
	if base == "" {
		return true
	}
	cut := len(name) - len(base)
	return cut >= 0 && strings.EqualFold(name[cut:], base) && (cut == 0 || name[cut-1] == '.')
}

// inHosts reports whether host lies in a constraint of the mail or URI form:
// ".example.com" covers what stands below it, "example.com" that host alone.
func inHosts(host, base string) bool {
	if strings.HasPrefix(base, ".") {
		return len(host) > len(base) && belowHost(host, base[1:])
	}
	return base == "" || strings.EqualFold(host, base)
}

// inMail reports whether a mailbox lies in base, itself a mailbox or hosts.
// Local parts are compared as they are, hosts without regard to case; an
// asterisk means nothing.
func inMail(local, host, base string) bool {
	if l, h, ok := splitMailbox(base); ok {
		return local == l && strings.EqualFold(host, h)
	}
	return inHosts(host, base)
}

// prefixOf reads an address with its mask as of RFC 4632.
func prefixOf(b []byte) (netip.Prefix, bool) {
	half := len(b) / 2
	if half != 4 && half != 16 || len(b)%2 != 0 {
		return netip.Prefix{}, false
	}
	addr, _ := netip.AddrFromSlice(b[:half])
	bits, ended := 0, false
	for _, m := range b[half:] {
		for bit := byte(0x80); bit != 0; bit >>= 1 {
			if m&bit == 0 {
				ended = true
			} else if ended {
				return netip.Prefix{}, false
			} else {
				bits++
			}
		}
	}
	return netip.PrefixFrom(addr, bits), true
}

// wildcardMeets reports whether a name that "*.rest" stands for lies in base
// although the pattern itself does not: "*.example.com" may be presented as
// "bar.example.com".
func wildcardMeets(name, base string) bool {
	rest, ok := strings.CutPrefix(name, "*.")
	if !ok {
		return false
	}
	_, parent, ok := strings.Cut(base, ".")
	return ok && strings.EqualFold(parent, rest)
}
