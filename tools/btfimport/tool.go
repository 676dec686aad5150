// Package btfimport is the BtfImport action: it imports the archives of one
// btfhub shard into one .btfshard file, from which btfgen reads.
package btfimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

const doc = "Imports the archives of a btfhub shard into one file."

// flags is the command line.
type flags struct {
	Shard     string   `required:"" help:"What the archives are of: <distro>/<version>/<arch>."`
	Archive   []string `sep:"none" help:"A <release>.btf.tar.xz. Repeatable."`
	Out       string   `required:"" help:"The .btfshard to write."`
	Report    string   `help:"JSON file to write: what became of each archive."`
	KeepGoing bool     `help:"Exit with 0 when archives cannot be read and the others were imported."`
	Jobs      int      `help:"Archives to read at a time; one for each processor by default."`
}

// Main is the program: it runs the tool on the arguments of the process and exits.
func Main() { os.Exit(tool.Main("btfimport", run)) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var f flags
	if err := tool.Parse("btfimport", doc, &f, args, stdout); err != nil {
		return err
	}
	where, err := btfhub.ParseShard(f.Shard)
	if err != nil {
		return &tool.UsageError{Err: err}
	}
	if f.Jobs <= 0 {
		f.Jobs = runtime.GOMAXPROCS(0)
	}
	data, report, err := btfgen.Import(ctx, where, f.Archive, f.Jobs)
	failures := (*btfgen.FailuresError)(nil)
	if err != nil && !errors.As(err, &failures) {
		return err
	}
	if err := action.WriteFile(f.Out, data); err != nil {
		return err
	}
	if f.Report != "" {
		if err := writeJSON(f.Report, report); err != nil {
			return err
		}
	}
	if failures != nil && f.KeepGoing {
		fmt.Fprintf(stderr, "btfimport: warning: %v\n", failures)
		return nil
	}
	return err
}

func writeJSON(path string, v any) error {
	data, err := action.JSON(v)
	if err != nil {
		return err
	}
	return action.WriteFile(path, data)
}
