package imagecmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// The types of --output of Build.
const (
	typeImage  = "image"
	typeOCI    = "oci"
	typeDocker = "docker"
	typeTar    = "tar"
	typeLocal  = "local"
)

// output is one --output.
type output struct{ kind, dest string }

// parseOutputs parses "type=T,dest=PATH"; without any the result goes into
// the store.
func parseOutputs(texts []string) ([]output, error) {
	if len(texts) == 0 {
		return []output{{kind: typeImage}}, nil
	}
	var all []output
	for _, text := range texts {
		o := output{}
		for _, part := range strings.Split(text, ",") {
			key, value, _ := strings.Cut(part, "=")
			switch key {
			case "type":
				o.kind = value
			case "dest":
				o.dest = value
			default:
				return nil, fmt.Errorf("output %q: unknown part %q, write type=T,dest=PATH", text, part)
			}
		}
		if !slices.Contains([]string{typeImage, typeOCI, typeDocker, typeTar, typeLocal}, o.kind) {
			return nil, fmt.Errorf("output %q: unknown type %q, use image, oci, docker, tar or local", text, o.kind)
		}
		if (o.dest == "") != (o.kind == typeImage) {
			return nil, fmt.Errorf("output %q: dest=PATH goes with every type but image", text)
		}
		all = append(all, o)
	}
	return all, nil
}

// deliver brings the artifact to one output.
func (b *Build) deliver(g *cli.Globals, o output, made *built, tags []registry.Reference) error {
	name := ""
	if len(tags) > 0 {
		name = tags[0].String()
	}
	switch o.kind {
	case typeImage:
		return b.toStore(g, made, tags)
	case typeLocal:
		if err := refuseFull(o.dest); err != nil {
			return err
		}
		return gadget.ExportLocal(g.Ctx, o.dest, made.blobs, made.root)
	}
	return replaceFile(o.dest, func(w io.Writer) error {
		return gadget.Export(g.Ctx, w, made.blobs, made.root, gadget.ExportOptions{Format: gadget.Format(o.kind), Ref: name})
	})
}

// toStore puts the artifact into the store under its names, or by its digest
// when it has none.
func (b *Build) toStore(g *cli.Globals, made *built, tags []registry.Reference) error {
	s, err := openStore(g)
	if err != nil {
		return err
	}
	var names []string
	for _, t := range tags {
		names = append(names, t.String())
	}
	if len(names) == 0 {
		abs, err := filepath.Abs(b.Path)
		if err != nil {
			return err
		}
		ref, err := registry.ParseRepository("localhost/"+strings.ToLower(filepath.Base(abs)), registry.Defaults{})
		if err != nil {
			return fmt.Errorf("%w, name the artifact with --tag", err)
		}
		names = []string{ref.Pinned(made.root.Digest.String())}
	}
	for _, name := range names {
		if err := s.Put(g.Ctx, made.blobs, made.root, name, nil); err != nil {
			return err
		}
		say(g, "Stored as %s", name)
	}
	return markLocal(g, made.root.Digest)
}

// btfLayer makes the layer of minimal BTFs for an object. Kernels whose
// archive cannot be read are left out, and said.
func btfLayer(ctx context.Context, g *cli.Globals, dir string, a arch.Arch, object []byte) ([]byte, error) {
	archives, err := btfhub.List(dir)
	if err != nil {
		return nil, err
	}
	archives = slices.DeleteFunc(archives, func(x btfhub.Archive) bool { return x.Kernel.Arch != a })
	if len(archives) == 0 {
		return nil, fmt.Errorf("%q has no archive for %s, leave --btf out or add some", dir, a)
	}
	o, err := core.ParseObject("program."+a.String()+".bpf.o", object)
	if err != nil {
		return nil, err
	}
	out, err := btfgen.GenerateArchives(ctx, []*core.Object{o}, archives, runtime.NumCPU())
	if err != nil {
		return nil, err
	}
	for _, f := range out.Failures {
		say(g, "warning: %s: %v", btfhub.ArchivePath(f.Kernel), f.Err)
	}
	if len(out.Entries) == 0 {
		return nil, errors.New("no archive could be read")
	}
	return btfhub.WriteLayer(out.Entries)
}
