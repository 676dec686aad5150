package compat

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/rules-gadget/rules_gadget/internal/feature"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/guard"
)

// Need is something that a program requires of the kernel.
type Need struct {
	What  string          `json:"what"`  // such as "helper bpf_ringbuf_reserve"
	Since feature.Release `json:"since"` // first release that has it
	// Guards are the names of constants; where one of them is tested for
	// (bpf_core_enum_value_exists), the program copes without.
	Guards []string `json:"guards,omitempty"`
	// KernelBTF means that kernels have it only if they have BTF of their own.
	KernelBTF bool `json:"kernel_btf,omitempty"`
}

// reason explains why a need with KernelBTF is one.
func (n Need) reason() string { return n.What + " works with types of the running kernel's own BTF" }

// Program is one program of an object.
type Program struct {
	Name      string `json:"name"`
	Section   string `json:"section"`
	Needs     []Need `json:"needs"`
	KernelBTF string `json:"kernel_btf,omitempty"` // why it needs the kernel's own BTF, or ""
}

// Object is what one object requires of kernels.
type Object struct {
	Name     string
	Programs []Program
}

// ReadObject reads an ELF object. An empty one is a gadget without program.
func ReadObject(name string, data []byte) (obj Object, err error) {
	defer guard.Panics(&err)
	obj.Name = name
	if len(data) == 0 {
		return obj, nil
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(data))
	if err != nil {
		return obj, fmt.Errorf("reading object %q: %w", name, err)
	}
	for _, p := range spec.Programs {
		if p.Type == ebpf.UnspecifiedProgram {
			continue // a function that others call
		}
		obj.Programs = append(obj.Programs, readProgram(p, spec))
	}
	slices.SortFunc(obj.Programs, func(a, b Program) int { return strings.Compare(a.Name, b.Name) })
	return obj, nil
}

// readProgram lists what one program needs.
func readProgram(p *ebpf.ProgramSpec, spec *ebpf.CollectionSpec) Program {
	kind, _ := gadgetapi.KindOf(p.SectionName) // nil for one that no runner knows
	prog := Program{Name: p.Name, Section: p.SectionName, KernelBTF: needsKernelBTF(p, kind)}
	add := func(n Need) {
		if !slices.ContainsFunc(prog.Needs, func(o Need) bool { return o.What == n.What }) {
			prog.Needs = append(prog.Needs, n)
		}
	}
	if since, ok := feature.Program(p.Type); ok {
		add(Need{What: "program type " + p.Type.String(), Since: since})
	}
	if since, ok := feature.Attach(p.AttachType); ok && (kind == nil || !kind.Falls) {
		add(Need{What: "attach type " + p.AttachType.String(), Since: since})
	}
	if kind != nil && kind.Release != (feature.Release{}) {
		add(Need{What: kind.Name + " programs", Since: kind.Release})
	}
	for i := range p.Instructions {
		ins := &p.Instructions[i]
		switch {
		case ins.IsBuiltinCall():
			if n, ok := helperNeed(asm.BuiltinFunc(ins.Constant)); ok {
				add(n)
			}
		case ins.IsKfuncCall():
			add(Need{What: "calls of kernel functions (kfuncs)", Since: feature.KfuncsSince})
		case ins.IsFunctionCall():
			add(Need{What: "calls between BPF functions", Since: feature.CallsSince})
		case ins.IsLoadFromMap():
			if n, ok := mapNeed(spec.Maps[ins.Reference()], ins.Reference()); ok {
				add(n)
			}
		}
	}
	slices.SortStableFunc(prog.Needs, func(a, b Need) int {
		return cmp.Or(b.Since.Major-a.Since.Major, b.Since.Minor-a.Since.Minor)
	})
	return prog
}

// helperNeed returns what a call of a helper requires.
func helperNeed(f asm.BuiltinFunc) (Need, bool) {
	since, ok := feature.Helper(f)
	name := feature.HelperName(f)
	n := Need{
		What: "helper " + name, Since: since, Guards: []string{"BPF_FUNC_" + strings.TrimPrefix(name, "bpf_")},
		KernelBTF: feature.HelperNeedsBTF(f),
	}
	switch {
	case strings.HasPrefix(name, "bpf_ringbuf_"):
		n.Guards = ringbufGuards
	case f == asm.FnGetCurrentTaskBtf:
		n.Guards = append(n.Guards, taskGuards...)
	}
	return n, ok
}

