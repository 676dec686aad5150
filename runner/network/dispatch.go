package network

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// callbackOffset is where skb->cb is in struct __sk_buff.
const callbackOffset = 48

// dispatcherName is the name of the programs that a dispatcher makes.
const dispatcherName = "gadget_run_net"

// dispatcher starts one program from many network namespaces: from each by a small
// program of its own, which puts the number of the namespace into skb->cb[0], as
// gadgets expect it, and continues with the program. The kernel empties the table
// between the two when this process ends, however it ends.
type dispatcher struct {
	table *ebpf.Map
	spec  ebpf.ProgramSpec
}

// newDispatcher returns a dispatcher to prog. attach is the type that prog was
// loaded with.
func newDispatcher(prog *ebpf.Program, attach ebpf.AttachType) (*dispatcher, error) {
	table, err := ebpf.NewMap(&ebpf.MapSpec{
		Name: dispatcherName, Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("making a table of programs: %w", err)
	}
	if err := table.Put(uint32(0), uint32(prog.FD())); err != nil {
		return nil, errors.Join(fmt.Errorf("filling a table of programs: %w", err), table.Close())
	}
	return &dispatcher{table, ebpf.ProgramSpec{
		Name: dispatcherName, Type: prog.Type(), AttachType: attach, License: "GPL",
	}}, nil
}

// program returns the program for the namespace with number ns. The caller closes
// it.
func (d *dispatcher) program(ns uint32) (*ebpf.Program, error) {
	verdict := int32(0) // of a socket filter: drop the copy of the packet
	if d.spec.Type == ebpf.SchedCLS {
		verdict = -1 // TC_ACT_UNSPEC: as if no program was there
	}
	spec := d.spec
	spec.Instructions = asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm32(asm.R2, int32(ns)),
		asm.StoreMem(asm.R6, callbackOffset, asm.R2, asm.Word),
		asm.LoadMapPtr(asm.R2, d.table.FD()),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, verdict),
		asm.Return(),
	}
	prog, err := ebpf.NewProgram(&spec)
	if err != nil {
		return nil, fmt.Errorf("loading the program of a network namespace: %w", err)
	}
	return prog, nil
}

// Close ends it.
func (d *dispatcher) Close() error { return d.table.Close() }
