package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a real object gives is tested where another workspace compiles it: e2e/bzlmod/hello.
func TestRefuses(t *testing.T) {
	tests := []struct{ name, object, want string }{
		{"a gadget without program", "", "nothing to bind"},
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
