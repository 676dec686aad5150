package engine_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

func load(tb testing.TB, object string, md gadgetapi.Metadata) (*gadgetapi.Spec, *engine.Loaded) {
	tb.Helper()
	p, err := gadgetapi.Read(gadgettest.File(tb, object), md)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := engine.Load(p, engine.LoadOptions{Note: tb.Logf, Metadata: md})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	return p, l
}

// recorder is a Handler that calls found for each sample.
type recorder struct {
	mu    sync.Mutex
	found func(sample []byte)
	lost  atomic.Uint64
}

func (r *recorder) Event(_ int, sample []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found(sample)
}

func (r *recorder) Array(_ int, samples [][]byte) {
	for _, s := range samples {
		r.Event(0, s)
	}
}

func (r *recorder) Lost(_ int, n uint64) { r.lost.Add(n) }

// only disables every program of attach.bpf.o but name.
func only(t *testing.T, name string) gadgetapi.Metadata {
	t.Helper()
	to := map[string]gadgetapi.ProgramOptions{}
	for _, n := range programsOf(t, "attach.bpf.o") {
		if n != name {
			to[n] = gadgetapi.ProgramOptions{AttachTo: gadgetapi.DisabledTarget}
		}
	}
	return gadgetapi.Metadata{Programs: to}
}

func TestAttachEveryKind(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for _, name := range programsOf(t, "attach.bpf.o") {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "k") && !exists("/sys/bus/event_source/devices/kprobe") {
				t.Skip("needs a kernel with kprobes")
			}
			if strings.HasPrefix(name, "u") && !exists("/sys/bus/event_source/devices/uprobe") {
				t.Skip("needs a kernel with uprobes")
			}
			if err := features.HaveProgramType(ebpf.Tracing); strings.HasPrefix(name, "f") && err != nil {
				t.Skipf("needs a kernel that allows fentry programs: %v", err)
			}
			md, trigger := only(t, name), trigger
			if strings.HasPrefix(name, "u") { // in a program that needs no library
				program := gadgettest.Program(t)
				md.Programs[name] = gadgetapi.ProgramOptions{AttachTo: program + ":" + gadgettest.ProbedFunctions[0]}
				trigger = callsProbed(program)
			}
			_, l := load(t, "attach.bpf.o", md)
			if !runsUntil(t, l, name, trigger) {
				t.Errorf("no event of program %q came", name)
			}
		})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// trigger opens a file and starts a program, until ctx ends.
func trigger(ctx context.Context) {
	for ctx.Err() == nil {
		if f, err := os.Open(os.DevNull); err == nil {
			f.Close()
		}
		_ = exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^$").Run()
		time.Sleep(20 * time.Millisecond)
	}
}

func TestLostEventsCounted(t *testing.T) {
	gadgettest.NeedsKernel(t)
	_, l := load(t, "flood.bpf.o", gadgetapi.Metadata{})
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	rec := &recorder{found: func([]byte) { time.Sleep(time.Millisecond) }}
	if err := l.Run(ctx, rec, func() { go trigger(ctx) }); err != nil {
		t.Fatal(err)
	}
	if rec.lost.Load() == 0 {
		t.Error("a flooded buffer lost nothing")
	}
}

func TestStuckHandlerDoesNotHoldDetaching(t *testing.T) {
	gadgettest.NeedsKernel(t)
	_, l := load(t, "open.bpf.o", gadgetapi.Metadata{})
	stuck := make(chan struct{})
	t.Cleanup(func() { close(stuck) })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var once sync.Once
	rec := &recorder{found: func([]byte) {
		once.Do(func() { time.AfterFunc(100*time.Millisecond, cancel) })
		<-stuck
	}}
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx, rec, func() { go trigger(ctx) }) }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Run waits for a handler that is stuck")
	}
}

