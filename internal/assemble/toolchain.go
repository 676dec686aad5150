package assemble

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/rules-gadget/rules_gadget/internal/confine"
)

// Toolchain is a clang with what it needs.
type Toolchain struct {
	// Loader, when set, is the dynamic loader that runs Clang and Strip, with
	// libraries from LibraryPath alone.
	Loader      string
	LibraryPath []string
	Clang       string
	Strip       string
	// ResourceDir is clang's own; empty means what clang finds itself.
	ResourceDir string
	// OwnIncludes are directories of headers that clang finds itself.
	OwnIncludes []string
	// SystemIncludes are directories of headers: gadget, bpf, vmlinux.h of Arch.
	SystemIncludes []string
}

// confines reports whether the toolchain's programs are kept from reading other
// files than those of the toolchain and those that they are given. The machine's
// own compiler is not: where its files lie is not known.
func (t Toolchain) confines() bool { return t.Loader != "" && confinable() }

// confinable reports whether this kernel can confine programs.
var confinable = sync.OnceValue(confine.Available)

// environment is the whole environment of the toolchain's programs. glibc gives
// the compiler's large buffers back at once and does not grow the limit above
// which it does so: 187 MB for trace_open in place of 208.
var environment = []string{"MALLOC_MMAP_THRESHOLD_=131072"}

// exec runs one program of the toolchain with nothing of the caller's environment
// and returns what it printed. Files are the files and directories that it may read.
func (t Toolchain) exec(ctx context.Context, program string, files []string, args ...string) (string, error) {
	name := program
	if t.Loader != "" {
		name = t.Loader
		args = append([]string{"--library-path", strings.Join(t.LibraryPath, ":"), program}, args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = environment
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if !t.confines() {
		err := cmd.Run()
		return out.String(), err
	}
	err := confine.Run(cmd, confine.Files{Paths: files, Linked: t.files()})
	return out.String(), err
}

// files are the files and directories that the toolchain consists of.
func (t Toolchain) files() []string {
	libraries := filepath.SplitList(strings.Join(t.LibraryPath, ":")) // as the loader takes it
	all := slices.Concat([]string{t.Loader, filepath.Dir(t.Clang), filepath.Dir(t.Strip), t.ResourceDir}, libraries,
		t.SystemIncludes)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return name == "" })
}
