// Package spawner writes a program of a few hundred bytes that starts processes as fast
// as the kernel can: it needs no C library and no compiler, and neither it nor its
// processes do anything else.
package spawner

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// Kind is what each process does before it ends.
type Kind int

const (
	// Executes is for processes that execute the program itself, without arguments.
	Executes Kind = iota
	// Fails is for processes that try to execute a file without a name.
	Fails
	// Opens is for processes that open the file of the program.
	Opens
)

// Processes is how many processes the program starts, one after the other, if it has
// an argument. They share its memory until they execute something or end.
const Processes = 100

// Where the program is in memory.
const base = 0x400000

// Write writes the program to path. Start it with path as its name and one argument.
func Write(path string, kind Kind) error {
	code, ok := machine[arch.Host()]
	if !ok {
		return fmt.Errorf("writing a program that starts processes: the instructions of %s are not known", arch.Host())
	}
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(code.machine), Version: 1,
		Phoff: uint64(binary.Size(elf.Header64{})), Phnum: 1,
	}
	header.Ehsize, header.Phentsize = uint16(binary.Size(header)), uint16(binary.Size(elf.Prog64{}))
	text := header.Phoff + uint64(header.Phentsize)
	header.Entry = base + text
	copy(header.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	size := text + uint64(len(code.loop)+len(code.process[kind]))
	segment := elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: base, Paddr: base, Filesz: size, Memsz: size,
		Align: 0x10000, // the largest page
	}
	var program bytes.Buffer
	for _, part := range []any{header, segment, code.loop, code.process[kind]} {
		if err := binary.Write(&program, binary.LittleEndian, part); err != nil {
			return fmt.Errorf("writing a program that starts processes: %w", err)
		}
	}
	return os.WriteFile(path, program.Bytes(), 0o700)
}
