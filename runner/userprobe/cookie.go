package userprobe

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
)

// cookieVariable is the constant by which usdt.bpf.h finds out whether probes have
// cookies. It is among the options of the kernel's configuration, which does
// not have it.
const (
	configSection  = ".kconfig"
	cookieVariable = "LINUX_HAS_BPF_COOKIE"
	cookieMap      = ".rodata.usdt"
)

// PrepareCookies answers that question with yes: programs read the constant from
// a map of its own.
func PrepareCookies(spec *ebpf.CollectionSpec) error {
	offset, ok := cookieOffset(spec.Types)
	if !ok {
		return nil
	}
	if err := features.HaveProgramHelper(ebpf.Kprobe, asm.FnGetAttachCookie); errors.Is(err, ebpf.ErrNotSupported) {
		return fmt.Errorf("static probes need Linux 5.15: %w", err)
	}
	for _, prog := range spec.Programs {
		for i := range prog.Instructions {
			ins := &prog.Instructions[i]
			if at, ok := configOffset(ins); ok && at == offset {
				*ins = cookieLoad(ins)
			}
			hide(ins)
		}
	}
	spec.Maps[cookieMap] = &ebpf.MapSpec{
		Name: cookieMap, Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1,
		Contents: []ebpf.MapKV{{Key: uint32(0), Value: []byte{1, 0, 0, 0, 0, 0, 0, 0}}},
	}
	return nil
}

// cookieOffset returns where the constant is in its section; false for objects
// that do not request them.
func cookieOffset(types *btf.Spec) (uint32, bool) {
	if types == nil {
		return 0, false
	}
	var section *btf.Datasec
	if err := types.TypeByName(configSection, &section); err != nil {
		return 0, false
	}
	for _, v := range section.Vars {
		if v.Type.TypeName() == cookieVariable {
			return v.Offset, true
		}
	}
	return 0, false
}

// configOffset returns which part of the section an instruction loads the address
// of; false for other instructions. cilium/ebpf notes it at the instruction, where
// only it can read it by name.
func configOffset(ins *asm.Instruction) (uint32, bool) {
	if !ins.OpCode.IsDWordLoad() || ins.Src != asm.PseudoMapValue || ins.Reference() != "" {
		return 0, false
	}
	element := reflect.ValueOf(ins.Metadata).FieldByName("head")
	for element.IsValid() && element.Kind() == reflect.Pointer && !element.IsNil() {
		element = element.Elem()
		value := element.FieldByName("value")
		if value.IsValid() && value.Kind() == reflect.Interface && !value.IsNil() {
			if note := reflect.Indirect(value.Elem()); note.IsValid() && note.Type().Name() == "kconfigMeta" {
				if offset := note.FieldByName("Offset"); offset.CanUint() {
					return uint32(offset.Uint()), true
				}
			}
		}
		element = element.FieldByName("next")
	}
	return 0, false
}

// hide makes the functions of usdt.bpf.h, which are hidden in the object, part of
// the program that calls them: the verifier looks at a global function alone, and
// these count on what their callers give them.
func hide(ins *asm.Instruction) {
	fn := btf.FuncMetadata(ins)
	if fn == nil || fn.Linkage != btf.GlobalFunc || !strings.HasPrefix(fn.Name, "bpf_usdt_") {
		return
	}
	static := *fn
	static.Linkage = btf.StaticFunc
	*ins = btf.WithFuncMetadata(*ins, &static)
}

// cookieLoad returns the instruction that loads the constant's own address in
// place of ins.
func cookieLoad(ins *asm.Instruction) asm.Instruction {
	out := asm.LoadMapValue(ins.Dst, 0, 0).WithReference(cookieMap).WithSource(ins.Source())
	if s := ins.Symbol(); s != "" {
		out = out.WithSymbol(s)
	}
	if fn := btf.FuncMetadata(ins); fn != nil {
		out = btf.WithFuncMetadata(out, fn)
	}
	return out
}
