package bindings

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/clangtest"
)

// What a real object gives is tested where another workspace compiles it: e2e/bzlmod/hello.
func TestRefuses(t *testing.T) {
	tests := []struct{ name, object, want string }{
		{"a gadget without program", "", "no program to bind"},
		{"what is not an ELF", strings.Repeat("not an object ", 9), "bad magic"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			object, out := filepath.Join(t.TempDir(), "program.o"), filepath.Join(t.TempDir(), "out.go")
			if err := os.WriteFile(object, []byte(test.object), 0o644); err != nil {
				t.Fatal(err)
			}
			args := []string{"--object=" + object, "--embed=x.o", "--arch=amd64", "--package=x", "--out=" + out}
			err := run(context.Background(), args, nil, os.Stderr, os.Stderr)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), object) {
				t.Errorf("got %v, want an error with %q that names the object", err, test.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("a source was written all the same")
			}
		})
	}
}

// pointers has a map whose value has a pointer, and a type that can be written.
const pointers = `struct path_buf { char name[8]; void *next; };
struct plain { int a; };
struct { int (*type)[1]; int (*max_entries)[1]; int *key; struct path_buf *value; } bufs __attribute__((section(".maps"), used));
struct { int (*type)[1]; int (*max_entries)[1]; int *key; struct plain *value; } plains __attribute__((section(".maps"), used));
__attribute__((section("tracepoint/a/b"), used)) int enter(void *ctx) { return 0; }
`

func TestOmitsUnrepresentableInGo(t *testing.T) {
	tc := clangtest.Find(t)
	dir := t.TempDir()
	object := dir + "/program.o"
	cmd := tc.Command(tc.Clang, "-target", "bpf", "-O2", "-g", "-c", "-o", object, "-xc", "-")
	cmd.Stdin = strings.NewReader(pointers)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compiling: %s", out)
	}
	args := []string{"--object=" + object, "--embed=x.o", "--arch=amd64", "--package=x", "--out=" + dir + "/out.go"}
	var notes bytes.Buffer
	if err := run(context.Background(), args, nil, os.Stderr, &notes); err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(dir + "/out.go")
	if err != nil {
		t.Fatal(err)
	}
	if text := string(source); !strings.Contains(text, "type GadgetPlain struct") ||
		strings.Contains(text, "GadgetPathBuf") || !strings.Contains(text, `ebpf:"bufs"`) {
		t.Errorf("source:\n%s", text)
	}
	if !strings.Contains(notes.String(), `leaving out type "path_buf"`) {
		t.Errorf("notes %q", notes.String())
	}
	err = run(context.Background(), append(args, "--type=path_buf"), nil, os.Stderr, &notes)
	if err == nil || !strings.Contains(err.Error(), `type "path_buf" has no Go equivalent`) {
		t.Errorf("error %v, want one for a type that was requested", err)
	}
}
