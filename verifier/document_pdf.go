// SPDX-License-Identifier: Apache-2.0

package verifier

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/subtle"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"rastau/internal/cms"
	"rastau/internal/pdf"
	"rastau/internal/phrase"
	"rastau/internal/pki"
	"rastau/internal/timestamp"
)

// SubFilters of signature dictionaries (ISO 32000-1 §12.8.3, EN 319 142-1 §5.1, §5.4).
const (
	subDetached  = "adbe.pkcs7.detached"
	subCAdES     = "ETSI.CAdES.detached"
	subSHA1      = "adbe.pkcs7.sha1"
	subTimestamp = "ETSI.RFC3161"
)

// pdf judges a PDF. A signature covers a revision: what stands behind it must be
// justified by a rule. Document timestamps are judged as tokens; they prove that
// the signatures they cover existed.
func (in *inquiry) pdf(ctx context.Context, data []byte) *Report {
	doc, err := pdf.Open(data, pdf.Limits{Bytes: int(in.v.o.Limits.Document)})
	if err != nil {
		return in.unreadable(formatPDF, err)
	}
	r := in.report(true, formatPDF)
	in.note(r, "document.format", "ISO 32000-1 §7.5", passed("finding.document.format.pdf"))
	if in.q.Content != nil || len(in.q.Digests) > 0 {
		in.note(r, "input.content", "ISO 32000-1 §12.8.1", warned("finding.input.content.unused"))
	}
	var signatures, stamps []pdf.Signature
	for _, s := range doc.Signatures() {
		switch {
		case s.SubFilter == subTimestamp:
			stamps = append(stamps, s)
		case len(s.Contents) == 0 && s.Problem == nil:
			in.note(r, "document.signature", "ISO 32000-1 §12.8.1", warned("finding.document.signature.empty", "field", s.Field))
		default:
			signatures = append(signatures, s)
		}
	}
	if len(stamps) > in.v.o.Limits.Signatures {
		stamps = stamps[:in.v.o.Limits.Signatures]
	}
	if !in.countable(r, len(signatures), "ISO 32000-1 §12.8.1") {
		return r.conclude()
	}
	held := in.store(doc)
	// The latest first: what it covers is then proven to have existed.
	slices.SortStableFunc(stamps, func(a, b pdf.Signature) int { return cmp.Compare(b.End, a.End) })
	for _, s := range stamps {
		t, f := in.documentStamp(ctx, doc, held, s)
		in.note(r, "document.timestamp", "EN 319 142-1 §5.4.3", f)
		if t != nil {
			held.prove(s, t)
		}
	}
	for _, s := range signatures {
		all, unread := in.pdfSignatures(doc, held, s)
		if unread != nil {
			r.unread = true
			in.note(r, "document.signature", "RFC 5652 §5.1", refuted(FormatFailure, "finding.document.signature.unreadable",
				"field", s.Field, "detail", unread.Error()))
		}
		for _, one := range all {
			if len(r.Signatures) == in.v.o.Limits.Signatures {
				in.note(r, "document.format", "ISO 32000-1 §12.8.1", refuted(FormatFailure, "finding.document.format.too-many",
					"count", strconv.Itoa(len(r.Signatures)+1), "limit", strconv.Itoa(len(r.Signatures))))
				break
			}
			var existed time.Time
			if one.poe, existed = held.before(s); !existed.IsZero() {
				one.existed(existed)
				one.archived = true
				if one.sd != nil {
					one.poe.proveMessage(one.sd, existed)
				}
			}
			report := one.judge(ctx)
			report.Field = printable(s.Field)
			if t, ok := parsePDFTime(s.ClaimedTime); ok && report.ClaimedTime == nil {
				report.ClaimedTime = &t
			}
			r.Signatures = append(r.Signatures, report)
		}
	}
	return r.conclude()
}

