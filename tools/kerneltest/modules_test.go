package main

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/vm"
)

// kernelModule is an object that says on what it depends.
func kernelModule(t *testing.T, depends string) string {
	t.Helper()
	const names = "\x00.modinfo\x00"
	info := "license=GPL\x00depends=" + depends + "\x00"
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Ehsize: 64, Shentsize: 64,
		Shnum: 3, Shstrndx: 2,
	}
	header.Shoff = uint64(header.Ehsize) + uint64(len(info)+len(names))
	sections := []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: 64, Size: uint64(len(info))},
		{Type: uint32(elf.SHT_STRTAB), Off: 64 + uint64(len(info)), Size: uint64(len(names))},
	}
	var b bytes.Buffer
	for _, part := range []any{header, []byte(info + names), sections} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// debianPackage writes a package with the given files.
func debianPackage(t *testing.T, files map[string]string) string {
	t.Helper()
	pack := func(files map[string]string) string {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := w.WriteHeader(&tar.Header{
				Name: name, Size: int64(len(files[name])), Mode: 0o644,
				Typeflag: tar.TypeReg,
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(files[name])); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	out := "!<arch>\n"
	for _, member := range [][2]string{
		{"debian-binary", "2.0\n"},
		{"control.tar", pack(map[string]string{"./control": "Package: linux-image\nVersion: 1\nArchitecture: amd64\n"})},
		{"data.tar", pack(files)},
	} {
		out += fmt.Sprintf("%-16s%-12d%-6d%-6d%-8s%-10d`\n", member[0], 0, 0, 0, "100644", len(member[1])) + member[1]
	}
	return put(t, filepath.Join(t.TempDir(), "linux.deb"), out)
}

func TestModules(t *testing.T) {
	const dir = "./lib/modules/6.1/kernel/drivers/"
	file := debianPackage(t, map[string]string{
		dir + "block/loop.ko":       kernelModule(t, ""),
		dir + "block/null-blk.ko":   kernelModule(t, "configfs,none"),
		dir + "fs/configfs.ko":      kernelModule(t, "loop"),
		dir + "fs/other.ko":         "",
		dir + "circle/a.ko":         kernelModule(t, "b"),
		dir + "circle/b.ko":         kernelModule(t, "a"),
		dir + "broken/truncated.ko": kernelModule(t, "")[:100],
	})
	for _, c := range []struct {
		names, want []string
		err         string
	}{
		{[]string{"loop"}, []string{"loop"}, ""},
		{[]string{"null_blk"}, []string{"loop", "configfs", "null_blk"}, ""},
		{[]string{"loop", "null_blk"}, []string{"loop", "configfs", "null_blk"}, ""},
		{[]string{"builtin"}, nil, ""},
		{[]string{"a"}, []string{"b", "a"}, ""},
		{[]string{"truncated"}, nil, "truncated.ko"},
	} {
		for where, config := range map[string]config{
			"the kernel's package": {Kernel: file, Module: c.names},
			"another package":      {Kernel: debianPackage(t, nil), Modules: file, Module: c.names},
			"a bare kernel":        {Kernel: "bzImage", Modules: file, Module: c.names},
		} {
			m := vm.Machine{}
			err := config.addModules(&m)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v in %s: error %v, want %q", c.names, where, err, c.err)
			}
			var want []string
			for _, name := range c.want {
				want = append(want, "/modules/"+name+".ko")
			}
			if diff := cmp.Diff(want, m.Plan.Modules); diff != "" || len(m.Files) != len(want) {
				t.Errorf("%v in %s: %d files, modules (-want +got):\n%s", c.names, where, len(m.Files), diff)
			}
		}
	}
}
