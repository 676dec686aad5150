package gadgetapi

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// partSeparator separates the parts of the name of a declaration.
const partSeparator = "___"

// lostSuffix ends the name of the map that counts what found no room in another.
const lostSuffix = "_lost_samples"

// PacketFilterPrefix begins the names of functions that a filter replaces.
const PacketFilterPrefix = "gadget_pf_"

// Declaration is one prefix of variables by which an object declares what it offers.
type Declaration struct {
	Prefix string
	// Macros are those of macros.h and buffer.h that make such variables.
	Macros []string
	// Min and Max are how many parts there are.
	Min, Max int
	// Doc describes the declaration.
	Doc  string
	read func(s *Spec, parts []string)
}

// count describes the required number of parts.
func (d *Declaration) count() string {
	if d.Min == d.Max {
		return strconv.Itoa(d.Min)
	}
	return fmt.Sprintf("%d to %d", d.Min, d.Max)
}

// Declarations returns the table of declarations.
func Declarations() []Declaration {
	return []Declaration{
		{
			"gadget_tracer_", []string{"GADGET_TRACER"}, 3, 3, "data source of single events: name, map, struct", (*Spec).tracer,
		},
		{
			"gadget_iter_",
			[]string{"GADGET_ITER", "GADGET_SNAPSHOTTER"},
			3, 5,
			"data source filled by iterators: name, struct, one to three programs", (*Spec).iterator,
		},
		{
			"gadget_mapiter_",
			[]string{"GADGET_MAPITER"},
			2, 2, "data source of the content of a map: name, map",
			(*Spec).mapIterator,
		},
		{
			"gadget_mapelem_iter_target_",
			[]string{"GADGET_ITER_TARGET_MAP"},
			2, 2,
			"map that an iterator of map elements reads: program, map", (*Spec).iterTarget,
		},
		{
			"gadget_sk_prog_target_",
			[]string{"GADGET_SK_TARGET_MAP"},
			2, 2,
			"map of sockets that a program is attached to: program, map", (*Spec).skTarget,
		},
		{"gadget_map_tracer_", []string{"GADGET_TRACER_MAP"}, 1, 1, "buffer of events: map", (*Spec).tracerMap},
		{
			"gadget_param_",
			[]string{"GADGET_PARAM"},
			1, 1, "constant that the user may set: variable",
			func(s *Spec, parts []string) { s.marked = append(s.marked, parts[0]) },
		},
		{
			"gadget_var_", nil, 1, 1, "variable that operators set",
			func(s *Spec, parts []string) { s.Variables = append(s.Variables, parts[0]) },
		},
	}
}

// declare reads one variable, when it is a declaration.
func (s *Spec) declare(name string) {
	for _, d := range Declarations() {
		rest, ok := strings.CutPrefix(name, d.Prefix)
		if !ok {
			continue
		}
		parts := strings.Split(rest, partSeparator)
		if len(parts) < d.Min || len(parts) > d.Max || slices.Contains(parts, "") {
			s.fail("variable %q has %d parts separated by %q, not %s; use the macros of gadget/macros.h",
				name, len(parts), partSeparator, d.count())
			return
		}
		d.read(s, parts)
		return
	}
}

func (s *Spec) tracer(parts []string) {
	t := Table{Name: parts[0], Kind: Tracer, Map: parts[1]}
	s.tracerMap(parts[1:2])
	t.LostMap = s.lostMap(t.Map)
	s.add(t, parts[2])
}

// lostMap returns the name of the map that counts what found no room in another,
// "" if none exists.
func (s *Spec) lostMap(of string) string {
	if _, ok := s.Collection.Maps[of+lostSuffix]; ok {
		return of + lostSuffix
	}
	return ""
}

func (s *Spec) iterator(parts []string) {
	t := Table{Name: parts[0], Kind: Iterator, Programs: parts[2:]}
	for _, name := range t.Programs {
		p, ok := s.Collection.Programs[name]
		switch {
		case !ok:
			s.fail("data source %q is filled by program %q, which does not exist, %s",
				t.Name, name, nearest.Advice(name, s.ProgramNames()))
		case p.Type != ebpf.Tracing || p.AttachType != ebpf.AttachTraceIter:
			s.fail("data source %q is filled by program %q, which is in section %q, put it into \"iter/...\"",
				t.Name, name, p.SectionName)
		}
	}
	s.add(t, parts[1])
}

// add adds a data source whose fields are those of one struct.
func (s *Spec) add(t Table, structName string) {
	st, err := s.structNamed(structName)
	if err != nil {
		s.fail("data source %q: %v", t.Name, err)
	}
	t.Event = st
	s.Tables = append(s.Tables, t)
}

func (s *Spec) iterTarget(parts []string) { s.target(parts, "is an iterator over") }
func (s *Spec) skTarget(parts []string)   { s.target(parts, "is attached to") }

// target notes the map of a program.
func (s *Spec) target(parts []string, relation string) {
	i := slices.IndexFunc(s.Programs, func(p Program) bool { return p.Name == parts[0] })
	if i < 0 {
		s.fail("program %q %s map %q, but does not exist, %s", parts[0], relation, parts[1],
			nearest.Advice(parts[0], s.ProgramNames()))
	}
	if _, ok := s.Collection.Maps[parts[1]]; !ok {
		s.fail("program %q %s map %q, which does not exist, %s", parts[0], relation, parts[1],
			nearest.Advice(parts[1], s.MapNames()))
		return
	}
	if i >= 0 {
		s.Programs[i].Map = parts[1]
	}
}

func (s *Spec) tracerMap(parts []string) {
	m, ok := s.Collection.Maps[parts[0]]
	switch {
	case !ok:
		s.fail("tracer map %q does not exist, declare it with GADGET_TRACER_MAP; %s",
			parts[0], nearest.Advice(parts[0], s.MapNames()))
	case m.Type != ebpf.RingBuf && m.Type != ebpf.PerfEventArray:
		s.fail("tracer map %q is a %s, use GADGET_TRACER_MAP, which makes a ring buffer", parts[0], m.Type)
	}
}

func (s *Spec) structNamed(name string) (*btf.Struct, error) {
	types, err := s.Collection.Types.AnyTypesByName(name)
	if err != nil {
		return nil, fmt.Errorf("struct %q does not exist, %s", name, nearest.Advice(name, s.structNames()))
	}
	for _, t := range types {
		if st, ok := btf.UnderlyingType(t).(*btf.Struct); ok {
			return st, nil
		}
	}
	return nil, fmt.Errorf("%q is not a struct, name one", name)
}

// ProgramNames returns the names of the programs, sorted.
func (s *Spec) ProgramNames() []string { return sortedKeys(s.Collection.Programs) }

// MapNames returns the maps that the source declares, without those of its
// sections (".rodata"), sorted.
func (s *Spec) MapNames() []string {
	return slices.DeleteFunc(sortedKeys(s.Collection.Maps), func(name string) bool { return strings.HasPrefix(name, ".") })
}

func (s *Spec) structNames() []string {
	var out []string
	for typ, err := range s.Collection.Types.All() {
		if st, ok := typ.(*btf.Struct); ok && err == nil && st.Name != "" {
			out = append(out, st.Name)
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
