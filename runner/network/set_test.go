package network_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/network"
)

// counter is a program that counts packets by skb->cb[0].
type counter struct {
	*ebpf.Program
	seen *ebpf.Map
}

func newCounter(t *testing.T, kind ebpf.ProgramType) counter {
	t.Helper()
	gadgettest.NeedsKernel(t)
	seen, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 64})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { seen.Close() })
	verdict := int32(0)
	if kind == ebpf.SchedCLS {
		verdict = -1
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: kind, License: "GPL", Instructions: asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 48, asm.Word),
		asm.StoreMem(asm.RFP, -4, asm.R2, asm.Word),
		asm.StoreImm(asm.RFP, -8, 1, asm.Word),
		asm.LoadMapPtr(asm.R1, seen.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -4),
		asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, -8),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnMapUpdateElem.Call(),
		asm.Mov.Imm(asm.R0, verdict),
		asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	return counter{prog, seen}
}

// sees reports whether the program sees a packet that is sent in the namespace of
// a process.
func (c counter) sees(t *testing.T, p gadgettest.Contained) bool {
	t.Helper()
	key := uint32(p.NetNS)
	_ = c.seen.Delete(key)
	gadgettest.SendTraffic(t, p.PID)
	var value uint32
	return c.seen.Lookup(key, &value) == nil
}

// TestEveryNamespaceOnce attaches in two namespaces, in one of them for two
// processes, and leaves them one after the other.
func TestEveryNamespaceOnce(t *testing.T) {
	c := newCounter(t, ebpf.SocketFilter)
	a, b := gadgettest.StartContained(t, "a"), gadgettest.StartContained(t, "b")
	second := gadgettest.Neighbour(t, a).PID
	s := network.NewSet()
	t.Cleanup(func() { s.Close() })
	if err := s.Add(network.Program{Program: c.Program, Hook: network.Sockets(nil)}, false); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name       string
		do         func() error
		seeA, seeB bool
	}{
		{"nothing entered", func() error { return nil }, false, false},
		{"enter a", enter(s, a.PID), true, false},
		{"enter a again", enter(s, second), true, false},
		{"enter b", enter(s, b.PID), true, true},
		{"leave a", func() error { return s.Leave(a.PID) }, true, true},
		{"leave a again", func() error { return s.Leave(a.PID) }, true, true},
		{"leave the other of a", func() error { return s.Leave(second) }, false, true},
		{"close", s.Close, false, false},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if seeA, seeB := c.sees(t, a), c.sees(t, b); seeA != step.seeA || seeB != step.seeB {
			t.Errorf("%s: packets of a %t, of b %t; want %t, %t", step.name, seeA, seeB, step.seeA, step.seeB)
		}
	}
}

func enter(s *network.Set, pid uint32) func() error {
	return func() error {
		_, err := s.Enter(pid)
		return err
	}
}

// TestOwnNamespace finds the number of this program's own namespace, and enters it
// no second time for a process that shares it.
func TestOwnNamespace(t *testing.T) {
	c := newCounter(t, ebpf.SocketFilter)
	info, err := os.Stat("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	self := gadgettest.Contained{PID: uint32(os.Getpid()), NetNS: info.Sys().(*syscall.Stat_t).Ino}
	s := network.NewSet()
	defer s.Close()
	if err := s.Add(network.Program{Program: c.Program, Hook: network.Sockets([]string{"lo"})}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Enter(self.PID); err != nil {
		t.Fatal(err)
	}
	if err := s.Leave(self.PID); err != nil {
		t.Fatal(err)
	}
	if !c.sees(t, self) {
		t.Error("a process that shares the namespace took the program away")
	}
}

// TestGoneProcess enters the namespace of a process that has ended.
func TestGoneProcess(t *testing.T) {
	c := newCounter(t, ebpf.SocketFilter)
	s := network.NewSet()
	defer s.Close()
	if err := s.Add(network.Program{Program: c.Program, Hook: network.Sockets(nil)}, false); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Enter(uint32(cmd.Process.Pid)); n != 0 || err == nil {
		t.Errorf("entered %d, %v", n, err)
	}
}
