package gadget

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// declaration reads the variables of one prefix.
type declaration struct {
	prefix string
	min    int // fewest parts
	max    int // most parts
	read   func(o *Object, parts []string)
}

// count says how many parts there must be.
func (d declaration) count() string {
	if d.min == d.max {
		return strconv.Itoa(d.min)
	}
	return fmt.Sprintf("%d to %d", d.min, d.max)
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
			o.fail("variable %q has %d parts separated by %q, not %s; use the macros of gadget/macros.h",
				name, len(parts), partSeparator, d.count())
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
			o.fail("data source %q is filled by program %q, which does not exist, %s", s.Name, name, nearest.Advice(name, o.programNames()))
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
		o.fail("data source %q reads map %q, which does not exist, %s", s.Name, s.Map, nearest.Advice(s.Map, o.mapNames()))
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
			o.fail("map %q of data source %q has a %s that is not a struct, wrap it in one", s.Map, s.Name, side.what)
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
		o.fail("program %q %s map %q, but does not exist, %s", parts[0], relation, parts[1], nearest.Advice(parts[0], o.programNames()))
	}
	if _, ok := o.Spec.Maps[parts[1]]; !ok {
		o.fail("program %q %s map %q, which does not exist, %s", parts[0], relation, parts[1], nearest.Advice(parts[1], o.mapNames()))
	}
}

func (o *Object) tracerMap(parts []string) {
	m, ok := o.Spec.Maps[parts[0]]
	switch {
	case !ok:
		o.fail("tracer map %q does not exist, declare it with GADGET_TRACER_MAP; %s", parts[0], nearest.Advice(parts[0], o.mapNames()))
	case m.Type != ebpf.RingBuf && m.Type != ebpf.PerfEventArray:
		o.fail("tracer map %q is a %s, use GADGET_TRACER_MAP, which makes a ring buffer", parts[0], m.Type)
	}
}

func (o *Object) structNamed(name string) (*btf.Struct, error) {
	types, err := o.Spec.Types.AnyTypesByName(name)
	if err != nil {
		return nil, fmt.Errorf("struct %q does not exist, %s", name, nearest.Advice(name, o.structNames()))
	}
	for _, t := range types {
		if st, ok := btf.UnderlyingType(t).(*btf.Struct); ok {
			return st, nil
		}
	}
	return nil, fmt.Errorf("%q is not a struct, name one", name)
}
