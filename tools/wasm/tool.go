// Package wasm is the WasmCompile action: it makes the wasm module of a
// gadget's directory, as build.yaml specifies.
package wasm

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
)

const doc = "Makes a gadget's wasm module: copies a prebuilt one or builds Go for wasip1. A gadget without gives an " +
	"empty file."

// flags is the command line.
type flags struct {
	Directory    string   `required:"" help:"The gadget's directory."`
	BuildFile    string   `help:"The build.yaml; the directory's by default."`
	Input        []string `sep:"none" help:"A file of the gadget; all in the directory by default. Repeatable."`
	Module       string   `help:"The wasm module, for a build.yaml that names none."`
	Goroot       string   `help:"Go toolchain for Go sources."`
	UnusedInputs string   `help:"File to write the inputs to that were not read, a line each."`
	Out          string   `required:"" help:"Wasm module to write."`
}

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() { os.Exit(tool.Main("wasm", run)) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, _ io.Writer) error {
	var f flags
	if err := tool.Parse("wasm", doc, &f, args, stdout); err != nil {
		return err
	}
	req := assemble.WasmRequest{
		Directory: assemble.Directory{Dir: f.Directory, BuildFile: f.BuildFile, Inputs: f.Input}, Module: f.Module,
	}
	req.Go = func(context.Context) (assemble.GoToolchain, error) {
		if f.Goroot == "" {
			return assemble.GoToolchain{}, errors.New("a Go toolchain is missing, register one of rules_go or name a .wasm file")
		}
		return assemble.GoToolchain{Root: f.Goroot}, nil
	}
	result, err := assemble.Wasm(ctx, req)
	if err != nil {
		return err
	}
	if f.UnusedInputs != "" {
		text := strings.Join(append(result.Unused, ""), "\n")
		if err := action.WriteFile(f.UnusedInputs, []byte(text)); err != nil {
			return err
		}
	}
	return action.WriteFile(f.Out, result.Module)
}
