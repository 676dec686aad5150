package wasm_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

func newMemory() *memory {
	return &memory{params: map[string]string{}, config: map[string]string{}, failed: make(chan error, 1)}
}

func TestHostileModules(t *testing.T) {
	scalar := module{version: 1, imports: []string{"fieldGetScalar"}}
	for _, tc := range []struct {
		name   string
		module []byte
		want   string
	}{
		{
			"no memory", module{version: 1, noMemory: true, imports: []string{"gadgetLog"}}.encode(),
			"the wasm program does not export its memory, so nothing can be exchanged with it",
		},
		{"nothing", nil, "compiling the wasm program: invalid magic number"},
		{"text", []byte("\x00asm\x01\x00\x00\x00and more"), "compiling the wasm program: "},
		{"no version", module{}.encode(), "the wasm program does not export gadgetAPIVersion, so it is not one of a gadget"},
		{"other version", module{version: 2}.encode(), "the wasm program is for version 2 of the API, want 1"},
		{
			"version of another type",
			module{exports: []export{{"gadgetAPIVersion", signature{[]byte{i32}, []byte{i64}}, []byte{opI64Const, 1}}}}.encode(),
			"the wasm program's gadgetAPIVersion has another type than the API's",
		},
		{
			"unknown import", module{version: 1, imports: []string{"openFile"}}.encode(),
			`the wasm program needs the function "openFile" of module "ig", which the API does not have`,
		},
		{
			"import of another type", module{version: 1, imports: []string{"noType"}}.retype(t, "getMap"),
			`the wasm program declares the function "getMap" differently from the API, want (name string) u32`,
		},
		{"init with parameters", module{
			version: 1, exports: []export{{"gadgetInit", signature{[]byte{i32}, nil}, nil}},
		}.encode(), "the wasm program's gadgetInit takes parameters, want none"},
		{"callback of another type", module{
			version: 1, exports: []export{{"dataSourceCallback", signature{[]byte{i32}, nil}, nil}},
		}.encode(), "the wasm program's dataSourceCallback takes other parameters than the API's u64, u32, u32"},
		{
			"trap", module{version: 1, exports: []export{returning("gadgetInit", opUnreachable)}}.encode(),
			"the wasm program stopped in gadgetInit: unreachable",
		},
		{"loop", module{version: 1, exports: []export{returning("gadgetInit", opLoop, noResult, opBranch, 0,
			opEnd)}}.encode(), "the wasm program did not return from gadgetInit within 300ms, so it was ended"},
		{"loop at the start", module{
			version: 1, exports: []export{{"_initialize", signature{}, []byte{opLoop, noResult, opBranch, 0, opEnd}}},
		}.encode(), "the wasm program did not return from _initialize within 300ms, so it was ended"},
		{
			"recursion", module{version: 1, exports: []export{returning("gadgetInit", opCall, 1, opDrop)}}.encode(),
			"the wasm program stopped in gadgetInit: stack overflow",
		},
		{
			"address of an error that is not its memory",
			module{
				version: 1, imports: scalar.imports, exports: []export{returning("gadgetInit", scalar.call(0, 1, 1, 1, 1<<30)...)},
			}.encode(),
			"the wasm program stopped in gadgetInit: fieldGetScalar: " +
				"the address 0x40000000 of the error is not the program's memory",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			limits := wasm.Limits{MemoryPages: 16, Start: time.Minute, Event: time.Second}
			if strings.Contains(tc.want, "300ms") {
				limits.Start = 300 * time.Millisecond
			}
			g := newMemory()
			p, err := wasm.New(context.Background(), tc.module, wasm.Options{Gadget: g, Kernel: g, Handler: g, Limits: limits})
			if err == nil {
				p.Close()
			}
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %q, want %q", err, tc.want)
			}
		})
	}
}

// retype returns m whose only import has the name of a function of the API, but
// not its type.
func (m module) retype(t *testing.T, name string) []byte {
	t.Helper()
	pad := name + strings.Repeat(" ", len("getMap")-len(name))
	return []byte(strings.Replace(string(m.encode()), "noType", pad, 1))
}

