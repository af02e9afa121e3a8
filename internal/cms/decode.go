// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
)

// pemLabels are the labels under which CMS travels: RFC 7468 §8 and §9, NCALayer's
// "CMS" among them, and what older programs write.
var pemLabels = map[string]bool{
	"CMS": true, "PKCS7": true, "PKCS #7 SIGNED DATA": true, "CMS SIGNATURE": true, "SIGNED MESSAGE": true,
}

// Decode brings DER, BER, PEM or base64 text to the bytes of one ContentInfo. It
// does not look inside them. [ErrNotCMS] where the input is none of these,
// [ErrFormat] where PEM or base64 is broken or something follows it.
func Decode(data []byte) ([]byte, error) {
	if IsCMS(data) {
		return withoutPadding(data), nil
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if bytes.Contains(text, []byte("-----BEGIN ")) {
		return decodePEM(text)
	}
	// A ContentInfo starts with 30 80, 30 82 … or 30 and a short length: in base64
	// always an M, which keeps other text from being tried.
	if len(text) == 0 || text[0] != 'M' {
		return nil, ErrNotCMS
	}
	out, err := decodeBase64(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrNotCMS, err)
	}
	if !IsCMS(out) {
		return nil, ErrNotCMS
	}
	return withoutPadding(out), nil
}

func decodePEM(text []byte) ([]byte, error) {
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, malformed("broken PEM")
	}
	if !pemLabels[block.Type] {
		return nil, fmt.Errorf("%w: PEM block %q", ErrNotCMS, block.Type)
	}
	// Whatever follows was not signed and must not look as if it were.
	if len(bytes.TrimSpace(rest)) != 0 {
		return nil, malformed("%d bytes after the PEM block", len(rest))
	}
	return withoutPadding(block.Bytes), nil
}

// withoutPadding cuts zero octets after the message: signatures taken out of PDFs
// come with the rest of their /Contents. Anything else behind it stays, for [Parse] to refuse.
func withoutPadding(data []byte) []byte {
	if e, ok := readElement(data); ok && len(bytes.Trim(data[len(e.raw):], "\x00")) == 0 {
		return e.raw
	}
	return data
}

// decodeBase64 takes padded and unpadded text with line breaks.
func decodeBase64(text []byte) ([]byte, error) {
	compact := make([]byte, 0, len(text))
	for _, c := range text {
		if strings.IndexByte(" \t\r\n", c) < 0 {
			compact = append(compact, c)
		}
	}
	enc := base64.StdEncoding
	if len(compact)%4 != 0 {
		enc = base64.RawStdEncoding
	}
	out := make([]byte, enc.DecodedLen(len(compact)))
	// Strict refuses stray bits behind the last octet: one message, one text.
	n, err := enc.Strict().Decode(out, compact)
	return out[:n], err
}

// IsCMS says whether data starts like a ContentInfo: a SEQUENCE that opens with an
// OBJECT IDENTIFIER under pkcs-7 or pkcs-9 S/MIME (RFC 5652 §3, RFC 5083). It reads
// a few bytes and proves nothing more.
func IsCMS(data []byte) bool {
	if len(data) < 4 || data[0] != 0x30 {
		return false
	}
	head := 2
	if n := data[1]; n > 0x80 {
		head += int(n & 0x7f)
	}
	if len(data) < head {
		return false
	}
	// 06 len 2A 86 48 86 F7 0D 01 (07 | 09 10 01): rsadsi pkcs
	return bytes.HasPrefix(data[head:], []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07}) ||
		bytes.HasPrefix(data[head:], []byte{0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01})
}
