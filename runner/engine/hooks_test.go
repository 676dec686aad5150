package engine_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestAttachToHooks runs programs of hooks that not every kernel has.
func TestAttachToHooks(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for program, hook := range map[string]struct {
		kind    string
		trigger func(context.Context)
	}{
		"writable":    {gadgetapi.KindRawWritable, runsPrograms(t)},
		"writable_tp": {gadgetapi.KindRawWritable, runsPrograms(t)},
		"fmod_ret":    {gadgetapi.KindFmodRet, trigger},
		"lsm":         {gadgetapi.KindLSM, trigger},
	} {
		t.Run(program, func(t *testing.T) {
			if err := hasHook(t, hook.kind); err != nil {
				t.Skipf("needs a kernel with %s programs: %v", hook.kind, err)
			}
			l := loadOnly(t, "hooks.bpf.o", programsOf(t, "hooks.bpf.o"), program, gadgetapi.ProgramOptions{})
			if !runsUntil(t, l, program, hook.trigger) {
				t.Error("no event came")
			}
		})
	}
}

// hasHook returns nil where the kernel calls programs of a kind.
func hasHook(t *testing.T, kind string) error {
	t.Helper()
	for _, trial := range engine.TryKinds() {
		if trial.Kind.Name == kind && trial.Err != nil {
			return trial.Err
		}
	}
	if kind != gadgetapi.KindLSM {
		return nil
	}
	dir := t.TempDir() // a program that is attached is not called where "bpf" is not in the list of modules
	if err := unix.Mount("none", dir, "securityfs", 0, ""); err != nil {
		return fmt.Errorf("mounting securityfs: %w", err)
	}
	defer func() { _ = unix.Unmount(dir, 0) }()
	modules, err := os.ReadFile(filepath.Join(dir, "lsm"))
	if err == nil && !strings.Contains(string(modules), "bpf") {
		err = fmt.Errorf("security modules %q without bpf", modules)
	}
	return err
}

// nothing are the instructions of a program that lets everything be.
var nothing = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}

// runsPrograms returns what runs a program with data of its own until ctx ends,
// which is a tracepoint of the kernel.
func runsPrograms(t *testing.T) func(ctx context.Context) {
	t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, License: "GPL", Instructions: nothing})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	return func(ctx context.Context) {
		for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
			if _, _, err := prog.Test(make([]byte, 64)); err != nil {
				t.Error(err)
				return
			}
		}
	}
}

// TestIteratorOfMap reads the elements of a map by a program of the gadget.
func TestIteratorOfMap(t *testing.T) {
	gadgettest.NeedsKernel(t)
	l := loadOnly(t, "hooks.bpf.o", programsOf(t, "hooks.bpf.o"), "element", gadgetapi.ProgramOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	seen := map[uint32]bool{}
	rec := &recorder{found: func(s []byte) {
		if seen[binary.NativeEndian.Uint32(s)] = true; len(seen) == 3 {
			cancel()
		}
	}}
	if err := l.Run(ctx, rec, func() {}); err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(seen)), []uint32{0, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("keys %d, want %d", got, want)
	}
}
