// Package filterexpr compiles filters in the expression language of expr-lang
// against the fields of a data source. Names, types and constants are checked
// when a filter is compiled; running it decodes only the fields that it names.
package filterexpr

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/rules-gadget/rules_gadget/runner/field"
)

// The limits of an expression.
const (
	MaxLength   = 16 << 10 // bytes of its text
	maxNodes    = 2000     // of its syntax tree
	maxElements = 100_000  // of the lists and texts that it makes for one event
)

// Filter is a compiled expression. It is used from one goroutine.
type Filter struct{ evaluator }

// Text is a compiled expression whose value is a text. It is used from one
// goroutine.
type Text struct{ evaluator }

// evaluator computes an expression for events.
type evaluator struct {
	program *vm.Program
	vm      vm.VM
	env     map[string]any
	loads   []load
}

// load decodes one field that the expression names.
type load struct {
	name string
	read func(sample []byte) any
}

// Compile compiles text, whose value must be true or false, against the fields
// of src. An error has the position in the text.
func Compile(src *field.Source, text string) (*Filter, error) {
	e, err := compile(src, text, expr.AsBool())
	if err != nil {
		return nil, err
	}
	return &Filter{*e}, nil
}

// Check returns an error for a text that Compile refuses for every data source: one
// that is not of the language, or too long.
func Check(text string) error {
	if err := checkLength(text); err != nil {
		return err
	}
	config := conf.CreateNew()
	config.MaxNodes = maxNodes
	if _, err := parser.ParseWithConfig(text, config); err != nil {
		return placed(err)
	}
	return nil
}

func checkLength(text string) error {
	if len(text) > MaxLength {
		return fmt.Errorf("expression of %d bytes is too long, at most %d are allowed", len(text), MaxLength)
	}
	return nil
}

// CompileText compiles text as Compile does, but its value must be a text.
func CompileText(src *field.Source, text string) (*Text, error) {
	e, err := compile(src, text, expr.AsKind(reflect.String))
	if err != nil {
		return nil, err
	}
	return &Text{*e}, nil
}

func compile(src *field.Source, text string, kind expr.Option) (*evaluator, error) {
	if err := checkLength(text); err != nil {
		return nil, err
	}
	env := map[string]any{}
	for _, f := range src.All() {
		if v := zero(f); v != nil {
			env[key(f)] = v
		}
	}
	names := &binder{src: src, locals: locals(text), uses: map[ast.Node]*field.Field{}}
	program, err := expr.Compile(text, append(options(env, names), kind)...)
	used, problem := names.finish()
	if problem != nil {
		return nil, placed(problem.Bind(file.NewSource(text)))
	}
	if err != nil {
		return nil, placed(err)
	}
	e := &evaluator{program: program, env: map[string]any{}, vm: vm.VM{MemoryBudget: maxElements}}
	for name, fld := range used {
		e.loads = append(e.loads, load{name, reading(fld)})
	}
	return e, nil
}

func options(env map[string]any, names *binder) []expr.Option {
	return []expr.Option{
		expr.Env(env),
		expr.MaxNodes(maxNodes),
		expr.Patch(names),
		expr.Function(cidrFunc, func(args ...any) (any, error) { return parseNetworks(args) }, new(func(...string) networks)),
		expr.Function(containsFunc, contains, new(func(string, networks) bool)),
		expr.Operator("in", containsFunc),
	}
}

// Match reports whether the expression holds for sample. An error, such as a
// division by zero, is about this one event.
func (f *Filter) Match(sample []byte) (bool, error) {
	out, err := f.run(sample)
	holds, _ := out.(bool)
	return holds, err
}

// Value returns the text for sample. An error is about this one event.
func (t *Text) Value(sample []byte) (string, error) {
	out, err := t.run(sample)
	value, _ := out.(string)
	return value, err
}

func (e *evaluator) run(sample []byte) (any, error) {
	for i := range e.loads {
		e.env[e.loads[i].name] = e.loads[i].read(sample)
	}
	out, err := e.vm.Run(e.program, e.env)
	if err != nil {
		return nil, placed(err)
	}
	return out, nil
}

// placed puts the place of an error of the language into its sentence.
func placed(err error) error {
	var fe *file.Error
	if !errors.As(err, &fe) {
		return err
	}
	if fe.Line == 0 {
		return errors.New(fe.Message)
	}
	return fmt.Errorf("line %d, column %d: %s", fe.Line, fe.Column+1, fe.Message)
}

// networks are what cidr returns.
type networks []netip.Prefix

var networksType = reflect.TypeFor[networks]()

// The functions that this package adds to the language. containsFunc is what "in"
// becomes between an address and networks.
const (
	cidrFunc     = "cidr"
	containsFunc = "inNetworks"
)

func parseNetworks(args []any) (networks, error) {
	out := make(networks, 0, len(args))
	for _, a := range args {
		text, ok := a.(string)
		if !ok {
			return nil, fmt.Errorf("cidr takes texts like \"10.0.0.0/8\", not %v", a)
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network, write it like 10.0.0.0/8", text)
		}
		out = append(out, p)
	}
	return out, nil
}

// contains reports whether an address, or the one before a port, is in
// networks. A text that is not an address is in none.
func contains(args ...any) (any, error) {
	text, nets := args[0].(string), args[1].(networks)
	addr, err := netip.ParseAddr(text)
	if err != nil {
		ap, err := netip.ParseAddrPort(text)
		if err != nil {
			return false, nil // not an address
		}
		addr = ap.Addr()
	}
	addr = addr.Unmap()
	for _, n := range nets {
		if n.Contains(addr) {
			return true, nil
		}
	}
	return false, nil
}
