package imagecmd

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/runner/artifact"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Names of the files of an unpacked artifact.
const (
	rootFile     = "artifact.json" // the index that a name refers to
	metadataFile = "gadget.yaml"
	wasmFile     = "program.wasm"
)

// file is a name with its content.
type file struct {
	name string
	data []byte
}

// loadArchs loads the artifact for every architecture that is here.
func loadArchs(g *cli.Globals, src *artifact.Source) ([]*gadget.Artifact, error) {
	archs := src.Archs
	if len(archs) == 0 {
		archs = arch.All()
	}
	var all []*gadget.Artifact
	var failed error
	for _, a := range archs {
		art, err := gadget.Load(g.Ctx, src.Blobs, src.Root, a)
		if err != nil {
			failed = err
			continue
		}
		all = append(all, art)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("reading %s: %w", src.Name, failed)
	}
	return all, nil
}
