// Command wasmcache is the WasmCache action: it compiles wasm programs of gadgets
// as gadget-run does, into a directory of compiled modules. In an emulated machine
// that takes minutes, for the machine's own architecture alone.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/runner/wasm"
)

const doc = "Compiles wasm programs for the architecture of this machine, as gadget-run does when it first runs them."

// flags is the command line.
type flags struct {
	Out    string   `required:"" help:"Directory of compiled modules."`
	Module []string `arg:"" sep:"none" help:"A wasm program. An empty file means a gadget without one."`
}

func main() { os.Exit(tool.Main("wasmcache", run)) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, _ io.Writer) error {
	var f flags
	if err := tool.Parse("wasmcache", doc, &f, args, stdout); err != nil {
		return err
	}
	for _, name := range f.Module {
		module, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if len(module) == 0 {
			continue
		}
		if err := wasm.Precompile(ctx, module, f.Out); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	return nil
}
