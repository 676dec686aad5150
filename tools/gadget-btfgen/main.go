// Command gadget-btfgen makes minimal BTF for all kernels of a btfhub archive,
// outside Bazel. In a checkout of btfhub it does what tools/btfgen.sh does,
// with the same -a and -o and into the same directories.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

const doc = `Makes minimal BTF for all kernels of a btfhub archive.

For example, in a checkout of btfhub:

  gadget-btfgen -a x86_64 -o trace_open.bpf.o -o trace_exec.bpf.o`

// flags is the command line.
type flags struct {
	Arch      string   `short:"a" required:"" help:"Architecture of the kernels, x86_64 or arm64."`
	Object    []string `short:"o" sep:"none" required:"" help:"A BPF object. Repeatable: the result is their union."`
	Archive   string   `help:"Directory of archives; ./archive or ../archive by default."`
	Out       string   `help:"Directory to write to; custom-archive next to the archive by default. Files *.btf in it are removed first."`
	Layer     string   `help:"Write a btfgen layer (.tar.gz) to this file, too."`
	Report    string   `help:"JSON file to write: what became of each relocation on each kernel."`
	KeepGoing bool     `help:"Exit with 0 when archives cannot be read and the others came out."`
	Jobs      int      `help:"Archives to read at a time; one for each processor by default."`
}

func main() { os.Exit(tool.Main("gadget-btfgen", run)) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	f := flags{}
	if err := tool.Parse("gadget-btfgen", doc, &f, args, stdout); err != nil {
		return err
	}
	archives, err := f.archives()
	if err != nil {
		return err
	}
	objects, err := btfgen.ReadObjects(f.Object)
	if err != nil {
		return err
	}
	out, err := btfgen.GenerateArchives(ctx, objects, archives, f.Jobs)
	if err != nil {
		return err
	}
	if err := f.write(out); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d kernels in %s\n", len(out.Entries), f.Out)
	if err := out.Err(); err != nil && f.KeepGoing {
		fmt.Fprintf(stderr, "gadget-btfgen: warning: %v\n", err)
		return nil
	}
	return out.Err()
}

// archives fills in defaults and returns the archives of the architecture.
func (f *flags) archives() ([]btfhub.Archive, error) {
	a, err := arch.Parse(f.Arch)
	if err != nil {
		return nil, &tool.UsageError{Err: err}
	}
	if f.Archive == "" {
		f.Archive = "archive"
		if _, err := os.Stat(f.Archive); err != nil {
			f.Archive = filepath.Join("..", "archive")
		}
	}
	if f.Out == "" {
		f.Out = filepath.Join(filepath.Dir(filepath.Clean(f.Archive)), "custom-archive")
	}
	if f.Jobs <= 0 {
		f.Jobs = runtime.GOMAXPROCS(0)
	}
	all, err := btfhub.List(f.Archive)
	if err != nil {
		return nil, err
	}
	var some []btfhub.Archive
	for _, archive := range all {
		if archive.Kernel.Arch == a {
			some = append(some, archive)
		}
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("no archives for %s in %q, give the directory with --archive", a, f.Archive)
	}
	return some, nil
}

// write replaces the output tree and writes the optional files.
func (f *flags) write(out *btfgen.Output) error {
	if err := removeBTF(f.Out); err != nil {
		return err
	}
	for _, e := range out.Entries {
		path := filepath.Join(f.Out, filepath.FromSlash(btfhub.LayerPath(e.Kernel)))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := action.WriteFile(path, e.BTF); err != nil {
			return err
		}
	}
	if f.Layer != "" {
		layer, err := btfhub.WriteLayer(out.Entries)
		if err != nil {
			return err
		}
		if err := action.WriteFile(f.Layer, layer); err != nil {
			return err
		}
	}
	if f.Report == "" {
		return nil
	}
	data, err := action.JSON(out.Report)
	if err != nil {
		return err
	}
	return action.WriteFile(f.Report, data)
}

// removeBTF removes what an earlier run left in the output tree.
func removeBTF(root string) error {
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, btfhub.BTFSuffix) {
			return err
		}
		return os.Remove(path)
	})
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
