package btfgen_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
	"github.com/rules-gadget/rules_gadget/internal/clangtest"
)

// TestObjectsCurrent compiles the test objects again and compares their
// relocations with those of the committed ones; testdata/regenerate.sh makes
// them again.
func TestObjectsCurrent(t *testing.T) {
	tc := clangtest.Find(t)
	for _, name := range objectNames {
		for _, end := range []string{"el", "eb"} {
			out := filepath.Join(t.TempDir(), name+".o")
			src := filepath.Join("testdata", name+".bpf.c")
			cmd := tc.Command(tc.Clang, "--target=bpf"+end, "-O2", "-g", "-mcpu=v3", "-Wno-unused-value", "-c", src, "-o", out)
			if msg, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("compiling %s: %v\n%s", src, err, msg)
			}
			want, got := summary(readObject(t, out)), summary(readObject(t, object(name, end)))
			if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
				t.Errorf("%s for bpf%s is not current (-compiled +committed):\n%s", name, end, diff)
			}
		}
	}
}

func summary(o *core.Object) []string {
	var out []string
	for _, r := range o.Relocations {
		out = append(out, r.Kind.String()+" "+r.RootType()+" "+r.Access)
	}
	return out
}
