package core

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// Raw is the Types of one BTF. It decodes a type when it is first used and
// holds nothing of the others but the table of offsets. Lookups change it, so one
// goroutine at a time may use it; those that share types take a fork each.
type Raw struct {
	view    *btf.View
	roots   map[string][]ID
	symbols map[uint32]ID // raw id of a named or anchoring type → ID
	anchors map[uint32]ID // raw id of a typedef → ID of the anonymous type that it names
	nodes   []rawNode     // by ID
	err     error
}

type rawNode struct {
	raw uint32
	typ *Type
}

// NewRaw returns the types of v. Find knows the essential names given here and
// no others: they are searched in one pass.
func NewRaw(v *btf.View, essential []string) (*Raw, error) {
	r := &Raw{
		view:    v,
		roots:   make(map[string][]ID, len(essential)),
		symbols: make(map[uint32]ID),
		anchors: make(map[uint32]ID),
		nodes:   make([]rawNode, 1, 256),
	}
	r.nodes[0].typ = void
	err := r.scan(newNameSet(essential))
	return r, err
}

// fork returns a Raw that knows what r knows, by the same IDs, and that decodes
// further types without changing r.
func (r *Raw) fork() *Raw {
	f := *r
	f.symbols, f.anchors, f.nodes = maps.Clone(r.symbols), maps.Clone(r.anchors), slices.Clone(r.nodes)
	return &f
}

// RootKind reports whether relocations can have a type of kind k as root.
func RootKind(k btf.Kind) bool {
	switch k {
	case btf.Int, btf.Struct, btf.Union, btf.Enum, btf.Enum64, btf.Fwd, btf.Typedef, btf.Float:
		return true
	}
	return false
}

// scan fills r.roots.
func (r *Raw) scan(wanted *nameSet) error {
	for id := uint32(1); id <= uint32(r.view.Len()); id++ {
		h := r.view.Header(id)
		if h.NameOff == 0 || !RootKind(h.Kind) {
			continue
		}
		name, err := r.view.String(h.NameOff)
		if err != nil {
			return fmt.Errorf("name of BTF type %d: %w", id, err)
		}
		if essential, ok := wanted.match(name); ok {
			r.roots[essential] = append(r.roots[essential], r.symbol(id))
		}
	}
	return nil
}

// Find implements Types.
func (r *Raw) Find(essential string) []ID { return r.roots[essential] }

// Err implements Types.
func (r *Raw) Err() error { return r.err }

// Root returns the ID of the type with this raw id for use as a relocation's
// root: a typedef stays a typedef.
func (r *Raw) Root(raw uint32) (ID, error) {
	s, err := Strip(r.view, raw, true)
	if err != nil || s.Raw == 0 {
		return 0, err
	}
	if s.Named {
		return r.symbol(s.Raw), nil
	}
	return r.private(s.Raw), nil
}

// Type implements Types.
func (r *Raw) Type(id ID) *Type {
	if int(id) >= len(r.nodes) {
		r.fail(fmt.Errorf("BTF type %d does not exist", id))
		return void
	}
	if t := r.nodes[id].typ; t != nil {
		return t
	}
	t, err := r.decode(r.nodes[id].raw)
	if err != nil {
		r.fail(fmt.Errorf("BTF type %d: %w", r.nodes[id].raw, err))
		t = void
	}
	r.nodes[id].typ = t
	return t
}

func (r *Raw) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// symbol returns the one ID of a named type.
func (r *Raw) symbol(raw uint32) ID {
	id, ok := r.symbols[raw]
	if !ok {
		id = r.private(raw)
		r.symbols[raw] = id
	}
	return id
}

// private returns a new ID for a type that belongs to the place in which it occurs.
func (r *Raw) private(raw uint32) ID {
	r.nodes = append(r.nodes, rawNode{raw: raw})
	return ID(len(r.nodes) - 1)
}

// Stripped is what Strip found.
type Stripped struct {
	Raw     uint32 // raw id of the type, 0 for void
	Kind    btf.Kind
	Named   bool
	Typedef uint32 // raw id of the last typedef before it, or 0
}

// Anchored reports whether s is an anonymous type that a typedef names. All
// users of the typedef share it.
func (s Stripped) Anchored() bool {
	return s.Typedef != 0 && !s.Named && (s.Kind.Composite() || s.Kind.AnyEnum())
}

var errCycle = errors.New("types refer to each other in a cycle")

// Strip follows modifiers and, unless keepTypedef is set, typedefs.
func Strip(v *btf.View, raw uint32, keepTypedef bool) (Stripped, error) {
	var s Stripped
	for range maxDepth {
		if raw == 0 {
			return Stripped{Typedef: s.Typedef}, nil
		}
		if !v.Valid(raw) {
			return s, fmt.Errorf("reference to type %d, the last one is %d", raw, v.Len())
		}
		h := v.Header(raw)
		switch {
		case h.Kind.Modifier():
		case h.Kind == btf.Typedef && !keepTypedef:
			s.Typedef = raw
		default:
			s.Raw, s.Kind, s.Named = raw, h.Kind, h.NameOff != 0
			return s, nil
		}
		raw = h.Data
	}
	return s, errCycle
}

// ref returns the ID of what a type refers to by the raw id.
func (r *Raw) ref(raw uint32) (ID, error) {
	s, err := Strip(r.view, raw, false)
	if err != nil || s.Raw == 0 {
		return 0, err
	}
	switch {
	case s.Named && RootKind(s.Kind):
		return r.symbol(s.Raw), nil
	case s.Anchored():
		return r.anchored(s.Typedef, s.Raw), nil
	}
	return r.private(s.Raw), nil
}

// anchored returns the one ID of the anonymous type that a typedef names.
func (r *Raw) anchored(typedef, raw uint32) ID {
	id, ok := r.anchors[typedef]
	if !ok {
		id = r.private(raw)
		r.anchors[typedef] = id
	}
	return id
}
