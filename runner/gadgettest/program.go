package gadgettest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// ProbedFunctions are the functions of Program.
var ProbedFunctions = []string{"probed_first", "probed_second"}

// machineCode are the instructions of Program on an architecture: those that call
// both functions and end the process, and those of each function.
var machineCode = map[arch.Arch]struct {
	machine elf.Machine
	start   []byte
	body    []byte
}{
	arch.AMD64: {
		elf.EM_X86_64,
		[]byte{
			0xe8, 0x0b, 0, 0, 0, // call probed_first
			0xe8, 0x16, 0, 0, 0, // call probed_second
			0xb0, 0x3c, // mov al, 60: exit
			0x0f, 0x05, // syscall
			0xcc, 0xcc, // never reached
		},
		// push, pop, ret
		[]byte{0x55, 0x5d, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc},
	},
	arch.ARM64: {
		elf.EM_AARCH64,
		[]byte{
			0x04, 0x00, 0x00, 0x94, // bl probed_first
			0x07, 0x00, 0x00, 0x94, // bl probed_second
			0xa8, 0x0b, 0x80, 0xd2, // mov x8, 93: exit
			0x01, 0x00, 0x00, 0xd4, // svc 0
		},
		[]byte{0x1f, 0x20, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6, 0, 0, 0, 0, 0, 0, 0, 0}, // nop, ret
	},
}

// Addresses of Program: the code follows the headers.
const (
	programBase = 0x400000
	programText = 0x80 // in the file
)

// Program writes a program that needs no C library and no compiler, calls each of
// ProbedFunctions once and ends. It returns its path.
func Program(t testing.TB) string {
	t.Helper()
	code, ok := machineCode[arch.Host()]
	if !ok {
		t.Skipf("needs the instructions of %s", arch.Host())
	}
	text := bytes.Clone(code.start)
	names := "\x00"
	symbols := []elf.Sym64{{}}
	for _, name := range ProbedFunctions {
		symbols = append(symbols, elf.Sym64{
			Name: uint32(len(names)), Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: 1,
			Value: programBase + programText + uint64(len(text)), Size: uint64(len(code.body)),
		})
		names += name + "\x00"
		text = append(text, code.body...)
	}
	const sectionNames = "\x00.text\x00.symtab\x00.strtab\x00"
	at := uint64(programText + len(text))
	symbolSize := uint64(len(symbols) * elf.Sym64Size)
	sections := []elf.Section64{
		{},
		{
			Name: 1, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_EXECINSTR), Addr: programBase +
				programText, Off: programText, Size: uint64(len(text)),
		},
		{Name: 7, Type: uint32(elf.SHT_SYMTAB), Off: at, Size: symbolSize, Link: 3, Info: 1, Entsize: elf.Sym64Size},
		{Name: 15, Type: uint32(elf.SHT_STRTAB), Off: at + symbolSize, Size: uint64(len(names))},
		{Name: 15, Type: uint32(elf.SHT_STRTAB), Off: at + symbolSize + uint64(len(names)), Size: uint64(len(sectionNames))},
	}
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(code.machine), Version: 1, Entry: programBase + programText,
		Phoff: 64, Shoff: at + symbolSize + uint64(len(names)+len(sectionNames)),
		Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64, Shnum: uint16(len(sections)), Shstrndx: 4,
	}
	copy(header.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	load := elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: programBase, Paddr: programBase, Filesz: at,
		Memsz: at, Align: 0x1000,
	}
	var out bytes.Buffer
	put := func(parts ...any) {
		for _, p := range parts {
			if err := binary.Write(&out, binary.LittleEndian, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(header, load, make([]byte, programText-64-56), text, symbols, []byte(names+sectionNames), sections)
	path := filepath.Join(t.TempDir(), "probed")
	if err := os.WriteFile(path, out.Bytes(), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
