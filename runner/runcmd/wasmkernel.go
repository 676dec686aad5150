package runcmd

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/field"
	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

// maxKallsyms bounds the kernel's list of symbols, in bytes; large kernels have 15 MiB.
const maxKallsyms = 128 << 20

// wasmKernel is what a wasm program may query from the kernel. It queries the kernel
// at most once for each kind of answer: programs request many.
type wasmKernel struct {
	mu    sync.Mutex
	types *btf.Cache // nil once the gadget runs
	text  []byte     // of all symbols, as far as it was needed

	syscalls struct {
		once   sync.Once
		params map[string][]engine.SyscallParam
		err    error
	}
}

// HasSymbol implements wasm.Kernel.
func (k *wasmKernel) HasSymbol(name string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.types != nil {
		// Most symbols that are requested are functions in the kernel's BTF, which
		// is read anyhow; listing all symbols takes some 50 ms.
		var fn *btf.Func
		if spec, err := k.types.Kernel(); err == nil && spec.TypeByName(name, &fn) == nil {
			return true
		}
	}
	if k.text == nil {
		k.text, _ = action.ReadFile("/proc/kallsyms", maxKallsyms)
	}
	return bytes.Contains(k.text, []byte(" "+name+"\n")) || bytes.Contains(k.text, []byte(" "+name+"\t"))
}

// freeStartMemory frees what only a start needs.
func (k *wasmKernel) freeStartMemory() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.types, k.text = nil, nil
}

// SyscallName implements wasm.Kernel.
func (k *wasmKernel) SyscallName(n uint64) (string, bool) { return field.SyscallName(n) }

// SyscallNumber implements wasm.Kernel.
func (k *wasmKernel) SyscallNumber(name string) (uint64, bool) { return field.SyscallNumber(name) }

// errNoDeclaration means that the kernel does not declare the parameters.
var errNoDeclaration = fmt.Errorf("%w: the kernel has no tracepoint that declares its parameters", wasm.ErrAbsent)

// SyscallParams implements wasm.Kernel.
func (k *wasmKernel) SyscallParams(name string) ([]wasm.SyscallParam, error) {
	if err := k.readSyscalls(); err != nil {
		return nil, err
	}
	params, ok := k.syscalls.params[name]
	if !ok {
		return nil, errNoDeclaration
	}
	out := make([]wasm.SyscallParam, len(params))
	for i, p := range params {
		out[i] = wasm.SyscallParam(p)
	}
	return out, nil
}

// readSyscalls reads all declarations: what the process needs for that may be given
// up when the programs are attached.
func (k *wasmKernel) readSyscalls() error {
	k.syscalls.once.Do(func() { k.syscalls.params, k.syscalls.err = engine.SyscallParams() })
	return k.syscalls.err
}
