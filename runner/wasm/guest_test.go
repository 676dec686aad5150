package wasm_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

// guest is testdata/guest, compiled once.
var guest struct {
	once   sync.Once
	module []byte
}

func guestModule(tb testing.TB) []byte {
	tb.Helper()
	guest.once.Do(func() {
		built := os.Getenv("GUEST") // by Bazel, from the root of the workspace
		if built != "" {
			built = filepath.Join("..", "..", built)
		}
		guest.module = gadgettest.WasmProgram(tb, filepath.Join("testdata", "guest"), built)
	})
	if guest.module == nil {
		tb.Skip("needs a Go toolchain in PATH to build a wasm program")
	}
	return guest.module
}

// cache is shared by tests, so that each module is compiled once.
var cache = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "wasm-cache-")
	if err != nil {
		panic(err)
	}
	return dir
})

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(cache())
	os.Exit(code)
}

// memory is a gadget, a kernel and an output in memory.
type memory struct {
	params map[string]string
	maps   map[string]*ebpf.Map
	kernel error // of SyscallParams

	mu     sync.Mutex
	config map[string]string
	logs   []string
	events []string
	failed chan error
}

func (g *memory) Param(key string) (string, bool) { v, ok := g.params[key]; return v, ok }
func (g *memory) Map(name string) *ebpf.Map       { return g.maps[name] }
func (g *memory) Discards(ns uint64) bool         { return ns == 7 }
func (g *memory) HasSymbol(name string) bool      { return name == "vfs_read" }

func (g *memory) SetConfig(key, value string) error {
	if !strings.HasPrefix(key, "programs.") {
		return errors.New("no such key")
	}
	g.config[key] = value
	return nil
}

func (g *memory) SyscallName(n uint64) (string, bool)   { return "write", n == 1 }
func (g *memory) SyscallNumber(n string) (uint64, bool) { return 1, n == "write" }

func (g *memory) SyscallParams(string) ([]wasm.SyscallParam, error) {
	return []wasm.SyscallParam{{Name: "fd"}, {Name: "buf", Pointer: true}, {Name: "count"}}, g.kernel
}

func (g *memory) Event(s *wasm.Source, record []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, show(s, record))
}

func (g *memory) Array(s *wasm.Source, records [][]byte) {
	var all []string
	for _, r := range records {
		all = append(all, show(s, r))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, "["+strings.Join(all, " ")+"]")
}

func (g *memory) log(level wasm.Level, text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.logs = append(g.logs, fmt.Sprintf("%d %s", level, text))
}

// show returns the fields of a record as text.
func show(s *wasm.Source, record []byte) string {
	var b strings.Builder
	b.WriteString(s.Name)
	for _, f := range s.Fields {
		fmt.Fprintf(&b, " %s=%v", f.Name, value(f, record))
	}
	return b.String()
}

func value(f *wasm.Field, r []byte) any {
	if f.Size == 0 {
		return string(f.Text(nil, r))
	}
	b := r[f.Offset : f.Offset+f.Size]
	switch f.Kind {
	case wasm.Bool:
		return b[0] == 1
	case wasm.Int8:
		return int8(b[0])
	case wasm.Uint8:
		return b[0]
	case wasm.Int16:
		return int16(binary.NativeEndian.Uint16(b))
	case wasm.Uint16:
		return binary.NativeEndian.Uint16(b)
	case wasm.Int32:
		return int32(binary.NativeEndian.Uint32(b))
	case wasm.Uint32:
		return binary.NativeEndian.Uint32(b)
	case wasm.Int64:
		return int64(binary.NativeEndian.Uint64(b))
	case wasm.Uint64:
		return binary.NativeEndian.Uint64(b)
	case wasm.Float32:
		return math.Float32frombits(binary.NativeEndian.Uint32(b))
	case wasm.Float64:
		return math.Float64frombits(binary.NativeEndian.Uint64(b))
	}
	if f.Added {
		return fmt.Sprintf("%q", wasm.TextAt(r, f.Offset))
	}
	return fmt.Sprintf("%q", strings.TrimRight(string(b), "\x00"))
}

