package runcmd

import (
	"fmt"
	"sync"

	"github.com/cilium/ebpf/btf"
)

// kernelTypes returns the BTF to relocate against, nil for the running
// kernel's own.
func (s *session) kernelTypes() (*btf.Spec, error) {
	if s.cmd.BTF == "" {
		return nil, nil
	}
	spec, err := btf.LoadSpec(s.cmd.BTF)
	if err != nil {
		return nil, fmt.Errorf("reading --btf %q: %w", s.cmd.BTF, err)
	}
	s.detailf("using the BTF of %q", s.cmd.BTF)
	return spec, nil
}

// loadKernelSpec reads the kernel's own BTF once.
var loadKernelSpec = sync.OnceValues(btf.LoadKernelSpec)

// kernelEnum returns the running kernel's version of an enum, nil when it has
// none: newer kernels know more values than the object did.
func kernelEnum(name string) *btf.Enum {
	spec, err := loadKernelSpec()
	if err != nil {
		return nil
	}
	var enum *btf.Enum
	if spec.TypeByName(name, &enum) != nil {
		return nil
	}
	return enum
}
