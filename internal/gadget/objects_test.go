package gadget_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/clangtest"
	"github.com/rules-gadget/rules_gadget/internal/golden"
)

// object returns a test object, compiled from testdata/objects/<name>.bpf.c.
func object(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "objects", name+".bpf.o"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestObjectsMatchSources compiles the sources again. With -update
// it writes the objects.
func TestObjectsMatchSources(t *testing.T) {
	tc := clangtest.Find(t)
	sources, err := filepath.Glob("testdata/objects/*.bpf.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	for _, source := range sources {
		want := strings.TrimSuffix(source, ".c") + ".o"
		out := filepath.Join(t.TempDir(), "out.o")
		run(t, tc.Command(tc.Clang, "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-fno-ident", "-gdwarf-5", "-gembed-source",
			"-ffile-compilation-dir=.", "-ffile-prefix-map=testdata/objects/=", "-c", source, "-o", out))
		run(t, tc.Command(tc.Strip, "-g", out))
		compiled, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if *golden.Update {
			if err := os.WriteFile(want, compiled, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		committed, err := os.ReadFile(want)
		if err != nil || !bytes.Equal(compiled, committed) {
			t.Errorf("%s is not what %s compiles to (%v), run go test ./internal/gadget -run Objects -update", want, source, err)
		}
	}
}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}
