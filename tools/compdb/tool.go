// Package compdb writes compile_commands.json, by which clangd and other programs
// understand the sources of gadgets. As the GadgetCompdb action it says how one
// gadget is compiled, in paths that are relative to Bazel's execution root. As the
// executable of a gadget_compile_commands target it puts what these actions wrote
// into the workspace's file, in paths that are good outside of Bazel.
package compdb

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
)

const doc = "Says how the source of a gadget's directory is compiled."

// flags is the command line of the action.
type flags struct {
	Directory     string   `required:"" help:"The gadget's directory."`
	BuildFile     string   `help:"The build.yaml; the directory's by default."`
	Input         []string `sep:"none" help:"A file of the gadget; all in the directory by default. Repeatable."`
	Clang         string   `required:"" help:"The compiler."`
	ResourceDir   string   `help:"The compiler's resource directory."`
	SystemInclude []string `sep:"none" help:"Directory of headers outside the gadget. Repeatable."`
	Vmlinux       []string `required:"" sep:"none" help:"Directory of vmlinux.h for an architecture, as amd64=DIR. Repeatable."`
	Cflag         []string `sep:"none" help:"Extra flag of the compiler. Repeatable."`
	Out           string   `required:"" help:"File to write."`
}

// command is an entry of compile_commands.json.
type command struct {
	Directory string   `json:"directory,omitempty"`
	File      string   `json:"file"`
	Arguments []string `json:"arguments"`
}

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() { os.Exit(tool.Main("compdb", run)) }

func run(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	if list := os.Getenv(envList); list != "" {
		return install(args, list, stdout, stderr)
	}
	var f flags
	if err := tool.Parse("compdb", doc, &f, args, stdout); err != nil {
		return err
	}
	commands, err := f.commands()
	if err != nil {
		return err
	}
	data, err := encode(commands)
	if err != nil {
		return err
	}
	return action.WriteFile(f.Out, data)
}

// commands are the compiles of the gadget, in the order of the architectures: the
// editor takes the first.
func (f flags) commands() ([]command, error) {
	commands := []command{}
	for _, vmlinux := range f.Vmlinux {
		name, dir, ok := strings.Cut(vmlinux, "=")
		a, err := arch.Parse(name)
		if err != nil || !ok {
			return nil, &tool.UsageError{Err: fmt.Errorf("--vmlinux is %q, use amd64=DIR or arm64=DIR", vmlinux)}
		}
		got, err := assemble.Command(assemble.CompileRequest{
			Directory: assemble.Directory{Dir: f.Directory, BuildFile: f.BuildFile, Inputs: f.Input},
			Arch:      a,
			CFlags:    f.Cflag,
			Toolchain: assemble.Toolchain{
				Clang: f.Clang, ResourceDir: f.ResourceDir, SystemIncludes: slices.Concat(f.SystemInclude, []string{dir}),
			},
		})
		if err != nil {
			return nil, err
		}
		if got.Source != "" {
			commands = append(commands, command{File: got.Source, Arguments: got.Arguments})
		}
	}
	return commands, nil
}
