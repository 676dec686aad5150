package engine

import (
	"math"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// verdicts is a tc program whose verdict is the first byte of the packet: by several
// exits, by a function of its own that may return 0, and with bits above those of an
// int.
func verdicts() asm.Instructions {
	function := func(name string) *btf.Func {
		result := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
		return &btf.Func{Name: name, Type: &btf.FuncProto{Return: result}, Linkage: btf.StaticFunc}
	}
	ins := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadImm(asm.R7, 1<<40, asm.DWord), // two instructions wide
		asm.Mov.Reg(asm.R1, asm.R6), asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, -8), asm.Mov.Imm(asm.R4, 1),
		asm.StoreImm(asm.RFP, -8, 0, asm.Word),
		asm.FnSkbLoadBytes.Call(),
		asm.LoadMem(asm.R8, asm.RFP, -8, asm.Byte),
		// What follows is jumped over by distance, as clang's objects do.
		{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.JNE).SetSource(asm.ImmSource), Dst: asm.R8, Offset: 2, Constant: 2},
		asm.Mov.Imm(asm.R0, 2),
		asm.Return(),
		asm.Call.Label("zero"),
		asm.Add.Reg(asm.R0, asm.R8),
		asm.Add.Reg(asm.R0, asm.R7),
		asm.Return(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("zero"),
		asm.Return(),
	}
	ins[0] = btf.WithFuncMetadata(ins[0].WithSymbol("verdicts"), function("verdicts"))
	ins[17] = btf.WithFuncMetadata(ins[17], function("zero"))
	return ins
}

// TestLetOthersRun runs a tc program as it is and with the verdict that lets other programs
// see the packet, too.
func TestLetOthersRun(t *testing.T) {
	gadgettest.NeedsKernel(t)
	tc, err := gadgetapi.KindOf("classifier/ingress/x")
	if err != nil {
		t.Fatal(err)
	}
	unspec := uint32(math.MaxUint32)
	for name, want := range map[string][3]uint32{"other": {0, 1, 2}, gadgetapi.KindTC: {unspec, 1, 2}} {
		kind := *tc
		kind.Name = name
		l := &Loaded{plan: &gadgetapi.Spec{Programs: []gadgetapi.Program{
			{Name: "verdicts", Kind: &kind}, {Name: "disabled", Kind: &kind},
		}}}
		spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{
			"verdicts": {Name: "verdicts", Type: ebpf.SchedCLS, License: "GPL", Instructions: verdicts()},
		}}
		l.letOthersRun(spec)
		prog, err := ebpf.NewProgram(spec.Programs["verdicts"])
		if err != nil {
			t.Fatalf("%s: %+v", name, err)
		}
		for first, verdict := range want {
			packet := make([]byte, 64)
			packet[0] = byte(first)
			if got, err := prog.Run(&ebpf.RunOptions{Data: packet}); err != nil || got != verdict {
				t.Errorf("kind %s: verdict %d becomes %d, %v, want %d", name, first, got, err, verdict)
			}
		}
		prog.Close()
	}
}
