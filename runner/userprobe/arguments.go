package userprobe

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// maxArguments is how many arguments of a static probe a program can request, and
// the sizes what libbpf's usdt.bpf.h expects in its map.
const (
	maxArguments = 12
	argumentSize = 16
	specSize     = maxArguments*argumentSize + 16
)

// The kinds of arguments in that map.
const (
	argConstant = iota
	argRegister
	argMemory
)

// argument is where a program finds one argument of a static probe.
type argument struct {
	value    uint64 // the constant, or what to add to the register
	kind     uint32
	register int16 // its offset in the saved registers
	signed   bool
	shift    uint8 // bits that are not of the argument
}

// parseArguments reads the arguments of a static probe, separated by spaces.
// Each is the size in bytes, negative for a signed one, an @, and a place in
// the words of the assembler.
func parseArguments(a arch.Arch, text string) ([]argument, error) {
	var out []argument
	for text = strings.TrimSpace(text); text != ""; {
		var one string
		one, text = cutArgument(text)
		if len(out) == maxArguments {
			return nil, fmt.Errorf("a static probe with more than %d arguments", maxArguments)
		}
		arg, err := parseArgument(a, one)
		if err != nil {
			return nil, fmt.Errorf("argument %q of a static probe: %w", one, err)
		}
		out = append(out, arg)
	}
	return out, nil
}

// cutArgument splits at the first space that is in no brackets: "[sp, 8]".
func cutArgument(text string) (one, rest string) {
	depth := 0
	for i, c := range text {
		switch c {
		case '[', '(':
			depth++
		case ']', ')':
			depth--
		case ' ':
			if depth == 0 {
				return text[:i], strings.TrimSpace(text[i:])
			}
		}
	}
	return text, ""
}

func parseArgument(a arch.Arch, text string) (argument, error) {
	size, where, ok := strings.Cut(text, "@")
	if !ok {
		return argument{}, fmt.Errorf("want SIZE@PLACE")
	}
	n, err := strconv.Atoi(size)
	if err != nil {
		return argument{}, fmt.Errorf("size %q is not supported", size)
	}
	arg := argument{signed: n < 0}
	n = max(n, -n)
	if n != 1 && n != 2 && n != 4 && n != 8 {
		return argument{}, fmt.Errorf("size %q is not supported", size)
	}
	arg.shift = uint8(64 - 8*n)
	parse := parseAMD64
	if a == arch.ARM64 {
		parse = parseARM64
	}
	err = parse(&arg, where)
	return arg, err
}

// parseAMD64 reads $5, %rax and -8(%rbp).
func parseAMD64(arg *argument, where string) error {
	switch {
	case strings.HasPrefix(where, "$"):
		return arg.constant(where[1:])
	case strings.HasPrefix(where, "%"):
		return arg.setRegister(amd64Register(where[1:]), where)
	}
	offset, reg, ok := strings.Cut(where, "(")
	reg, closed := strings.CutSuffix(reg, ")")
	if !ok || !closed || !strings.HasPrefix(reg, "%") {
		return fmt.Errorf("place %q is not supported", where)
	}
	return arg.memory(amd64Register(reg[1:]), offset, where)
}

// parseARM64 reads 5, x0, [x1] and [sp, 12].
func parseARM64(arg *argument, where string) error {
	inner, ok := strings.CutPrefix(where, "[")
	if !ok {
		if where != "" && (isDigit(where[0]) || where[0] == '-') {
			return arg.constant(where)
		}
		return arg.setRegister(arm64Register(where), where)
	}
	inner, ok = strings.CutSuffix(inner, "]")
	if !ok {
		return fmt.Errorf("place %q is not supported", where)
	}
	reg, offset, _ := strings.Cut(inner, ",")
	return arg.memory(arm64Register(strings.TrimSpace(reg)), strings.TrimPrefix(strings.TrimSpace(offset), "#"), where)
}

func (arg *argument) constant(text string) error {
	v, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		u, uerr := strconv.ParseUint(text, 0, 64)
		if uerr != nil {
			return fmt.Errorf("constant %q is not a number", text)
		}
		v = int64(u)
	}
	arg.kind, arg.value = argConstant, uint64(v)
	return nil
}

func (arg *argument) setRegister(offset int, where string) error {
	if offset < 0 {
		return fmt.Errorf("place %q is not supported", where)
	}
	arg.kind, arg.register = argRegister, int16(offset)
	return nil
}

func (arg *argument) memory(register int, offset, where string) error {
	if err := arg.setRegister(register, where); err != nil {
		return err
	}
	arg.kind = argMemory
	if offset == "" {
		return nil
	}
	v, err := strconv.ParseInt(offset, 0, 64)
	if err != nil {
		return fmt.Errorf("place %q is not supported", where)
	}
	arg.value = uint64(v)
	return nil
}

// amd64Registers are the saved registers (struct pt_regs) in their order, each
// with the names of its parts.
var amd64Registers = [][]string{
	{"r15", "r15d", "r15w", "r15b"},
	{"r14", "r14d", "r14w", "r14b"},
	{"r13", "r13d", "r13w", "r13b"},
	{"r12", "r12d", "r12w", "r12b"},
	{"rbp", "ebp", "bp", "bpl"},
	{"rbx", "ebx", "bx", "bl"},
	{"r11", "r11d", "r11w", "r11b"},
	{"r10", "r10d", "r10w", "r10b"},
	{"r9", "r9d", "r9w", "r9b"},
	{"r8", "r8d", "r8w", "r8b"},
	{"rax", "eax", "ax", "al"},
	{"rcx", "ecx", "cx", "cl"},
	{"rdx", "edx", "dx", "dl"},
	{"rsi", "esi", "si", "sil"},
	{"rdi", "edi", "di", "dil"},
	{}, // orig_rax
	{"rip"},
	{}, // cs
	{}, // flags
	{"rsp", "esp", "sp", "spl"},
}

// amd64Register returns where a register is saved, -1 for none.
func amd64Register(name string) int {
	for i, names := range amd64Registers {
		for _, n := range names {
			if n == name {
				return 8 * i
			}
		}
	}
	return -1
}

// arm64Register returns where a register is saved, -1 for none.
func arm64Register(name string) int {
	if name == "sp" {
		return 8 * 31
	}
	if len(name) < 2 || name[0] != 'x' && name[0] != 'w' {
		return -1
	}
	if n, err := strconv.ParseUint(name[1:], 10, 8); err == nil && n < 31 {
		return 8 * int(n)
	}
	return -1
}

// encode returns the value of the map for a probe with these arguments.
func encode(args []argument) []byte {
	out := make([]byte, specSize)
	order := binary.NativeEndian
	for i, arg := range args {
		b := out[i*argumentSize:]
		order.PutUint64(b, arg.value)
		order.PutUint32(b[8:], arg.kind)
		order.PutUint16(b[12:], uint16(arg.register))
		if arg.signed {
			b[14] = 1
		}
		b[15] = arg.shift
	}
	order.PutUint16(out[maxArguments*argumentSize+8:], uint16(len(args)))
	return out
}
