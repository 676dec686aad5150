package btfgen

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rules-gadget/rules_gadget/internal/btfgen"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"btfgen": Main})
}

func TestScripts(t *testing.T) {
	data, err := filepath.Abs(filepath.Join("..", "..", "internal", "btfgen", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("DATA", data)
			return writeShard(filepath.Join(env.WorkDir, "debian.btfshard"), data)
		},
	})
}

// writeShard imports the test kernels of debian/13/x86_64.
func writeShard(path, data string) error {
	where, err := btfhub.ParseShard("debian/13/x86_64")
	if err != nil {
		return err
	}
	archives, err := filepath.Glob(filepath.Join(data, "archive", "debian", "13", "x86_64", "*"+btfhub.ArchiveSuffix))
	if err != nil {
		return err
	}
	shard, _, err := btfgen.Import(context.Background(), where, archives, 1)
	if err != nil {
		return err
	}
	return os.WriteFile(path, shard, 0o600)
}
