package lockfile

import (
	"context"
	"errors"
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/strictyaml"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
)

// List is the file that a person writes: which gadgets a fleet has.
type List struct {
	// Archs are those that every gadget must have; empty requires none.
	Archs []arch.Arch
	// Gadgets are references, each once, in the order of the file.
	Gadgets []registry.Reference
}

type listFile struct {
	Version   int      `yaml:"version"`
	Platforms []string `yaml:"platforms"`
	Gadgets   []string `yaml:"gadgets"`
}

// ReadList reads the list in a file.
func ReadList(ctx context.Context, path string) (List, error) {
	data, err := action.ReadInput(ctx, path, MaxFile)
	if err != nil {
		return List{}, fmt.Errorf("reading the list: %w", err)
	}
	l, err := ParseList(data)
	if err != nil {
		return List{}, fmt.Errorf("reading the list %q: %w", path, err)
	}
	return l, nil
}

// ParseList parses a list.
func ParseList(data []byte) (List, error) {
	var f listFile
	var l List
	if err := decode(data, strictyaml.Limits{Bytes: MaxFile, Elements: oci.MaxChildren, Keys: maxKeys}, &f); err != nil {
		return l, err
	}
	if len(f.Gadgets) == 0 {
		return l, errors.New("it lists no gadget, write references below \"gadgets\"")
	}
	if len(f.Gadgets) > maxGadgets || len(f.Platforms) > maxPlatforms {
		return l, fmt.Errorf("it has %d gadgets and %d platforms, at most %d and %d are allowed",
			len(f.Gadgets), len(f.Platforms), maxGadgets, maxPlatforms)
	}
	for _, text := range f.Platforms {
		a, err := artifact.ParsePlatform(text)
		if err != nil {
			return l, err
		}
		l.Archs = append(l.Archs, a)
	}
	seen := map[string]bool{}
	for _, text := range f.Gadgets {
		ref, err := artifact.ParseNewName(text)
		if err != nil {
			return l, err
		}
		if name := artifact.StoredName(ref); seen[name] {
			return l, fmt.Errorf("it lists %s twice, leave one out", name)
		}
		seen[artifact.StoredName(ref)] = true
		l.Gadgets = append(l.Gadgets, ref)
	}
	return l, nil
}
