package network

import (
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"

	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestAbandonedFilter leaves a filter as a process does that is killed, and finds it
// gone when the next one attaches; the filter of a process that lives stays.
func TestAbandonedFilter(t *testing.T) {
	gadgettest.NeedsKernel(t)
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R0, -1), asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	box := gadgettest.StartContained(t, "a")
	gadgettest.InNetwork(t, box.PID, func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		index := lo.Attrs().Index
		q := NewQueues(nil)
		q.OnlyClsact = true
		alive := attachThrough(t, q, prog, index)
		defer alive.Close()
		killed := attachThrough(t, q, prog, index)
		if err := killed.Close(); err != nil {
			return err
		}
		d, err := q.open(index)
		if err != nil {
			return err
		}
		count := func() int {
			filters, err := d.control.filters(ingressParent)
			if err != nil {
				t.Fatal(err)
			}
			return len(filters)
		}
		if n := count(); n != 2 {
			t.Errorf("%d filters before, want 2", n)
		}
		for deadline := time.Now().Add(10 * time.Second); count() > 1 &&
			time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			d.sweep(ingressParent)
		}
		if n := count(); n != 1 {
			t.Errorf("%d filters after, want that of the process that lives", n)
		}
		return q.release(d)
	})
}

// attachThrough attaches prog by a dispatcher and returns that.
func attachThrough(t *testing.T, q *Queues, prog *ebpf.Program, index int) *dispatcher {
	t.Helper()
	d, err := newDispatcher(prog, ebpf.AttachNone)
	if err != nil {
		t.Fatal(err)
	}
	through, err := d.program(1)
	if err != nil {
		t.Fatal(err)
	}
	defer through.Close()
	if _, err := q.addFilter(index, through, false); err != nil {
		t.Fatal(err)
	}
	return d
}
