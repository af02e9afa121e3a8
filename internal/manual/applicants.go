// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"strings"

	"rastau/verifier"
)

// applicantsTable reads the matching matrix from verifier's source: one row for each applicant.
func applicantsTable(dir string) (string, error) {
	files, err := sources(dir)
	if err != nil {
		return "", err
	}
	var rows []string
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Names) != 1 || v.Names[0].Name != "capacities" || len(v.Values) != 1 {
				return true
			}
			for _, e := range v.Values[0].(*ast.CompositeLit).Elts {
				if row, ok := e.(*ast.CompositeLit); ok {
					rows = append(rows, applicantRow(len(rows), row))
				}
			}
			return false
		})
	}
	if len(rows) != len(verifier.Applicants()) {
		return "", fmt.Errorf("%d rows for %d applicants", len(rows), len(verifier.Applicants()))
	}
	return "| applicant | IIN | BIN | role of the certificate, any of | of the BIN | |\n|---|---|---|---|---|---|\n" + strings.Join(rows, ""), nil
}

func applicantRow(i int, row *ast.CompositeLit) string {
	cell := map[string]string{"iin": "optional", "bin": "optional"}
	for _, e := range row.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, value := kv.Key.(*ast.Ident).Name, ""
		switch x := kv.Value.(type) {
		case *ast.Ident:
			value = x.Name
		case *ast.CompositeLit:
			var words []string
			for _, e := range x.Elts {
				if sel, ok := e.(*ast.SelectorExpr); ok {
					words = append(words, readable(sel.Sel.Name))
				}
			}
			value = strings.Join(words, ", ")
		}
		cell[key] = value
	}
	var notes []string
	if cell["below"] == "true" {
		notes = append(notes, "and the roles under it")
	}
	if cell["subordinate"] == "true" {
		notes = append(notes, "only where the asker lets subordinates sign")
	}
	if cell["staff"] == "true" {
		notes = append(notes, "finance, HR and employees only where the asker lets subordinates sign")
	}
	unit := strings.Trim(cell["units"]+", "+cell["bodies"], ", ")
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", verifier.Applicants()[i], cell["iin"], cell["bin"], cell["roles"], unit, strings.Join(notes, "; "))
}

// readable makes a name of the source readable: OIDRoleHead is "head", UnitRepresentativeOffice "representative office".
func readable(name string) string {
	for _, prefix := range []string{"OIDRole", "Unit", "Body"} {
		name = strings.TrimPrefix(name, prefix)
	}
	var b strings.Builder
	for i, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && name[i-1] >= 'a' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	if s := b.String(); s != strings.ToUpper(s) {
		return strings.ToLower(s)
	}
	return b.String()
}
