package imagecmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/pinned"
	"github.com/rules-gadget/rules_gadget/internal/registry"
	"github.com/rules-gadget/rules_gadget/internal/toolchain"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/show"
)

// Build is "image build".
type Build struct {
	Path             string   `arg:"" type:"existingdir" help:"The gadget's directory."`
	Tag              []string `short:"t" placeholder:"NAME" help:"Name for the artifact in the store, may be repeated."`
	File             string   `short:"f" placeholder:"FILE" help:"The build file (default: build.yaml in the directory)."`
	Local            bool     `short:"l" help:"Compile with the machine's clang (CLANG, LLVM_STRIP) instead of the pinned one."`
	Go               string   `placeholder:"PATH" help:"The Go toolchain for wasm programs in Go: the program, its directory, or \"pinned\" (default: that of GOROOT, else the one in PATH, else the pinned one)."`
	Include          []string `placeholder:"DIR" help:"With --local: directory of headers, before the others."`
	Vmlinux          []string `sep:"none" placeholder:"[ARCH=]FILE" help:"The vmlinux.h to compile with in place of the pinned one, of all architectures or of ARCH (amd64, arm64); may be repeated."`
	Platform         []string `placeholder:"linux/ARCH" help:"Platforms to build for (default: those of the build file, or all)."`
	Label            []string `sep:"none" placeholder:"KEY=VALUE" help:"Annotation to add, may be repeated."`
	BTF              string   `name:"btf" aliases:"btfhub-archive" type:"existingdir" placeholder:"DIR" help:"Directory of btfhub archives, for kernels without BTF."`
	NoCache          bool     `help:"Build also when nothing has changed."`
	Output           []string `short:"o" sep:"none" placeholder:"type=T,dest=PATH" help:"Where the result goes: type=image[,name=NAME] (the store), oci, docker, tar (to stdout without dest) or local (a directory); may be repeated."`
	UpdateMetadata   bool     `help:"Write into gadget.yaml what it lacks of the compiled program."`
	ValidateMetadata bool     `default:"true" negatable:"" help:"Refuse a gadget.yaml that does not fit the compiled program."`
	Cache            string   `type:"path" placeholder:"DIR" help:"Directory of the toolchain and of earlier results (default: gadget-run in the user's cache directory)."`

	foreignBuildFlags
}

// Run builds the gadget and writes it where --output specifies.
func (b *Build) Run(g *cli.Globals) error {
	outputs, err := parseOutputs(b.Output)
	if err != nil {
		return cli.Usage(err)
	}
	tags, err := b.tags()
	if err != nil {
		return err
	}
	if err := b.paths(); err != nil {
		return err
	}
	streamed := slices.ContainsFunc(outputs, func(o output) bool { return o.dest == stdoutFile })
	if streamed {
		if err := refuseTerminal(g); err != nil {
			return err
		}
	}
	b.note(g)
	g.Say("Building %s...", cmp.Or(strings.Join(b.Tag, ", "), b.Path))
	made, err := b.make(g)
	if err != nil {
		return err
	}
	for _, o := range outputs {
		if err := b.deliver(g, o, made, tags); err != nil {
			return err
		}
	}
	if streamed { // stdout has the archive
		g.Say("Successfully built %s", made.root.Digest)
		return nil
	}
	return success(g, "built", made.root.Digest.String())
}

// paths fills in the default cache, and finds out where a build file is that is
// not where the user specified.
func (b *Build) paths() error {
	if _, err := os.Stat(b.File); b.File != "" && errors.Is(err, os.ErrNotExist) {
		inside := filepath.Join(b.Path, b.File)
		if _, err := os.Stat(inside); err == nil {
			return cli.Usage(fmt.Errorf("build file %q does not exist, did you mean --file=%s?", b.File, inside))
		}
	}
	if b.Cache != "" {
		return nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("%w, pass --cache=DIR", err)
	}
	b.Cache = filepath.Join(dir, "gadget-run")
	return nil
}

// built is the artifact that came out.
type built struct {
	root  ocispec.Descriptor
	blobs oci.Blobs
	// documents is what is known of how it came to be.
	documents []registry.Document
}

// tags are the names for the store.
func (b *Build) tags() ([]registry.Reference, error) {
	var all []registry.Reference
	for _, text := range b.Tag {
		ref, err := parseTag(text)
		if err != nil {
			return nil, err
		}
		all = append(all, ref)
	}
	return all, nil
}

