package wasm

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wasm": Main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			module := filepath.Join(env.WorkDir, "module.wasm")
			return os.WriteFile(module, []byte("\x00asm\x01\x00\x00\x00"), 0o600)
		},
	})
}
