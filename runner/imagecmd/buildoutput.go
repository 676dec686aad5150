package imagecmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/archive"
	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
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

var outputTypes = []string{typeImage, typeOCI, typeDocker, typeTar, typeLocal}

// output is one --output. A dest of "-" is stdout.
type output struct {
	kind, dest string
	names      []registry.Reference // in addition to those of --tag
}

// parseOutputs parses "type=T,dest=PATH", and docker's short forms of it: a
// directory alone, and "-" for a tar on stdout. Without any the result
// goes into the store.
func parseOutputs(texts []string) ([]output, error) {
	if len(texts) == 0 {
		return []output{{kind: typeImage}}, nil
	}
	var all []output
	streams := 0
	for _, text := range texts {
		o, err := parseOutput(text)
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", text, err)
		}
		if o.dest == stdoutFile {
			streams++
		}
		all = append(all, o)
	}
	if streams > 1 {
		return nil, errors.New("several outputs go to stdout, give all but one a dest=FILE")
	}
	return all, nil
}

func parseOutput(text string) (output, error) {
	switch {
	case text == stdoutFile:
		return output{kind: typeTar, dest: stdoutFile}, nil
	case slices.Contains(outputTypes, text):
		return output{}, fmt.Errorf("write type=%s, or ./%s for a directory of that name", text, text)
	case text != "" && !strings.Contains(text, "="):
		return output{kind: typeLocal, dest: text}, nil
	}
	var o output
	for _, part := range strings.Split(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "type":
			o.kind = value
		case "dest":
			o.dest = value
		case "name":
			ref, err := parseTag(value)
			if err != nil {
				return o, err
			}
			o.names = append(o.names, ref)
		default:
			return o, fmt.Errorf("unknown part %q, write type=T,dest=PATH", part)
		}
	}
	err := o.check()
	return o, err
}

// check refuses what does not go together, and sends an archive without a
// destination to stdout.
func (o *output) check() error {
	switch o.kind {
	case typeImage:
		if o.dest != "" {
			return errors.New("type=image goes into the store, leave dest out or choose another type")
		}
		return nil
	case typeLocal:
		if o.dest == "" || o.dest == stdoutFile {
			return errors.New("type=local needs dest=DIRECTORY")
		}
	case typeOCI, typeDocker, typeTar:
		o.dest = cmp.Or(o.dest, stdoutFile)
	default:
		return fmt.Errorf("unknown type %q, use image, oci, docker, tar or local", o.kind)
	}
	if len(o.names) > 0 && o.kind != typeOCI && o.kind != typeDocker {
		return fmt.Errorf("type=%s has no place for a name", o.kind)
	}
	return nil
}

// deliver brings the artifact to one output.
func (b *Build) deliver(g *cli.Globals, o output, made *built, tags []registry.Reference) error {
	tags = append(slices.Clone(o.names), tags...)
	name := ""
	if len(tags) > 0 {
		name = tags[0].String()
	}
	switch o.kind {
	case typeImage:
		return b.toStore(g, made, tags)
	case typeLocal:
		dir, err := emptyPlace(o.dest)
		if err != nil {
			return err
		}
		return archive.ExportLocal(g.Ctx, dir, made.blobs, made.root)
	}
	return writeArchive(g, o.dest, func(w io.Writer) error {
		options := archive.ExportOptions{Format: archive.Format(o.kind), Ref: name}
		return archive.Export(g.Ctx, w, made.blobs, made.root, options)
	})
}

// toStore puts the artifact into the store under its names, or by its digest
// when it has none.
func (b *Build) toStore(g *cli.Globals, made *built, tags []registry.Reference) error {
	s, err := artifact.OpenStore(g)
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
	release, err := s.Hold(g.Ctx) // its referrers are stored before it has a name
	if err != nil {
		return err
	}
	defer release()
	if err := putDocuments(g.Ctx, s, made.root, made.documents); err != nil {
		return err
	}
	for _, name := range names {
		if err := s.Put(g.Ctx, made.blobs, made.root, name, nil); err != nil {
			return err
		}
		g.Say("Stored as %s", name)
	}
	return sign.MarkLocal(g.State, made.root.Digest)
}

// btfLayer makes the layer of minimal BTFs for an object. Kernels whose
// archive cannot be read are left out, with a warning.
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
		g.Say("warning: %s: %v", btfhub.ArchivePath(f.Kernel), f.Err)
	}
	if len(out.Entries) == 0 {
		return nil, errors.New("no archive could be read")
	}
	return btfhub.WriteLayer(out.Entries)
}