// make returns an earlier result for the same inputs, or builds.
func (b *Build) make(g *cli.Globals) (*built, error) {
	req, err := b.request(g)
	if err != nil {
		return nil, err
	}
	// Without it a toolchain would be fetched for nothing.
	if _, err := req.Directory.ReadBuildFile(); err != nil {
		return nil, err
	}
	key, err := b.key(g, req)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.Cache, "builds", key)
	if !b.NoCache && !b.UpdateMetadata && !b.dependsOnOthers(req) {
		if made, err := cached(g.Ctx, dir); err == nil {
			g.Say("Nothing has changed since an earlier build.")
			return made, nil
		}
	}
	if _, err := req.Directory.ReadBuildFile(); err != nil {
		return nil, err // before megabytes are fetched for nothing
	}
	if req.Toolchains, err = b.toolchains(g); err == nil {
		req.Toolchains, err = b.withHeaders(req.Toolchains)
	}
	if err != nil {
		return nil, err
	}
	if b.UpdateMetadata {
		if err := shown(g, assemble.UpdateMetadata(g.Ctx, req)); err != nil {
			return nil, err
		}
	}
	return b.compile(g, req, dir)
}

// compile builds, and keeps the result in the directory dir for the next time.
func (b *Build) compile(g *cli.Globals, req assemble.ImageRequest, dir string) (*built, error) {
	res, err := assemble.Image(g.Ctx, req)
	if err := shown(g, err); err != nil {
		return nil, err
	}
	fmt.Fprint(g.Stderr, res.Warnings)
	for _, p := range res.Problems {
		g.Say("warning: %v", p)
	}
	documents, err := b.attest(req, res)
	if err != nil {
		return nil, fmt.Errorf("recording what it was built from: %w", err)
	}
	if err := keep(dir, res, documents, b.UpdateMetadata); err != nil {
		return nil, fmt.Errorf("keeping the result for the next time: %w", err)
	}
	return &built{res.Root, oci.NewMemory(res.Blobs...), documents}, nil
}

// shown returns err after showing the output of the compiler, where it failed.
func shown(g *cli.Globals, err error) error {
	if refused := (*assemble.CompileError)(nil); errors.As(err, &refused) {
		fmt.Fprint(g.Stderr, refused.Text)
	}
	return err
}

// request is what the flags request, without the toolchain.
func (b *Build) request(g *cli.Globals) (assemble.ImageRequest, error) {
	req := assemble.ImageRequest{
		Directory: assemble.Directory{Dir: b.Path, BuildFile: b.File}, Labels: map[string]string{},
		Lenient: !b.ValidateMetadata,
	}
	for _, l := range b.Label {
		key, value, ok := strings.Cut(l, "=")
		if !ok || key == "" {
			return req, cli.Usage(fmt.Errorf("label %q is not KEY=VALUE", l))
		}
		req.Labels[key] = value
	}
	for _, text := range b.Platform {
		a, err := artifact.ParsePlatform(text)
		if err != nil {
			return req, cli.Usage(err)
		}
		req.Archs = append(req.Archs, a)
	}
	var err error
	if req.Created, err = assemble.ParseEpoch(os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		return req, err
	}
	req.Go = b.goToolchain(g).Toolchain
	req.Cargo = func(context.Context) (string, error) { return toolchain.Cargo(os.Getenv) }
	req.Remedy = "pass --no-validate-metadata to only warn of it"
	if b.BTF != "" {
		req.BTF = func(ctx context.Context, a arch.Arch, object []byte) ([]byte, error) {
			return btfLayer(ctx, g, b.BTF, a, object)
		}
	}
	return req, nil
}

// toolchains returns the compiler for every architecture.
func (b *Build) toolchains(g *cli.Globals) (map[arch.Arch]assemble.Toolchain, error) {
	if b.Local {
		return toolchain.Local{Cache: b.Cache, Includes: b.Include, Getenv: os.Getenv}.Toolchains(arch.All())
	}
	mirrors, err := pinned.HostMirrors()
	tools := toolchain.Pinned{Cache: b.Cache, Host: arch.Host(), Fetch: fetcher(g, mirrors)}
	if err != nil {
		tools.Fetch = func(context.Context, pinned.Package) ([]byte, error) {
			return nil, fmt.Errorf("%w, or pass --local", err)
		}
	}
	return tools.Toolchains(g.Ctx, arch.All())
}

// fetcher fetches packages from below the base URLs.
func fetcher(g *cli.Globals, bases []string) pinned.Fetch {
	open := sync.OnceValues(func() (*registry.Client, error) { return registry.New(registry.Options{Log: g.Log}) })
	return func(ctx context.Context, p pinned.Package) ([]byte, error) {
		client, err := open()
		if err != nil {
			return nil, err
		}
		g.Say("Fetching %s %s (%s)", p.Name, p.Version, show.Size(p.Size))
		var addresses []string
		for _, base := range bases {
			addresses = append(addresses, base+"/"+p.Path)
		}
		d := ocispec.Descriptor{Digest: digest.NewDigestFromEncoded(digest.SHA256, p.SHA256), Size: p.Size}
		return client.Fetch(ctx, addresses, d)
	}
}
