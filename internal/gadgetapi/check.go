package gadgetapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/rules-gadget/rules_gadget/internal/feature"
	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// oldest is the oldest kernel that gadgets are made for: what it has is not
// mentioned.
var oldest = feature.Release{Major: 4, Minor: 9}

// mapRequirement describes what a type of maps needs of a kernel, "" for nothing.
func mapRequirement(t ebpf.MapType) string {
	if since, ok := feature.Map(t); ok && oldest.Before(since) {
		return fmt.Sprintf("%s maps: Linux %s", t, since)
	}
	return ""
}

// check finds what is wrong with the whole: data sources of one name, fields of
// unknown types, programs that are never attached. The same problem is
// reported once.
func (s *Spec) check() {
	names := map[string]bool{}
	for _, t := range s.Tables {
		if names[t.Name] {
			s.fail("data source %q is declared twice, rename one", t.Name)
		}
		names[t.Name] = true
		if t.Event != nil {
			s.checkFields(t)
		}
	}
	for _, pr := range s.Programs {
		s.checkProgram(pr)
	}
	if len(s.Tables) == 0 && len(s.Programs) > 0 {
		s.warnAtRun("the object declares no data source, so that nothing is shown unless a wasm program adds one%s",
			s.adviseTracer())
		s.problems[len(s.problems)-1].NoSource = true
	}
	slices.SortStableFunc(s.problems, func(a, b Problem) int { return strings.Compare(a.Text, b.Text) })
	s.problems = slices.Compact(s.problems)
}

// Runnable returns an error for an object that could do nothing.
func (s *Spec) Runnable() error {
	switch {
	case len(s.Programs) == 0:
		return errors.New("the object has no programs, it is not a gadget that can run")
	case !slices.ContainsFunc(s.Programs, func(pr Program) bool { return !pr.Disabled }):
		return errors.New("every program of the object is disabled by gadget.yaml")
	}
	for _, pr := range s.Programs {
		if k := pr.Kind; k != nil && !pr.Disabled && !k.Attachable() {
			return fmt.Errorf("program %q in section %q is of the kind %q, which gadget-run does not attach: %s",
				pr.Name, pr.Section, k.Name, k.Hint)
		}
	}
	return nil
}

// adviseTracer names the macro for a buffer that no data source reads.
func (s *Spec) adviseTracer() string {
	for _, name := range s.MapNames() {
		if t := s.Collection.Maps[name].Type; t == ebpf.RingBuf || t == ebpf.PerfEventArray {
			return fmt.Sprintf("; map %q is a buffer of events, add GADGET_TRACER(%s, %s, STRUCT)", name, name, name)
		}
	}
	return "; add GADGET_TRACER, GADGET_ITER or GADGET_MAPITER of gadget/macros.h"
}

// checkFields reports types that are named like special ones, and members that
// no field represents.
func (s *Spec) checkFields(t Table) {
	src, err := Describe(t.Event, DescribeOptions{Name: t.Name, Kind: t.Kind})
	if err != nil {
		s.fail("data source %q: %v", t.Name, err)
		return
	}
	for _, f := range src.All() {
		for _, typ := range f.Types {
			if strings.HasPrefix(typ, specialPrefix) && f.Provider == "" && SpecialNamed(typ) == nil &&
				isTypedef(f.Member.Type, typ) {
				s.fail("field %q of data source %q has type %q, which no operator supports, %s",
					f.FullName, t.Name, typ, nearest.Advice(typ, specialNames()))
			}
		}
	}
	for _, u := range src.Unshown {
		if !u.Private && !u.Expected {
			s.warn("field %q of data source %q is not shown: %s", u.FullName, t.Name, u.Why)
		}
	}
}

// checkProgram reports a program that is never attached.
func (s *Spec) checkProgram(pr Program) {
	k := pr.Kind
	switch {
	case k == nil || pr.Disabled || !k.Attachable():
	case k.IsIterator() && !s.iterates(pr.Name):
		s.warnAtRun("program %q in section %q is an iterator that no data source reads, add GADGET_ITER(NAME, STRUCT, %s)",
			pr.Name, pr.Section, pr.Name)
	case k.Macro == "GADGET_SK_TARGET_MAP" && pr.Map == "":
		s.warnAtRun("program %q in section %q is attached to a map of sockets, name it with GADGET_SK_TARGET_MAP(%s, MAP)",
			pr.Name, pr.Section, pr.Name)
	}
}

func (s *Spec) iterates(program string) bool {
	return slices.ContainsFunc(s.Tables, func(t Table) bool { return slices.Contains(t.Programs, program) })
}

func specialNames() []string {
	out := make([]string, 0, len(specials))
	for i := range specials {
		out = append(out, specials[i].Name)
	}
	return out
}
