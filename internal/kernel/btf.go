package kernel

import (
	"io/fs"
	"strings"
)

// SysBTF is where a kernel built with CONFIG_DEBUG_INFO_BTF shows its BTF.
const SysBTF = "sys/kernel/btf/vmlinux"

// BTFFile is one file that may hold the BTF of a kernel.
type BTFFile struct {
	Path string // relative to the root directory, with slashes
	ELF  bool   // a vmlinux ELF with a .BTF section, not raw BTF
}

// BTFPaths returns where libbpf looks for the BTF of the kernel with this
// release, in libbpf's order (btf__load_vmlinux_btf), each relative to the
// root directory. A release that cannot be a file name yields SysBTF alone.
func BTFPaths(release string) []BTFFile {
	files := []BTFFile{{Path: SysBTF}}
	if !validRelease(release) {
		return files
	}
	for _, p := range []string{
		"boot/vmlinux-" + release,
		"lib/modules/" + release + "/vmlinux-" + release,
		"lib/modules/" + release + "/build/vmlinux",
		"usr/lib/modules/" + release + "/kernel/vmlinux",
		"usr/lib/debug/boot/vmlinux-" + release,
		"usr/lib/debug/boot/vmlinux-" + release + ".debug",
		"usr/lib/debug/lib/modules/" + release + "/vmlinux",
	} {
		files = append(files, BTFFile{Path: p, ELF: true})
	}
	return files
}

// FindBTF returns those of BTFPaths that exist under root as non-empty files,
// in order. Whether a vmlinux there really has a .BTF section is for the
// caller to see.
func FindBTF(root fs.FS, release string) []BTFFile {
	var found []BTFFile
	for _, f := range BTFPaths(release) {
		info, err := fs.Stat(root, f.Path)
		if err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			found = append(found, f)
		}
	}
	return found
}

// HasBTF reports whether the running kernel shows its own BTF under root
// (SysBTF). Programs that name kernel functions or types by BTF id (fentry,
// fexit, LSM, tp_btf, iterators) load on such kernels only; a vmlinux file
// elsewhere does not help them.
func HasBTF(root fs.FS) bool {
	info, err := fs.Stat(root, SysBTF)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// validRelease reports whether release can be a part of a file name.
func validRelease(release string) bool {
	return release != "" && release != "." && release != ".." && !strings.ContainsAny(release, "/\x00")
}
