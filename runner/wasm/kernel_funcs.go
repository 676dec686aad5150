package wasm

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// FunctionDeclaration is the function that returns the parameters of a system call.
const FunctionDeclaration = "getSyscallDeclaration"

var kernelFunctions = []Function{
	{
		"Kernel", "kallsymsSymbolExists", "(name string) u32", "Returns 1 where the kernel has a symbol, else 0.",
		symbolExists,
	},
	{
		"Kernel", "getSyscallName", "(number u32, dst buffer) u32",
		"Writes the name of a system call, `syscall_HEX` for one without a known name. Returns 0, 1 on error.", syscallName,
	},
	{"Kernel", "getSyscallID", "(name string) i32", "Returns the number of a system call, -1 on error.", syscallNumber},
	{
		"Kernel", FunctionDeclaration, "(name string, dst buffer) u32",
		"Writes the declaration of a system call: name (32 bytes), number of parameters (1), 3 bytes, " +
			"six parameters of name (32) and flags (4; 1 for a pointer). Returns 0, 1 on error.", syscallDeclaration,
	},
}

func symbolExists(c call) {
	name, err := c.text(0)
	if err != nil {
		c.report("kallsymsSymbolExists", err)
	}
	if err == nil && c.opts.Kernel.HasSymbol(name) {
		c.ret(1)
		return
	}
	c.ret(0)
}

func syscallName(c call) {
	number := c.u32(0)
	name, ok := c.opts.Kernel.SyscallName(uint64(number))
	if !ok {
		name = "syscall_" + strconv.FormatUint(uint64(number), 16)
	}
	c.done("getSyscallName", c.writeText(1, name))
}

func syscallNumber(c call) {
	name, err := c.text(0)
	number, ok := uint64(0), false
	if err == nil {
		number, ok = c.opts.Kernel.SyscallNumber(name)
	}
	switch {
	case err != nil:
		c.report("getSyscallID", err)
		c.ret(^uint32(0))
	case !ok:
		c.report("getSyscallID", fmt.Errorf("system call %q: %w", name, ErrAbsent))
		c.ret(^uint32(0))
	default:
		c.ret(uint32(number))
	}
}

// The layout of a declaration.
const (
	declNameSize  = 32
	declParams    = 6
	declHeader    = declNameSize + 4
	declParamSize = declNameSize + 4
	declSize      = declHeader + declParams*declParamSize
	declPointer   = 1 // flag
)

func syscallDeclaration(c call) {
	name, err := c.text(0)
	if err != nil {
		c.done(FunctionDeclaration, err)
		return
	}
	params, err := c.opts.Kernel.SyscallParams(name)
	if err != nil {
		c.done(FunctionDeclaration, fmt.Errorf("system call %q: %w", name, err))
		return
	}
	c.done(FunctionDeclaration, c.write(1, encodeDeclaration(name, params)))
}

func encodeDeclaration(name string, params []SyscallParam) []byte {
	if len(params) > declParams {
		params = params[:declParams]
	}
	b := make([]byte, declSize)
	copy(b[:declNameSize-1], name)
	b[declNameSize] = byte(len(params))
	for i, p := range params {
		at := b[declHeader+i*declParamSize:]
		copy(at[:declNameSize-1], p.Name)
		if p.Pointer {
			binary.LittleEndian.PutUint32(at[declNameSize:], declPointer)
		}
	}
	return b
}
