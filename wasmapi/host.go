package wasmapi

import (
	"encoding/binary"
	"fmt"
	"runtime"
)

// maxParam is the longest value of a parameter.
const maxParam = 64 << 10

// Param returns the value of a parameter that gadget.yaml declares below
// params.wasm.
func Param(key string) (string, error) {
	for size := 4 << 10; size <= maxParam; size *= 16 {
		dst := make([]byte, size)
		code := getParamValue(textPointer(key), pointer(dst))
		runtime.KeepAlive(key)
		if code == 0 {
			return text(dst), nil
		}
	}
	return "", fmt.Errorf("getting parameter %q: gadget.yaml has none of this name, or its value is too long", key)
}

// Disabled is the attach target of a program that is not to be loaded.
const Disabled = "gadget_program_disabled"

// AttachTo changes what an eBPF program is attached to.
func AttachTo(program, target string) error {
	return SetConfig("programs."+program+".attach_to", target)
}

// SetConfig changes a value of gadget.yaml, whose keys are joined by dots.
func SetConfig(key, value string) error {
	code := setConfig(textPointer(key), textPointer(value), uint32(String))
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	if code != 0 {
		return fmt.Errorf("setting %q: the runner refused it", key)
	}
	return nil
}

// Unwanted reports whether the user does not want events of a mount namespace.
func Unwanted(mntns uint64) bool { return shouldDiscardMntnsID(mntns) == 1 }

// KernelHas reports whether the kernel has a function or variable of this name.
func KernelHas(symbol string) bool {
	found := kallsymsSymbolExists(textPointer(symbol)) == 1
	runtime.KeepAlive(symbol)
	return found
}

// SyscallName returns the name of a system call, "syscall_HEX" for an unknown one.
func SyscallName(number uint32) (string, error) {
	dst := make([]byte, 64)
	if getSyscallName(number, pointer(dst)) != 0 {
		return "", fmt.Errorf("getting the name of system call %d: the runner refused it", number)
	}
	return text(dst), nil
}

// SyscallNumber returns the number of a system call; architectures have different
// ones.
func SyscallNumber(name string) (int, error) {
	n := getSyscallID(textPointer(name))
	runtime.KeepAlive(name)
	if n < 0 {
		return 0, fmt.Errorf("getting the number of system call %q: this machine has none of this name", name)
	}
	return int(n), nil
}

// SyscallParam is a parameter of a system call.
type SyscallParam struct {
	Name    string
	Pointer bool
}

// SyscallParams returns the parameters of a system call.
func SyscallParams(name string) ([]SyscallParam, error) {
	const nameSize, header, paramSize, params = 32, 36, 36, 6
	dst := make([]byte, header+params*paramSize)
	code := getSyscallDeclaration(textPointer(name), pointer(dst))
	runtime.KeepAlive(name)
	if code != 0 {
		return nil, fmt.Errorf("getting the parameters of system call %q: this machine has none of this name", name)
	}
	out := make([]SyscallParam, min(int(dst[nameSize]), params))
	for i := range out {
		at := dst[header+i*paramSize:]
		out[i] = SyscallParam{text(at[:nameSize]), binary.LittleEndian.Uint32(at[nameSize:])&1 != 0}
	}
	return out, nil
}
