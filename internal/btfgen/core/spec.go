package core

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// accessor is one step of a relocation's path that has a meaning: a named
// member, or an index into an array. Anonymous members are not steps.
type accessor struct {
	name  string // member, or enumerator
	index uint32 // array index, when name is empty
	typ   ID     // local type of the member or element
}

// maxAccess is the most steps an access string may have, as in libbpf.
const maxAccess = 64

// parse fills in what the access string means in the object's own types.
func (r *Relocation) parse(local *Raw, view *btf.View, access string) error {
	if r.Kind >= kindCount {
		return errors.New("unknown kind")
	}
	if !view.Valid(r.typeID) || r.typeID == 0 {
		return fmt.Errorf("root type %d does not exist", r.typeID)
	}
	var err error
	if r.root, err = local.Root(r.typeID); err != nil {
		return err
	}
	t := local.Type(r.root)
	r.Root, r.kind, r.Access = t.Name, t.Kind, t.Name
	if r.Kind == TypeIDLocal {
		return nil
	}
	if r.Root == "" {
		return fmt.Errorf("an anonymous %s cannot be looked up", t.Kind)
	}
	if !r.Kind.Field() && !r.Kind.Enumval() {
		if access != "0" {
			return errors.New(`the access string of a type must be "0"`)
		}
		return nil
	}
	path, err := parseAccess(access)
	if err != nil {
		return err
	}
	if r.Kind.Enumval() {
		return r.parseEnumval(local, path)
	}
	return r.parseField(local, path)
}

// parseAccess splits "0:1:2".
func parseAccess(access string) ([]uint32, error) {
	if strings.Count(access, ":") >= maxAccess {
		return nil, fmt.Errorf("the access string has more than %d steps", maxAccess)
	}
	var out []uint32
	for part := range strings.SplitSeq(access, ":") {
		n, err := strconv.ParseUint(part, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("step %q of the access string is not a number", part)
		}
		out = append(out, uint32(n))
	}
	return out, nil
}

func (r *Relocation) parseEnumval(local *Raw, path []uint32) error {
	_, t := underlying(local, r.root)
	if !t.Kind.AnyEnum() || len(path) != 1 || int(path[0]) >= len(t.Values) {
		return errors.New("the access string names no enumerator")
	}
	name := t.Values[path[0]].Name
	r.spec = []accessor{{name: name}}
	r.Access += "." + name
	return nil
}

func (r *Relocation) parseField(local *Raw, path []uint32) error {
	id, _ := underlying(local, r.root)
	r.spec = []accessor{{index: path[0], typ: id}}
	if path[0] != 0 {
		r.Access = fmt.Sprintf("%s[%d]", r.Access, path[0])
	}
	last := false // the step before led to the last member of its struct
	for _, index := range path[1:] {
		t := local.Type(id)
		switch {
		case t.Kind.Composite():
			if int(index) >= len(t.Members) {
				return fmt.Errorf("%s %q has no member number %d", t.Kind, t.Name, index)
			}
			m := t.Members[index]
			if m.Name != "" {
				r.spec = append(r.spec, accessor{name: m.Name, index: index, typ: m.Type})
				r.Access += "." + m.Name
			}
			id, last = m.Type, m.Name != "" && int(index) == len(t.Members)-1
		case t.Kind == btf.Array:
			if index >= t.Size && (t.Size > 0 || !last) {
				return fmt.Errorf("index %d is outside an array of %d", index, t.Size)
			}
			r.spec = append(r.spec, accessor{index: index, typ: t.Elem})
			r.Access = fmt.Sprintf("%s[%d]", r.Access, index)
			id, last = t.Elem, false
		default:
			return fmt.Errorf("a %s has no fields", t.Kind)
		}
	}
	return nil
}
