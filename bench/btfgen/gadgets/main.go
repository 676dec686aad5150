// Command bench/btfgen/gadgets makes minimal BTF for all gadgets of this
// repository on all kernels of a btfhub archive, says what that takes, and checks
// that no program loses anything: what its relocations find in the whole BTF of a
// kernel, they find in the minimal one.
//
//	./bazelw build //gadgets:images
//	go run ./bench/btfgen/gadgets --archive=DIR
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/action/tool"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

const doc = "Makes minimal BTF for all gadgets and compares what programs find in it with the whole BTF of each kernel."

// flags is the command line.
type flags struct {
	Archive  string   `required:"" env:"BTFHUB_ARCHIVE" help:"Directory of btfhub archives."`
	Artifact []string `arg:"" optional:"" help:"OCI layouts, or tars of them; those that Bazel built if not given."`
}

func main() { os.Exit(tool.Main("bench/btfgen/gadgets", run)) }

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	var f flags
	if err := tool.Parse("bench/btfgen/gadgets", doc, &f, args, stdout); err != nil {
		return err
	}
	if len(f.Artifact) == 0 {
		f.Artifact, _ = filepath.Glob("bazel-bin/gadgets/*/image.oci") // the pattern is well-formed
	}
	if len(f.Artifact) == 0 {
		return errors.New("no artifacts in bazel-bin, run ./bazelw build //gadgets:images")
	}
	b := bench{rows: map[string]*row{}}
	for _, file := range f.Artifact {
		if err := b.add(ctx, file); err != nil {
			return fmt.Errorf("reading the artifact %q: %w", file, err)
		}
	}
	archives, err := btfhub.List(f.Archive)
	if err != nil {
		return err
	}
	for _, shard := range shards(archives) {
		fmt.Fprintf(stderr, "%s: %d kernels\n", shard[0].Kernel, len(shard))
		if err := b.shard(ctx, shard); err != nil {
			return err
		}
	}
	if err := b.layers(); err != nil {
		return err
	}
	b.print(stdout, len(archives))
	if b.lost > 0 {
		return fmt.Errorf("%d programs find less in the minimal BTF than in the whole", b.lost)
	}
	return nil
}

// row is what is known of a gadget.
type row struct {
	programs map[arch.Arch][]program
	objects  map[arch.Arch]*core.Object
	entries  map[arch.Arch][]btfhub.LayerEntry
	compared int // programs, on a kernel each
	lost     int
	took     time.Duration
	layer    map[arch.Arch]int
}

// bench is the state of a run.
type bench struct {
	rows     map[string]*row
	imported time.Duration
	lost     int
}

// add reads an artifact. Those without a program are left out.
func (b *bench) add(ctx context.Context, file string) error {
	open := oci.OpenLayout
	if info, err := os.Stat(file); err == nil && !info.IsDir() {
		open = oci.OpenLayoutTar
	}
	layout, err := open(file)
	if err != nil {
		return err
	}
	defer layout.Close()
	root, err := layout.Root("")
	if err != nil {
		return err
	}
	r := &row{
		programs: map[arch.Arch][]program{}, objects: map[arch.Arch]*core.Object{},
		entries: map[arch.Arch][]btfhub.LayerEntry{}, layer: map[arch.Arch]int{},
	}
	for _, a := range arch.All() {
		art, err := gadget.Load(ctx, layout, root, a, gadget.SkipLayers(gadget.BTFMediaType, gadget.WasmMediaType))
		if err != nil {
			return err
		}
		if art.Object == nil {
			return nil
		}
		if r.objects[a], err = core.ParseObject(file, art.Object); err != nil {
			return err
		}
		if r.programs[a], err = relocations(art.Object); err != nil {
			return err
		}
	}
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if name == "image" {
		name = filepath.Base(filepath.Dir(file))
	}
	b.rows[name] = r
	return nil
}

// shards groups archives as they are imported.
func shards(archives []btfhub.Archive) [][]btfhub.Archive {
	var out [][]btfhub.Archive
	index := map[btfhub.Shard]int{}
	for _, a := range archives {
		s := btfhub.Shard{Distro: a.Kernel.Distro, Version: a.Kernel.Version, Arch: a.Kernel.Arch}
		i, ok := index[s]
		if !ok {
			i = len(out)
			index[s] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], a)
	}
	return out
}

// shard imports the archives of a shard and makes minimal BTF for each gadget.
func (b *bench) shard(ctx context.Context, archives []btfhub.Archive) error {
	id := archives[0].Kernel
	var paths []string
	for _, a := range archives {
		paths = append(paths, a.Path)
	}
	start := time.Now()
	data, _, err := btfgen.Import(ctx, btfhub.Shard{Distro: id.Distro, Version: id.Version, Arch: id.Arch}, paths,
		runtime.NumCPU())
	if err != nil {
		return err
	}
	b.imported += time.Since(start)
	dir, err := os.MkdirTemp("", "bench-btfgen-gadgets-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "kernels.btfshard")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return err
	}
	small := map[string]map[string][]byte{} // by release and gadget
	for name, r := range b.rows {
		start := time.Now()
		out, err := btfgen.Generate([]*core.Object{r.objects[id.Arch]}, file)
		if err == nil {
			err = out.Err()
		}
		if err != nil {
			return fmt.Errorf("gadget %q: %w", name, err)
		}
		r.took += time.Since(start)
		r.entries[id.Arch] = append(r.entries[id.Arch], out.Entries...)
		for _, e := range out.Entries {
			if small[e.Kernel.Release] == nil {
				small[e.Kernel.Release] = map[string][]byte{}
			}
			small[e.Kernel.Release][name] = e.BTF
		}
	}
	for _, a := range archives {
		if err := b.compare(a, small[a.Kernel.Release]); err != nil {
			return fmt.Errorf("kernel %s: %w", a.Kernel, err)
		}
	}
	return nil
}

// compare looks for what each program finds in the whole BTF of a kernel and in
// the minimal ones of the gadgets.
func (b *bench) compare(a btfhub.Archive, small map[string][]byte) error {
	data, err := btfhub.ReadArchiveFile(a.Path)
	if err != nil {
		return err
	}
	whole, err := parse(data)
	if err != nil {
		return err
	}
	for name, r := range b.rows {
		minimal, err := parse(small[name])
		if err != nil {
			return fmt.Errorf("gadget %q: %w", name, err)
		}
		for _, p := range r.programs[a.Kernel.Arch] {
			r.compared++
			if !slices.Equal(p.fixups(whole), p.fixups(minimal)) {
				r.lost++
				b.lost++
			}
		}
	}
	return nil
}

// layers makes the layers of all gadgets, as their artifacts have them.
func (b *bench) layers() error {
	for _, r := range b.rows {
		for a, entries := range r.entries {
			start := time.Now()
			data, err := btfhub.WriteLayer(entries)
			if err != nil {
				return err
			}
			r.took += time.Since(start)
			r.layer[a] = len(data)
		}
	}
	return nil
}
