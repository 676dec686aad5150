package packetfilter

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Where the context of a program has what a filter needs.
const (
	skbLength    = 0
	skbTagged    = 20
	skbTag       = 24
	xdpData      = 0
	xdpDataEnd   = 4
	loadedAt     = -8 // where the stack has what was loaded from the packet
	firstSlot    = -16
	slotSize     = 8
	maxStackSize = 256
)

// Body returns the instructions of a function whose first argument is the context
// of a program of a type, and which returns whether the packet there matches the
// filter. prefix begins every label.
func (f *Filter) Body(kind ebpf.ProgramType, prefix string) (asm.Instructions, error) {
	e := &emitter{prefix: prefix, kind: kind, helper: asm.FnSkbLoadBytes}
	switch kind {
	case ebpf.SchedCLS, ebpf.SchedACT, ebpf.SocketFilter:
	case ebpf.XDP:
		e.helper = asm.FnXdpLoadBytes
	default:
		return nil, fmt.Errorf("programs of type %s see no packets that begin with a header of Ethernet, a packet filter "+
			"is for tc, socket filters and XDP", kind)
	}
	e.add(asm.Mov.Reg(asm.R6, asm.R1))
	e.condition(f.root, "match", "reject")
	e.label("match", asm.Mov.Imm(asm.R0, 1))
	e.add(asm.Return())
	e.label("reject", asm.Mov.Imm(asm.R0, 0))
	e.add(asm.Return())
	switch {
	case len(e.out) > maxLength:
		return nil, fmt.Errorf("packet filter of %d instructions is longer than %d, make it simpler", len(e.out), maxLength)
	case e.deepest > (maxStackSize+firstSlot)/slotSize:
		return nil, fmt.Errorf("packet filter: %w", errDeep)
	}
	return e.out, nil
}

// emitter writes instructions. Register 6 holds the context; numbers are made in
// register 0.
type emitter struct {
	out     asm.Instructions
	prefix  string
	kind    ebpf.ProgramType
	helper  asm.BuiltinFunc
	labels  int
	slots   int // that are in use
	deepest int
}

func (e *emitter) add(ins ...asm.Instruction) { e.out = append(e.out, ins...) }

// label adds an instruction that can be jumped to.
func (e *emitter) label(name string, ins asm.Instruction) {
	e.add(ins.WithSymbol(e.prefix + name))
}

// place makes the next instruction one that can be jumped to.
func (e *emitter) place(name string) { e.label(name, asm.Mov.Reg(asm.R6, asm.R6)) }

func (e *emitter) fresh() string {
	e.labels++
	return fmt.Sprint("l", e.labels)
}

func (e *emitter) jump(to string) { e.add(asm.Ja.Label(e.prefix + to)) }

// condition continues at one of two labels.
func (e *emitter) condition(n node, yes, no string) {
	switch n := n.(type) {
	case and:
		second := e.fresh()
		e.condition(n.a, second, no)
		e.place(second)
		e.condition(n.b, yes, no)
	case or:
		second := e.fresh()
		e.condition(n.a, yes, second)
		e.place(second)
		e.condition(n.b, yes, no)
	case not:
		e.condition(n.a, no, yes)
	case compare:
		e.compare(n, yes)
		e.jump(no)
	case always:
		// Both ways, as the kernel takes no instruction that nothing leads to.
		e.add(asm.Mov.Imm(asm.R0, 1), asm.JEq.Imm(asm.R0, 1, e.prefix+yes))
		e.jump(no)
	}
}

// jumps are the jumps of relations.
var jumps = map[string]asm.JumpOp{
	"==": asm.JEq, "!=": asm.JNE, ">": asm.JGT, ">=": asm.JGE, "<": asm.JLT, "<=": asm.JLE,
}

func (e *emitter) compare(n compare, yes string) {
	if value, ok := n.b.(number); ok {
		e.number(n.a)
		e.add(asm.LoadImm(asm.R1, int64(value), asm.DWord))
	} else {
		e.both(n.a, n.b)
	}
	e.add(jumps[n.op].Reg(asm.R0, asm.R1, e.prefix+yes))
}

