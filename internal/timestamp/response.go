// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// StatusError is an authority's refusal to give a token (RFC 3161 §2.4.2).
type StatusError struct {
	Status  int      // PKIStatus: 2 rejection, 3 waiting, 4 revocationWarning, 5 revocationNotification
	Text    []string // the authority's own words
	Failure string   // PKIFailureInfo by name: badAlg, badRequest …; empty where absent
}

var statusNames = map[int]string{2: "rejection", 3: "waiting", 4: "revocationWarning", 5: "revocationNotification"}

// failureNames are the bits of PKIFailureInfo that RFC 3161 §2.4.2 defines.
var failureNames = map[int]string{
	0: "badAlg", 2: "badRequest", 5: "badDataFormat", 14: "timeNotAvailable", 15: "unacceptedPolicy",
	16: "unacceptedExtension", 17: "addInfoNotAvailable", 25: "systemFailure",
}

func (e *StatusError) Error() string {
	var b strings.Builder
	b.WriteString("the time-stamping authority gave no token: ")
	if name, known := statusNames[e.Status]; known {
		b.WriteString(name)
	} else {
		fmt.Fprintf(&b, "status %d", e.Status)
	}
	if e.Failure != "" {
		b.WriteString(", " + e.Failure)
	}
	for _, t := range e.Text {
		fmt.Fprintf(&b, ", %q", t)
	}
	return b.String()
}

// maxTexts bounds the strings of a PKIFreeText.
const maxTexts = 16

// ParseResponse reads a TimeStampResp. Where the status is neither granted nor
// grantedWithMods the error is a *StatusError.
func ParseResponse(data []byte) (*Token, error) {
	if len(data) > MaxToken {
		return nil, malformed("more than %d bytes", MaxToken)
	}
	in := cryptobyte.String(data)
	var body, info cryptobyte.String
	refusal := &StatusError{}
	if !in.ReadASN1(&body, casn1.SEQUENCE) || !in.Empty() || !body.ReadASN1(&info, casn1.SEQUENCE) || !info.ReadASN1Integer(&refusal.Status) {
		return nil, malformed("response")
	}
	if err := refusal.read(info); err != nil {
		return nil, err
	}
	if refusal.Status != 0 && refusal.Status != 1 { // granted, grantedWithMods
		// "When the status contains any other value, timeStampToken MUST NOT be present."
		if !body.Empty() {
			return nil, malformed("a token beside status %d", refusal.Status)
		}
		return nil, refusal
	}
	var token cryptobyte.String
	if !body.ReadASN1Element(&token, casn1.SEQUENCE) || !body.Empty() {
		return nil, malformed("no token, or bytes after it")
	}
	return Parse(token)
}

// read takes PKIFreeText and PKIFailureInfo from a PKIStatusInfo.
func (e *StatusError) read(info cryptobyte.String) error {
	if info.PeekASN1Tag(casn1.SEQUENCE) {
		var texts, text cryptobyte.String
		if !info.ReadASN1(&texts, casn1.SEQUENCE) {
			return malformed("status text")
		}
		for !texts.Empty() {
			if len(e.Text) == maxTexts || !texts.ReadASN1(&text, casn1.UTF8String) {
				return malformed("status text")
			}
			e.Text = append(e.Text, strings.ToValidUTF8(string(text), "\uFFFD"))
		}
	}
	if info.PeekASN1Tag(casn1.BIT_STRING) {
		var bits cryptobyte.String
		if !info.ReadASN1(&bits, casn1.BIT_STRING) || len(bits) == 0 || bits[0] > 7 {
			return malformed("failure info")
		}
		for bit := range 8 * (len(bits) - 1) {
			if name, known := failureNames[bit]; known && bits[1+bit/8]&(0x80>>(bit%8)) != 0 {
				e.Failure = name
				break
			}
		}
	}
	if !info.Empty() {
		return malformed("status")
	}
	return nil
}
