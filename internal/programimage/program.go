package programimage

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// machines are the names of architectures in ELF files.
var machines = map[arch.Arch]elf.Machine{arch.AMD64: elf.EM_X86_64, arch.ARM64: elf.EM_AARCH64}

// check refuses a program that an image without anything else cannot run.
func check(a arch.Arch, program []byte) error {
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return fmt.Errorf("reading program: %w", err)
	}
	if want := machines[a]; file.Machine != want {
		return fmt.Errorf("the program is for %s, want %s; build it for the platform linux/%s", file.Machine, want, a)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			// What cannot be read is as bad as what is there.
			loader, _ := io.ReadAll(io.LimitReader(p.Open(), 256))
			return fmt.Errorf("the program needs the loader %q, which the image does not have; build it without cgo",
				bytes.TrimRight(loader, "\x00"))
		}
	}
	return nil
}
