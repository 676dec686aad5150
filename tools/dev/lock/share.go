package main

import (
	"slices"

	"github.com/cilium/ebpf/btf"
)

// share makes all types refer to one type of each name. A module has types of its own for the kernel's where it
// was compiled with a definition that the kernel has not seen, an older kernel brings all of its own; each would be
// written with all that it refers to.
func (k *kernelTypes) share() {
	k.walk(func(typ btf.Type) {
		for _, reference := range references(typ) {
			if shared := k.named[typeKey(*reference)]; shared != nil &&
				(!holds(typ) || forward(*reference) || sameSize(shared, *reference)) {
				*reference = shared
			}
		}
	})
}

// walk visits all types and what they refer to, each once. The visitor may change what a type refers to.
func (k *kernelTypes) walk(visit func(btf.Type)) {
	seen := map[btf.Type]bool{}
	for left := slices.Clone(k.types); len(left) > 0; {
		typ := left[len(left)-1]
		left = left[:len(left)-1]
		if seen[typ] {
			continue
		}
		seen[typ] = true
		visit(typ)
		for _, reference := range references(typ) {
			left = append(left, *reference)
		}
	}
}

// holds reports whether the size of what a type refers to counts for its own.
func holds(typ btf.Type) bool {
	switch typ.(type) {
	case *btf.Struct, *btf.Union, *btf.Array, *btf.Typedef:
		return true
	}
	return false
}

// sameSize reports whether one type can replace another of the same name: the members after it stay where they are.
func sameSize(a, b btf.Type) bool {
	sizeA, errA := btf.Sizeof(a)
	sizeB, errB := btf.Sizeof(b)
	return sizeA == sizeB && (errA == nil) == (errB == nil)
}

// references returns where a type names others.
func references(typ btf.Type) []*btf.Type {
	var found []*btf.Type
	switch t := typ.(type) {
	case *btf.Struct:
		for i := range t.Members {
			found = append(found, &t.Members[i].Type)
		}
	case *btf.Union:
		for i := range t.Members {
			found = append(found, &t.Members[i].Type)
		}
	case *btf.FuncProto:
		found = append(found, &t.Return)
		for i := range t.Params {
			found = append(found, &t.Params[i].Type)
		}
	case *btf.Array:
		found = append(found, &t.Index, &t.Type)
	case *btf.Pointer:
		found = append(found, &t.Target)
	case *btf.Typedef:
		found = append(found, &t.Type)
	case *btf.Const:
		found = append(found, &t.Type)
	case *btf.Volatile:
		found = append(found, &t.Type)
	case *btf.Restrict:
		found = append(found, &t.Type)
	case *btf.TypeTag:
		found = append(found, &t.Type)
	case *btf.Func:
		found = append(found, &t.Type)
	case *btf.Var:
		found = append(found, &t.Type)
	}
	return found
}
