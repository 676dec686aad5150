package imagecmd

import (
	"fmt"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/store"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

// Names of the files of an unpacked artifact.
const (
	rootFile     = "artifact.json" // the index that a name stands for
	metadataFile = "gadget.yaml"
	wasmFile     = "program.wasm"
)

// file is a name with its content.
type file struct {
	name string
	data []byte
}

// loadArchs loads the artifact for every architecture that the store has.
func loadArchs(g *cli.Globals, s *store.Store, r store.Ref) ([]*gadget.Artifact, error) {
	archs := r.Archs
	if len(archs) == 0 {
		archs = arch.All()
	}
	var all []*gadget.Artifact
	var failed error
	for _, a := range archs {
		art, err := gadget.Load(g.Ctx, s, r.Target, a)
		if err != nil {
			failed = err
			continue
		}
		all = append(all, art)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("reading %s: %w", r.Name, failed)
	}
	return all, nil
}
