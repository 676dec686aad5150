// Command bench/btfgen measures btfgen against the tools that btfhub's own
// script uses: tar, xz and bpftool. Both sides run on the same kernels, with
// the same objects, on the same cores, one after the other in one run.
//
//	go run ./bench/btfgen --archive=DIR --object=amd64=trace_open.o --object=arm64=...
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

const doc = "Measures btfgen against tar, xz and bpftool gen min_core_btf."

// flags is the command line.
type flags struct {
	Archive string   `required:"" help:"Directory of btfhub archives."`
	Object  []string `sep:"none" required:"" help:"An object, as <arch>=<path>. Repeatable: all of one arch together."`
	Bpftool string   `default:"bpftool" env:"BPFTOOL" help:"The bpftool of the reference."`
	Jobs    int      `help:"Processes at a time, on both sides; one for each processor by default."`
	Rounds  int      `default:"3" help:"How often each side runs; the fastest counts."`
	JSON    string   `help:"File to write the figures to."`
}

func main() { os.Exit(tool.Main("bench/btfgen", run)) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var f flags
	if err := tool.Parse("bench/btfgen", doc, &f, args, stdout); err != nil {
		return err
	}
	if f.Jobs <= 0 {
		f.Jobs = runtime.GOMAXPROCS(0)
	}
	dir, err := os.MkdirTemp("", "bench-btfgen-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{flags: f, ctx: ctx, dir: dir, log: stderr}
	if err := b.prepare(); err != nil {
		return err
	}
	phases := []func() error{
		b.reference, b.fromArchives, b.importShards, b.fromShards, b.inProcess, b.layers, b.growth,
	}
	for _, phase := range phases {
		if err := phase(); err != nil {
			return err
		}
	}
	b.print(stdout)
	if f.JSON == "" {
		return nil
	}
	data, err := action.JSON(b.figures)
	if err != nil {
		return err
	}
	return action.WriteFile(f.JSON, data)
}

// bench is the state of a run.
type bench struct {
	flags
	ctx      context.Context
	dir      string // everything is written below it
	log      io.Writer
	archives []btfhub.Archive
	objects  map[arch.Arch][]string
	figures  figures
}

// shards returns the shards with their archives, in order.
func (b *bench) shards() (order []string, files map[string][]string) {
	files = map[string][]string{}
	for _, a := range b.archives {
		s := btfhub.Shard{Distro: a.Kernel.Distro, Version: a.Kernel.Version, Arch: a.Kernel.Arch}.String()
		if files[s] == nil {
			order = append(order, s)
		}
		files[s] = append(files[s], a.Path)
	}
	return order, files
}

// prepare lists the archives and builds our tools.
func (b *bench) prepare() error {
	b.objects = map[arch.Arch][]string{}
	for _, o := range b.Object {
		name, path, _ := strings.Cut(o, "=")
		a, err := arch.Parse(name)
		if err != nil {
			return &tool.UsageError{Err: err}
		}
		if path, err = filepath.Abs(path); err != nil {
			return err
		}
		b.objects[a] = append(b.objects[a], path)
	}
	all, err := btfhub.List(b.Archive)
	if err != nil {
		return err
	}
	for _, a := range all {
		info, err := os.Stat(a.Path)
		if err != nil {
			return err
		}
		if len(b.objects[a.Kernel.Arch]) > 0 {
			b.archives = append(b.archives, a)
			b.figures.ArchiveBytes += info.Size()
		}
	}
	if len(b.archives) == 0 {
		return fmt.Errorf("no archives for the objects in %q", b.Archive)
	}
	b.figures.Kernels, b.figures.Jobs = len(b.archives), b.Jobs
	for _, name := range []string{"btfimport", "btfgen", "btflayer", "gadget-btfgen"} {
		cmd := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-o", b.tool(name), "./tools/"+name)
		cmd.Stderr = b.log
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("building %s: %w", name, err)
		}
	}
	return nil
}

func (b *bench) tool(name string) string { return filepath.Join(b.dir, "bin", name) }

// path returns a path below the working directory, whose parent exists.
func (b *bench) path(parts ...string) (string, error) {
	path := filepath.Join(append([]string{b.dir}, parts...)...)
	return path, os.MkdirAll(filepath.Dir(path), 0o755)
}
