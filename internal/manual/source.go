// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rastau/verifier"
)

// saying is one sentence with one way in which it is uttered.
type saying struct {
	sentence string // key in the catalogue
	outcome  string
	sub      string // sub-indication; "" for none
	refuted  bool   // TOTAL-FAILED
	citation string // of its own; "" for the check's
}

// checks is what the source says.
type checks struct {
	sayings   []saying
	citations map[string][]string // key of a check to the citations that stand for it
}

// utterers are the functions that make findings, and where the sentence and the sub-indication stand among their arguments.
var utterers = map[string]struct {
	outcome       string
	sentence, sub int
	refuted       bool
}{
	"passed": {"pass", 0, -1, false}, "warned": {"warn", 0, -1, false}, "absent": {"not-applicable", 0, -1, false},
	"undecided": {"unknown", 1, 0, false}, "failed": {"fail", 1, 0, false}, "refuted": {"fail", 1, 0, true},
}

const sentencePrefix = "finding."

// readChecks reads the package in dir.
func readChecks(dir string) (*checks, error) {
	files, err := sources(dir)
	if err != nil {
		return nil, err
	}
	r := &source{subs: subIndications(), functions: map[string]*function{}, tables: map[string][]string{}, out: &checks{citations: map[string][]string{}}}
	for _, f := range files {
		r.declare(f)
	}
	r.spread()
	for _, f := range r.all {
		r.collect(f)
	}
	for _, f := range files {
		r.cite(f)
	}
	slices.SortFunc(r.out.sayings, func(a, b saying) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	r.out.sayings = slices.Compact(r.out.sayings)
	return r.out, nil
}

// sources parses the package's files, tests left out, in the order of their names.
func sources(dir string) ([]*ast.File, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no source", dir)
	}
	return files, nil
}

// subIndications maps the names of the constants to their values: NotYetValid is NOT_YET_VALID.
func subIndications() map[string]string {
	out := map[string]string{}
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	for _, s := range verifier.SubIndications() {
		out[plain(string(s))] = string(s)
	}
	return out
}

// manner is how something is uttered, before it is known what.
type manner struct {
	outcome, sub, citation string
	refuted                bool
}

// function is a declared function or a closure with a name.
type function struct {
	name    string
	params  []string
	body    *ast.BlockStmt
	outer   *function
	through map[string][]manner // parameter to the manners in which it is uttered
	loose   []manner            // uttered, and what exactly is not a literal or a parameter
	returns bool                // gives sentences back
}

type source struct {
	subs      map[string]string
	functions map[string]*function // by name; closures as outer.name
	tables    map[string][]string  // variables of the package with the sentences in them
	all       []*function
	out       *checks
}

func (r *source) declare(f *ast.File) {
	for _, d := range f.Decls {
		if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
			r.add(nil, d.Name.Name, d.Type, d.Body)
		}
		if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.VAR {
			for _, s := range d.Specs {
				r.table(s.(*ast.ValueSpec))
			}
		}
	}
}

func (r *source) table(v *ast.ValueSpec) {
	ast.Inspect(v, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && strings.HasPrefix(literal(lit), sentencePrefix) {
			r.tables[v.Names[0].Name] = append(r.tables[v.Names[0].Name], literal(lit))
		}
		return true
	})
}

func (r *source) add(outer *function, name string, typ *ast.FuncType, body *ast.BlockStmt) {
	f := &function{name: name, body: body, outer: outer, through: map[string][]manner{}}
	for _, p := range typ.Params.List {
		for _, n := range p.Names {
			f.params = append(f.params, n.Name)
		}
		if len(p.Names) == 0 {
			f.params = append(f.params, "_")
		}
	}
	r.all = append(r.all, f)
	if outer == nil {
		r.functions[name] = f
	} else {
		r.functions[outer.name+"."+name] = f
	}
	// Named closures are functions of their own.
	r.within(f, func(n ast.Node) {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != 1 || len(a.Rhs) != 1 {
			return
		}
		id, named := a.Lhs[0].(*ast.Ident)
		lit, closure := a.Rhs[0].(*ast.FuncLit)
		if named && closure {
			r.add(f, id.Name, lit.Type, lit.Body)
		}
	})
}