// sources are those of the guest.
func sources() []*wasm.Source {
	return []*wasm.Source{
		{Name: "open", Size: 12, Fields: []*wasm.Field{
			{Name: "pid", Kind: wasm.Uint32, Size: 4},
			{Name: "comm", Kind: wasm.CString, Offset: 4, Size: 8},
			{Name: "made_text", Kind: wasm.String, Text: func(dst, r []byte) []byte { return fmt.Appendf(dst, "pid %d", r[0]) }},
		}},
		{Name: "counts", Array: true, Size: 8, Fields: []*wasm.Field{{Name: "n", Kind: wasm.Uint64, Size: 8}}},
		{Name: "hidden", Size: 8, Fields: []*wasm.Field{{Name: "word", Kind: wasm.CString, Size: 8}}},
	}
}

func openEvent(pid byte, comm string) []byte {
	return append([]byte{pid, 0, 0, 0}, fmt.Appendf(nil, "%-8s", comm)...)
}

// start makes a program of the guest in a mode.
func start(tb testing.TB, mode string, limits wasm.Limits) (*wasm.Program, *memory, error) {
	tb.Helper()
	g := &memory{params: map[string]string{"mode": mode}, config: map[string]string{}, failed: make(chan error, 1)}
	return begin(tb, guestModule(tb), g, limits)
}

func begin(tb testing.TB, module []byte, g *memory, limits wasm.Limits) (*wasm.Program, *memory, error) {
	tb.Helper()
	return beginWith(tb, module, g, g, limits)
}

func beginWith(tb testing.TB, module []byte, g *memory, output wasm.Handler, limits wasm.Limits) (*wasm.Program,
	*memory, error,
) {
	tb.Helper()
	p, err := wasm.New(context.Background(), module, wasm.Options{
		Sources: sources(), Gadget: g, Kernel: g, Handler: output, Log: g.log, LogLevel: wasm.Info,
		Failed: func(err error) { g.failed <- err }, Cache: cache(), Limits: limits,
	})
	if err == nil {
		tb.Cleanup(func() { p.Close() })
	}
	return p, g, err
}

func startAll(tb testing.TB, mode string, limits wasm.Limits) (*wasm.Program, *memory) {
	tb.Helper()
	p, g, err := start(tb, mode, limits)
	if err != nil {
		tb.Fatal(err)
	}
	if err := p.PreStart(context.Background()); err != nil {
		tb.Fatal(err, g.logs)
	}
	return p, g
}

func TestEvents(t *testing.T) {
	p, g := startAll(t, "", wasm.Limits{})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	s := p.Sources()
	p.Event(s[0], openEvent(5, "cat"))
	p.Event(s[0], openEvent(6, "dog"))
	p.Array(s[1], [][]byte{{1, 7: 0}, {2, 7: 0}})
	p.Event(s[2], []byte("hello\x00\x00\x00"))
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`open pid=5 comm="CAT     " made_text=pid 5 bool=true int8=-5 int16=-5 int32=-5 int64=-5 uint8=5 uint16=5 uint32=5 ` +
			`uint64=21474836480 float32=2.5 float64=1.25 text="pid 5 twice" raw="\x01\x00\x02"`,
		`open pid=6 comm="DOG     " made_text=pid 6 bool=true int8=-6 int16=-6 int32=-6 int64=-6 uint8=6 uint16=6 uint32=6 ` +
			`uint64=25769803776 float32=3 float64=1.5 text="pid 6 twice" raw="\x01\x00\x02"`,
		"[counts n=2 counts n=4 counts n=6]",
		`made words="hello!?"`,
		`made words="the end?"`,
	}
	if diff := cmp.Diff(want, g.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"programs.enter.attach_to": "gadget_program_disabled"}, g.config); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if tags := s[0].Field("uint64").Tags; len(tags) != 1 || tags[0] != "type:gadget_mntns_id" {
		t.Errorf("got tags %q", tags)
	}
}

