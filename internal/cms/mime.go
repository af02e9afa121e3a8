// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"net/mail"
	"strings"
)

// MIME is a signed S/MIME message (RFC 8551).
type MIME struct {
	Message []byte // the ContentInfo
	Content []byte // what a detached signature covers, in canonical form; nil where it is in Message
}

// maxMIMEHead bounds how far into a file the header of a signed mail is looked for.
const maxMIMEHead = 64 << 10

// DecodeMIME takes the signed message out of a mail: application/pkcs7-mime
// (RFC 8551 §3.5.2) or multipart/signed (§3.5.3). False where data is no such mail;
// whether its signature can be read is [Parse]'s question.
func DecodeMIME(data []byte) (MIME, bool) {
	if !bytes.Contains(bytes.ToLower(data[:min(len(data), maxMIMEHead)]), []byte("content-type:")) {
		return MIME{}, false
	}
	mail, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return MIME{}, false
	}
	kind, params, err := mime.ParseMediaType(mail.Header.Get("Content-Type"))
	if err != nil {
		return MIME{}, false
	}
	switch kind {
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		message, ok := decodePart(mail.Body, mail.Header.Get("Content-Transfer-Encoding"))
		return MIME{Message: message}, ok
	case "multipart/signed":
		body, err := io.ReadAll(mail.Body)
		if err != nil {
			return MIME{}, false
		}
		return decodeMultipart(body, params["boundary"])
	}
	return MIME{}, false
}

// decodeMultipart reads the two parts of multipart/signed (RFC 1847 §2.1). The first
// is taken octet for octet, since that is what was signed, with or without a header.
func decodeMultipart(body []byte, boundary string) (MIME, bool) {
	parts, ok := splitParts(body, boundary)
	// Exactly two: a third would be shown and not signed.
	if !ok || len(parts) != 2 {
		return MIME{}, false
	}
	part, err := mail.ReadMessage(bytes.NewReader(parts[1]))
	if err != nil {
		return MIME{}, false
	}
	kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil || kind != "application/pkcs7-signature" && kind != "application/x-pkcs7-signature" {
		return MIME{}, false
	}
	message, ok := decodePart(part.Body, part.Header.Get("Content-Transfer-Encoding"))
	return MIME{Message: message, Content: canonicalLines(parts[0])}, ok
}

// maxParts bounds the parts looked for; more than two are refused anyway.
const maxParts = 3

// splitParts cuts a multipart body at its boundary lines (RFC 2046 §5.1.1). The line
// break before a boundary belongs to the boundary. False without a closing one.
func splitParts(body []byte, boundary string) ([][]byte, bool) {
	if boundary == "" {
		return nil, false
	}
	delimiter := []byte("\n--" + boundary)
	rest := append([]byte("\n"), body...)
	var parts [][]byte
	for opened := false; ; opened = true {
		at := bytes.Index(rest, delimiter)
		if at < 0 || len(parts) == maxParts {
			return nil, false
		}
		if opened {
			parts = append(parts, bytes.TrimSuffix(rest[min(1, at):at], []byte("\r")))
		}
		rest = rest[at+len(delimiter):]
		if bytes.HasPrefix(rest, []byte("--")) {
			return parts, true
		}
		line := bytes.IndexByte(rest, '\n')
		if line < 0 || len(bytes.TrimSpace(rest[:line])) != 0 {
			return nil, false
		}
		rest = rest[line:] // with its break, which is also the next boundary's where the part is empty
	}
}

// canonicalLines ends each line in CRLF (RFC 8551 §3.1.1).
func canonicalLines(text []byte) []byte {
	out := bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(out, []byte("\n"), []byte("\r\n"))
}

func decodePart(r io.Reader, encoding string) ([]byte, bool) {
	if strings.EqualFold(strings.TrimSpace(encoding), "base64") {
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	out, err := io.ReadAll(r)
	return out, err == nil && IsCMS(out)
}