// within visits the nodes of a function, leaving its named closures out.
func (r *source) within(f *function, visit func(ast.Node)) {
	ast.Inspect(f.body, func(n ast.Node) bool {
		if n == nil {
			return false
		}
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Rhs) == 1 {
			if _, closure := a.Rhs[0].(*ast.FuncLit); closure {
				visit(n)
				return false
			}
		}
		visit(n)
		return true
	})
}

// callee finds the function that is called, a closure before a declared one.
func (r *source) callee(f *function, call *ast.CallExpr) (string, *function) {
	name := ""
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		name = fun.Name
	case *ast.SelectorExpr:
		name = fun.Sel.Name
	case *ast.IndexExpr:
		if id, ok := fun.X.(*ast.Ident); ok {
			name = id.Name
		}
	}
	for o := f; o != nil; o = o.outer {
		if c := r.functions[o.name+"."+name]; c != nil {
			return name, c
		}
	}
	return name, r.functions[name]
}

// uttered lists what a call utters: the argument that holds the sentence, and how.
func (r *source) uttered(f *function, call *ast.CallExpr, citation string) map[ast.Expr][]manner {
	out := map[ast.Expr][]manner{}
	name, fn := r.callee(f, call)
	if u, ok := utterers[name]; ok && len(call.Args) > u.sentence && (fn == nil || fn.outer == nil) {
		subs := []string{""}
		if u.sub >= 0 {
			subs = r.sub(f, call.Args[u.sub])
		}
		for _, s := range subs {
			out[call.Args[u.sentence]] = append(out[call.Args[u.sentence]], manner{outcome: u.outcome, sub: s, refuted: u.refuted, citation: citation})
		}
		return out
	}
	if name == "said" && len(call.Args) > 1 {
		if id, ok := call.Args[0].(*ast.Ident); ok && id.Name != "o" {
			out[call.Args[1]] = []manner{{outcome: map[string]string{"Warn": "warn", "Pass": "pass", "Fail": "fail", "NotApplicable": "not-applicable"}[id.Name]}}
		}
		return out
	}
	if fn == nil || fn == f {
		return out
	}
	for i, p := range fn.params {
		if i < len(call.Args) && len(fn.through[p]) > 0 {
			out[call.Args[i]] = fn.through[p]
		}
	}
	return out
}