func TestBuffersOutsideOfMemory(t *testing.T) {
	const wild = 1<<63 | 8
	m := module{version: 1, imports: []string{"gadgetLog", "getParamValue", "fieldGetBuffer"}}
	m.exports = []export{returning("gadgetInit", slices.Concat(m.call(0, 1, wild), m.call(1, wild, wild),
		m.call(2, 1, 1, 1, wild))...)}
	g := newMemory()
	p, err := wasm.New(context.Background(), m.encode(), wasm.Options{
		Gadget: g, Kernel: g, Log: g.log, LogLevel: wasm.Trace,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if len(g.logs) != 3 {
		t.Errorf("got %d messages, want one for each wrong call: %q", len(g.logs), g.logs)
	}
}

func TestTooManyHandles(t *testing.T) {
	m := module{version: 1, imports: []string{"getDataSource"}, memory: []byte("open")}
	one := m.call(0, 4<<32)
	m.exports = []export{returning("gadgetInit", []byte(strings.Repeat(string(one), 5000))...)}
	g := newMemory()
	p, _, err := begin(t, m.encode(), g, wasm.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if len(g.logs) == 0 || !strings.Contains(g.logs[0], "more than 4096 handles") {
		t.Errorf("got messages %q", g.logs)
	}
}

// words are in the memory of fuzzed modules, each at a multiple of 16.
var words = []string{
	"open", "pid", "comm", "counts", "n", "made", "text", "mode", "programs.x", "type:gadget_pid", "write", "vfs_read",
}

// FuzzCalls has programs call the API with arguments that the fuzzer chooses,
// from every function that a program may export.
func FuzzCalls(f *testing.F) {
	names := make([]string, 0, 41)
	for _, fn := range wasm.Functions() {
		// Maps of the kernel are not for a fuzzer.
		if fn.Name != "newMap" {
			names = append(names, fn.Name)
		}
	}
	f.Add([]byte{2, 0, 4, 0, 0, 3, 1, 1, 0, 7, 5, 1, 1, 4, 2, 6, 1, 2})
	f.Add([]byte{3, 1, 5, 2, 4, 1, 1, 0, 1, 22, 1, 0x80, 3, 1, 17, 1, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := module{version: 1, imports: names, memory: make([]byte, 16*len(words))}
		for i, w := range words {
			copy(m.memory[16*i:], w)
		}
		at := 0
		next := func() uint64 {
			if at++; at > len(data) {
				return 0
			}
			switch v := uint64(data[at-1]); {
			case v >= 0xf0: // anything
				return v<<56 | v<<31 | v
			case v >= 0x80: // a word, or a buffer
				i := (v & 0x7f) % uint64(len(words))
				return uint64(len(words[i]))<<32 | 16*i
			default: // a handle, an index, a kind
				return v
			}
		}
		for _, name := range []string{"gadgetInit", "gadgetPreStart", "gadgetStart", "gadgetStop"} {
			var body []byte
			for range min(next(), 24) {
				i := int(next() % uint64(len(names)))
				args := make([]uint64, len(apiSignature(names[i]).params))
				for j := range args {
					args[j] = next()
				}
				body = append(body, m.call(i, args...)...)
			}
			m.exports = append(m.exports, returning(name, body...))
		}
		inner := m.exports[0]
		inner.name, inner.signature, inner.body = "dataSourceCallback", signature{[]byte{i64, i32, i32}, nil},
			inner.body[:len(inner.body)-2]
		m.exports = append(m.exports, inner)
		g := newMemory()
		p, err := wasm.New(t.Context(), m.encode(), wasm.Options{
			Sources: sources(), Gadget: g, Kernel: g, Handler: g, Log: g.log, LogLevel: wasm.Trace,
			Limits: wasm.Limits{MemoryPages: 2, Start: 5 * time.Second, Event: 5 * time.Second},
		})
		if err != nil {
			return // of an address that is not the program's
		}
		defer p.Close()
		_ = p.PreStart(t.Context())
		_ = p.Start()
		for _, s := range p.Sources() {
			p.Event(s, openEvent(1, "cat")[:s.Size])
			p.Array(s, [][]byte{make([]byte, s.Size), make([]byte, s.Size)})
		}
		_ = p.Stop()
	})
}
