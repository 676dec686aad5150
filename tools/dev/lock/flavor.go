package main

import (
	"regexp"

	"github.com/cilium/ebpf/btf"
)

// moduleFlavor follows the name of a module's type that programs could want for a type of their own. CO-RE does
// not look at it.
const moduleFlavor = "___module"

// ownName matches such names: a single word, such as "stream" or "uint64".
var ownName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// imageNames returns the keys of the types that images of kernels have, without those of their modules. Every vmlinux.h
// that is made of one of the images has these names, so that programs know them.
func imageNames(kernels ...map[string]string) (map[string]bool, error) {
	types := &kernelTypes{named: map[string]btf.Type{}}
	for _, directories := range kernels {
		for _, directory := range directories {
			if _, err := types.readKernel(directory); err != nil {
				return nil, err
			}
		}
	}
	names := map[string]bool{}
	for key := range types.named {
		names[key] = true
	}
	return names, nil
}

// flavorModules gives the types that only modules have, and whose names programs could want, the flavor; what all
// architectures' images have together counts, so that a type has one name for all of them.
func (k *kernelTypes) flavorModules(images map[string]bool) {
	k.walk(func(typ btf.Type) {
		key, name := typeKey(typ), typeName(typ)
		if forward, isForward := typ.(*btf.Fwd); isForward {
			key = join(forward.Kind.String(), forward.Name)
		}
		if name != nil && ownName.MatchString(*name) && k.named[key] != nil && !images[key] {
			*name += moduleFlavor
		}
	})
}

// typeName returns where a type has the name that C knows it by, nil where it has none.
func typeName(typ btf.Type) *string {
	switch t := typ.(type) {
	case *btf.Struct:
		return &t.Name
	case *btf.Union:
		return &t.Name
	case *btf.Enum:
		return &t.Name
	case *btf.Typedef:
		return &t.Name
	case *btf.Fwd:
		return &t.Name
	}
	return nil
}
