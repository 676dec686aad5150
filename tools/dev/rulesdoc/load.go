package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bazelbuild/buildtools/build"
)

// module is a .bzl file: its docstring and what it defines at its top.
type module struct {
	path   string // relative to the workspace
	doc    string
	loads  map[string]origin
	values map[string]build.Expr
	defs   map[string]*build.DefStmt
	order  []string // names of values, as written
}

// origin is where a loaded name comes from.
type origin struct{ path, name string }

// workspace reads .bzl files of one workspace, each once.
type workspace struct {
	root    string
	modules map[string]*module
}

func (w *workspace) module(name string) (*module, error) {
	if m := w.modules[name]; m != nil {
		return m, nil
	}
	data, err := os.ReadFile(filepath.Join(w.root, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	file, err := build.ParseBzl(name, data)
	if err != nil {
		return nil, err
	}
	m := &module{
		path: name, loads: map[string]origin{},
		values: map[string]build.Expr{}, defs: map[string]*build.DefStmt{},
	}
	for i, stmt := range file.Stmt {
		switch s := stmt.(type) {
		case *build.StringExpr:
			if i == 0 {
				m.doc = s.Value
			}
		case *build.LoadStmt:
			for j, from := range s.From {
				m.loads[s.To[j].Name] = origin{loadPath(name, s.Module.Value), from.Name}
			}
		case *build.AssignExpr:
			if id, ok := s.LHS.(*build.Ident); ok {
				m.values[id.Name] = s.RHS
				m.order = append(m.order, id.Name)
			}
		case *build.DefStmt:
			m.defs[s.Name] = s
		}
	}
	w.modules[name] = m
	return m, nil
}

// loadPath returns the path that a label in a load of the module from means.
func loadPath(from, label string) string {
	if rest, ok := strings.CutPrefix(label, "//"); ok {
		return strings.TrimPrefix(strings.Replace(rest, ":", "/", 1), "/")
	}
	return path.Join(path.Dir(from), strings.TrimPrefix(label, ":"))
}

// definition follows name through loads to where it is defined: a call such
// as rule(...), or a function.
func (w *workspace) definition(m *module, name string) (*module, build.Expr, *build.DefStmt, error) {
	if from, ok := m.loads[name]; ok {
		next, err := w.module(from.path)
		if err != nil {
			return nil, nil, nil, err
		}
		return w.definition(next, from.name)
	}
	if def := m.defs[name]; def != nil {
		return m, nil, def, nil
	}
	switch value := m.values[name].(type) {
	case nil:
		return nil, nil, nil, fmt.Errorf("%s does not define %s", m.path, name)
	case *build.Ident:
		return w.definition(m, value.Name)
	default:
		return m, value, nil, nil
	}
}

// resolve follows an identifier to the expression that it refers to.
func (w *workspace) resolve(m *module, e build.Expr) (*module, build.Expr) {
	id, ok := e.(*build.Ident)
	if !ok {
		return m, e
	}
	at, value, _, err := w.definition(m, id.Name)
	if err != nil || value == nil {
		return m, e
	}
	return at, value
}

// text returns the string that an expression of literals, +, % and names is.
func (w *workspace) text(m *module, e build.Expr) string {
	at, e := w.resolve(m, e)
	switch e := e.(type) {
	case *build.StringExpr:
		return strings.ReplaceAll(e.Value, "\\\n", "")
	case *build.ParenExpr:
		return w.text(at, e.X)
	case *build.BinaryExpr:
		if e.Op == "+" {
			return w.text(at, e.X) + w.text(at, e.Y)
		}
		return w.text(at, e.X)
	}
	return ""
}

// argument returns the keyword argument name of a call, or nil.
func argument(call *build.CallExpr, name string) build.Expr {
	for _, arg := range call.List {
		if assign, ok := arg.(*build.AssignExpr); ok {
			if id, ok := assign.LHS.(*build.Ident); ok && id.Name == name {
				return assign.RHS
			}
		}
	}
	return nil
}
