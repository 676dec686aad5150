package btflayer

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"btflayer": Main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			a := entry("12", "6.1", "one")
			for name, entries := range map[string][]btfhub.LayerEntry{
				"a.minbtf":     {a, entry("12", "6.2", "one")},
				"b.minbtf":     {entry("13", "6.12", "two")},
				"clash.minbtf": {entry("12", "6.1", "three")},
			} {
				var buf bytes.Buffer
				if err := btfgen.WriteResults(&buf, entries); err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(env.WorkDir, name), buf.Bytes(), 0o600); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

func entry(version, release, content string) btfhub.LayerEntry {
	id := kernel.Identity{Distro: "debian", Version: version, Arch: "amd64", Release: release}
	return btfhub.LayerEntry{Kernel: id, BTF: []byte(content)}
}

// TestLayerContents reads the layer that the tool writes.
func TestLayerContents(t *testing.T) {
	dir := t.TempDir()
	var buf bytes.Buffer
	if err := btfgen.WriteResults(&buf, []btfhub.LayerEntry{
		entry("13", "6.12", "two"),
		entry("12", "6.1", "one"),
	}); err != nil {
		t.Fatal(err)
	}
	in, out := filepath.Join(dir, "in.minbtf"), filepath.Join(dir, "out.tar.gz")
	if err := os.WriteFile(in, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"--result=" + in, "--out=" + out}, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	gz, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	l, err := btfhub.OpenLayer(gz)
	if err != nil {
		t.Fatal(err)
	}
	path, content, err := l.Find(kernel.Identity{Distro: "debian", Version: "13", Arch: "amd64", Release: "6.12"})
	if err != nil || path != "debian/13/x86_64/6.12.btf" || string(content) != "two" || len(l.Names()) != 2 {
		t.Errorf("Find = %q, %q, %v in %q", path, content, err, l.Names())
	}
}