func TestKernelFunctions(t *testing.T) {
	_, g, err := start(t, "kernel", wasm.Limits{})
	if err != nil {
		t.Fatal(err, g.logs)
	}
	if diff := cmp.Diff([]string{"2 write syscall_fff 1 [{fd false} {buf true} {count false}]"}, g.logs); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestMaps(t *testing.T) {
	gadgettest.NeedsKernel(t)
	inner := &ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	g := &memory{params: map[string]string{"mode": "maps"}, config: map[string]string{}, maps: map[string]*ebpf.Map{}}
	for name, spec := range map[string]*ebpf.MapSpec{
		"counts": {Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 2},
		"outer":  {Type: ebpf.HashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 2, InnerMap: inner},
	} {
		m, err := ebpf.NewMap(spec)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		g.maps[name] = m
	}
	p, _, err := begin(t, guestModule(t), g, wasm.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.PreStart(context.Background()), p.Start()); err != nil {
		t.Fatal(err, g.logs)
	}
}

func TestFailingPrograms(t *testing.T) {
	short := wasm.Limits{MemoryPages: 512, Start: 3 * time.Second, Event: 300 * time.Millisecond}
	for _, tc := range []struct{ mode, want string }{
		{"refuse", "the wasm program's gadgetInit failed with code 1, see what it logged"},
		{"loop", "the wasm program did not return from gadgetInit within 3s, so it was ended"},
		{"panic", "the wasm program stopped in gadgetInit: panic: out of order"},
		{"memory", "the wasm program stopped in gadgetInit: fatal error: out of memory"},
		{"loop in event", "the wasm program did not return from dataSourceCallback within 300ms, so it was ended"},
		{"panic in event", "the wasm program stopped in dataSourceCallback: panic: pid 5"},
		{"recursion", "the wasm program's events call each other more than 4 deep"},
	} {
		t.Run(tc.mode, func(t *testing.T) {
			p, g, err := start(t, tc.mode, short)
			if err == nil {
				if err = p.PreStart(context.Background()); err != nil {
					t.Fatal(err)
				}
				p.Event(p.Sources()[2], []byte("hello\x00\x00\x00"))
				p.Event(p.Sources()[0], openEvent(5, "cat"))
				err = <-g.failed
				p.Event(p.Sources()[0], openEvent(5, "cat")) // comes too late
				if stop := p.Stop(); stop != nil {
					t.Errorf("stopping what has failed: %v", stop)
				}
			}
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %q, want %q", err, tc.want)
			}
		})
	}
}

func TestLogRate(t *testing.T) {
	p, g, err := start(t, "log", wasm.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if n := len(g.logs); n < 100 || n > 200 {
		t.Errorf("%d of 10000 messages were logged", n)
	}
	if g.logs[0] != "1 message 0 of many" {
		t.Errorf("got %q", g.logs[0])
	}
	if last := g.logs[len(g.logs)-1]; !strings.Contains(last, "messages were left out") {
		t.Errorf("the end does not report what was left out: %q", last)
	}
}

func TestInterruptedStart(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	g := &memory{params: map[string]string{"mode": "loop"}}
	_, err := wasm.New(ctx, guestModule(t), wasm.Options{Gadget: g, Kernel: g})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want that of the context", err)
	}
}

func BenchmarkEvent(b *testing.B) {
	p, g := startAll(b, "", wasm.Limits{})
	event := openEvent(5, "cat")
	b.ReportAllocs()
	for b.Loop() {
		p.Event(p.Sources()[0], event)
		g.events = g.events[:0]
	}
}

// BenchmarkStart is a start with a module that was compiled before.
func BenchmarkStart(b *testing.B) {
	startAll(b, "", wasm.Limits{})
	for b.Loop() {
		p, _ := startAll(b, "", wasm.Limits{})
		p.Close()
	}
}
