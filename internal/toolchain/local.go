package toolchain

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rules-gadget/rules_gadget/gadgets/include"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
)

// Local is the machine's own compiler.
type Local struct {
	// Cache is the directory for the headers that come with this program.
	Cache string
	// Includes are directories of headers, before those of this program and of
	// the machine.
	Includes []string
	// Getenv gives CLANG and LLVM_STRIP (also spelled LLVM-STRIP).
	Getenv func(string) string
	// Root is the directory that the machine's headers are looked for in; empty
	// means its root directory.
	Root string
}

// Toolchains returns the toolchain for each of archs.
func (l Local) Toolchains(archs []arch.Arch) (map[arch.Arch]assemble.Toolchain, error) {
	clang, err := l.program("clang", "CLANG")
	if err != nil {
		return nil, err
	}
	strip, err := l.program("llvm-strip", "LLVM_STRIP", "LLVM-STRIP")
	if err != nil {
		return nil, err
	}
	key, err := Key()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(l.Cache, "headers-"+key[:16])
	if err := l.headers(dir); err != nil {
		return nil, fmt.Errorf("writing headers: %w", err)
	}
	own, err := ownIncludes(clang)
	if err != nil {
		return nil, err
	}
	includes := append(append([]string{}, l.Includes...), filepath.Join(dir, gadgetDir))
	includes = append(includes, l.machineIncludes()...)
	out := map[arch.Arch]assemble.Toolchain{}
	for _, a := range archs {
		out[a] = assemble.Toolchain{
			Clang: clang, Strip: strip, OwnIncludes: own,
			SystemIncludes: append(includes[:len(includes):len(includes)], filepath.Join(dir, vmlinuxDir, a.String())),
		}
	}
	return out, nil
}

// ownIncludes asks clang where it looks for headers of itself: its own, and those
// of a script around it.
func ownIncludes(clang string) ([]string, error) {
	out, err := exec.Command(clang, "-target", "bpf", "-nostdlibinc", "-E", "-v", "-xc", os.DevNull).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("asking %q for the directories of its headers: %w", clang, err)
	}
	_, list, _ := strings.Cut(string(out), "#include <...> search starts here:\n")
	list, _, _ = strings.Cut(list, "End of search list.")
	dirs := []string{}
	for line := range strings.Lines(list) {
		dirs = append(dirs, filepath.Clean(strings.TrimSpace(line)))
	}
	return dirs, nil
}

// machineIncludes returns the directories that have the machine's headers of
// libbpf and of the kernel. Distributions put the kernel's <asm/types.h> into the
// common directory (Fedora, Alpine) or into that of the architecture (Debian).
func (l Local) machineIncludes() []string {
	found := []string{}
	for _, dir := range []string{"/usr/local/include", "/usr/include"} {
		dir = filepath.Join(l.Root, dir)
		perArch, _ := filepath.Glob(filepath.Join(dir, arch.Arch(runtime.GOARCH).Uname()+"-linux-*", "asm", "types.h"))
		switch {
		case exists(filepath.Join(dir, "asm", "types.h")):
			found = append(found, dir)
		case len(perArch) > 0:
			found = append(found, dir, filepath.Dir(filepath.Dir(perArch[0])))
		case exists(filepath.Join(dir, "bpf", "bpf_helpers.h")):
			found = append(found, dir)
		}
	}
	return found
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// program finds a program: by the first of the variables that is set, by its
// name, or by its name with the version of clang's package.
func (l Local) program(name string, env ...string) (string, error) {
	for _, e := range env {
		if v := l.Getenv(e); v != "" {
			path, err := exec.LookPath(v)
			if err != nil {
				return "", fmt.Errorf("looking for %s: %w, as %s specifies", name, err, e)
			}
			return path, nil
		}
	}
	for _, candidate := range []string{name, name + "-19", name + "-18", name + "-17", name + "-16"} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("PATH has no %s, install it, set %s, or build without --local", name,
		strings.ReplaceAll(env[0], "-", "_"))
}

// headers writes our headers and vmlinux.h, once.
func (l Local) headers(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(l.Cache, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(l.Cache, "headers-*.tmp")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := writeTree(filepath.Join(tmp, gadgetDir), include.Files); err != nil {
		return err
	}
	if err := writeVmlinux(filepath.Join(tmp, vmlinuxDir)); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr == nil {
			return nil // another process was faster
		}
		return err
	}
	return nil
}

// Programs are the files of the compiler and of what strips its objects, by
// name.
func (l Local) Programs() (map[string]string, error) {
	clang, err := l.program("clang", "CLANG")
	if err != nil {
		return nil, err
	}
	strip, err := l.program("llvm-strip", "LLVM_STRIP", "LLVM-STRIP")
	return map[string]string{"clang": clang, "llvm-strip": strip}, err
}

// Identity says which programs Local would run: it changes when one of them
// is replaced.
func (l Local) Identity() (string, error) {
	programs, err := l.Programs()
	if err != nil {
		return "", err
	}
	var id strings.Builder
	for _, path := range []string{programs["clang"], programs["llvm-strip"]} {
		st, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&id, "%s %d %d ", path, st.Size(), st.ModTime().UnixNano())
	}
	return id.String(), nil
}