// documentStamp judges a document timestamp (EN 319 142-1 §5.4.3): a token over the
// bytes of its range, by the store and by what later timestamps prove of both.
func (in *inquiry) documentStamp(ctx context.Context, doc *pdf.Document, held *store, s pdf.Signature) (*timestamp.Token, Finding) {
	if s.Problem != nil {
		return nil, warned("finding.document.timestamp.range", "field", s.Field, "detail", s.Problem.Error())
	}
	p, existed := held.before(s)
	var own []*pki.Certificate
	if t, err := timestamp.Parse(s.Contents); err == nil {
		if own = t.Signed.Certificates; !existed.IsZero() {
			p.prove(s.Contents, existed)
			p.proveToken(t, existed)
		}
	}
	certificates := slices.Concat(anchorCertificates(nil, in.q.TSAAnchors), in.q.Certs, held.certificates)
	t, f := in.stamp(ctx, s.Contents, bag{certificates, in.given.and(held.evidence(s, own)), p}, func(t *timestamp.Token) (bool, error) {
		// Read once through the token's own hash: the ranges may be the whole file.
		d, err := cms.DigestContent(doc.Signed(s), []pki.OID{t.HashAlgorithm})
		if err != nil || d[t.HashAlgorithm] == nil {
			return false, pki.ErrUnsupported
		}
		return subtle.ConstantTimeCompare(d[t.HashAlgorithm], t.Imprint) == 1, nil
	})
	// EN 319 102-1 §5.5.4: a timestamp that covers another was made after it.
	if t != nil && !existed.IsZero() && t.GenTime.After(existed) {
		f = warned("finding.signature.timestamp.covered", "time", moment(t.GenTime), "before", moment(existed)).
			citing("EN 319 102-1 §5.5.4").with(f.Evidence...)
		return nil, f
	}
	return t, f
}

// pdfSignatures takes what one field holds up to its mathematics: one signature, or one
// for each signer. A value that is no CMS at all is no signature: the error says why.
func (in *inquiry) pdfSignatures(doc *pdf.Document, held *store, s pdf.Signature) ([]*signature, error) {
	revised := in.changes(doc, s)
	refuse := func(f Finding) []*signature {
		return []*signature{{inquiry: in, broken: []Finding{f}, revised: revised}}
	}
	if s.Problem != nil {
		return refuse(refuted(FormatFailure, "finding.document.format.byte-range", "detail", s.Problem.Error()).
			citing("ISO 32000-1 §12.8.1")), nil
	}
	switch s.SubFilter {
	case subDetached, subCAdES, subSHA1:
	default:
		// adbe.x509.rsa_sha1 and whatever others invent: not computed, so not called broken.
		return refuse(failed(CryptoConstraintsFailure, "finding.document.format.sub-filter", "name", s.SubFilter).
			citing("ISO 32000-1 §12.8.3")), nil
	}
	sd, err := cms.ParseKnowing(s.Contents, cms.Limits{}, in.certificate)
	if err != nil {
		return nil, err
	}
	if len(sd.Signers) == 0 {
		return refuse(refuted(FormatFailure, "finding.document.format.signers", "count", "0").citing("EN 319 142-1 §5.3")), nil
	}
	signed := func() (io.ReadCloser, error) { return io.NopCloser(doc.Signed(s)), nil }
	// digested: the content of the CMS is the SHA-1 digest of the byte range.
	digested := false
	if !sd.Detached {
		h := sha1.New()
		_, err := io.Copy(h, doc.Signed(s))
		digested = err == nil && subtle.ConstantTimeCompare(h.Sum(nil), sd.Content) == 1
	}
	var m *message
	var hashes []pki.OID
	switch {
	case s.SubFilter == subSHA1 && !sd.Detached:
		m = in.open(sd, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(sd.Content)), nil })
		m.foreign = !digested
		hashes = []pki.OID{pki.OIDSHA1}
	case s.SubFilter != subSHA1 && digested:
		// Some programs carry that digest under the other sub-filters too, and sign the byte
		// range all the same: both say the same of the same bytes.
		sd = sd.WithoutContent()
		m = in.open(sd, signed)
	case s.SubFilter == subSHA1 || !sd.Detached:
		// ISO 32000-1 §12.8.3.3.1: detached means "no data shall be encapsulated in the
		// PKCS#7 SignedData field". Content inside would be judged instead of the page.
		return refuse(refuted(FormatFailure, "finding.document.format.encapsulated").citing("ISO 32000-1 §12.8.3.3")), nil
	default:
		m = in.open(sd, signed)
	}
	held.message(m, s)
	var out []*signature
	for i := range sd.Signers {
		one := m.signature(i)
		one.hashes, one.revised = hashes, revised
		// Programs of the years before PAdES signed the attributes as they wrote them. The
		// document is what was signed all the same; signature.attributes says what is wrong.
		if sent := one.signer.AsSent(); sent != nil && errors.Is(one.check.Value, pki.ErrSignature) {
			one.check = sd.Verify(sent, one.cert, m.contents)
		}
		if len(sd.Signers) > 1 {
			// EN 319 142-1 §5.3: "There shall only be a single signer". Readers show the first
			// alone; here each is judged.
			one.remarks = append(one.remarks, warned("finding.document.format.signers", "count", strconv.Itoa(len(sd.Signers))).citing("EN 319 142-1 §5.3"))
		}
		out = append(out, one)
	}
	return out, nil
}

