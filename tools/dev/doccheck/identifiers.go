package main

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
)

//go:embed identifiers.txt
var identifierList string

// parseIdentifiers reads lines of a name, a tab, and what to name instead. A name
// after a * matches every name that has it as one of its words.
func parseIdentifiers(text string) (map[string]string, error) {
	out := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		name, instead, ok := strings.Cut(line, "\t")
		if !ok || !token.IsIdentifier(strings.TrimPrefix(name, "*")) {
			return nil, fmt.Errorf("identifiers.txt:%d: want a name, a tab, and what to name instead", i+1)
		}
		out[name] = instead
	}
	return out, nil
}

// checkIdentifiers reports the names of the list that Go code declares. What does
// not parse is the compiler's to report.
func checkIdentifiers(text string, instead map[string]string) []string {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	var out []string
	for n := range ast.Preorder(file) {
		for _, name := range declared(n) {
			if word := replacement(name.Name, instead); word != "" {
				out = append(out, fmt.Sprintf("%d: the name %q, write %s", set.Position(name.Pos()).Line, name.Name, word))
			}
		}
	}
	return out
}

// camelWord matches one word of a name.
var camelWord = regexp.MustCompile(`[A-Z]?[a-z]+`)

// replacement returns what to name instead of name, "" when the list has none of it.
func replacement(name string, instead map[string]string) string {
	if word := instead[unexported(name)]; word != "" {
		return word
	}
	for _, part := range camelWord.FindAllString(name, -1) {
		if word := instead["*"+unexported(part)]; word != "" {
			return word
		}
	}
	return ""
}

// unexported returns a name with a small first letter.
func unexported(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// declared returns the names that a node declares.
func declared(n ast.Node) []*ast.Ident {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return []*ast.Ident{n.Name}
	case *ast.TypeSpec:
		return []*ast.Ident{n.Name}
	case *ast.ValueSpec:
		return n.Names
	case *ast.Field:
		return n.Names
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			return names(n.Lhs...)
		}
	case *ast.RangeStmt:
		if n.Tok == token.DEFINE {
			return names(n.Key, n.Value)
		}
	}
	return nil
}

func names(exprs ...ast.Expr) []*ast.Ident {
	var out []*ast.Ident
	for _, e := range exprs {
		if id, ok := e.(*ast.Ident); ok && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
