// SPDX-License-Identifier: Apache-2.0

package console

import (
	"crypto/sha256"

	"rastau/internal/page"
	"rastau/verifier"
)

var pageLang = map[langCode]string{"kk": "kk-KZ", "ru": "ru-KZ", "en": "en"}

// protocol is the page of a verdict as a document to print and keep. It proves nothing by itself: it says what was found, when, by
// which policy, and names every piece of evidence by its digest.
func (s *site) protocol(q *request, p *verdictPage, data []byte) page.Protocol {
	v := q.view("verdict.protocol")
	line := func(name, value string) page.ProtocolLine { return page.ProtocolLine{Name: name, Value: value} }
	sum := sha256.Sum256(data)
	about := page.ProtocolPart{Heading: v.T("verdict.about"), Lines: []page.ProtocolLine{
		line(v.T("verdict.file"), p.File), line("SHA-256", hexOf(sum[:])), line(v.T("verdict.judged"), v.Moment(p.Report.Time.Value)),
		line(v.T("admin.policy"), verifier.PolicyID+" "+verifier.PolicyVersion),
	}}
	if p.Check.Number != "" {
		about.Lines = append(about.Lines, line(v.T("apply.about"), v.Grouped(p.Check.Number)))
	}
	out := page.Protocol{Title: v.Title, Lang: pageLang[q.lang], At: p.Report.Time.Value, Parts: []page.ProtocolPart{about}}
	result := page.ProtocolPart{Heading: v.T("verdict.result"), Lines: []page.ProtocolLine{line("", p.Sentence)}}
	if p.Why != "" {
		result.Lines = append(result.Lines, line(v.T("verdict.reason"), p.Why), line(v.T("what_next"), p.Todo))
	}
	for _, a := range p.Answers {
		result.Lines = append(result.Lines, line(v.T("verify."+a.Question), v.T("verdict.mark."+a.Is)+". "+a.Why))
	}
	result.Lines = append(result.Lines, line("ETSI EN 319 102-1", etsi(p.Report.Indication, p.Report.SubIndication)), line("", p.Check.Why.In(q.lang)))
	out.Parts = append(out.Parts, result)
	for _, x := range p.Signatures {
		part := page.ProtocolPart{Heading: v.T("verdict.signature"), Lines: []page.ProtocolLine{
			line(v.T("verdict.signer"), x.Who), line(v.T("chain.by"), x.Issuer), line(v.T("verdict.when"), v.Moment(x.When)+", "+v.T("verdict.proven."+answerOf(x.Proven))),
			line(v.T("verdict.level"), x.Level), line("ETSI EN 319 102-1", x.Indication),
		}}
		for i := range x.Findings {
			f := &x.Findings[i]
			part.Lines = append(part.Lines, line(f.Key, v.T("finding."+f.Outcome.String())+": "+f.In(q.lang)+" ("+f.Citation+")"))
		}
		out.Parts = append(out.Parts, part)
	}
	chain := page.ProtocolPart{Heading: v.T("chain.title")}
	for _, l := range p.Chain {
		said := l.Name
		if l.By != "" {
			said += " · " + v.T("chain.by") + ": " + l.By
		}
		said += " · " + v.Moment(l.From)
		if !l.Until.IsZero() {
			said += " – " + v.Moment(l.Until)
		}
		chain.Lines = append(chain.Lines, line(v.T("chain."+l.Kind), said+"\nSHA-256 "+l.SHA256))
	}
	out.Parts = append(out.Parts, chain)
	return out
}