func TestMissingAttachPoints(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for _, tc := range []struct{ name, program, target, want string }{
		{"tracepoint", "tracepoint", "sched/no_such_point", "lacks this attach point, which needs a newer version"},
		{"of an option", "tracepoint", "block/no_such_point", "which needs CONFIG_BLOCK or a newer version"},
		{"raw tracepoint", "raw_tp", "no_such_point", "raw_tp"},
		{"raw, of an option", "raw_tp", "qdisc_nothing", "which needs CONFIG_NET_SCHED or a newer version"},
		{"function", "fentry", "no_such_function_at_all", "no_such_function_at_all"},
		{"symbol", "uprobe", "libc:no_such_symbol", "no_such_symbol"},
		{"library", "uprobe", "libnosuchthing:f", "libnosuchthing"},
		{"no group", "tracepoint", "nogroup", "want group/name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := features.HaveProgramType(ebpf.Tracing); tc.program == "fentry" && err != nil {
				t.Skipf("needs a kernel that allows fentry programs: %v", err)
			}
			md := only(t, tc.program)
			md.Programs[tc.program] = gadgetapi.ProgramOptions{AttachTo: tc.target}
			p, err := gadgetapi.Read(gadgettest.File(t, "attach.bpf.o"), md)
			if err != nil {
				t.Fatal(err)
			}
			err = loadAndAttach(p)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got error %v, want one with %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %q", err)
			}
		})
	}
}

// TestKindsOfOtherKernels has programs that this machine cannot attach refused before
// anything is loaded, and no others.
func TestKindsOfOtherKernels(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for program, possible := range map[string]bool{
		"kprobe": exists("/sys/bus/event_source/devices/kprobe"), "kretprobe": exists("/sys/bus/event_source/devices/kprobe"),
		"raw_tp": true,
	} {
		p, err := gadgetapi.Read(gadgettest.File(t, "attach.bpf.o"), only(t, program))
		if err != nil {
			t.Fatal(err)
		}
		l, err := engine.Load(p, engine.LoadOptions{})
		switch {
		case err == nil:
			l.Close()
			if !possible {
				t.Errorf("%s: programs were loaded that cannot be attached", program)
			}
		case possible:
			t.Errorf("%s: %v", program, err)
		case !strings.Contains(err.Error(), "cannot be attached: this kernel has no kprobes (CONFIG_KPROBES"):
			t.Errorf("%s: the error %q does not say what is missing", program, err)
		}
	}
}

func loadAndAttach(p *gadgetapi.Spec) error {
	l, err := engine.Load(p, engine.LoadOptions{})
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Attach()
}

func TestOnlyMissingSystemCalls(t *testing.T) {
	gadgettest.NeedsKernel(t)
	md := only(t, "tracepoint")
	md.Programs["tracepoint"] = gadgetapi.ProgramOptions{AttachTo: "syscalls/sys_enter_nothing"}
	_, l := load(t, "attach.bpf.o", md)
	if err := l.Attach(); err == nil || !strings.Contains(err.Error(), "nothing that the gadget traces exists here") {
		t.Errorf("got %v", err)
	} else if !strings.Contains(err.Error(), "CONFIG_FTRACE_SYSCALLS") {
		t.Errorf("%v: without the option of the kernel", err)
	}
}

func TestVerifierRejection(t *testing.T) {
	gadgettest.NeedsKernel(t)
	p, err := gadgetapi.Read(gadgettest.File(t, "rejected.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.Load(p, engine.LoadOptions{})
	var ve *engine.VerifierError
	if !errors.As(err, &ve) {
		t.Fatalf("got %v, want a VerifierError", err)
	}
	if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "invalid mem access") {
		t.Errorf("short form: %q", err)
	}
	if want := `rejected program "rejected" at rejected.bpf.c:`; !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want one with %q", err, want)
	}
	if !strings.Contains(ve.Log(), "\n") {
		t.Errorf("whole log: %q", ve.Log())
	}
}

func TestWithoutPrivilege(t *testing.T) {
	p, err := gadgetapi.Read(gadgettest.File(t, "open.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	dropCapabilities(t)
	if _, err := engine.Load(p, engine.LoadOptions{}); !errors.Is(err, engine.ErrPrivilege) {
		t.Errorf("got %v, want ErrPrivilege", err)
	}
}

// dropCapabilities takes the calling thread its effective capabilities. The
// thread ends with the test.
func dropCapabilities(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		t.Fatal(err)
	}
}
