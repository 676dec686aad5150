package gadget

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/guard"
	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// SourceKind is how a data source gets its data.
type SourceKind string

// The kinds of data sources.
const (
	// Tracer sends single events through a ring buffer or a perf array.
	Tracer SourceKind = "tracer"
	// Iterator is filled by BPF iterator programs.
	Iterator SourceKind = "iterator"
	// MapIterator is a hash map, read at intervals.
	MapIterator SourceKind = "map iterator"
)

// Prefixes of the variables by which an object tells what it offers; the parts
// after them are separated by partSeparator.
const (
	tracerPrefix     = "gadget_tracer_"
	iterPrefix       = "gadget_iter_"
	mapIterPrefix    = "gadget_mapiter_"
	iterTargetPrefix = "gadget_mapelem_iter_target_"
	skTargetPrefix   = "gadget_sk_prog_target_"
	tracerMapPrefix  = "gadget_map_tracer_"
	paramPrefix      = "gadget_param_"
	partSeparator    = "___"
)

// Object is what an object offers, read from its BTF.
type Object struct {
	Spec *ebpf.CollectionSpec
	// Sources are the data sources, sorted by name.
	Sources []ObjectSource
	// Params are the names of the variables marked as parameters, sorted.
	Params []string

	vars     map[string]*btf.Var
	problems Problems
}

// ObjectSource is a data source of an object.
type ObjectSource struct {
	Name string
	Kind SourceKind
	// Map holds the events or the content; empty for iterators.
	Map string
	// Programs fill an Iterator.
	Programs []string
	// Structs hold the fields: one, or key and value of a MapIterator.
	Structs []*btf.Struct
}

// ErrNoBTF says that an object has no type information.
var ErrNoBTF = errors.New("the object has no BTF, compile it with -g")

// ReadObject returns what an object offers. What is wrong with it, a missing
// map for instance, is left to Check.
func ReadObject(data []byte) (obj *Object, err error) {
	defer guard.Panics(&err)
	if err := CheckObject(data); err != nil {
		return nil, fmt.Errorf("reading object: %w", err)
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading object: %w", err)
	}
	if spec.Types == nil {
		return nil, fmt.Errorf("reading object: %w", ErrNoBTF)
	}
	o := &Object{Spec: spec, vars: map[string]*btf.Var{}}
	names := []string{}
	for typ, err := range spec.Types.All() {
		if err != nil {
			return nil, fmt.Errorf("reading object's BTF: %w", err)
		}
		if v, ok := typ.(*btf.Var); ok {
			o.vars[v.Name] = v
			names = append(names, v.Name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		o.declare(name)
	}
	slices.SortStableFunc(o.Sources, func(a, b ObjectSource) int { return strings.Compare(a.Name, b.Name) })
	o.checkSources()
	return o, nil
}

// Check returns what is wrong with the object itself.
func (o *Object) Check() Problems { return slices.Clone(o.problems) }

// Source returns the data source called name.
func (o *Object) Source(name string) (ObjectSource, bool) {
	i := slices.IndexFunc(o.Sources, func(s ObjectSource) bool { return s.Name == name })
	if i < 0 {
		return ObjectSource{}, false
	}
	return o.Sources[i], true
}

func (o *Object) fail(format string, args ...any) {
	o.problems = append(o.problems, Problem{File: ObjectFile, Text: fmt.Sprintf(format, args...)})
}

// checkSources finds data sources of one name and fields that nobody knows. The
// same problem is reported once.
func (o *Object) checkSources() {
	for i, s := range o.Sources {
		if i > 0 && o.Sources[i-1].Name == s.Name {
			o.fail("data source %q is declared twice, rename one", s.Name)
		}
		for _, st := range s.Structs {
			for _, f := range fieldsOf(st) {
				if f.unknownSpecial != "" {
					o.fail("field %q of data source %q has type %q, which no operator knows, %s",
						f.name, s.Name, f.unknownSpecial, nearest.Advice(f.unknownSpecial, specialTypes))
				}
			}
		}
	}
	slices.SortStableFunc(o.problems, func(a, b Problem) int { return strings.Compare(a.Text, b.Text) })
	o.problems = slices.Compact(o.problems)
}

func (o *Object) programNames() []string { return keys(o.Spec.Programs) }

// mapNames returns the maps that the source declares, without those of its
// sections (".rodata").
func (o *Object) mapNames() []string {
	return slices.DeleteFunc(keys(o.Spec.Maps), func(name string) bool { return strings.HasPrefix(name, ".") })
}

func (o *Object) structNames() []string {
	out := []string{}
	for typ, err := range o.Spec.Types.All() {
		if st, ok := typ.(*btf.Struct); ok && err == nil && st.Name != "" {
			out = append(out, st.Name)
		}
	}
	return out
}

// keys returns the keys of m, sorted.
func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
