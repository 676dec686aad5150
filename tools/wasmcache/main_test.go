package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// emptyModule is the shortest wasm module: magic and version.
const emptyModule = "\x00asm\x01\x00\x00\x00"

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program.wasm")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// compiled runs the tool and returns the files that it wrote, by name.
func compiled(t *testing.T, modules ...string) map[string]string {
	t.Helper()
	out := t.TempDir()
	if err := os.Chmod(out, 0o755); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--out=" + out}, modules...)
	if err := run(t.Context(), args, nil, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(out, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range found {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(name, out)] = string(data)
	}
	return files
}

func TestCompiles(t *testing.T) {
	module := file(t, emptyModule)
	files := compiled(t, file(t, ""), module)
	if len(files) != 1 {
		t.Errorf("%d compiled modules of one: %q", len(files), files)
	}
	if diff := cmp.Diff(files, compiled(t, module)); diff != "" {
		t.Errorf("compiled again (-first +second):\n%s", diff)
	}
}

func TestErrors(t *testing.T) {
	unsafe := t.TempDir()
	if err := os.Chmod(unsafe, 0o777); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct{ out, module, want string }{
		"no module":   {t.TempDir(), file(t, "text"), "compiling the wasm program"},
		"no file":     {t.TempDir(), "/no-such-file", "no such file"},
		"unsafe":      {unsafe, file(t, emptyModule), "other users can write to it"},
		"no argument": {t.TempDir(), "--none", "unknown flag --none"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var stdout bytes.Buffer
			err := run(t.Context(), []string{"--out=" + c.out, c.module}, nil, &stdout, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}
