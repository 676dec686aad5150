package imagecmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/sign"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// outputText is the form of the output that people read, templatePrefix begins
// the one that they write themselves.
const (
	outputText     = "text"
	templatePrefix = "template="
)

// templateFuncs are what templates for docker call too.
var templateFuncs = template.FuncMap{"json": func(v any) (string, error) {
	data, err := json.Marshal(v)
	return string(data), err
}}

// Inspect is "image inspect".
type Inspect struct {
	Image string `arg:"" name:"ref" help:"Reference in the store or in a registry, or a layout."`
	RegistryFlags
	Remote   bool   `help:"Ask the registry, also when the store has it; layers are not pulled."`
	Platform string `placeholder:"linux/ARCH" help:"Platform to show (default: this machine's)."`
	Output   string `short:"o" default:"text" placeholder:"text|json|yaml|template=T" help:"Form of the output; T is a Go template over what json shows, with Go's names."`
	Format   string `short:"f" placeholder:"T" help:"The same as -o template=T, as docker has it; also json."`
}

// Run shows the artifact.
func (i *Inspect) Run(g *cli.Globals) error {
	show, err := i.printer(g)
	if err != nil {
		return cli.Usage(err)
	}
	want := arch.Host()
	if i.Platform != "" {
		if want, err = parsePlatform(i.Platform); err != nil {
			return cli.Usage(err)
		}
	}
	src, err := i.source(g)
	if err != nil {
		return err
	}
	defer src.release()
	about, err := describe(g, src, want)
	if err != nil {
		return fmt.Errorf("inspecting %s: %w", src.ref, err)
	}
	return show(about)
}

// printer returns what writes the result in the form of --output.
func (i *Inspect) printer(g *cli.Globals) (func(*About) error, error) {
	output := i.Output
	if i.Format != "" {
		if output != outputText {
			return nil, errors.New("--format and --output exclude each other, use one")
		}
		if output = i.Format; output != outputJSON {
			output = templatePrefix + output
		}
	}
	if text, ok := strings.CutPrefix(output, templatePrefix); ok {
		t, err := template.New("output").Funcs(templateFuncs).Parse(text)
		if err != nil {
			return nil, err
		}
		return func(a *About) error {
			if err := t.Execute(g.Stdout, a); err != nil {
				return err
			}
			return result(g.Stdout, "")
		}, nil
	}
	switch output {
	case outputText:
		return func(a *About) error { return a.print(g.Stdout) }, nil
	case outputJSON, outputYAML:
		return func(a *About) error { return printData(g.Stdout, output, a) }, nil
	}
	return nil, fmt.Errorf("unknown output %q, use text, json, yaml or template=T", output)
}

// source is where an artifact to inspect lies.
type source struct {
	ref     string
	root    ocispec.Descriptor
	blobs   oci.Blobs
	remote  bool
	place   sign.Place // nil for an archive
	release func()
}

// source finds the artifact: a layout or an archive when there is a file of
// that name that a reference cannot have, else in the store or its registry.
func (i *Inspect) source(g *cli.Globals) (*source, error) {
	if isPath(i.Image) {
		return archiveSource(g.Ctx, i.Image)
	}
	s, err := openStore(g)
	if err != nil {
		return nil, err
	}
	if !i.Remote {
		release, err := s.Hold(g.Ctx)
		if err != nil {
			return nil, err
		}
		r, err := find(s, i.Image)
		if err == nil {
			return &source{ref: r.Name, root: r.Target, blobs: s, place: storedPlace{s, r.Target.Digest}, release: release}, nil
		}
		release()
		if !errors.Is(err, oci.ErrNotFound) || digestPrefix.MatchString(i.Image) {
			return nil, err
		}
	}
	return i.remote(g)
}

// archiveSource opens the one artifact of an archive or a directory.
func archiveSource(ctx context.Context, path string) (*source, error) {
	from, roots, err := openArchive(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(roots) != 1 {
		return nil, errors.Join(fmt.Errorf("%q holds %d artifacts, load it and name one of them", path, len(roots)), from.Close())
	}
	return &source{
		ref: path, root: roots[0].root, blobs: from, release: func() { _ = from.Close() },
	}, nil
}

func (i *Inspect) remote(g *cli.Globals) (*source, error) {
	ref, err := parseRef(i.Image)
	if err != nil {
		return nil, err
	}
	client, err := i.Client(g)
	if err != nil {
		return nil, err
	}
	root, err := client.Resolve(g.Ctx, ref)
	if err != nil {
		return nil, err
	}
	return &source{
		ref: ref.String(), root: root, blobs: client.Repository(ref), remote: true,
		place: placeOf(client, ref), release: func() {},
	}, nil
}

// describe reads the artifact for one architecture. Of a remote one the
// layers stay where they are.
func describe(g *cli.Globals, src *source, want arch.Arch) (*About, error) {
	var options []gadget.LoadOption
	if src.remote {
		options = append(options, gadget.SkipLayers(gadget.EBPFMediaType, gadget.WasmMediaType, gadget.BTFMediaType))
	}
	art, err := gadget.Load(g.Ctx, src.blobs, src.root, want, options...)
	if err != nil {
		return nil, err
	}
	a := &About{
		Reference: src.ref, Digest: src.root.Digest.String(), ManifestDigest: art.Descriptor.Digest.String(),
		Arch: art.Arch.String(), Annotations: art.Annotations, Remote: src.remote,
	}
	if ref, err := registry.ParseReference(src.ref, registry.Defaults{}); err == nil {
		a.Reference = pinned(ref, a.Digest)
	}
	if err := a.platforms(g, src); err != nil {
		return nil, err
	}
	if err := a.trust(g, src); err != nil {
		return nil, err
	}
	a.layers(art)
	if err := a.metadata(art); err != nil {
		return nil, err
	}
	if err := a.object(art); err != nil {
		return nil, err
	}
	return a, a.btf(art)
}
