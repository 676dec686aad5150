package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/bazelbuild/buildtools/build"
)

// render returns the page for everything that the module at path exports. A
// rule, macro, provider, attribute or field without documentation is an error.
func render(root, path string) ([]byte, error) {
	w := &workspace{root: root, modules: map[string]*module{}}
	m, err := w.module(path)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Rules\n\n<!-- Written by tools/dev/rulesdoc from the docstrings in rules/. -->\n\n%s\n",
		strings.TrimSpace(m.doc))
	fmt.Fprintf(&out, "\nLoad them from `@rules_gadget//%s`.\n", strings.Replace(path, "/defs", ":defs", 1))
	for _, name := range m.order {
		at, value, def, err := w.definition(m, name)
		if err != nil {
			return nil, err
		}
		if def != nil {
			err = w.macro(&out, name, def)
		} else {
			err = w.call(&out, name, at, value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s in %s: %w", name, at.path, err)
		}
	}
	return out.Bytes(), nil
}

// entry is one row of a table.
type entry struct{ name, kind, fallback, doc string }

func table(out *bytes.Buffer, head [3]string, rows []entry) error {
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintf(out, "\n| %s | %s | %s |\n|---|---|---|\n", head[0], head[1], head[2])
	for _, r := range rows {
		if r.doc == "" {
			return fmt.Errorf("%q has no documentation", r.name)
		}
		kind := r.kind
		if r.fallback != "" {
			kind += ", " + r.fallback
		}
		doc := strings.ReplaceAll(strings.Join(strings.Fields(r.doc), " "), "|", "\\|")
		fmt.Fprintf(out, "| `%s` | %s | %s |\n", r.name, kind, doc)
	}
	return nil
}

// call documents rule(...) or provider(...).
func (w *workspace) call(out *bytes.Buffer, name string, m *module, value build.Expr) error {
	call, ok := value.(*build.CallExpr)
	if !ok {
		return fmt.Errorf("it is not a rule, provider or function")
	}
	kind := call.X.(*build.Ident).Name
	doc := w.text(m, argument(call, "doc"))
	if doc == "" {
		return fmt.Errorf("it has no doc")
	}
	fmt.Fprintf(out, "\n## %s\n\n%s\n", name, strings.TrimSpace(doc))
	if kind == "provider" {
		return table(out, [3]string{"field", "type", "meaning"}, w.fields(m, argument(call, "fields")))
	}
	return table(out, [3]string{"attribute", "type", "meaning"}, w.attributes(m, argument(call, "attrs")))
}

// fields returns the fields of a provider; their type is before the colon.
func (w *workspace) fields(m *module, e build.Expr) []entry {
	var rows []entry
	for _, pair := range dict(w, m, e) {
		kind, doc, _ := strings.Cut(w.text(m, pair.Value), ": ")
		rows = append(rows, entry{name: w.text(m, pair.Key), kind: kind, doc: doc})
	}
	return rows
}

// attributes returns the public attributes of a rule.
func (w *workspace) attributes(m *module, e build.Expr) []entry {
	var rows []entry
	for _, pair := range dict(w, m, e) {
		name := w.text(m, pair.Key)
		call, ok := pair.Value.(*build.CallExpr)
		if !ok || strings.HasPrefix(name, "_") {
			continue
		}
		row := entry{
			name: name, kind: strings.TrimPrefix(build.FormatString(call.X), "attr."), doc: w.text(m, argument(call, "doc")),
		}
		if mandatory := argument(call, "mandatory"); mandatory != nil {
			row.fallback = "mandatory"
		} else if value := argument(call, "default"); value != nil {
			_, value = w.resolve(m, value)
			row.fallback = "default `" + oneLine(build.FormatString(value)) + "`"
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return rows
}

// oneLine undoes how a list is broken into lines.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.NewReplacer("[ ", "[", ", ]", "]").Replace(text)
}

// dict returns the pairs of a dict, or of several joined by "|".
func dict(w *workspace, m *module, e build.Expr) []*build.KeyValueExpr {
	at, e := w.resolve(m, e)
	switch e := e.(type) {
	case *build.DictExpr:
		return e.List
	case *build.BinaryExpr:
		return append(dict(w, at, e.X), dict(w, at, e.Y)...)
	}
	return nil
}

// macro documents a function by its docstring, in the format that buildifier requires.
func (w *workspace) macro(out *bytes.Buffer, name string, def *build.DefStmt) error {
	first, ok := def.Body[0].(*build.StringExpr)
	if !ok {
		return fmt.Errorf("it has no docstring")
	}
	text, args, _ := strings.Cut(first.Value, "Args:\n")
	fmt.Fprintf(out, "\n## %s\n\n%s\n", name, dedent(text))
	return table(out, [3]string{"argument", "", "meaning"}, parseArgs(args, defaults(def)))
}

func defaults(def *build.DefStmt) map[string]string {
	found := map[string]string{}
	for _, p := range def.Params {
		if assign, ok := p.(*build.AssignExpr); ok {
			found[assign.LHS.(*build.Ident).Name] = "default `" + build.FormatString(assign.RHS) + "`"
		}
	}
	return found
}

func parseArgs(text string, fallback map[string]string) []entry {
	var rows []entry
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, doc, ok := strings.Cut(line, ": ")
		if ok && !strings.Contains(name, " ") {
			rows = append(rows, entry{name: name, kind: strings.TrimPrefix(fallback[name], ", "), doc: doc})
		} else if len(rows) > 0 {
			rows[len(rows)-1].doc += " " + line
		}
	}
	return rows
}

func dedent(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
