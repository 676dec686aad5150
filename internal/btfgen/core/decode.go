package core

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// decode returns the type with a raw id that is valid and not void.
func (r *Raw) decode(raw uint32) (*Type, error) {
	h := r.view.Header(raw)
	name, err := r.view.String(h.NameOff)
	if err != nil {
		return nil, err
	}
	t := &Type{Kind: h.Kind, Flag: h.Flag, Name: name, Size: h.Data}
	switch h.Kind {
	case btf.Int:
		t.Flag, t.IntData = false, r.view.Word(h, 0)
	case btf.Struct, btf.Union:
		t.Flag = false
		err = r.members(t, h)
	case btf.Enum, btf.Enum64:
		err = r.values(t, h)
	case btf.Fwd:
		t.Size = 0
	case btf.Float:
		t.Flag = false
	case btf.Ptr:
		t.Name, t.Flag, t.Size = "", false, 0
		t.Elem, err = r.ref(h.Data)
	case btf.Typedef:
		t.Flag, t.Size = false, 0
		t.Elem, err = r.typedef(raw, h.Data)
	case btf.Array:
		*t = Type{Kind: btf.Array, Size: r.view.Word(h, 2)}
		if t.Elem, err = r.ref(r.view.Word(h, 0)); err == nil {
			t.Index, err = r.ref(r.view.Word(h, 1))
		}
	case btf.FuncProto:
		*t = Type{Kind: btf.FuncProto}
		err = r.params(t, h)
	default:
		err = fmt.Errorf("a %s cannot be the type of anything", h.Kind)
	}
	return t, err
}

// typedef returns what a typedef names; the anonymous type that it names directly
// is the one that members of this typedef have, too.
func (r *Raw) typedef(raw, to uint32) (ID, error) {
	s, err := Strip(r.view, to, false)
	if s.Typedef == 0 {
		s.Typedef = raw
	}
	if err == nil && s.Anchored() {
		return r.anchored(s.Typedef, s.Raw), nil
	}
	return r.ref(to)
}

func (r *Raw) members(t *Type, h btf.Header) error {
	if h.Vlen == 0 {
		return nil
	}
	t.Members = make([]Member, h.Vlen)
	for i := range t.Members {
		name, err := r.view.String(r.view.Word(h, 3*i))
		if err != nil {
			return fmt.Errorf("member %d: %w", i, err)
		}
		typ, err := r.ref(r.view.Word(h, 3*i+1))
		if err != nil {
			return fmt.Errorf("member %d: %w", i, err)
		}
		m := Member{Name: name, Type: typ, Offset: r.view.Word(h, 3*i+2)}
		if h.Flag {
			m.Bits = uint8(m.Offset >> 24)
			m.Offset &= 1<<24 - 1
		}
		t.Members[i] = m
	}
	return nil
}

func (r *Raw) values(t *Type, h btf.Header) error {
	if h.Vlen == 0 {
		return nil
	}
	words := 2
	if h.Kind == btf.Enum64 {
		words = 3
	}
	t.Values = make([]Value, h.Vlen)
	for i := range t.Values {
		name, err := r.view.String(r.view.Word(h, words*i))
		if err != nil {
			return fmt.Errorf("enumerator %d: %w", i, err)
		}
		low := r.view.Word(h, words*i+1)
		v := Value{Name: name, Value: uint64(low)}
		switch {
		case words == 3:
			v.Value |= uint64(r.view.Word(h, words*i+2)) << 32
		case h.Flag:
			v.Value = uint64(int64(int32(low)))
		}
		t.Values[i] = v
	}
	return nil
}

func (r *Raw) params(t *Type, h btf.Header) (err error) {
	if t.Elem, err = r.ref(h.Data); err != nil {
		return err
	}
	if h.Vlen > 0 {
		t.Params = make([]ID, h.Vlen)
	}
	for i := range t.Params {
		if t.Params[i], err = r.ref(r.view.Word(h, 2*i+1)); err != nil {
			return fmt.Errorf("parameter %d: %w", i, err)
		}
	}
	return nil
}
