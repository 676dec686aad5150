package imagecmd

import (
	"context"
	"encoding/json"
	"io"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// onlyPlatforms returns an artifact that has the chosen ones of the platforms
// of root: another index, which is not in the store. Without archs it is root.
func onlyPlatforms(g *cli.Globals, from oci.Blobs, root ocispec.Descriptor, archs []arch.Arch) (ocispec.Descriptor,
	oci.Blobs, error,
) {
	if len(archs) == 0 {
		return root, from, nil
	}
	idx, err := oci.ReadIndex(g.Ctx, from, root)
	if err != nil {
		return root, nil, err
	}
	for _, a := range archs {
		if _, err := oci.SelectManifest(idx, a); err != nil {
			return root, nil, err
		}
	}
	all := len(idx.Manifests)
	idx.Manifests = slices.DeleteFunc(idx.Manifests, func(d ocispec.Descriptor) bool {
		return !slices.ContainsFunc(archs, func(a arch.Arch) bool { return isPlatform(d, a) })
	})
	if len(idx.Manifests) == all {
		return root, from, nil
	}
	data, err := json.Marshal(idx)
	if err != nil {
		return root, nil, err
	}
	b := oci.NewBlob(root.MediaType, data)
	g.Say("These platforms alone are %s; signatures of %s do not cover it.", b.Digest, root.Digest)
	return b.Descriptor, overlay{oci.NewMemory(b), from}, nil
}

func isPlatform(d ocispec.Descriptor, a arch.Arch) bool {
	return d.Platform != nil && d.Platform.OS == "linux" && d.Platform.Architecture == a.String()
}

// overlay is a place of blobs with some more.
type overlay struct {
	more oci.Memory
	oci.Blobs
}

// Open implements oci.Blobs.
func (o overlay) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if _, ok := o.more[d.Digest]; ok {
		return o.more.Open(ctx, d)
	}
	return o.Blobs.Open(ctx, d)
}