// changes tells what later revisions did. Reject by default: the first change that
// no rule justifies refutes the document as it is shown.
func (in *inquiry) changes(doc *pdf.Document, s pdf.Signature) []Finding {
	// The gap of the byte range is the signature's place alone (EN 319 142-1 §5.1): what
	// else stands in it nobody has signed.
	if s.Trailing > 0 {
		return []Finding{refuted(FormatFailure, "finding.document.revision.gap", "count", strconv.Itoa(s.Trailing))}
	}
	for _, later := range doc.Signatures() {
		if later.Trailing > 0 && (later.Revision > s.Revision || later.End > s.End) {
			return []Finding{refuted(FormatFailure, "finding.document.revision.later-gap",
				"field", later.Field, "count", strconv.Itoa(later.Trailing))}
		}
	}
	var justified, visible []string
	var refused []pdf.Change
	for _, c := range s.Changes {
		switch {
		case !c.Justified:
			refused = append(refused, c)
		default:
			justified = append(justified, c.Kind)
			if c.Visible {
				visible = append(visible, strings.TrimRight(c.Detail, "."))
			}
		}
	}
	switch {
	case len(refused) > 0:
		return []Finding{refuted(FormatFailure, changeSentence(refused[0].Kind), "detail", changeDetail(refused))}
	case s.After > 0 && len(justified) == 0:
		return []Finding{refuted(FormatFailure, "finding.document.revision.unjustified",
			"detail", strconv.FormatInt(s.After, 10)+" bytes stand behind the signed revision")}
	case len(visible) > 0:
		text := phrase.Render("finding.document.revision.visible", map[string]phrase.Text{
			"kinds": changeKinds(distinct(justified)), "detail": phrase.Remark(printable(strings.Join(first(visible, maxTold), "; "))),
		})
		f := warned("finding.document.revision.visible")
		f.Text, f.sentence = &text, ""
		return []Finding{f}
	case s.After > 0:
		text := phrase.Render("finding.document.revision.justified", map[string]phrase.Text{"kinds": changeKinds(distinct(justified))})
		f := passed("finding.document.revision.justified")
		f.Text, f.sentence = &text, ""
		return []Finding{f}
	}
	return []Finding{passed("finding.document.revision.whole")}
}

// maxTold bounds the changes that one sentence tells of.
const maxTold = 4

func first(all []string, n int) []string { return all[:min(len(all), n)] }

// changeDetail tells what no rule justifies, and whether a page looks different for it.
func changeDetail(refused []pdf.Change) string {
	var told []string
	looks := "no page looks different"
	for _, c := range refused {
		told = append(told, strings.TrimRight(c.Detail, "."))
		if c.Visible {
			looks = "the page may look different from what was signed"
		}
	}
	return strings.Join(append(first(distinct(told), maxTold), looks), "; ")
}

// changeSentence is what people are told of a change that no rule justifies.
func changeSentence(kind string) string {
	switch kind {
	case pdf.PageAdded:
		return "finding.document.revision.page-added"
	case pdf.PageRemoved:
		return "finding.document.revision.page-removed"
	case pdf.PageChanged:
		return "finding.document.revision.page-changed"
	case pdf.AnnotationChanged:
		return "finding.document.revision.annotation"
	case pdf.FormField:
		return "finding.document.revision.form-field"
	case pdf.Metadata:
		return "finding.document.revision.metadata"
	}
	return "finding.document.revision.unjustified"
}

// changeKinds lists kinds of change as people name them.
func changeKinds(kinds []string) phrase.Text {
	var kk, ru, en []string
	for _, kind := range kinds {
		t := phrase.Get("change."+kind, nil)
		kk, ru, en = append(kk, t.KK), append(ru, t.RU), append(en, t.EN)
	}
	return phrase.Text{KK: strings.Join(kk, ", "), RU: strings.Join(ru, ", "), EN: strings.Join(en, ", ")}
}

// parsePDFTime reads a date string (ISO 32000-1 §7.9.4), D:YYYYMMDDHHmmSSOHH'mm',
// of which only the year is required.
func parsePDFTime(s string) (time.Time, bool) {
	s = strings.ReplaceAll(strings.TrimPrefix(s, "D:"), "'", "")
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	zone := s[digits:]
	if zone == "Z" || zone == "Z0000" || zone == "Z00" {
		zone = ""
	}
	layouts := map[int]string{4: "2006", 6: "200601", 8: "20060102", 10: "2006010215", 12: "200601021504", 14: "20060102150405"}
	layout, ok := layouts[digits]
	if !ok {
		return time.Time{}, false
	}
	switch len(zone) {
	case 0:
	case 3:
		layout += "-07"
	case 5:
		layout += "-0700"
	default:
		return time.Time{}, false
	}
	t, err := time.Parse(layout, s[:digits]+zone)
	return t.UTC(), err == nil
}
