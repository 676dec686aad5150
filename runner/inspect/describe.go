package inspect

import (
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Describe reads the artifact for one architecture. Of a remote one the
// layers stay where they are.
func Describe(g *cli.Globals, src *artifact.Source, want arch.Arch) (*Report, error) {
	var options []gadget.LoadOption
	if src.Remote {
		options = append(options, gadget.SkipLayers(gadget.EBPFMediaType, gadget.WasmMediaType, gadget.BTFMediaType))
	}
	art, err := gadget.Load(g.Ctx, src.Blobs, src.Root, want, options...)
	if err != nil {
		return nil, err
	}
	a := &Report{
		Reference: src.Pinned(), Digest: src.Root.Digest.String(), ManifestDigest: art.Descriptor.Digest.String(),
		Arch: art.Arch.String(), Annotations: art.Annotations, Remote: src.Remote,
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
	err = a.btf(art)
	return a, err
}
