package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/tools/dev/gadgetresults"
)

// needsKernel are functions whose callers run programs in a kernel.
var needsKernel = []string{"NeedsKernel", "CanLoad", "NewCollection"}

// reference names a test: "runner/engine.TestX", also with a case after a slash.
type reference struct{ dir, name, part string }

func parseReference(text string) (reference, error) {
	at := strings.LastIndex(text, ".Test")
	if at < 0 {
		return reference{}, fmt.Errorf("test %q is not of the format DIRECTORY.TestNAME", text)
	}
	name, part, _ := strings.Cut(text[at+1:], "/")
	return reference{text[:at], name, part}, nil
}

// full is the name of the test with the case.
func (r reference) full() string { return strings.TrimSuffix(r.name+"/"+r.part, "/") }

// target is the test target of Bazel that has the test.
func (r reference) target() string { return "//" + r.dir + ":" + path.Base(r.dir) + "_test" }

// pkg are the test files of a directory.
type pkg struct {
	text  string
	calls map[string][]string // names of what a function calls, by its name
}

// tests finds tests in a workspace.
type tests struct {
	tree  fs.FS
	built []unit
	pkgs  map[string]*pkg
}

func newTests(tree fs.FS, built []unit) *tests { return &tests{tree, built, map[string]*pkg{}} }

// find checks that a test exists, and reports whether it runs programs in a kernel.
func (t *tests) find(r reference) (inKernel bool, err error) {
	p, err := t.pkg(r.dir)
	if err != nil {
		return false, err
	}
	if _, ok := p.calls[r.name]; !ok {
		return false, fmt.Errorf("%s has no test %s", r.dir, r.name)
	}
	if r.part != "" {
		script, err := fs.ReadFile(t.tree, r.dir+"/testdata/script/"+r.part+".txtar")
		if err == nil {
			return strings.Contains(string(script), "[!root] skip"), nil
		}
		if !strings.Contains(p.text, `"`+r.part+`"`) && !t.isProgram(r.part) {
			return false, fmt.Errorf("%s: test %s has no case %q", r.dir, r.name, r.part)
		}
	}
	return r.dir == gadgetTests || p.reaches(r.name, map[string]bool{}), nil
}

// ofGadget returns the tests of a gadget.
func (t *tests) ofGadget(name string, all []string) ([]reference, error) {
	p, err := t.pkg(gadgetTests)
	if err != nil {
		return nil, err
	}
	var out []reference
	for test := range p.calls {
		if gadgetresults.Of(test, all) == name {
			out = append(out, reference{dir: gadgetTests, name: test})
		}
	}
	return out, nil
}

// isProgram reports whether a fixture has a program of the name: tests may run all
// of them.
func (t *tests) isProgram(name string) bool {
	return slices.ContainsFunc(t.built, func(u unit) bool {
		return !u.gadget && slices.ContainsFunc(u.programs, func(p program) bool { return p.name == name })
	})
}

// pkg reads the tests of a directory once.
func (t *tests) pkg(dir string) (*pkg, error) {
	if p := t.pkgs[dir]; p != nil {
		return p, nil
	}
	files, err := fs.Glob(t.tree, dir+"/*_test.go")
	if err != nil {
		return nil, err
	}
	p := &pkg{calls: map[string][]string{}}
	for _, file := range files {
		text, err := fs.ReadFile(t.tree, file)
		if err != nil {
			return nil, err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.text += string(text)
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				p.calls[f.Name.Name] = calledIn(f)
			}
		}
	}
	t.pkgs[dir] = p
	return p, nil
}

// calledIn returns the names of the functions that f calls, of all packages.
func calledIn(f *ast.FuncDecl) []string {
	out := []string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			switch fn := call.Fun.(type) {
			case *ast.Ident:
				out = append(out, fn.Name)
			case *ast.SelectorExpr:
				out = append(out, fn.Sel.Name)
			}
		}
		return true
	})
	return out
}

// reaches reports whether a function calls one of needsKernel, itself or by others
// of its package.
func (p *pkg) reaches(name string, seen map[string]bool) bool {
	seen[name] = true
	for _, called := range p.calls[name] {
		if slices.Contains(needsKernel, called) {
			return true
		}
		if !seen[called] && p.calls[called] != nil && p.reaches(called, seen) {
			return true
		}
	}
	return false
}
