// Package engine runs the object of a gadget: it reads from the object what the
// gadget is made of (Plan, pure), loads and attaches it, and hands its events
// on as raw samples.
package engine

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/guard"
)

// The prefixes of the variables by which an object tells what it is made of,
// and the separator of their parts (public gadget API).
const (
	tracerPrefix    = "gadget_tracer_"
	tracerMapPrefix = "gadget_map_tracer_"
	paramPrefix     = "gadget_param_"
	mapIterPrefix   = "gadget_mapiter_"
	iterPrefix      = "gadget_iter_"
	iterMapPrefix   = "gadget_mapelem_iter_target_"
	partSeparator   = "___"
)

// disabledTarget is the attach target of a program that must not be loaded.
const disabledTarget = "gadget_program_disabled"

// lostSuffix ends the name of the map that counts what a tracer map lost.
const lostSuffix = "_lost_samples"

// maxEntriesSuffix ends the name of a parameter that sizes a map.
const maxEntriesSuffix = "_max_entries"

// Plan is what an object is made of and what will be done with it.
type Plan struct {
	Spec     *ebpf.CollectionSpec
	Tracers  []Tracer
	Iters    []Iter
	MapIters []MapIter
	Feeds    []Feed
	Params   []Param
	Programs []Program
}

// Tracer is a data source of single events that come out of a map.
type Tracer struct {
	Name    string
	Map     string
	LostMap string // "" when the object has none
	Event   *btf.Struct
}

// Program is one program of the object with its effective attach target.
type Program struct {
	Name     string
	Section  string
	Type     ebpf.ProgramType
	AttachTo string
	Disabled bool
}

// PlanFromObject reads the plan out of the bytes of an object.
func PlanFromObject(object []byte, md Metadata) (plan *Plan, err error) {
	defer guard.Panics(&err)
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, fmt.Errorf("reading the eBPF object: %w", err)
	}
	return NewPlan(spec, md)
}

// NewPlan reads the plan out of spec. It keeps spec and changes nothing in it.
func NewPlan(spec *ebpf.CollectionSpec, md Metadata) (*Plan, error) {
	p := &Plan{Spec: spec}
	if spec.Types == nil {
		return nil, fmt.Errorf("the eBPF object has no BTF, compile it with -g")
	}
	for typ, err := range spec.Types.All() {
		if err != nil {
			return nil, fmt.Errorf("reading the BTF of the object: %w", err)
		}
		v, ok := typ.(*btf.Var)
		if !ok {
			continue
		}
		if err := p.variable(v.Name, md); err != nil {
			return nil, err
		}
	}
	p.programs(md)
	slices.SortFunc(p.Params, func(a, b Param) int { return strings.Compare(a.Key, b.Key) })
	return p, p.check()
}

// variable adds what the variable called name declares, if it declares
// something.
func (p *Plan) variable(name string, md Metadata) error {
	if rest, ok := strings.CutPrefix(name, tracerPrefix); ok {
		return p.addTracer(rest)
	}
	if rest, ok := strings.CutPrefix(name, iterPrefix); ok {
		return p.addIter(rest)
	}
	if rest, ok := strings.CutPrefix(name, mapIterPrefix); ok {
		return p.addMapIter(rest)
	}
	if rest, ok := strings.CutPrefix(name, paramPrefix); ok {
		return p.addParam(rest, md.Params[rest])
	}
	if rest, ok := strings.CutPrefix(name, tracerMapPrefix); ok {
		if _, ok := p.Spec.Maps[rest]; !ok {
			return fmt.Errorf("the object declares the tracer map %q but has no such map", rest)
		}
	}
	return nil
}

func (p *Plan) addTracer(decl string) error {
	parts := strings.Split(decl, partSeparator)
	if len(parts) != 3 {
		return fmt.Errorf("tracer declaration %q has %d parts, want name, map and struct", decl, len(parts))
	}
	t := Tracer{Name: parts[0], Map: parts[1]}
	m, ok := p.Spec.Maps[t.Map]
	if !ok {
		return fmt.Errorf("tracer %q: the object has no map %q", t.Name, t.Map)
	}
	if m.Type != ebpf.RingBuf && m.Type != ebpf.PerfEventArray {
		return fmt.Errorf("tracer %q: map %q is a %s, want a ring buffer or a perf event array", t.Name, t.Map, m.Type)
	}
	if err := p.Spec.Types.TypeByName(parts[2], &t.Event); err != nil {
		return fmt.Errorf("tracer %q: finding struct %q: %w", t.Name, parts[2], err)
	}
	if _, ok := p.Spec.Maps[t.Map+lostSuffix]; ok {
		t.LostMap = t.Map + lostSuffix
	}
	p.Tracers = append(p.Tracers, t)
	return nil
}

func (p *Plan) programs(md Metadata) {
	for name, spec := range p.Spec.Programs {
		pr := Program{Name: name, Section: spec.SectionName, Type: spec.Type, AttachTo: spec.AttachTo}
		if to := md.AttachTo[name]; to != "" {
			pr.AttachTo = to
		}
		pr.Disabled = pr.AttachTo == disabledTarget
		p.Programs = append(p.Programs, pr)
	}
	slices.SortFunc(p.Programs, func(a, b Program) int { return strings.Compare(a.Name, b.Name) })
}

// check refuses an object that could do nothing.
func (p *Plan) check() error {
	if len(p.Programs) == 0 {
		return fmt.Errorf("the object has no programs, it is not a gadget that can run")
	}
	if !slices.ContainsFunc(p.Programs, func(pr Program) bool { return !pr.Disabled }) {
		return fmt.Errorf("every program of the object is disabled by gadget.yaml")
	}
	return nil
}
