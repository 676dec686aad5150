package wasm_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

// The types of values, and instructions, of the binary format of wasm.
const (
	i32 = 0x7f
	i64 = 0x7e

	opUnreachable = 0x00
	opLoop        = 0x03
	opBranch      = 0x0c
	opEnd         = 0x0b
	opCall        = 0x10
	opDrop        = 0x1a
	opI32Const    = 0x41
	opI64Const    = 0x42
	noResult      = 0x40
)

// signature is the type of a function.
type signature struct{ params, results []byte }

// export is a function of a module.
type export struct {
	name string
	signature
	body []byte
}

// module is a wasm module that imports the functions of the API called imports.
type module struct {
	imports  []string
	exports  []export
	memory   []byte // at address 0
	noMemory bool
	version  byte // that gadgetAPIVersion returns, 0 for none
}

// leb appends n as unsigned LEB128.
func leb(dst []byte, n uint64) []byte { return binary.AppendUvarint(dst, n) }

// sleb appends n as signed LEB128.
func sleb(dst []byte, n int64) []byte {
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(dst, b)
		}
		dst = append(dst, b|0x80)
	}
}

func vector(items ...[]byte) []byte {
	return append(leb(nil, uint64(len(items))), bytes.Join(items, nil)...)
}

func sized(b []byte) []byte { return append(leb(nil, uint64(len(b))), b...) }

func section(id byte, content []byte) []byte { return append([]byte{id}, sized(content)...) }

func (s signature) encode() []byte {
	return slices.Concat([]byte{0x60}, sized(s.params), sized(s.results))
}

// apiSignature is the type of a function of the API.
func apiSignature(name string) signature {
	for _, f := range wasm.Functions() {
		if f.Name == name {
			return parseSignature(f.Signature)
		}
	}
	return signature{}
}

func parseSignature(s string) signature {
	typ := func(name string) byte {
		if strings.HasSuffix(name, "32") {
			return i32
		}
		return i64
	}
	params, result, _ := strings.Cut(strings.TrimPrefix(s, "("), ")")
	var sig signature
	for _, p := range strings.Split(params, ", ") {
		if _, t, ok := strings.Cut(p, " "); ok {
			sig.params = append(sig.params, typ(t))
		}
	}
	if result = strings.TrimSpace(result); result != "" {
		sig.results = []byte{typ(result)}
	}
	return sig
}

// encode returns the module in the binary format.
func (m module) encode() []byte {
	exports := m.exports
	if m.version > 0 {
		exports = append([]export{{"gadgetAPIVersion", signature{nil, []byte{i64}}, []byte{opI64Const, m.version}}},
			exports...)
	}
	var types, imports, functions, exported, code [][]byte
	for i, name := range m.imports {
		types = append(types, apiSignature(name).encode())
		imports = append(imports, slices.Concat(sized([]byte("ig")), sized([]byte(name)), []byte{0}, leb(nil, uint64(i))))
	}
	for i, e := range exports {
		index := leb(nil, uint64(len(m.imports)+i))
		types = append(types, e.encode())
		functions = append(functions, index)
		exported = append(exported, slices.Concat(sized([]byte(e.name)), []byte{0}, index))
		code = append(code, sized(slices.Concat([]byte{0}, e.body, []byte{opEnd})))
	}
	out := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), section(1, vector(types...)), section(2, vector(imports...)),
		section(3, vector(functions...)))
	if !m.noMemory {
		out = append(out, section(5, vector([]byte{1, 1, 2}))...)
	}
	if !m.noMemory {
		exported = append(exported, slices.Concat(sized([]byte("memory")), []byte{2, 0}))
	}
	out = slices.Concat(out, section(7, vector(exported...)), section(10, vector(code...)))
	if len(m.memory) > 0 {
		out = append(out, section(11, vector(slices.Concat([]byte{0, opI32Const, 0, opEnd}, sized(m.memory))))...)
	}
	return out
}

// call returns the instructions that call import number i with constants and
// drop the result.
func (m module) call(i int, args ...uint64) []byte {
	sig := apiSignature(m.imports[i])
	var out []byte
	for j, t := range sig.params {
		var v uint64
		if j < len(args) {
			v = args[j]
		}
		if t == i32 {
			out = sleb(append(out, opI32Const), int64(int32(v)))
		} else {
			out = sleb(append(out, opI64Const), int64(v))
		}
	}
	out = leb(append(out, opCall), uint64(i))
	if len(sig.results) > 0 {
		out = append(out, opDrop)
	}
	return out
}

// returning is a function without parameters that runs body and returns 0.
func returning(name string, body ...byte) export {
	return export{name, signature{nil, []byte{i32}}, append(body, opI32Const, 0)}
}
