package compile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rules-gadget/rules_gadget/internal/clangtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"compile": Main})
}

func TestScripts(t *testing.T) {
	tc := clangtest.Find(t)
	headers, err := filepath.Abs("../../internal/gadget/testdata/objects")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("CLANG", tc.Clang)
			env.Setenv("STRIP", tc.Strip)
			env.Setenv("LOADER", tc.Loader)
			env.Setenv("LIBRARIES", strings.Join(tc.LibraryPath, ":"))
			env.Setenv("HEADERS", headers)
			return expand(filepath.Join(env.WorkDir, "params"), env.Getenv)
		},
	})
}

// expand replaces variables in a file, when it is there.
func expand(name string, getenv func(string) string) error {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(name, []byte(os.Expand(string(data), getenv)), 0o600)
}
