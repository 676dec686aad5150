package assemble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
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
	// SystemIncludes are directories of headers: gadget, bpf, vmlinux.h of Arch.
	SystemIncludes []string
}

// CompileRequest is what Compile needs to know.
type CompileRequest struct {
	Directory Directory
	Toolchain Toolchain
	Arch      arch.Arch
	// CFlags come after those of build.yaml, under the same rules.
	CFlags []string
}

// CompileResult is the outcome of Compile.
type CompileResult struct {
	// Object is the ELF file; empty for a gadget without program.
	Object []byte
	// Unused are the inputs that were not read, in the order of Inputs.
	Unused []string
	// Read are the files that were read, headers too, as clang names them.
	Read []string
	// Warnings is what clang said.
	Warnings string
}

// CompileError says that clang refused the source.
type CompileError struct {
	// Source is the path of the source.
	Source string
	Arch   arch.Arch
	// Text is clang's own output, which is to be shown before the error.
	Text string
}

// Error implements error.
func (e *CompileError) Error() string {
	return fmt.Sprintf("compiling %q for %s: clang refused it", e.Source, e.Arch)
}

// Compile compiles the source that the directory's build file names for one
// architecture. The object is the same whatever the directory's path, the working
// directory and the environment.
func Compile(ctx context.Context, req CompileRequest) (CompileResult, error) {
	b, err := req.Directory.ReadBuildFile()
	if err != nil {
		return CompileResult{}, err
	}
	if !b.BuildsFor(req.Arch) {
		return CompileResult{}, fmt.Errorf("compiling for %s: %s allows only %v, build for these (attribute 'archs')", req.Arch, b.File, b.Archs)
	}
	source, ok, err := req.Directory.find(b, "ebpfsource", b.Source)
	if err != nil {
		return CompileResult{}, err
	}
	if !ok {
		return CompileResult{Unused: req.Directory.unread(nil)}, nil
	}
	if err := req.Directory.checkIncludes(b); err != nil {
		return CompileResult{}, err
	}
	tmp, err := os.MkdirTemp("", "gadget-compile-")
	if err != nil {
		return CompileResult{}, fmt.Errorf("compiling: %w", err)
	}
	defer os.RemoveAll(tmp)
	c := &compilation{req: req, build: b, source: source, object: filepath.Join(tmp, "program.bpf.o"), deps: filepath.Join(tmp, "program.d")}
	return c.run(ctx)
}

// compilation is one call of Compile for a gadget that has a program.
type compilation struct {
	req                  CompileRequest
	build                *gadget.BuildFile
	source, object, deps string
}

func (c *compilation) run(ctx context.Context) (CompileResult, error) {
	args, err := c.args()
	if err != nil {
		return CompileResult{}, err
	}
	text, err := c.req.Toolchain.exec(ctx, c.req.Toolchain.Clang, args)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		return CompileResult{}, &CompileError{Source: c.source, Arch: c.req.Arch, Text: text}
	}
	if err != nil {
		return CompileResult{}, fmt.Errorf("%srunning clang: %w", text, err)
	}
	if out, err := c.req.Toolchain.exec(ctx, c.req.Toolchain.Strip, []string{"-g", c.object}); err != nil {
		return CompileResult{}, fmt.Errorf("%sstripping object: %w", out, err)
	}
	object, err := action.ReadFile(c.object, gadget.MaxObject)
	if err != nil {
		return CompileResult{}, fmt.Errorf("reading object: %w", err)
	}
	if err := checkObject(object, c.source); err != nil {
		return CompileResult{}, err
	}
	if err := orderForwards(object); err != nil {
		return CompileResult{}, fmt.Errorf("reading the object's BTF: %w", err)
	}
	deps, err := readDepfile(c.deps)
	if err != nil {
		return CompileResult{}, err
	}
	if err := c.checkDeps(deps); err != nil {
		return CompileResult{}, err
	}
	return CompileResult{Object: object, Unused: c.req.Directory.unread(deps), Read: slices.Sorted(maps.Keys(deps)), Warnings: text}, nil
}

