package wasm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/tetratelabs/wazero/api"
)

// Function is one function of the API.
type Function struct {
	Group string
	Name  string
	// Signature is "(name type, ...) type" with the types u32, i32, u64, string
	// and buffer. A string and a buffer are an u64: the length in the upper half,
	// the address in the lower one; in a buffer the host writes.
	Signature string
	// Doc is what the function does, and what its result means.
	Doc string

	call func(c call)
}

// params returns the types of the parameters, as wasm has them.
func (f Function) params() []api.ValueType {
	list, _, _ := strings.Cut(strings.TrimPrefix(f.Signature, "("), ")")
	var out []api.ValueType
	for _, param := range strings.Split(list, ", ") {
		if _, typ, ok := strings.Cut(param, " "); ok {
			out = append(out, valueType(typ))
		}
	}
	return out
}

// results returns the types of the results, as wasm has them.
func (f Function) results() []api.ValueType {
	_, typ, _ := strings.Cut(f.Signature, ")")
	if typ = strings.TrimSpace(typ); typ != "" {
		return []api.ValueType{valueType(typ)}
	}
	return nil
}

func valueType(name string) api.ValueType {
	if name == "u32" || name == "i32" {
		return api.ValueTypeI32
	}
	return api.ValueTypeI64
}

func sameTypes(a, b []api.ValueType) bool { return slices.Equal(a, b) }

// Functions returns every function of the API, grouped.
func Functions() []Function {
	return slices.Concat(logFunctions, sourceFunctions, arrayFunctions, fieldFunctions, paramFunctions,
		mapFunctions, perfFunctions, kernelFunctions)
}

var functionsByName = func() map[string]Function {
	out := map[string]Function{}
	for _, f := range Functions() {
		out[f.Name] = f
	}
	return out
}()

// call is one call of a function of the API.
type call struct {
	*Program
	ctx    context.Context
	memory api.Memory
	stack  []uint64
}

// bind returns f as a function of the host module.
func (p *Program) bind(f Function) api.GoModuleFunction {
	return api.GoModuleFunc(func(ctx context.Context, m api.Module, stack []uint64) {
		f.call(call{Program: p, ctx: ctx, memory: m.Memory(), stack: stack})
	})
}

// u32 returns parameter number i.
func (c call) u32(i int) uint32 { return uint32(c.stack[i]) }

// ret sets the result.
func (c call) ret(v uint32) { c.stack[0] = uint64(v) }

// The results of functions that return nothing else.
const (
	resultOK    = 0
	resultError = 1
)

// ErrAbsent means that something does not exist, which programs query to find out.
// Only a verbose run shows it.
var ErrAbsent = errors.New("none exists")

// report logs the error of a function of the API.
func (c call) report(name string, err error) {
	level := Warn
	if errors.Is(err, ErrAbsent) || errors.Is(err, ebpf.ErrKeyNotExist) || errors.Is(err, ebpf.ErrKeyExist) {
		level = Debug
	}
	if c.log.wants(level) {
		c.log.log(level, fmt.Sprintf("%s: %v", name, err))
	}
}

// done sets the result to whether err is nil, and logs err.
func (c call) done(name string, err error) {
	if err != nil {
		c.report(name, err)
		c.ret(resultError)
		return
	}
	c.ret(resultOK)
}

// handle sets the result to a handle of v, or to 0 and logs err.
func (c call) handle(name string, v any, err error) {
	if err != nil {
		c.report(name, err)
		c.ret(0)
		return
	}
	handle := c.handles.add(v)
	if handle == 0 {
		c.log.warnf("%s: more than %d handles, release those that are not needed", name, maxHandles)
		release(v)
	}
	c.ret(handle)
}

// get returns what parameter number i is a handle of.
func get[T any](c call, i int) (T, error) {
	v, ok := c.handles.get(c.u32(i)).(T)
	if !ok {
		return v, handleError{c.u32(i)}
	}
	return v, nil
}
