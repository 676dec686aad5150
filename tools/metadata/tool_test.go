package metadata

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"metadata": Main})
}

func TestScripts(t *testing.T) {
	objects, err := filepath.Abs("../../internal/gadget/testdata/objects")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("OBJECTS", objects)
			return nil
		},
	})
}
