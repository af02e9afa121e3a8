// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"context"
	"errors"
	"strconv"

	"rastau/internal/cms"
	"rastau/internal/pdf"
)

// The formats that Document tells apart.
const (
	formatCMS         = "cms"
	formatPDF         = "pdf"
	formatXML         = "xml"
	formatNone        = "none"
	formatCertificate = "certificate"
)

// Document detects CMS (DER, BER, PEM, base64), PDF or XML by content and judges
// every signature in it. It never fails: what cannot be read is FORMAT_FAILURE.
func (v *Verifier) Document(ctx context.Context, data []byte, q Question) *Report {
	in, release := v.ask(ctx, q, PurposeSign)
	defer release()
	if int64(len(data)) > v.o.Limits.Document {
		r := in.report(true, formatNone)
		in.note(r, "document.format", "RFC 5652 §5.1", refuted(FormatFailure, "finding.document.format.too-large",
			"limit", strconv.FormatInt(v.o.Limits.Document, 10)))
		return r.conclude()
	}
	switch {
	// A CMS file is judged as one whatever it holds: a signed PDF inside it bears
	// the mark of a PDF too, but not at the start.
	case pdf.Is(data) && !isBER(data):
		return in.pdf(ctx, data)
	case isXML(data):
		r := in.report(true, formatXML)
		in.note(r, "document.format", "XMLDSig §4", refuted(FormatFailure, "finding.document.format.xml"))
		return r.conclude()
	}
	return in.cms(ctx, data)
}

// isBER tells a SEQUENCE, with which every ContentInfo starts.
func isBER(data []byte) bool { return len(data) > 0 && data[0] == 0x30 }

// isXML looks at the first bytes: an optional byte order mark, white space, "<" and
// what may follow it.
func isXML(data []byte) bool {
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(data) < 2 || data[0] != '<' {
		return false
	}
	c := data[1]
	return c == '?' || c == '!' || c == '_' || c == ':' || c >= 0x80 || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// cms judges a CMS file.
func (in *inquiry) cms(ctx context.Context, data []byte) *Report {
	der, err := cms.Decode(data)
	if err != nil {
		return in.unreadable(formatNone, err)
	}
	sd, err := cms.Parse(der, cms.Limits{Bytes: int(in.v.o.Limits.Document)})
	if err != nil {
		format := formatCMS
		if errors.Is(err, cms.ErrNotCMS) {
			format = formatNone
		}
		return in.unreadable(format, err)
	}
	r := in.report(true, formatCMS)
	in.note(r, "document.format", "RFC 5652 §5.1", passed("finding.document.format.cms"))
	if !in.countable(r, len(sd.Signers), "RFC 5652 §5.1") {
		return r.conclude()
	}
	m := in.open(sd, in.q.Content)
	for i := range sd.Signers {
		r.Signatures = append(r.Signatures, m.signature(i).judge(ctx))
	}
	return r.conclude()
}

// unreadable is the answer for bytes that are no signature.
func (in *inquiry) unreadable(format string, err error) *Report {
	r := in.report(true, format)
	f := refuted(FormatFailure, "finding.document.format.none")
	switch {
	case errors.Is(err, cms.ErrNotSignedData):
		f = refuted(FormatFailure, "finding.document.format.not-signed-data")
	case format == formatCMS:
		f = refuted(FormatFailure, "finding.document.format.damaged-cms", "detail", err.Error())
	case format == formatPDF:
		f = refuted(FormatFailure, "finding.document.format.damaged-pdf", "detail", err.Error())
	}
	in.note(r, "document.format", "EN 319 102-1 §5.2.2", f)
	return r.conclude()
}

// countable notes how many signatures there are: none is never a pass, and too many
// are not judged at all.
func (in *inquiry) countable(r *Report, n int, citation string) bool {
	switch {
	case n == 0:
		in.note(r, "document.signature", citation, failed(NoSignatureFound, "finding.document.signature.none"))
		return false
	case n > in.v.o.Limits.Signatures:
		in.note(r, "document.format", citation, refuted(FormatFailure, "finding.document.format.too-many",
			"count", strconv.Itoa(n), "limit", strconv.Itoa(in.v.o.Limits.Signatures)))
		return false
	}
	in.note(r, "document.signature", citation, passed("finding.document.signature.found", "count", strconv.Itoa(n)))
	return true
}

func (in *inquiry) note(r *Report, key, citation string, f Finding) {
	r.Findings = append(r.Findings, in.finish(f, key, citation))
}
