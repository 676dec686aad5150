package gadget

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
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
func ReadObject(data []byte) (*Object, error) {
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

// declaration reads the variables of one prefix.
type declaration struct {
	prefix string
	min    int // fewest parts
	max    int // most parts
	read   func(o *Object, parts []string)
}

func declarations() []declaration {
	return []declaration{
		{tracerPrefix, 3, 3, (*Object).tracer},
		{iterPrefix, 3, 5, (*Object).iterator},
		{mapIterPrefix, 2, 2, (*Object).mapIterator},
		{iterTargetPrefix, 2, 2, (*Object).iterTarget},
		{skTargetPrefix, 2, 2, (*Object).skTarget},
		{tracerMapPrefix, 1, 1, (*Object).tracerMap},
		{paramPrefix, 1, 1, func(o *Object, parts []string) { o.Params = append(o.Params, parts[0]) }},
	}
}

// declare reads one variable, when it is a declaration.
func (o *Object) declare(name string) {
	for _, d := range declarations() {
		rest, ok := strings.CutPrefix(name, d.prefix)
		if !ok {
			continue
		}
		parts := strings.Split(rest, partSeparator)
		if len(parts) < d.min || len(parts) > d.max || slices.Contains(parts, "") {
			o.fail("variable %q has %d parts separated by %q, want %d to %d; use the macros of gadget/macros.h",
				name, len(parts), partSeparator, d.min, d.max)
			return
		}
		d.read(o, parts)
		return
	}
}

func (o *Object) tracer(parts []string) {
	s := ObjectSource{Name: parts[0], Kind: Tracer, Map: parts[1]}
	o.tracerMap(parts[1:2])
	o.add(s, parts[2])
}

func (o *Object) iterator(parts []string) {
	s := ObjectSource{Name: parts[0], Kind: Iterator, Programs: parts[2:]}
	for _, name := range s.Programs {
		p, ok := o.Spec.Programs[name]
		switch {
		case !ok:
			o.fail("data source %q is filled by program %q, which does not exist, %s", s.Name, name, nearest(name, o.programNames()))
		case p.Type != ebpf.Tracing || p.AttachType != ebpf.AttachTraceIter:
			o.fail("data source %q is filled by program %q, which is in section %q, put it into \"iter/...\"", s.Name, name, p.SectionName)
		}
	}
	o.add(s, parts[1])
}

// add adds a data source whose fields are those of one struct.
func (o *Object) add(s ObjectSource, structName string) {
	st, err := o.structNamed(structName)
	if err != nil {
		o.fail("data source %q: %v", s.Name, err)
	} else {
		s.Structs = []*btf.Struct{st}
	}
	o.Sources = append(o.Sources, s)
}

func (o *Object) mapIterator(parts []string) {
	s := ObjectSource{Name: parts[0], Kind: MapIterator, Map: parts[1]}
	defer func() { o.Sources = append(o.Sources, s) }()
	m, ok := o.Spec.Maps[s.Map]
	if !ok {
		o.fail("data source %q reads map %q, which does not exist, %s", s.Name, s.Map, nearest(s.Map, o.mapNames()))
		return
	}
	for _, side := range []struct {
		what string
		typ  btf.Type
	}{{"key", m.Key}, {"value", m.Value}} {
		if side.typ == nil {
			o.fail("map %q of data source %q has no type for its %s, declare it with __type(%s, struct ...)", s.Map, s.Name, side.what, side.what)
			continue
		}
		st, ok := btf.UnderlyingType(side.typ).(*btf.Struct)
		if !ok {
			o.fail("map %q of data source %q has a %s that is no struct, wrap it in one", s.Map, s.Name, side.what)
			continue
		}
		s.Structs = append(s.Structs, st)
	}
}

func (o *Object) iterTarget(parts []string) { o.target(parts, "is an iterator over") }
func (o *Object) skTarget(parts []string)   { o.target(parts, "is attached to") }

// target checks a program and its map.
func (o *Object) target(parts []string, relation string) {
	if _, ok := o.Spec.Programs[parts[0]]; !ok {
		o.fail("program %q %s map %q, but does not exist, %s", parts[0], relation, parts[1], nearest(parts[0], o.programNames()))
	}
	if _, ok := o.Spec.Maps[parts[1]]; !ok {
		o.fail("program %q %s map %q, which does not exist, %s", parts[0], relation, parts[1], nearest(parts[1], o.mapNames()))
	}
}

func (o *Object) tracerMap(parts []string) {
	m, ok := o.Spec.Maps[parts[0]]
	switch {
	case !ok:
		o.fail("tracer map %q does not exist, declare it with GADGET_TRACER_MAP; %s", parts[0], nearest(parts[0], o.mapNames()))
	case m.Type != ebpf.RingBuf && m.Type != ebpf.PerfEventArray:
		o.fail("tracer map %q is a %s, use GADGET_TRACER_MAP, which makes a ring buffer", parts[0], m.Type)
	}
}

func (o *Object) structNamed(name string) (*btf.Struct, error) {
	types, err := o.Spec.Types.AnyTypesByName(name)
	if err != nil {
		return nil, fmt.Errorf("struct %q does not exist, %s", name, nearest(name, o.structNames()))
	}
	for _, t := range types {
		if st, ok := btf.UnderlyingType(t).(*btf.Struct); ok {
			return st, nil
		}
	}
	return nil, fmt.Errorf("%q is no struct, name one", name)
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
						f.name, s.Name, f.unknownSpecial, nearest(f.unknownSpecial, specialTypes))
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
