// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/span"
)

// The formats that Document tells apart.
const (
	formatCMS         = "cms"
	formatPDF         = "pdf"
	formatXML         = "xml"
	formatNone        = "none"
	formatCertificate = "certificate"
)

// Document detects CMS (DER, BER, PEM, base64, S/MIME), PDF or XML by content and judges
// every signature in it. It never fails: what cannot be read is FORMAT_FAILURE.
func (v *Verifier) Document(ctx context.Context, data []byte, q Question) *Report {
	ctx, step := span.Start(ctx, "verdict")
	r := v.document(ctx, data, q)
	r.tell(step)
	return r
}

func (v *Verifier) document(ctx context.Context, data []byte, q Question) *Report {
	in := v.ask(ctx, q, PurposeSign)
	defer in.online.end()
	in.keeper.document(data)
	if int64(len(data)) > v.o.Limits.Document {
		r := in.report(true, formatNone)
		in.note(r, "document.format", "RFC 5652 §5.1", refuted(FormatFailure, "finding.document.format.too-large",
			"limit", strconv.FormatInt(v.o.Limits.Document, 10)))
		return r.conclude()
	}
	switch {
	// A CMS file is judged as one whatever it holds: a signed PDF inside it bears
	// the mark of a PDF too, but not at the start.
	case pdf.Is(data) && !cms.IsCMS(data):
		return in.pdf(ctx, data)
	case isXML(data):
		return in.xml(ctx, data)
	}
	// A mail that is not at the same time a PDF or XML to whoever opens it: what stands
	// around its two parts is not signed.
	if !cms.IsCMS(data) {
		if mail, ok := cms.DecodeMIME(data); ok {
			return in.mail(ctx, mail)
		}
	}
	return in.cms(ctx, data, in.q.Content, "finding.document.format.cms")
}

// mail judges a signed mail (RFC 8551 §3.5): the content of multipart/signed is the
// mail's own part, whatever else the asker shows.
func (in *inquiry) mail(ctx context.Context, m cms.MIME) *Report {
	content := in.q.Content
	if m.Content != nil {
		if content != nil || len(in.q.Digests) > 0 {
			in.q.Content, in.q.Digests = nil, nil
			f := warned("finding.input.content.mail")
			in.finish(&f, "input.content", "RFC 8551 §3.5.3")
			in.q.Broken = append(slices.Clip(in.q.Broken), f)
		}
		content = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.Content)), nil }
	}
	return in.cms(ctx, m.Message, content, "finding.document.format.mime")
}

// plainXML gives the text without its byte order mark, of UTF-16 as far as it is ASCII:
// enough to tell what kind of file it is.
func plainXML(data []byte) []byte {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return bytes.ReplaceAll(data[2:], []byte{0}, nil)
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
}

// isXML looks at the first bytes: an optional byte order mark, white space, "<" and
// what may follow it.
func isXML(data []byte) bool {
	data = bytes.TrimLeft(plainXML(data), " \t\r\n")
	if len(data) < 2 || data[0] != '<' {
		return false
	}
	c := data[1]
	return c == '?' || c == '!' || c == '_' || c == ':' || c >= 0x80 || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// cms judges a CMS file; content is the detached content shown with it, readable the
// sentence that says what the file is.
func (in *inquiry) cms(ctx context.Context, data []byte, content func() (io.ReadCloser, error), readable string) *Report {
	der, err := cms.Decode(data)
	if err != nil {
		return in.unreadable(formatNone, err)
	}
	sd, err := cms.ParseKnowing(der, cms.Limits{Bytes: int(in.v.o.Limits.Document)}, in.v.memory.certificate)
	if err != nil {
		format := formatCMS
		if errors.Is(err, cms.ErrNotCMS) {
			format = formatNone
		}
		return in.unreadable(format, err)
	}
	r := in.report(true, formatCMS)
	in.note(r, "document.format", "RFC 5652 §5.1", passed(readable))
	if !in.countable(r, len(sd.Signers), "RFC 5652 §5.1") {
		return r.conclude()
	}
	m := in.open(sd, content)
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
	case format == formatXML:
		f = refuted(FormatFailure, "finding.document.format.damaged-xml", "detail", err.Error())
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
	if r.Findings == nil {
		r.Findings = make([]Finding, 0, 2)
	}
	in.finish(&f, key, citation)
	r.Findings = append(r.Findings, f)
}
