package index

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"index": Main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup:              func(env *testscript.Env) error { return writeManifests(env.WorkDir) },
	})
}

// writeManifests writes <arch>.json as the manifest tool does, for a gadget
// whose config is the file config.
func writeManifests(dir string) error {
	config, err := os.ReadFile(filepath.Join(dir, "config"))
	if err != nil {
		return err
	}
	for _, a := range arch.All() {
		built, err := gadget.BuildManifest(gadget.ManifestInput{Arch: a, Metadata: config})
		if err != nil {
			return err
		}
		data, err := assemble.EncodeDescriptor(built)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, a.String()+".json"), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