// both makes a in register 0 and b in register 1.
func (e *emitter) both(a, b node) {
	e.number(a)
	slot := int16(firstSlot - slotSize*e.slots)
	e.slots++
	e.deepest = max(e.deepest, e.slots)
	e.add(asm.StoreMem(asm.RFP, slot, asm.R0, asm.DWord))
	e.number(b)
	e.slots--
	e.add(asm.Mov.Reg(asm.R1, asm.R0), asm.LoadMem(asm.R0, asm.RFP, slot, asm.DWord))
}

// number makes a number in register 0, whose upper half is zero.
func (e *emitter) number(n node) {
	switch n := n.(type) {
	case number:
		e.add(asm.LoadImm(asm.R0, int64(n), asm.DWord))
	case guarded:
		e.number(n.node)
	case length:
		e.length()
	case tag:
		e.tag(n)
	case choice:
		e.choice(n)
	case load:
		e.load(n)
	case operation:
		e.operation(n)
	}
}

func (e *emitter) length() {
	if e.kind != ebpf.XDP {
		e.add(asm.LoadMem(asm.R0, asm.R6, skbLength, asm.Word))
		return
	}
	e.add(asm.LoadMem(asm.R0, asm.R6, xdpDataEnd, asm.Word), asm.LoadMem(asm.R1, asm.R6, xdpData, asm.Word),
		asm.Sub.Reg(asm.R0, asm.R1))
}

// tag is zero in XDP programs, before which nothing takes tags out of packets.
func (e *emitter) tag(n tag) {
	at := int16(skbTagged)
	if n.value {
		at = skbTag
	}
	if e.kind == ebpf.XDP {
		e.add(asm.Mov.Imm(asm.R0, 0))
		return
	}
	e.add(asm.LoadMem(asm.R0, asm.R6, at, asm.Word))
}

func (e *emitter) choice(n choice) {
	yes, no, end := e.fresh(), e.fresh(), e.fresh()
	e.condition(n.node, yes, no)
	e.label(yes, asm.Mov.Imm(asm.R0, 1))
	e.jump(end)
	e.label(no, asm.Mov.Imm(asm.R0, 0))
	e.place(end)
}

var sizes = map[int]asm.Size{1: asm.Byte, 2: asm.Half, 4: asm.Word}

// load rejects packets that are too short.
func (e *emitter) load(n load) {
	e.number(n.offset)
	e.add(
		asm.Mov.Reg(asm.R2, asm.R0), asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, loadedAt), asm.Mov.Imm(asm.R4, int32(n.size)),
		e.helper.Call(),
		asm.JNE.Imm(asm.R0, 0, e.prefix+"reject"),
		asm.LoadMem(asm.R0, asm.RFP, loadedAt, sizes[n.size]),
	)
	if n.size > 1 {
		e.add(asm.HostTo(asm.BE, asm.R0, sizes[n.size]))
	}
}

// operations are the operators; the result has 32 bits.
var operations = map[string]asm.ALUOp{
	"+": asm.Add, "-": asm.Sub, "*": asm.Mul, "/": asm.Div, "%": asm.Mod, "&": asm.And, "|": asm.Or, "^": asm.Xor,
	"<<": asm.LSh, ">>": asm.RSh,
}

func (e *emitter) operation(n operation) {
	e.both(n.a, n.b)
	if n.op == "/" || n.op == "%" {
		e.add(asm.JEq.Imm(asm.R1, 0, e.prefix+"reject"))
	}
	if n.op == "<<" || n.op == ">>" {
		e.shift(operations[n.op])
		return
	}
	e.add(operations[n.op].Reg32(asm.R0, asm.R1))
}

// shift shifts register 0: by 32 bits and more nothing is left.
func (e *emitter) shift(op asm.ALUOp) {
	some, end := e.fresh(), e.fresh()
	e.add(asm.JLT.Imm(asm.R1, 32, e.prefix+some), asm.Mov.Imm(asm.R0, 0))
	e.jump(end)
	e.label(some, op.Reg32(asm.R0, asm.R1))
	e.place(end)
}
