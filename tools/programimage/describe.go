package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/attest"
)

// repository is where the sources are, in the format of SPDX.
const repository = "git+https://github.com/rules-gadget/rules_gadget"

// describe returns how the image was made. The modules are those that the programs
// themselves name.
func (f flags) describe(programs map[arch.Arch][]byte, root ocispec.Descriptor, commit string) (attest.Build, error) {
	b := attest.Build{
		Name: f.Name, Version: f.Version, Type: "program_image", Target: f.Target, Subject: root.Digest,
		Params: map[string]string{"path": f.Path},
	}
	if commit != "" {
		b.Commit = attest.Commit{ID: commit, URI: repository}
	}
	sums, err := action.ReadFile(f.GoSum, maxText)
	if err != nil {
		return b, fmt.Errorf("reading go.sum: %w", err)
	}
	compiler, err := action.ReadFile(f.Go, maxProgram)
	if err != nil {
		return b, fmt.Errorf("reading the go command: %w", err)
	}
	for _, a := range slices.Sorted(maps.Keys(programs)) {
		b.Archs = append(b.Archs, a.String())
		info, err := buildinfo.Read(bytes.NewReader(programs[a]))
		if err != nil {
			return b, fmt.Errorf("reading which modules are in the program for %s: %w", a, err)
		}
		linked, err := modules(info, attest.ParseSums(sums))
		if err != nil {
			return b, fmt.Errorf("reading which modules are in the program for %s: %w", a, err)
		}
		b.Materials = append(b.Materials, linked...)
		b.Materials = append(b.Materials, attest.Material{
			Kind: attest.Compiler, Name: "go", Version: info.GoVersion, Digest: digest.FromBytes(compiler),
		})
	}
	for _, list := range f.Package {
		data, err := action.ReadFile(list, maxText)
		if err != nil {
			return b, fmt.Errorf("reading packages: %w", err)
		}
		packages, err := attest.ParsePackages(attest.Package, data)
		if err != nil {
			return b, fmt.Errorf("reading packages in %q: %w", list, err)
		}
		b.Materials = append(b.Materials, packages...)
	}
	return b, nil
}

// modules are those that are linked into a program, but not its own.
func modules(info *debug.BuildInfo, sums attest.Sums) ([]attest.Material, error) {
	var all []attest.Material
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		if m.Path == info.Main.Path || m.Version == "" {
			continue
		}
		material, err := sums.Module(m.Path, m.Version)
		if err != nil {
			return nil, err
		}
		all = append(all, material)
	}
	return all, nil
}
