package main

import (
	"bytes"
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/compression"
	"github.com/rules-gadget/rules_gadget/internal/vmlinuz"
)

const (
	moduleSuffix = ".ko.xz"
	maxModule    = 256 << 20
)

// mergedModules are the directories of modules that the header has types of: what programs trace and extend. The other
// drivers would double its size, and the time of every compile.
var mergedModules = []string{"arch", "block", "crypto", "drivers/hid", "drivers/nvme", "fs", "mm", "net", "virt"}

// statistics are the enums whose values are single words and that programs read all the same.
var statistics = []string{"node_stat_item", "quota_type", "vm_event_item"}

// singleWord matches names that programs give to values of their own.
var singleWord = regexp.MustCompile(`^[A-Z]+$`)

// mergedBTF returns the release of an unpacked kernel, and one BTF with the types of it and of its modules, and those
// types of an older kernel that it no longer has; older may be empty. Types that no image has get a flavor if programs
// could use their names.
func mergedBTF(kernel, older string, images map[string]bool) (release string, merged []byte, err error) {
	types := &kernelTypes{named: map[string]btf.Type{}}
	directory, err := types.readKernel(kernel)
	if err != nil {
		return "", nil, err
	}
	for _, part := range mergedModules {
		if err := types.addAll(filepath.Join(directory, "kernel", filepath.FromSlash(part))); err != nil {
			return "", nil, err
		}
	}
	if older != "" {
		if _, err := types.readKernel(older); err != nil {
			return "", nil, err
		}
	}
	types.share()
	types.flavorModules(images)
	merged, err = types.marshal()
	return filepath.Base(directory), merged, err
}

// kernelTypes collects the types of kernels and of their modules.
type kernelTypes struct {
	base  *btf.Spec // of the kernel that was read last
	types []btf.Type
	named map[string]btf.Type // by typeKey, of the types that have one
}

// readKernel adds the types of the kernel image below a directory and returns where its modules are.
func (k *kernelTypes) readKernel(kernel string) (modules string, err error) {
	images, err := filepath.Glob(filepath.Join(kernel, "usr", "lib", "modules", "*", "vmlinuz"))
	if err != nil {
		return "", err
	}
	if len(images) != 1 {
		return "", fmt.Errorf("%q has %d files usr/lib/modules/<release>/vmlinuz, unpack one linux-binary package there",
			kernel, len(images))
	}
	image, err := os.ReadFile(images[0])
	if err != nil {
		return "", err
	}
	extracted, err := vmlinuz.Extract(image)
	if err == nil {
		k.base, err = btf.LoadSpecFromReader(bytes.NewReader(extracted.BTF))
	}
	if err == nil {
		err = k.addSpec(k.base)
	}
	if err != nil {
		return "", fmt.Errorf("reading the types of %s: %w", images[0], err)
	}
	return filepath.Dir(images[0]), nil
}

// addAll adds every module below a directory, in the order of their paths.
func (k *kernelTypes) addAll(directory string) error {
	return filepath.WalkDir(directory, func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !strings.HasSuffix(path, moduleSuffix) {
			return nil
		}
		if err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		module, err := compression.ReadAll(compression.XZ, file, maxModule)
		if err == nil {
			err = k.add(module)
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		return nil
	})
}

// add takes the types of a module.
func (k *kernelTypes) add(module []byte) error {
	raw, err := sectionBTF(module)
	if err != nil || raw == nil {
		return err
	}
	spec, err := btf.LoadSplitSpecFromReader(bytes.NewReader(raw), k.base)
	if err != nil {
		return err
	}
	return k.addSpec(spec)
}

// addSpec takes the types whose name is new.
func (k *kernelTypes) addSpec(spec *btf.Spec) error {
	for typ, err := range spec.All() {
		if err != nil {
			return err
		}
		nameless(typ)
		flavored(typ)
		if k.name(typ) {
			k.types = append(k.types, typ)
		}
	}
	return nil
}

// name remembers a type by its name, and reports whether it is the first definition of it.
func (k *kernelTypes) name(typ btf.Type) bool {
	key := typeKey(typ)
	first := k.named[key]
	if key == "" || first != nil && (!forward(first) || forward(typ)) {
		return false
	}
	k.named[key] = typ
	return true
}

// forward reports whether a type is an enum that is only declared.
func forward(typ btf.Type) bool {
	enum, isEnum := typ.(*btf.Enum)
	return isEnum && len(enum.Values) == 0
}

// marshal returns all types as one BTF.
func (k *kernelTypes) marshal() ([]byte, error) {
	builder, err := btf.NewBuilder(k.types, &btf.BuilderOptions{Deduplicate: true})
	if err != nil {
		return nil, err
	}
	return builder.Marshal(nil, nil)
}

// typeKey is what C gives one name to: a struct and a typedef may share theirs.
// An enum without a name goes by its first value. A function that is not a kfunc, and what else has no name, comes only
// with what uses it.
func typeKey(typ btf.Type) string {
	switch t := typ.(type) {
	case *btf.Struct:
		return join("struct", t.Name)
	case *btf.Union:
		return join("union", t.Name)
	case *btf.Enum:
		if t.Name == "" && len(t.Values) > 0 {
			return join("values", t.Values[0].Name)
		}
		return join("enum", t.Name)
	case *btf.Typedef:
		return join("typedef", t.Name)
	case *btf.Func:
		if slices.Contains(t.Tags, "bpf_kfunc") {
			return join("func", t.Name)
		}
	}
	return ""
}

// flavored gives values that are a single word, such as OPEN, three underscores and the name of their enum as a suffix,
// which CO-RE does not look at: in C they would take that name from the programs.
func flavored(typ btf.Type) {
	enum, isEnum := typ.(*btf.Enum)
	if !isEnum || slices.Contains(statistics, enum.Name) {
		return
	}
	flavor := cmp.Or(enum.Name, "enum")
	for i, value := range enum.Values {
		if singleWord.MatchString(value.Name) {
			enum.Values[i].Name += "___" + flavor
		}
	}
}

func join(kind, name string) string {
	if name == "" {
		return ""
	}
	return kind + " " + name
}

// sectionBTF returns the BTF of a module, nil where it has none.
func sectionBTF(module []byte) ([]byte, error) {
	file, err := elf.NewFile(bytes.NewReader(module))
	if err != nil {
		return nil, err
	}
	section := file.Section(".BTF")
	if section == nil {
		return nil, nil
	}
	return section.Data()
}

// nameless takes the name off the types of members without a name, which only a compile with -fms-extensions knows: in
// standard C "struct s;" in a struct declares no member. The types themselves stay as they are.
func nameless(typ btf.Type) {
	var members []btf.Member
	switch t := typ.(type) {
	case *btf.Struct:
		members = t.Members
	case *btf.Union:
		members = t.Members
	}
	for i := range members {
		if members[i].Name != "" {
			continue
		}
		switch t := members[i].Type.(type) {
		case *btf.Struct:
			members[i].Type = &btf.Struct{Size: t.Size, Members: t.Members}
		case *btf.Union:
			members[i].Type = &btf.Union{Size: t.Size, Members: t.Members}
		}
	}
}
