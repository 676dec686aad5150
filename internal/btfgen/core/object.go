package core

import (
	"bytes"
	"debug/elf"
	"fmt"
	"maps"
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/guard"
)

// MaxObject is the largest object that ParseObject takes.
const MaxObject = 64 << 20

// Object is what a BPF object requires of a kernel: its CO-RE relocations, each
// distinct one once, in the order of their first appearance.
type Object struct {
	Name        string // as given to ParseObject
	Relocations []Relocation
	local       *Raw
}

// Relocation is one distinct CO-RE relocation of an object.
type Relocation struct {
	Kind     Kind
	Root     string   // local name of the root type, with flavour
	Access   string   // such as "task_struct.real_parent" or "bpf_func_id.BPF_FUNC_loop"
	Programs []string // programs that have it, also in functions they call, in the order of appearance
	Section  string   // ELF section of the first instruction that has it
	Program  string   // function of that instruction
	Insn     int      // number of that instruction in its function
	Source   string   // "file:line" of that instruction, if the object says it
	Count    int      // how many instructions have it
	Guarded  bool     // the object also checks whether it exists

	typeID uint32
	root   ID
	kind   btf.Kind // of the root
	spec   []accessor
}

// ParseObject reads the relocations of an ELF object of either byte order. An
// object without .BTF or .BTF.ext has none, which is not an error.
func ParseObject(name string, data []byte) (obj *Object, err error) {
	defer guard.Panics(&err)
	obj = &Object{Name: name}
	if len(data) > MaxObject {
		return nil, fmt.Errorf("object %q has %d bytes, the limit is %d", name, len(data), MaxObject)
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading object %q: %w", name, err)
	}
	if f.Machine != elf.EM_BPF && f.Machine != elf.EM_NONE {
		return nil, fmt.Errorf("object %q is for %s, not for BPF", name, f.Machine)
	}
	types, ext := f.Section(".BTF"), f.Section(".BTF.ext")
	if types == nil || ext == nil {
		return obj, nil
	}
	if err := obj.read(f, types, ext); err != nil {
		return nil, fmt.Errorf("reading object %q: %w", name, err)
	}
	return obj, nil
}

func (o *Object) read(f *elf.File, types, ext *elf.Section) error {
	raw, err := types.Data()
	if err != nil {
		return fmt.Errorf(".BTF: %w", err)
	}
	view, err := btf.Parse(raw)
	if err != nil {
		return fmt.Errorf(".BTF: %w", err)
	}
	if o.local, err = NewRaw(view, nil); err != nil {
		return fmt.Errorf(".BTF: %w", err)
	}
	if raw, err = ext.Data(); err != nil {
		return fmt.Errorf(".BTF.ext: %w", err)
	}
	info, err := parseExt(raw, f.ByteOrder)
	if err != nil {
		return fmt.Errorf(".BTF.ext: %w", err)
	}
	return o.distinct(view, info.relocations, newLocator(f, view, info.lines))
}

// distinct turns records into relocations without repetitions.
func (o *Object) distinct(view *btf.View, records []record, loc *locator) error {
	type key struct {
		typeID uint32
		kind   Kind
		access string
	}
	seen := make(map[key]int, len(records))
	for i, rec := range records {
		access, err := view.String(rec.accessOff)
		if err != nil {
			return fmt.Errorf("relocation %d: access string: %w", i, err)
		}
		program, err := loc.program(rec)
		if err != nil {
			return fmt.Errorf("relocation %d: %w", i, err)
		}
		k := key{rec.typeID, rec.kind, access}
		if at, ok := seen[k]; ok {
			o.Relocations[at].again(loc.programs(program))
			continue
		}
		seen[k] = len(o.Relocations)
		r := Relocation{Kind: rec.kind, typeID: rec.typeID}
		r.again(loc.programs(program))
		loc.place(&r, rec, program)
		if err := r.parse(o.local, view, access); err != nil {
			return fmt.Errorf("relocation %d (%s %q): %w", i, rec.kind, access, err)
		}
		o.Relocations = append(o.Relocations, r)
	}
	o.markGuarded()
	return o.local.Err()
}

// again counts one more instruction, in a function of the given programs.
func (r *Relocation) again(programs []string) {
	r.Count++
	for _, p := range programs {
		if !slices.Contains(r.Programs, p) {
			r.Programs = append(r.Programs, p)
		}
	}
}

// RootNames returns the essential names of all root types of the objects,
// sorted: what a kernel's types are searched for.
func RootNames(objects []*Object) []string {
	names := map[string]bool{}
	for _, o := range objects {
		for _, r := range o.Relocations {
			if r.Kind != TypeIDLocal {
				names[btf.EssentialName(r.Root)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// RootType returns the root type as C writes it, such as "struct task_struct".
func (r *Relocation) RootType() string {
	switch r.kind {
	case btf.Struct, btf.Union, btf.Enum:
		return r.kind.String() + " " + r.Root
	case btf.Enum64:
		return "enum " + r.Root
	case btf.Fwd:
		return "struct " + r.Root
	}
	return r.Root
}
