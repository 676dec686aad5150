package field

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/symbolizer"
)

// stackMap is a map of stacks by id.
type stackMap map[uint32][]uint64

// Lookup copies the addresses of a stack.
func (m stackMap) Lookup(key, value any) error {
	addrs, ok := m[key.(uint32)]
	if !ok {
		return errors.New("no such stack")
	}
	copy(value.(*[symbolizer.MaxDepth]uint64)[:], addrs)
	return nil
}

// stackSample is an event of the object stacks.bpf.o with stacks of a process.
func stackSample(t *testing.T, src *Source, kernel, user, pid uint32) []byte {
	t.Helper()
	sample := make([]byte, src.Size)
	put(t, src, sample, "kstack_raw", kernel)
	put(t, src, sample, "ustack.stack_id", user)
	put(t, src, sample, "ustack.tgid_level0", pid)
	put(t, src, sample, "ustack.base_addr_hash", uint32(1))
	return sample
}

// TestUserStackOfThisProcess names a function of the test by its address.
func TestUserStackOfThisProcess(t *testing.T) {
	addr := uint64(reflect.ValueOf(TestUserStackOfThisProcess).Pointer())
	stacks := &symbolizer.Stacks{}
	stacks.Bind(nil, stackMap{5: {addr, 0x10}}, nil, symbolizer.NewUser(symbolizer.Options{}), nil)
	src := objectSource(t, "stacks.bpf.o", Env{Stacks: stacks})
	sample := stackSample(t, src, 1, 5, uint32(os.Getpid()))
	want := fmt.Sprintf("0x%016x; 0x0000000000000010; ", addr)
	if got := text(t, src, "ustack.addresses", sample); got != want {
		t.Errorf("addresses %q, want %q", got, want)
	}
	got := text(t, src, "ustack.symbols", sample)
	if !strings.Contains(got, "field.TestUserStackOfThisProcess; ") || !strings.HasSuffix(got, "0x10; ") {
		t.Errorf("symbols %q, want the name of this test and 0x10", got)
	}
	if got := text(t, src, "ustack.buildid", sample); got != "" {
		t.Errorf("build ids %q of stacks that were taken without", got)
	}
}

// TestStacksThatAreNotThere are empty texts: stacks that could not be taken, that the
// map lost, of no process, of a gadget that is not loaded, of a runner without.
func TestStacksThatAreNotThere(t *testing.T) {
	bound := &symbolizer.Stacks{}
	bound.Bind(stackMap{}, stackMap{5: {16}}, nil, nil, func(err error) { t.Log(err) })
	const failed = 1<<32 - 14 // -EFAULT
	for name, tc := range map[string]struct {
		stacks    *symbolizer.Stacks
		user, pid uint32
	}{
		"not taken":   {bound, failed, 7},
		"lost":        {bound, 6, 7},
		"no process":  {bound, 5, 0},
		"not loaded":  {&symbolizer.Stacks{}, 5, 7},
		"no operator": {nil, 5, 7},
	} {
		t.Run(name, func(t *testing.T) {
			src := objectSource(t, "stacks.bpf.o", Env{Stacks: tc.stacks})
			sample := stackSample(t, src, failed, tc.user, tc.pid)
			for _, f := range []string{"kstack", "ustack.addresses", "ustack.symbols", "ustack.buildid"} {
				if got := text(t, src, f, sample); got != "" {
					t.Errorf("%s is shown as %q, want nothing", f, got)
				}
			}
		})
	}
}

// TestKernelStack names no function where the kernel has none at the address.
func TestKernelStack(t *testing.T) {
	stacks := &symbolizer.Stacks{}
	stacks.Bind(stackMap{3: {16, 32}}, nil, nil, nil, func(err error) { t.Log(err) })
	src := objectSource(t, "stacks.bpf.o", Env{Stacks: stacks})
	if got := text(t, src, "kstack", stackSample(t, src, 3, 0, 0)); got != "[unknown]; [unknown]; " {
		t.Errorf("the stack is %q", got)
	}
}

// TestUserStackOfOlderLayout has no texts, but the fields that there are.
func TestUserStackOfOlderLayout(t *testing.T) {
	old := pack(gadgetapi.TypeUserStack, 8, member("stack_id", 0, u32), member("pid", 4, u32))
	src := build(t, pack("event", 8, member("ustack", 0, old)), Options{})
	src.Finish()
	sample := []byte{5, 0, 0, 0, 7, 0, 0, 0}
	for name, want := range map[string]string{"ustack.stack_id": "5", "ustack.pid": "7", "ustack.symbols": ""} {
		if got := text(t, src, name, sample); got != want {
			t.Errorf("%s is shown as %q, want %q", name, got, want)
		}
	}
}
