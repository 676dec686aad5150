package engine_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"

	"github.com/rules-gadget/rules_gadget/internal/feature"
	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// multiPrograms are the programs of multi.bpf.o.
var multiPrograms = []string{"kernel_call", "kernel_return", "kernel_session", "user_call", "user_return"}

// callsProbed returns what runs a program until ctx ends, and calls the kernel.
func callsProbed(program string) func(ctx context.Context) {
	return func(ctx context.Context) {
		for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			_ = exec.CommandContext(ctx, program).Run()
			_, _ = os.ReadFile(os.DevNull)
		}
	}
}

// TestManyFunctions attaches programs to the functions that match a pattern, at once
// where the kernel does that, else one by one.
func TestManyFunctions(t *testing.T) {
	gadgettest.NeedsKernel(t)
	program := gadgettest.Program(t)
	for _, name := range multiPrograms {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "kernel") && !exists("/sys/bus/event_source/devices/kprobe") {
				t.Skip("needs a kernel with kprobes")
			}
			if err := features.HaveBPFLinkKprobeSession(); name == "kernel_session" && err != nil {
				t.Skipf("needs kprobe.session: %v", err)
			}
			options := gadgetapi.ProgramOptions{}
			if strings.HasPrefix(name, "user") {
				options.AttachTo = program + ":probed_*"
			}
			l := loadOnly(t, "multi.bpf.o", multiPrograms, name, options)
			if !runsUntil(t, l, name, callsProbed(program)) {
				t.Error("no event came")
			}
		})
	}
}

// loadOnly loads an object with one of its programs enabled.
func loadOnly(t *testing.T, object string, all []string, name string, options gadgetapi.ProgramOptions) *engine.Loaded {
	t.Helper()
	md := gadgetapi.Metadata{Programs: map[string]gadgetapi.ProgramOptions{name: options}}
	for _, other := range all {
		if other != name {
			md.Programs[other] = gadgetapi.ProgramOptions{AttachTo: gadgetapi.DisabledTarget}
		}
	}
	p, err := gadgetapi.Read(gadgettest.File(t, object), md)
	if err != nil {
		t.Fatal(err)
	}
	l, err := engine.Load(p, engine.LoadOptions{Note: t.Logf, Detail: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// runsUntil runs l and something that makes events, until one begins with a name.
func runsUntil(t *testing.T, l *engine.Loaded, name string, trigger func(context.Context)) bool {
	t.Helper()
	return namesSeen(t, l, trigger, name)[name]
}

// namesSeen runs l until events with all these names have come, and returns the
// names that came.
func namesSeen(t *testing.T, l *engine.Loaded, trigger func(context.Context), names ...string) map[string]bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	seen := map[string]bool{}
	rec := &recorder{found: func(s []byte) {
		name, _, _ := strings.Cut(string(s), "\x00")
		seen[name] = true
		for _, n := range names {
			if !seen[n] {
				return
			}
		}
		cancel()
	}}
	var wg sync.WaitGroup
	err := l.Run(ctx, rec, func() { wg.Go(func() { trigger(ctx) }) })
	cancel()
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// TestPatternOfNothing holds the sentences for patterns that match nothing.
func TestPatternOfNothing(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for name, target := range map[string]string{
		"kernel_call": "no_such_func*",
		"user_call":   "/proc/self/exe:no_such_func*",
	} {
		if strings.HasPrefix(name, "kernel") && !exists("/sys/bus/event_source/devices/kprobe") {
			continue
		}
		l := loadOnly(t, "multi.bpf.o", multiPrograms, name, gadgetapi.ProgramOptions{AttachTo: target})
		if err := l.Attach(); err == nil || !strings.Contains(err.Error(), `no function matches "no_such_func*"`) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestFallbacks runs the programs that the kernel can attach, and the others of
// those that it cannot.
func TestFallbacks(t *testing.T) {
	gadgettest.NeedsKernel(t)
	p, err := gadgetapi.Read(gadgettest.File(t, "fallback.bpf.o"), gadgetapi.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := engine.Load(p, engine.LoadOptions{Note: t.Logf, Detail: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	first, other := "on_exec", "on_exec__fallback"
	if !exists("/sys/kernel/btf/vmlinux") {
		first, other = other, first
	}
	seen := namesSeen(t, l, trigger, first, "on_fork__fallback")
	if !seen[first] || seen[other] || !seen["on_fork__fallback"] {
		t.Errorf("events of %v, want %s and on_fork__fallback alone", seen, first)
	}
	if attached, skipped := l.Attached(); attached+skipped != 0 {
		t.Errorf("%d programs are attached after the end, %d skipped", attached, skipped)
	}
}

// TestSocketsOfMap attaches to a map with a socket. What parses a stream works together with
// what judges it.
func TestSocketsOfMap(t *testing.T) {
	gadgettest.NeedsKernel(t)
	all := programsOf(t, "sockmap.bpf.o")
	for name, beside := range map[string]string{"verdict": "", "any_verdict": "", "message": "", "parser": "verdict"} {
		t.Run(name, func(t *testing.T) {
			if name == "any_verdict" || name == "parser" { // a parser alone locks up 5.10
				needsRelease(t, feature.Release{Major: 5, Minor: 13})
			}
			others := slices.DeleteFunc(slices.Clone(all), func(n string) bool { return n == beside })
			l := loadOnly(t, "sockmap.bpf.o", others, name, gadgetapi.ProgramOptions{})
			if !runsUntil(t, l, name, func(ctx context.Context) { talkThrough(ctx, t, l.Map("sockets")) }) {
				t.Error("no event came")
			}
		})
	}
}

// needsRelease skips the test where the kernel is older.
func needsRelease(t *testing.T, oldest feature.Release) {
	t.Helper()
	id, err := kernel.Uname()
	if err != nil {
		t.Fatal(err)
	}
	if running, ok := feature.ParseRelease(id.Release); ok && running.Before(oldest) {
		t.Skipf("needs Linux %s, this is %s", oldest, id.Release)
	}
}

// talkThrough puts both ends of a connection into a map and sends something back
// and forth.
func talkThrough(ctx context.Context, t *testing.T, m *ebpf.Map) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return
	}
	defer ln.Close()
	a, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		t.Error(err)
		return
	}
	defer a.Close()
	b, err := ln.Accept()
	if err != nil {
		t.Error(err)
		return
	}
	defer b.Close()
	for i, conn := range []net.Conn{a, b} {
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err == nil {
			err = errors.Join(raw.Control(func(fd uintptr) { err = m.Put(uint32(i), uint32(fd)) }), err)
		}
		if err != nil {
			t.Error(err)
			return
		}
	}
	for ctx.Err() == nil {
		_, _ = a.Write([]byte("ping"))
		_ = b.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = b.Read(make([]byte, 16))
		time.Sleep(10 * time.Millisecond)
	}
}
