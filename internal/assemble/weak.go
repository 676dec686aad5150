package assemble

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"strings"
)

// Where a symbol of an ELF file of 64 bits has its binding, and its length.
const (
	elfSymbolInfo = 4
	elfSymbolLen  = 24
)

// bindWeak makes the weak symbols that the object defines global. Nothing else
// defines them in an object that is not linked with others, and loaders refuse
// weak maps and variables, such as those of <bpf/usdt.bpf.h>. It changes object.
func bindWeak(object []byte) error {
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return err
	}
	symbols, err := f.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil
	}
	if err != nil {
		return err
	}
	table := sectionBytes(f, object, ".symtab")
	for i, s := range symbols {
		if elf.ST_BIND(s.Info) != elf.STB_WEAK {
			continue
		}
		if s.Section == elf.SHN_UNDEF {
			if err := checkWeakExtern(s.Name); err != nil {
				return err
			}
			continue
		}
		at := (i+1)*elfSymbolLen + elfSymbolInfo // the first symbol is not among symbols
		if at >= len(table) {
			return errors.New("the symbols are out of range")
		}
		table[at] = elf.ST_INFO(elf.STB_GLOBAL, elf.ST_TYPE(s.Info))
	}
	return nil
}

// checkWeakExtern refuses options of the kernel that may be missing: loaders of
// gadgets know only those that must be there. Names of options begin so; weak
// functions of the kernel are no matter.
func checkWeakExtern(name string) error {
	if strings.HasPrefix(name, "CONFIG_") || strings.HasPrefix(name, "LINUX_") {
		return fmt.Errorf("%s is a weak __kconfig variable, which gadget-run and ig cannot load, remove __weak", name)
	}
	return nil
}