// sub names the sub-indications that an expression can be: a constant, or a variable or a function's result that the source
// sets to constants.
func (r *source) sub(f *function, e ast.Expr) []string {
	var out []string
	note := func(e ast.Expr) {
		if id, ok := e.(*ast.Ident); ok {
			if s, known := r.subs[strings.ToLower(id.Name)]; known && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	note(e)
	switch e := e.(type) {
	case *ast.Ident:
		if len(out) > 0 {
			break
		}
		for o := f; o != nil; o = o.outer {
			ast.Inspect(o.body, func(n ast.Node) bool {
				a, ok := n.(*ast.AssignStmt)
				if !ok {
					return true
				}
				for i, l := range a.Lhs {
					if id, ok := l.(*ast.Ident); ok && id.Name == e.Name && i < len(a.Rhs) {
						note(a.Rhs[i])
						if call, ok := a.Rhs[i].(*ast.CallExpr); ok {
							r.results(f, call, note)
						}
					}
				}
				return true
			})
		}
	case *ast.CallExpr:
		r.results(f, e, note)
	}
	if len(out) == 0 {
		return []string{"*"} // decided at run time
	}
	return out
}

// results notes what a function returns.
func (r *source) results(f *function, call *ast.CallExpr, note func(ast.Expr)) {
	_, fn := r.callee(f, call)
	if fn == nil {
		return
	}
	ast.Inspect(fn.body, func(n ast.Node) bool {
		if ret, ok := n.(*ast.ReturnStmt); ok {
			for _, e := range ret.Results {
				note(e)
			}
		}
		return true
	})
}

// calls visits every call with the citation that stands behind it: failed(…).citing("…").
func (r *source) calls(f *function, visit func(*ast.CallExpr, string)) {
	cited := map[*ast.CallExpr]string{}
	r.within(f, func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if ok && len(call.Args) > 0 {
			if inner, chained := sel.X.(*ast.CallExpr); chained {
				if sel.Sel.Name == "citing" {
					cited[inner] = literal(call.Args[0])
				} else if cited[call] != "" {
					cited[inner] = cited[call]
				}
			}
		}
		visit(call, cited[call])
	})
}

// spread finds which parameters end up as sentences, until nothing new is found.
func (r *source) spread() {
	for again := true; again; {
		again = false
		for _, f := range r.all {
			r.calls(f, func(call *ast.CallExpr, citation string) {
				for arg, manners := range r.uttered(f, call, citation) {
					id, ok := arg.(*ast.Ident)
					if !ok {
						continue
					}
					for o := f; o != nil; o = o.outer {
						if !slices.Contains(o.params, id.Name) {
							continue
						}
						for _, m := range manners {
							if !slices.Contains(o.through[id.Name], m) {
								o.through[id.Name] = append(o.through[id.Name], m)
								again = true
							}
						}
						break
					}
				}
			})
		}
	}
}

// collect notes every sentence of a function with its manner. A sentence that reaches an utterer by a detour (a variable, a
// field, the result of another function) gets the manners of the detours that start from where it stands.
func (r *source) collect(f *function) {
	direct := map[string]bool{}
	r.calls(f, func(call *ast.CallExpr, citation string) {
		for arg, manners := range r.uttered(f, call, citation) {
			switch a := arg.(type) {
			case *ast.BasicLit:
				direct[literal(a)] = true
				r.say(literal(a), manners)
			case *ast.CallExpr: // failed(X, sentenceOf(kind))
				if _, fn := r.callee(f, a); fn != nil {
					fn.returns = true
					fn.loose = append(fn.loose, manners...)
				}
			case *ast.Ident:
				if !slices.Contains(f.params, a.Name) {
					r.detour(f, a.Name, manners)
				}
			default:
				f.loose = append(f.loose, manners...)
			}
		}
	})
}

// detour follows a variable to where it was set: in this function, or by another one's result.
func (r *source) detour(f *function, name string, manners []manner) {
	f.loose = append(f.loose, manners...)
	r.within(f, func(n ast.Node) {
		a, ok := n.(*ast.AssignStmt)
		if !ok || len(a.Rhs) != 1 {
			return
		}
		for _, l := range a.Lhs {
			if id, ok := l.(*ast.Ident); !ok || id.Name != name {
				continue
			}
			if call, ok := a.Rhs[0].(*ast.CallExpr); ok {
				if _, fn := r.callee(f, call); fn != nil {
					fn.loose = append(fn.loose, manners...)
				}
			}
		}
	})
}

func (r *source) say(sentence string, manners []manner) {
	if !strings.HasPrefix(sentence, sentencePrefix) {
		return
	}
	for _, m := range manners {
		r.out.sayings = append(r.out.sayings, saying{sentence, m.outcome, m.sub, m.refuted, m.citation})
	}
}

// cite gathers the citations of the checks: of the ordered tables, and of notes about a file as a whole. Sentences that no
// direct way led to get the loose manners of their function.
func (r *source) cite(f *ast.File) {
	note := func(key, citation string) {
		if key != "" && citation != "" && strings.Contains(key, ".") && !slices.Contains(r.out.citations[key], citation) {
			r.out.citations[key] = append(r.out.citations[key], citation)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if len(n.Elts) == 4 { // a check: key, citation, function, group
				note(literal(n.Elts[0]), literal(n.Elts[1]))
			}
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "note" && len(n.Args) == 4 {
				note(literal(n.Args[1]), literal(n.Args[2]))
			}
		}
		return true
	})
	for _, fn := range r.all {
		if len(fn.loose) == 0 {
			continue
		}
		loose := distinctManners(fn.loose)
		r.within(fn, func(n ast.Node) {
			switch n := n.(type) {
			case *ast.BasicLit:
				if !r.known(literal(n)) {
					r.say(literal(n), loose)
				}
			case *ast.Ident: // a table of the package
				for _, sentence := range r.tables[n.Name] {
					if !r.known(sentence) {
						r.say(sentence, loose)
					}
				}
			}
		})
	}
}

func distinctManners(all []manner) []manner {
	var out []manner
	for _, m := range all {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

func (r *source) known(sentence string) bool {
	return slices.ContainsFunc(r.out.sayings, func(s saying) bool { return s.sentence == sentence })
}

// sentences lists every sentence that the source names, for the test that none is left out.
func sentences(dir string) ([]string, error) {
	files, err := sources(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && strings.HasPrefix(literal(lit), sentencePrefix) && !slices.Contains(out, literal(lit)) {
				out = append(out, literal(lit))
			}
			return true
		})
	}
	slices.Sort(out)
	return out, nil
}

// literal is a string literal's value, "" for any other expression.
func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}
