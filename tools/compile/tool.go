// Package compile is the BpfCompile action: it compiles the source of a
// gadget's directory, as build.yaml specifies, to one object.
package compile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
)

const doc = "Compiles a gadget's source to an object. A gadget without program gives an empty file."

// flags is the command line.
type flags struct {
	Directory     string   `required:"" help:"The gadget's directory."`
	BuildFile     string   `help:"The build.yaml; the directory's by default."`
	Input         []string `sep:"none" help:"A file of the gadget; all in the directory by default. Repeatable."`
	Arch          string   `required:"" help:"Architecture to compile for, amd64 or arm64."`
	Loader        string   `help:"Dynamic loader that runs the compiler."`
	LibraryPath   []string `sep:"none" help:"Directory of libraries for the loader. Repeatable."`
	Clang         string   `required:"" help:"The compiler."`
	Strip         string   `required:"" help:"llvm-strip."`
	ResourceDir   string   `help:"The compiler's resource directory."`
	SystemInclude []string `sep:"none" help:"Directory of headers outside the gadget. Repeatable."`
	Cflag         []string `sep:"none" help:"Extra flag of the compiler. Repeatable."`
	UnusedInputs  string   `help:"File to write the inputs to that were not read, a line each."`
	Out           string   `required:"" help:"Object to write."`
}

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() { os.Exit(tool.Main("compile", run)) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var f flags
	if err := tool.Parse("compile", doc, &f, args, stdout); err != nil {
		return err
	}
	a, err := arch.Parse(f.Arch)
	if err != nil {
		return &tool.UsageError{Err: err}
	}
	result, err := assemble.Compile(ctx, assemble.CompileRequest{
		Directory: assemble.Directory{Dir: f.Directory, BuildFile: f.BuildFile, Inputs: f.Input},
		Arch:      a,
		CFlags:    f.Cflag,
		Toolchain: assemble.Toolchain{
			Loader: f.Loader, LibraryPath: f.LibraryPath, Clang: f.Clang, Strip: f.Strip,
			ResourceDir: f.ResourceDir, SystemIncludes: f.SystemInclude,
		},
	})
	if refused := (*assemble.CompileError)(nil); errors.As(err, &refused) {
		fmt.Fprint(stderr, refused.Text)
	}
	if err != nil {
		return err
	}
	fmt.Fprint(stderr, result.Warnings)
	if f.UnusedInputs != "" {
		if err := action.WriteFile(f.UnusedInputs, []byte(strings.Join(append(result.Unused, ""), "\n"))); err != nil {
			return err
		}
	}
	return action.WriteFile(f.Out, result.Object)
}
