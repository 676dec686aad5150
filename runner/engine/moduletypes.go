package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/guard"
)

// SysBTF is where the kernel shows its types and those of its modules.
const SysBTF = "/sys/kernel/btf"

// vmlinux is the file of the kernel's own types in SysBTF.
const vmlinux = "vmlinux"

// BrokenModule is a kernel module whose types cannot be read.
type BrokenModule struct {
	Name string
	Err  error
}

// Error implements error.
func (b BrokenModule) Error() string {
	return fmt.Sprintf("the types of kernel module %q cannot be read: %v", b.Name, b.Err)
}

// BrokenModules returns the modules whose types in dir, which is SysBTF except in
// tests, cannot be read. Where the kernel's own cannot, the error reports it.
func BrokenModules(dir string) ([]BrokenModule, error) {
	base, err := btf.LoadSpec(filepath.Join(dir, vmlinux))
	if err != nil {
		return nil, fmt.Errorf("reading the types of the kernel: %w", err)
	}
	_, broken, err := moduleTypes(dir, base)
	return broken, err
}

// moduleTypes reads the types of every module in dir.
func moduleTypes(dir string, base *btf.Spec) (good []*btf.Spec, broken []BrokenModule, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	for _, e := range entries {
		if e.Name() == vmlinux {
			continue
		}
		spec, err := readModule(filepath.Join(dir, e.Name()), base)
		if err != nil {
			broken = append(broken, BrokenModule{e.Name(), err})
			continue
		}
		good = append(good, spec)
	}
	return good, broken, nil
}

// readModule returns the types of a module, all of which can be read.
func readModule(path string, base *btf.Spec) (spec *btf.Spec, err error) {
	defer guard.Panics(&err)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if spec, err = btf.LoadSplitSpecFromReader(bytes.NewReader(data), base); err != nil {
		return nil, err
	}
	for _, err := range spec.All() {
		if err != nil {
			return nil, err
		}
	}
	return spec, nil
}

// loadCollection loads spec. The library wants the types of every module for a
// program that is relocated, so that one broken module stops all of them: what
// fails is tried again with the types that can be read.
func (l *Loaded) loadCollection(
	spec *ebpf.CollectionSpec, opts ebpf.CollectionOptions, dir string,
) (*ebpf.Collection, error) {
	if opts.Cache == nil {
		opts.Cache = btf.NewCache()
	}
	c, err := newCollection(spec.Copy(), opts)
	var rejected *ebpf.VerifierError
	if err == nil || opts.Programs.KernelTypes != nil || errors.As(err, &rejected) || !l.plan.NeedsBTF() {
		return c, err
	}
	kernel, kernelErr := opts.Cache.Kernel()
	if kernelErr != nil {
		return nil, err
	}
	good, broken, modulesErr := moduleTypes(dir, kernel)
	if modulesErr != nil || len(broken) == 0 {
		return nil, err
	}
	for _, b := range broken {
		l.note("%v, going on without them", b)
	}
	opts.Programs.KernelTypes = kernel
	opts.Programs.ExtraRelocationTargets = slices.Concat(opts.Programs.ExtraRelocationTargets, good)
	return newCollection(spec, opts)
}
