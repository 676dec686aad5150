package engine

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// tcOK is the verdict TC_ACT_OK, also TCX_PASS: the packet passes, and no further
// program or filter of the interface sees it.
const tcOK = 0

// letOthersRun makes tc programs that let a packet pass leave the decision to the
// programs and filters after them, such as those of a CNI plugin, which TC_ACT_OK would
// bypass. Other verdicts stay as they are.
func (l *Loaded) letOthersRun(spec *ebpf.CollectionSpec) {
	for _, p := range l.plan.Programs {
		pr := spec.Programs[p.Name]
		if pr != nil && p.Kind != nil && p.Kind.Name == gadgetapi.KindTC {
			pr.Instructions = replaceVerdict(pr.Instructions, tcOK, p.Kind.Pass)
		}
	}
}

// replaceVerdict returns instructions in which the first function, the program itself,
// returns another verdict in place of old. Its exits become jumps to its end, so that
// no distance between its instructions changes.
func replaceVerdict(all asm.Instructions, old, other int32) asm.Instructions {
	end := min(1, len(all))
	for end < len(all) && btf.FuncMetadata(&all[end]) == nil {
		end++
	}
	const decide, leave = "gadget_run.decide", "gadget_run.leave"
	out := append(asm.Instructions{}, all[:end]...)
	for i := range out {
		if out[i].OpCode.JumpOp() == asm.Exit {
			out[i] = asm.Ja.Label(decide).WithMetadata(out[i].Metadata).WithReference(decide)
		}
	}
	out = append(out,
		asm.Mov.Reg32(asm.R0, asm.R0).WithSymbol(decide), // a verdict is an int
		asm.JNE.Imm(asm.R0, old, leave),
		asm.Mov.Imm(asm.R0, other),
		asm.Return().WithSymbol(leave),
	)
	return append(out, all[end:]...)
}
