package gadget_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files and test objects")

// object returns a test object, compiled from testdata/objects/<name>.bpf.c.
func object(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "objects", name+".bpf.o"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestObjectsAreThoseOfTheirSources compiles the sources again. With -update
// it writes the objects.
func TestObjectsAreThoseOfTheirSources(t *testing.T) {
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		t.Skip("needs clang-19 in PATH")
	}
	strip, err := exec.LookPath("llvm-strip-19")
	if err != nil {
		t.Skip("needs llvm-strip-19 in PATH")
	}
	sources, err := filepath.Glob("testdata/objects/*.bpf.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	for _, source := range sources {
		want := strings.TrimSuffix(source, ".c") + ".o"
		out := filepath.Join(t.TempDir(), "out.o")
		run(t, clang, "-target", "bpf", "-mcpu=v3", "-O2", "-g", "-fno-ident", "-gdwarf-5", "-gembed-source",
			"-ffile-compilation-dir=.", "-ffile-prefix-map=testdata/objects/=", "-c", source, "-o", out)
		run(t, strip, "-g", out)
		compiled, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
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

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}