// ringbufGuards are the constants by which programs find out about ring
// buffers; their helpers and their map came together.
var ringbufGuards = []string{
	"BPF_FUNC_ringbuf_output", "BPF_FUNC_ringbuf_reserve", "BPF_FUNC_ringbuf_submit",
	"BPF_FUNC_ringbuf_discard", "BPF_FUNC_ringbuf_query", "BPF_MAP_TYPE_RINGBUF",
}

// taskGuards are the constants of younger helpers that take a task, which
// bpf_get_current_task_btf gives: who tests for one of them calls both or none.
var taskGuards = []string{"BPF_FUNC_task_pt_regs", "BPF_FUNC_find_vma", "BPF_FUNC_copy_from_user_task"}

// mapNeed returns what the use of a map requires.
func mapNeed(m *ebpf.MapSpec, name string) (Need, bool) {
	if strings.HasPrefix(name, ".rodata") || strings.HasPrefix(name, ".data") || strings.HasPrefix(name, ".bss") {
		return Need{What: "global variables", Since: feature.GlobalsSince}, true
	}
	if m == nil {
		return Need{}, false
	}
	since, ok := feature.Map(m.Type)
	n := Need{
		What: "map type " + m.Type.String(), Since: since,
		Guards: []string{"BPF_MAP_TYPE_" + strings.ToUpper(feature.Snake(m.Type.String()))},
	}
	if m.Type == ebpf.RingBuf {
		n.Guards = ringbufGuards
	}
	return n, ok
}

// needsKernelBTF explains why p loads only where the kernel has BTF of its own:
// the kernel then checks type ids of that BTF, which no minimal BTF has.
func needsKernelBTF(p *ebpf.ProgramSpec, kind *gadgetapi.Kind) string {
	if kind != nil && kind.KernelTypes() {
		return kind.Name + " programs name what they are attached to by a type id of the running kernel"
	}
	if p.Type == ebpf.StructOps {
		return "struct_ops programs name their struct by a type id of the running kernel"
	}
	for i := range p.Instructions {
		if p.Instructions[i].IsKfuncCall() {
			return "it calls kernel functions (kfuncs) by type ids of the running kernel"
		}
	}
	return ""
}

// Problem is a finding of Lint, of all programs that it holds for.
type Problem struct {
	Programs []string
	Text     string
}

// String returns the finding as one line.
func (p Problem) String() string {
	noun := "program"
	if len(p.Programs) > 1 {
		noun = "programs"
	}
	return fmt.Sprintf("%s \"%s\": %s", noun, strings.Join(p.Programs, `", "`), p.Text)
}

// withoutTypes is the advice for helpers that need the kernel's own BTF.
const withoutTypes = "read fields of the kernel with bpf_get_current_task and BPF_CORE_READ there"

// Lint returns the programs of an object that cannot run on some kernels
// without BTF of their own, regardless of the artifact's btfgen layer, unless another
// program of the object replaces them there. It is what a build with btf reports.
func Lint(object []byte) ([]Problem, error) {
	obj, err := ReadObject("object", object)
	if err != nil {
		return nil, err
	}
	return lint(obj.Programs), nil
}

func lint(programs []Program) (problems []Problem) {
	for _, p := range programs {
		text := p.needsKernelBTF()
		replaced := slices.ContainsFunc(programs, func(o Program) bool {
			return o.Name == p.Name+gadgetapi.FallbackSuffix
		})
		if text == "" || replaced {
			continue
		}
		if i := slices.IndexFunc(problems, func(o Problem) bool { return o.Text == text }); i >= 0 {
			problems[i].Programs = append(problems[i].Programs, p.Name)
		} else {
			problems = append(problems, Problem{[]string{p.Name}, text})
		}
	}
	return problems
}

// needsKernelBTF returns why p does not load on some kernels without BTF of their own,
// and what to do instead; empty if it does.
func (p Program) needsKernelBTF() string {
	if p.KernelBTF != "" {
		return p.KernelBTF +
			"; it never loads on a kernel without BTF of its own, use a tracepoint, raw_tracepoint or kprobe there"
	}
	i := slices.IndexFunc(p.Needs, func(n Need) bool { return n.KernelBTF })
	if i < 0 {
		return ""
	}
	n := p.Needs[i]
	return fmt.Sprintf("%s; from Linux %s on it does not load on a kernel without that, %s",
		n.reason(), n.Since, withoutTypes)
}
