package assemble

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// ImageRequest is the input of Image.
type ImageRequest struct {
	Directory Directory
	// Toolchains has the compiler for each architecture.
	Toolchains map[arch.Arch]Toolchain
	// Archs to build for; empty means those of build.yaml, else all supported.
	Archs []arch.Arch
	// CFlags come after those of build.yaml.
	CFlags []string
	// Go and Cargo are those of WasmRequest.
	Go    func(context.Context) (GoToolchain, error)
	Cargo func(context.Context) (string, error)
	// BTF returns the btfgen layer for an object; nil means that the gadget
	// gets none.
	BTF     func(ctx context.Context, a arch.Arch, object []byte) ([]byte, error)
	Labels  map[string]string
	Created time.Time
	// Lenient turns what is wrong in the metadata into warnings.
	Lenient bool
	// Remedy is that of ManifestRequest.
	Remedy string
}

// ImageResult is a gadget built in memory.
type ImageResult struct {
	// Root describes the index.
	Root ocispec.Descriptor
	// Blobs holds the index and everything that it refers to.
	Blobs []oci.Blob
	// Objects by architecture; empty ones for a gadget without program.
	Objects map[arch.Arch][]byte
	// Read are the files that the compiler read, of each architecture.
	Read map[arch.Arch][]string
	// Problems are warnings about the metadata.
	Problems gadget.Problems
	// Warnings is what the compiler said.
	Warnings string
}

// Image builds the gadget's directory for all architectures. The result is what
// the build actions give for the same directory and toolchain, digest for digest.
func Image(ctx context.Context, req ImageRequest) (ImageResult, error) {
	b, err := req.Directory.ReadBuildFile()
	if err != nil {
		return ImageResult{}, err
	}
	archs := req.archs(b)
	wasm, err := Wasm(ctx, WasmRequest{Directory: req.Directory, Go: req.Go, Cargo: req.Cargo})
	if err != nil {
		return ImageResult{}, err
	}
	compiled, err := req.compile(ctx, archs)
	if err != nil {
		return ImageResult{}, err
	}
	return req.assemble(ctx, archs, compiled, wasm.Module)
}

// archs returns the architectures to build for: those requested, those of the
// build file, or all.
func (req ImageRequest) archs(b *gadget.BuildFile) []arch.Arch {
	switch {
	case len(req.Archs) > 0:
		return req.Archs
	case len(b.Archs) > 0:
		return b.Archs
	}
	return arch.All()
}

// compile compiles for all architectures at once.
func (req ImageRequest) compile(ctx context.Context, archs []arch.Arch) ([]CompileResult, error) {
	out := make([]CompileResult, len(archs))
	group, ctx := errgroup.WithContext(ctx)
	for i, a := range archs {
		tc, ok := req.Toolchains[a]
		if !ok {
			return nil, errors.Join(fmt.Errorf("compiling for %s: no toolchain is registered for it", a), group.Wait())
		}
		group.Go(func() (err error) {
			out[i], err = Compile(ctx, CompileRequest{Directory: req.Directory, Toolchain: tc, Arch: a, CFlags: req.CFlags})
			return err
		})
	}
	return out, group.Wait()
}

// assemble makes manifests and the index from what was compiled.
func (req ImageRequest) assemble(ctx context.Context, archs []arch.Arch, compiled []CompileResult,
	wasm []byte,
) (ImageResult, error) {
	out := ImageResult{Objects: map[arch.Arch][]byte{}, Read: map[arch.Arch][]string{}}
	manifests := []gadget.Built{}
	warnings := []string{}
	for i, a := range archs {
		out.Objects[a], out.Read[a] = compiled[i].Object, compiled[i].Read
		warnings = append(warnings, compiled[i].Warnings)
		btf, err := req.btf(ctx, a, compiled[i].Object)
		if err != nil {
			return ImageResult{}, err
		}
		m, problems, err := Manifest(ManifestRequest{
			Directory: req.Directory, Arch: a, Object: compiled[i].Object, Wasm: wasm, BTF: btf,
			Labels: req.Labels, Created: req.Created, Lenient: req.Lenient, Remedy: req.Remedy,
		})
		if i == 0 {
			out.Problems = problems.Warnings()
		}
		if err != nil {
			return out, err
		}
		manifests = append(manifests, m)
		out.Blobs = append(out.Blobs, m.Blobs...)
		out.Blobs = append(out.Blobs, oci.Blob{Descriptor: m.Descriptor, Data: m.Data})
	}
	index, err := gadget.BuildIndex(manifests)
	if err != nil {
		return ImageResult{}, err
	}
	out.Root = index.Descriptor
	out.Blobs = append(out.Blobs, oci.Blob{Descriptor: index.Descriptor, Data: index.Data})
	out.Warnings = strings.Join(warnings, "")
	return out, nil
}

func (req ImageRequest) btf(ctx context.Context, a arch.Arch, object []byte) ([]byte, error) {
	if req.BTF == nil || len(object) == 0 {
		return nil, nil
	}
	layer, err := req.BTF(ctx, a, object)
	if err != nil {
		return nil, fmt.Errorf("making btfgen layer for %s: %w", a, err)
	}
	return layer, nil
}
