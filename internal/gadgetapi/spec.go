package gadgetapi

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/guard"
)

// Spec is what an object offers: data sources, parameters and programs, with
// what gadget.yaml specifies for them.
type Spec struct {
	Collection *ebpf.CollectionSpec
	// Tables are the data sources as the object declares them: tracers, iterators,
	// map iterators. Engines and handlers number them in this order.
	Tables []Table
	// Params are the parameters, sorted by key.
	Params []Param
	// Programs are the programs, sorted by name.
	Programs []Program
	// Variables are the names after gadget_var_ of variables that operators set,
	// sorted.
	Variables []string
	// PacketFilters are the names after gadget_pf_ of functions that a filter
	// expression replaces, sorted.
	PacketFilters []string

	marked   []string // variables marked by GADGET_PARAM, also unusable ones
	problems []Problem
	vars     map[string]*btf.Var
}

// Table is a data source as the object declares it.
type Table struct {
	Name string
	Kind SourceKind
	// Map holds the events or the content; empty for iterators.
	Map string
	// LostMap counts the events that found no room, "" if none exists.
	LostMap string
	// Programs fill an Iterator.
	Programs []string
	// Event is the struct of an entry. For a MapIterator it is key and value, one
	// after the other.
	Event *btf.Struct
	// Key and Value are the structs of a MapIterator.
	Key, Value *btf.Struct
}

// Problem is something wrong in an object.
type Problem struct {
	Text string
	// Warning marks what does not make the object unusable.
	Warning bool
	// AtRun marks a warning that running the gadget reports, too.
	AtRun bool
	// NoSource marks that nothing is shown, unless a wasm program adds a data source.
	NoSource bool
}

// ErrNoBTF means that an object has no type information.
var ErrNoBTF = errors.New("the object has no BTF, compile it with -g")

// Read returns what the bytes of an object offer.
func Read(object []byte, md Metadata) (s *Spec, err error) {
	defer guard.Panics(&err)
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, fmt.Errorf("reading the eBPF object: %w", err)
	}
	return New(spec, md)
}

// New returns what a collection offers. It keeps the collection and changes
// nothing in it. What is wrong with the object, a missing map for instance, is
// left to Problems.
func New(collection *ebpf.CollectionSpec, md Metadata) (*Spec, error) {
	if collection.Types == nil {
		return nil, ErrNoBTF
	}
	s := &Spec{Collection: collection, vars: map[string]*btf.Var{}}
	var names, functions []string
	for typ, err := range collection.Types.All() {
		if err != nil {
			return nil, fmt.Errorf("reading the BTF of the object: %w", err)
		}
		switch t := typ.(type) {
		case *btf.Var:
			s.vars[t.Name] = t
			names = append(names, t.Name)
		case *btf.Func:
			functions = append(functions, t.Name)
		}
	}
	s.programs(md)
	for _, name := range names {
		s.declare(name)
	}
	s.packetFilters(functions)
	s.params(md)
	s.sort()
	s.check()
	return s, nil
}

// Empty returns what a gadget without an object offers: nothing.
func Empty() *Spec {
	return &Spec{Collection: &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{}, Programs: map[string]*ebpf.ProgramSpec{},
		Variables: map[string]*ebpf.VariableSpec{},
	}}
}

// sort brings the data sources and names into an order that depends on their
// names alone.
func (s *Spec) sort() {
	rank := map[SourceKind]int{Tracer: 0, Iterator: 1, MapIterator: 2}
	slices.SortStableFunc(s.Tables, func(a, b Table) int {
		if n := rank[a.Kind] - rank[b.Kind]; n != 0 {
			return n
		}
		return strings.Compare(a.Name, b.Name)
	})
	slices.SortFunc(s.Params, func(a, b Param) int { return strings.Compare(a.Key, b.Key) })
	slices.Sort(s.Variables)
	slices.Sort(s.marked)
	s.marked = slices.Compact(s.marked)
}

// packetFilters finds the functions that GADGET_PF makes.
func (s *Spec) packetFilters(functions []string) {
	for _, name := range functions {
		if filter, ok := strings.CutPrefix(name, PacketFilterPrefix); ok {
			s.PacketFilters = append(s.PacketFilters, filter)
		}
	}
	slices.Sort(s.PacketFilters)
	s.PacketFilters = slices.Compact(s.PacketFilters)
}

// Problems returns what is wrong with the object itself.
func (s *Spec) Problems() []Problem { return slices.Clone(s.problems) }

// Err returns the problems that make the object unusable, a line each, or nil.
func (s *Spec) Err() error {
	var all []error
	for _, p := range s.problems {
		if !p.Warning {
			all = append(all, errors.New(p.Text))
		}
	}
	return errors.Join(all...)
}

// Table returns the data source called name, or nil.
func (s *Spec) Table(name string) *Table {
	for i := range s.Tables {
		if s.Tables[i].Name == name {
			return &s.Tables[i]
		}
	}
	return nil
}

// Marked returns the variables that the object marks as parameters, sorted.
func (s *Spec) Marked() []string { return slices.Clone(s.marked) }

// Variable returns the type of a global variable of the object, or nil.
func (s *Spec) Variable(name string) *btf.Var { return s.vars[name] }

// Sources describes every data source, in the order of Tables. opts are for all;
// their Name, Kind and DataSource do not count.
func (s *Spec) Sources(md Metadata, opts DescribeOptions) ([]*Source, error) {
	out := make([]*Source, 0, len(s.Tables))
	for _, t := range s.Tables {
		if t.Event == nil {
			continue
		}
		opts.Name, opts.Kind, opts.DataSource = t.Name, t.Kind, md.DataSources[t.Name]
		src, err := Describe(t.Event, opts)
		if err != nil {
			return nil, fmt.Errorf("data source %q: %w", t.Name, err)
		}
		out = append(out, src)
	}
	return out, nil
}

// NeedsBTF reports whether a program has relocations, so that loading it needs
// the BTF of the kernel.
func (s *Spec) NeedsBTF() bool {
	for _, spec := range s.Collection.Programs {
		for i := range spec.Instructions {
			if btf.CORERelocationMetadata(&spec.Instructions[i]) != nil {
				return true
			}
		}
	}
	return false
}

func (s *Spec) fail(format string, args ...any) {
	s.problems = append(s.problems, Problem{Text: fmt.Sprintf(format, args...)})
}

func (s *Spec) warn(format string, args ...any) {
	s.problems = append(s.problems, Problem{Text: fmt.Sprintf(format, args...), Warning: true})
}

// warnAtRun is warn for what running the gadget reports, too.
func (s *Spec) warnAtRun(format string, args ...any) {
	s.problems = append(s.problems, Problem{Text: fmt.Sprintf(format, args...), Warning: true, AtRun: true})
}