// args returns clang's command line.
func (c *compilation) args() ([]string, error) {
	tc := c.req.Toolchain
	args := []string{
		"-target", "bpf", "-mcpu=v3", "-O2", "-g", "-Wall",
		"-D__TARGET_ARCH_" + c.req.Arch.Target(),
		"-fno-ident", "-fno-color-diagnostics",
		"-gdwarf-5", "-gembed-source", "-ffile-compilation-dir=.",
		"-nostdlibinc", "-MD", "-MF", c.deps,
	}
	if tc.ResourceDir != "" {
		args = append(args, "-resource-dir", tc.ResourceDir)
	}
	args = append(args, c.prefixMaps()...)
	for _, root := range c.req.Directory.roots() {
		args = append(args, "-I"+dotted(root))
		for _, include := range c.build.Includes {
			args = append(args, "-I"+dotted(path.Join(root, c.req.Directory.relative(include.Path))))
		}
	}
	for _, flag := range slices.Concat(c.build.CFlags, c.req.CFlags) {
		if err := gadget.CheckCFlag(flag); err != nil {
			return nil, err
		}
		args = append(args, c.place(flag)...)
	}
	for _, dir := range tc.SystemIncludes {
		args = append(args, "-isystem", dir)
	}
	return append(args, "-c", dotted(c.source), "-o", c.object), nil
}

// dotted returns a path that names its directory, for prefix maps to find it: one
// without a directory gets "./".
func dotted(p string) string {
	switch {
	case p == ".":
		return "./"
	case !strings.Contains(p, "/"):
		return "./" + p
	}
	return p
}

// place makes the directory of a -I flag relative to the gadget's directory.
func (c *compilation) place(flag string) []string {
	dir, ok := strings.CutPrefix(flag, "-I")
	if !ok {
		return []string{flag}
	}
	out := []string{}
	for _, root := range c.req.Directory.roots() {
		out = append(out, "-I"+dotted(path.Join(root, c.req.Directory.relative(dir))))
	}
	return out
}

// What the object calls the directories of this machine. Where clang has not kept
// the text of a file it looks for it under such a name, and must not find one.
const (
	gadgetName  = "<gadget>/"
	includeName = "<include>/"
	clangName   = "<clang>/"
)

// prefixMaps returns the flags that keep the paths of this machine out of the
// object. Of several that match, clang takes the last, so the longest comes
// last. In debug information clang puts "./" before relative paths but not
// before absolute ones, which the map makes up for.
func (c *compilation) prefixMaps() []string {
	maps := map[string]string{}
	for _, dir := range c.req.Toolchain.SystemIncludes {
		maps[strings.TrimSuffix(dir, "/")+"/"] = includeName
	}
	if dir := c.req.Toolchain.ResourceDir; dir != "" {
		maps[strings.TrimSuffix(dir, "/")+"/"] = clangName
	}
	for _, root := range c.req.Directory.roots() {
		maps[strings.TrimSuffix(root, "/")+"/"] = gadgetName
	}
	prefixes := []string{}
	for p := range maps {
		prefixes = append(prefixes, p)
	}
	slices.SortFunc(prefixes, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	out := []string{}
	for _, p := range prefixes {
		debug := maps[p]
		if path.IsAbs(p) {
			debug = "./" + debug
		}
		out = append(out, "-fmacro-prefix-map="+p+"="+maps[p], "-fdebug-prefix-map="+p+"="+debug)
	}
	return out
}

// exec runs one program of the toolchain with an empty environment and returns
// what it printed.
func (t Toolchain) exec(ctx context.Context, program string, args []string) (string, error) {
	name := program
	if t.Loader != "" {
		name = t.Loader
		args = append([]string{"--library-path", strings.Join(t.LibraryPath, ":"), program}, args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = []string{}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}
