package btfimport

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"btfimport": Main})
}

func TestScripts(t *testing.T) {
	archive, err := filepath.Abs(filepath.Join("..", "..", "internal", "btfgen", "testdata", "archive"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ARCHIVE", archive)
			return nil
		},
	})
}
