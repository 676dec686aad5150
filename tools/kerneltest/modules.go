package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/compression"
	"github.com/rules-gadget/rules_gadget/internal/deb"
	"github.com/rules-gadget/rules_gadget/internal/vm"
)

const (
	maxModule  = 64 << 20 // unpacked
	maxModules = 100      // with those that they depend on
)

// addModules gives a machine the modules that the configuration names.
func (c *config) addModules(m *vm.Machine) error {
	file := cmp.Or(c.Modules, c.Kernel)
	if len(c.Module) == 0 || c.Modules == "" && !strings.HasSuffix(file, ".deb") {
		return nil
	}
	files, err := modules(file, c.Module)
	if err != nil {
		return err
	}
	for _, f := range files {
		m.Plan.Modules = append(m.Plan.Modules, "/"+f.Name)
	}
	m.Files = append(m.Files, files...)
	return nil
}

// modules reads the kernel modules of the given names, and those that they
// depend on, from a Debian package of a kernel, in the order in which they are
// loaded. A module that the package lacks is left out: the kernel may have it
// built in.
func modules(file string, names []string) ([]vm.File, error) {
	found := map[string]module{}
	for missing := names; len(missing) > 0; {
		more, err := readModules(file, missing)
		if err != nil {
			return nil, fmt.Errorf("taking the modules %s out of %q: %w", strings.Join(missing, ", "), path.Base(file), err)
		}
		tried := missing
		missing = nil
		for _, name := range tried {
			found[name] = more[name]
		}
		for _, m := range more {
			for _, name := range m.depends {
				if _, ok := found[name]; !ok {
					missing = append(missing, name)
				}
			}
		}
		if len(found)+len(missing) > maxModules {
			return nil, fmt.Errorf("the modules of %q depend on more than %d others", path.Base(file), maxModules)
		}
	}
	var files []vm.File
	seen := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for _, d := range found[name].depends {
			add(d)
		}
		if m := found[name]; m.data != nil {
			files = append(files, vm.File{Name: fmt.Sprintf("modules/%s.ko", name), Data: m.data, Mode: 0o644})
		}
	}
	for _, name := range names {
		add(name)
	}
	return files, nil
}

// module is a kernel module.
type module struct {
	data    []byte // nil where the package does not have it
	depends []string
}

// readModules reads the modules of the given names that a package has.
func readModules(file string, names []string) (map[string]module, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	found := map[string]module{}
	_, err = deb.Read(f, func(h *tar.Header, r io.Reader) error {
		name, _, isModule := strings.Cut(path.Base(h.Name), ".ko")
		name = moduleName(name)
		if !isModule || h.Typeflag != tar.TypeReg || !wanted[name] {
			return nil
		}
		m, err := readModule(r)
		if err != nil {
			return fmt.Errorf("reading %q: %w", h.Name, err)
		}
		found[name] = m
		if len(found) == len(wanted) {
			return fs.SkipAll
		}
		return nil
	})
	return found, err
}

// moduleName returns the name of a module as the kernel spells it: files may have
// a dash where it has an underscore.
func moduleName(name string) string { return strings.ReplaceAll(name, "-", "_") }

// readModule reads a module, which may be compressed.
func readModule(r io.Reader) (module, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxModule))
	if err != nil {
		return module{}, err
	}
	format := compression.Detect(raw[:min(len(raw), compression.MagicLen)])
	data, err := compression.ReadAll(format, bytes.NewReader(raw), maxModule)
	if err != nil {
		return module{}, err
	}
	depends, err := dependencies(data)
	return module{data, depends}, err
}

// dependencies returns the names of the modules that a module says it needs.
func dependencies(data []byte) ([]string, error) {
	object, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer object.Close()
	section := object.Section(".modinfo")
	if section == nil {
		return nil, errors.New("it has no section .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for entry := range strings.SplitSeq(string(info), "\x00") {
		if list, ok := strings.CutPrefix(entry, "depends="); ok && list != "" {
			names := strings.Split(list, ",")
			for i := range names {
				names[i] = moduleName(names[i])
			}
			return names, nil
		}
	}
	return nil, nil
}
