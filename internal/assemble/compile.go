package assemble

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

// CompileRequest is the input of Compile.
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

// CompileError means that clang refused the source.
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
	c, err := newCompilation(req)
	if err != nil {
		return CompileResult{}, err
	}
	if c == nil {
		return CompileResult{Unused: req.Directory.unread(nil)}, nil
	}
	if c.tmp, err = os.MkdirTemp("", "gadget-compile-"); err != nil {
		return CompileResult{}, fmt.Errorf("compiling: %w", err)
	}
	defer os.RemoveAll(c.tmp)
	return c.run(ctx)
}

// newCompilation reads the build file and finds the source, nil when the gadget has
// no program.
func newCompilation(req CompileRequest) (*compilation, error) {
	b, err := req.Directory.ReadBuildFile()
	if err != nil {
		return nil, err
	}
	if !b.BuildsFor(req.Arch) {
		return nil, fmt.Errorf("compiling for %s: %s allows only %v, build for these", req.Arch, b.File, b.Archs)
	}
	source, ok, err := req.Directory.find(b, "ebpfsource", b.Source)
	if err != nil || !ok {
		return nil, err
	}
	if err := req.Directory.checkIncludes(b); err != nil {
		return nil, err
	}
	return &compilation{req: req, build: b, source: source}, nil
}

// compilation is one call of Compile for a gadget that has a program.
type compilation struct {
	req    CompileRequest
	build  *gadget.BuildFile
	source string
	tmp    string // directory of what clang writes
}

func (c *compilation) run(ctx context.Context) (CompileResult, error) {
	args, err := c.args()
	if err != nil {
		return CompileResult{}, err
	}
	deps, err := c.dependencies(ctx, args)
	if err != nil {
		return CompileResult{}, err
	}
	object, text, err := c.object(ctx, args, deps)
	if err != nil {
		return CompileResult{}, err
	}
	if err := checkObject(object, c.source); err != nil {
		return CompileResult{}, err
	}
	if err := bindWeak(object); err != nil {
		return CompileResult{}, fmt.Errorf("%s: %w", c.source, err)
	}
	if err := orderForwards(object); err != nil {
		return CompileResult{}, fmt.Errorf("reading the object's BTF: %w", err)
	}
	return CompileResult{
		Object: object, Unused: c.req.Directory.unread(deps), Read: slices.Sorted(maps.Keys(deps)), Warnings: text,
	}, nil
}

// object returns the stripped object and what clang said. Clang reads nothing but
// deps and its own files, or says in its assembly that it read none.
func (c *compilation) object(
	ctx context.Context, args []string, deps map[string]bool,
) (object []byte, text string, err error) {
	files := slices.Sorted(maps.Keys(deps))
	if !c.req.Toolchain.confines() {
		// Clang's own assembler would put what it reads in place of a directive.
		if _, err := c.clang(ctx, files, slices.Concat(args, []string{
			"-S", "-fno-integrated-as", "-o",
			c.path("program.s"),
		})); err != nil {
			return nil, "", err
		}
		if err := checkAssembly(c.path("program.s"), c.source); err != nil {
			return nil, "", err
		}
	}
	name := c.path("program.bpf.o")
	if text, err = c.clang(ctx, files, slices.Concat(args, []string{"-c", "-o", name})); err != nil {
		return nil, "", err
	}
	if _, err := os.Stat(name); err != nil {
		return nil, "", fmt.Errorf("%scompiling %q for %s: clang ended well but wrote no object", text, c.source, c.req.Arch)
	}
	debug, err := action.ReadFile(name, maxAssembly)
	if err != nil {
		return nil, "", fmt.Errorf("reading object: %w", err)
	}
	if out, err := c.req.Toolchain.exec(ctx, c.req.Toolchain.Strip, []string{c.tmp}, "-g", name); err != nil {
		return nil, "", fmt.Errorf("%sstripping object: %w", out, err)
	}
	object, err = action.ReadFile(name, gadget.MaxObject)
	if err != nil {
		return nil, "", fmt.Errorf("reading object: %w", err)
	}
	if object, err = withEnums(object, debug); err != nil {
		return nil, "", fmt.Errorf("reading the enums of %q: %w", c.source, err)
	}
	return object, text, nil
}

// path returns the path of a temporary file.
func (c *compilation) path(name string) string { return filepath.Join(c.tmp, name) }

// clang runs the compiler, which can read files, and returns what it said.
func (c *compilation) clang(ctx context.Context, files, args []string) (string, error) {
	text, err := c.req.Toolchain.exec(ctx, c.req.Toolchain.Clang, append(files, c.tmp), args...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		return "", &CompileError{Source: c.source, Arch: c.req.Arch, Text: text}
	}
	if err != nil {
		return "", fmt.Errorf("%srunning clang: %w", text, err)
	}
	return text, nil
}
