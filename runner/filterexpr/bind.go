package filterexpr

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
	"github.com/rules-gadget/rules_gadget/runner/field"
)

// key returns the name of f in the environment of a program. The dot keeps it
// apart from the functions of the language.
func key(f *field.Field) string { return "." + f.FullName }

// zero returns a value of the type that reading gives, nil for a struct without
// text.
func zero(f *field.Field) any {
	switch f.Kind {
	case field.Int, field.Uint:
		return 0
	case field.Float:
		return 0.0
	case field.Bool:
		return false
	case field.List:
		return []string{}
	}
	if f.Column() == nil {
		return nil
	}
	return ""
}

// reading returns what decodes f, which has a value. Whole numbers are ints,
// the only ones that the language can write and compare; larger ones are the
// largest int. A text that does not change costs no memory.
func reading(f *field.Field) func(sample []byte) any {
	number := f.Number
	switch f.Kind {
	case field.Int:
		return func(s []byte) any { return int(int64(number(s))) }
	case field.Uint:
		return func(s []byte) any { return int(min(number(s), math.MaxInt)) }
	case field.Float:
		return func(s []byte) any { return math.Float64frombits(number(s)) }
	case field.Bool:
		return func(s []byte) any { return number(s) != 0 }
	case field.List:
		return func(s []byte) any { return texts(f.List(s)) }
	}
	text, buf := f.Column(), []byte(nil)
	var last any = ""
	return func(s []byte) any {
		if buf = text(buf[:0], s); last.(string) != string(buf) {
			last = string(buf)
		}
		return last
	}
}

func texts(list [][]byte) []string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = string(text)
	}
	return out
}

// binder makes names of fields, "proc.comm", single names of the environment,
// and collects what no field is called. It visits children before parents.
type binder struct {
	src      *field.Source
	locals   map[string]bool           // names of "let"
	uses     map[ast.Node]*field.Field // by the node that represents the field
	problems []*file.Error
}

// Visit implements ast.Visitor.
func (b *binder) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		b.identifier(node, n)
	case *ast.MemberNode:
		b.member(node, n)
	case *ast.CallNode:
		b.call(node, n)
	}
}

func (b *binder) identifier(node *ast.Node, n *ast.IdentifierNode) {
	if b.locals[n.Value] || n.Value == cidrFunc || n.Value == containsFunc {
		return
	}
	f := b.src.Lookup(n.Value)
	if f == nil {
		b.problem(n, b.src.Unknown(n.Value).Error())
		return
	}
	b.bind(node, f)
}

// member resolves the part of a name after a dot.
func (b *binder) member(node *ast.Node, n *ast.MemberNode) {
	outer := b.uses[n.Node]
	if outer == nil || len(outer.Children) == 0 {
		return
	}
	delete(b.uses, n.Node)
	part, ok := n.Property.(*ast.StringNode)
	if !ok {
		b.problem(n, fmt.Sprintf("a field of %q is named after a dot, not in brackets", outer.FullName))
		return
	}
	name := outer.FullName + "." + part.Value
	f := b.src.Lookup(name)
	if f == nil {
		b.problem(n, fmt.Sprintf("%q has no field %q, %s", outer.FullName, name, b.advice(name, outer.Children)))
		return
	}
	b.bind(node, f)
}

// bind binds node to f.
func (b *binder) bind(node *ast.Node, f *field.Field) {
	name := &ast.IdentifierNode{Value: key(f)}
	ast.Patch(node, name)
	b.uses[name] = f
}

// finish returns the fields that the expression uses, or what is wrong with
// the names in it.
func (b *binder) finish() (map[string]*field.Field, *file.Error) {
	used := map[string]*field.Field{}
	for n, f := range b.uses {
		if zero(f) == nil {
			b.problem(n, fmt.Sprintf("%q has no value of its own, name one of its fields: %s", f.FullName, names(f.Children)))
		}
		used[key(f)] = f
	}
	if len(b.problems) == 0 {
		return used, nil
	}
	return nil, slices.MinFunc(b.problems, func(x, y *file.Error) int { return x.From - y.From })
}

// call makes a constant of cidr("...").
func (b *binder) call(node *ast.Node, n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok || callee.Value != cidrFunc {
		return
	}
	var args []any
	for _, a := range n.Arguments {
		s, ok := a.(*ast.StringNode)
		if !ok {
			return
		}
		args = append(args, s.Value)
	}
	nets, err := parseNetworks(args)
	if err != nil {
		b.problem(n, err.Error())
		return
	}
	c := &ast.ConstantNode{Value: nets}
	ast.Patch(node, c)
	c.SetType(networksType)
}

// advice suggests what name may have meant.
func (b *binder) advice(name string, fields []*field.Field) string {
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f.FullName)
	}
	return nearest.Advice(name, names)
}

func names(fields []*field.Field) string {
	out := make([]string, 0, len(fields))
	for _, f := range fields {
		out = append(out, f.FullName)
	}
	return strings.Join(out, ", ")
}

func (b *binder) problem(n ast.Node, text string) {
	b.problems = append(b.problems, &file.Error{Location: n.Location(), Message: text})
}

// locals returns the names that text gives to values with "let". A text that
// cannot be parsed has none.
func locals(text string) map[string]bool {
	tree, err := parser.Parse(text)
	if err != nil {
		return nil
	}
	l := letNames{}
	ast.Walk(&tree.Node, l)
	return l
}

type letNames map[string]bool

// Visit implements ast.Visitor.
func (l letNames) Visit(node *ast.Node) {
	if v, ok := (*node).(*ast.VariableDeclaratorNode); ok {
		l[v.Name] = true
	}
}
