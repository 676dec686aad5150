// Package btfgen is the BtfGen action: it makes minimal BTF of every kernel in
// an imported shard for the relocations of some objects.
package btfgen

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/btfgen"
)

const doc = "Makes minimal BTF for all kernels of an imported shard."

// flags is the command line.
type flags struct {
	Object    []string `sep:"none" required:"" help:"A BPF object. Repeatable: the result is their union."`
	Shard     string   `required:"" help:"The .btfshard that btfimport wrote."`
	Out       string   `required:"" help:"The .minbtf to write."`
	Report    string   `help:"JSON file to write: what became of each relocation on each kernel."`
	KeepGoing bool     `help:"Exit with 0 when kernels cannot be read and the others came out."`
}

// memoryLimit is the heap from which on garbage is collected at all, in bytes.
// A run takes some milliseconds and 20 MB; collecting would take a third of it.
const memoryLimit = 200 << 20

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memoryLimit)
	os.Exit(tool.Main("btfgen", run))
}

func run(_ context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var f flags
	if err := tool.Parse("btfgen", doc, &f, args, stdout); err != nil {
		return err
	}
	objects, err := btfgen.ReadObjects(f.Object)
	if err != nil {
		return err
	}
	out, err := btfgen.Generate(objects, f.Shard)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := btfgen.WriteResults(&buf, out.Entries); err != nil {
		return err
	}
	if err := action.WriteFile(f.Out, buf.Bytes()); err != nil {
		return err
	}
	if f.Report != "" {
		data, err := action.JSON(out.Report)
		if err != nil {
			return err
		}
		if err := action.WriteFile(f.Report, data); err != nil {
			return err
		}
	}
	if err := out.Err(); err != nil && f.KeepGoing {
		fmt.Fprintf(stderr, "btfgen: warning: %v\n", err)
		return nil
	}
	return out.Err()
}
