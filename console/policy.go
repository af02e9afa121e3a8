// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extended "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	source "github.com/yuin/goldmark/text"

	published "rastau/docs"
	"rastau/verifier"
)

// written is a page of docs/ as HTML, without its heading. They are the program's own files: nothing of a caller is in them.
type written struct{ policy, checks template.HTML }

// readWritten makes them once: they change with the program only.
var readWritten = sync.OnceValues(func() (w written, err error) {
	if w.policy, err = rendered(published.Policy); err == nil {
		w.checks, err = rendered(published.Checks)
	}
	return w, err
})

// pageOf is where a page of docs/ that another one links to is shown.
var pageOf = map[string]string{"CHECKS.md": "/policy/checks", "POLICY.md": "/policy"}

// rendered makes Markdown a part of a page: in the classes of its styles, with wide tables that scroll by themselves. HTML in it is
// left out.
func rendered(markdown []byte) (template.HTML, error) {
	m := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	tree := m.Parser().Parse(source.NewReader(markdown))
	var title ast.Node
	err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		class := ""
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 1 {
				title = n
			}
			class = "govuk-heading-m"
		case *ast.Paragraph:
			class = "govuk-body"
		case *ast.List:
			class = "govuk-list govuk-list--bullet"
		case *ast.Link:
			class = "govuk-link"
			if shown, ok := pageOf[string(n.Destination)]; ok {
				n.Destination = []byte(shown)
			}
		case *ast.CodeSpan:
			class = "app-code"
		case *extended.Table:
			class = "govuk-table app-small"
		case *extended.TableHeader, *extended.TableRow:
			class = "govuk-table__row"
		case *extended.TableCell:
			class = "govuk-table__cell"
			n.Alignment = extended.AlignNone // it would be an inline style
		}
		if class != "" {
			n.SetAttributeString("class", []byte(class))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", err
	}
	if title == nil {
		return "", errors.New("console: a page of docs has no heading")
	}
	tree.RemoveChild(tree, title)
	var out bytes.Buffer
	if err := m.Renderer().Render(&out, markdown, tree); err != nil {
		return "", err
	}
	html := bytes.ReplaceAll(out.Bytes(), []byte("<!-- raw HTML omitted -->"), nil)
	// Regions that are scrolled need names of their own, and a head without words is no head.
	n := 0
	html = table.ReplaceAllFunc(html, func(tag []byte) []byte {
		n++
		return fmt.Appendf(nil, `<div class="app-scroll" tabindex="0" role="region" aria-label="Table %d">%s`, n, tag)
	})
	html = bytes.ReplaceAll(html, []byte(`<th class="govuk-table__cell"></th>`), []byte(`<td class="govuk-table__cell"></td>`))
	html = bytes.ReplaceAll(html, []byte("</table>"), []byte("</table></div>"))
	return template.HTML(html), nil
}

var table = regexp.MustCompile(`<table\b`)

type writtenPage struct {
	ID, Version string
	Text        template.HTML
	Checks      bool // the text is that of the checks
}

// publicPolicy is the policy that every report names, for everybody. The text is the one that is kept with the program, in English.
func (s *site) publicPolicy(q *request) error {
	v := q.view("policy.public.title", "version", verifier.PolicyVersion)
	v.Data = writtenPage{verifier.PolicyID, verifier.PolicyVersion, s.written.policy, false}
	return q.render(http.StatusOK, "policy_public", v)
}

// publicChecks is what follows from each check.
func (s *site) publicChecks(q *request) error {
	v := q.view("policy.checks.title", "version", verifier.PolicyVersion)
	v.Data, v.Back = writtenPage{verifier.PolicyID, verifier.PolicyVersion, s.written.checks, true}, "/policy"
	return q.render(http.StatusOK, "policy_public", v)
}
