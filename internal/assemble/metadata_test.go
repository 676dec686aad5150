package assemble_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/assemble"
)

// metadataRequest is a request for a directory, with a toolchain for every arch.
func metadataRequest(dir string, tc assemble.Toolchain) assemble.ImageRequest {
	req := assemble.ImageRequest{Directory: assemble.Directory{Dir: dir}, Toolchains: map[arch.Arch]assemble.Toolchain{}}
	for _, a := range arch.All() {
		req.Toolchains[a] = tc
	}
	return req
}

func TestUpdateMetadata(t *testing.T) {
	other := "arm64"
	if arch.Host() == arch.ARM64 {
		other = "amd64"
	}
	tc, _ := fakeToolchain(t, testObject)
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string // of gadget.yaml; "" if none exists afterwards
	}{
		{"new", map[string]string{"program.bpf.c": ""}, "datasources:"},
		{"completed", map[string]string{"program.bpf.c": "", "gadget.yaml": "name: x\n# kept\n"}, "# kept"},
		{
			"another architecture",
			map[string]string{"build.yaml": "archs: [" + other + "]\n", "program.bpf.c": ""},
			"datasources:",
		},
		{
			"another name",
			map[string]string{"build.yaml": "metadata: m.yaml\n", "m.yaml": "name: x\n", "program.bpf.c": ""},
			"",
		},
		{"no program", map[string]string{"gadget.yaml": "name: stats\n"}, "name: stats\n"},
		{"no program and no metadata", map[string]string{"README.md": ""}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := writeFiles(t, c.files)
			wantError(t, assemble.UpdateMetadata(context.Background(), metadataRequest(dir, tc)))
			got, err := os.ReadFile(dir + "/gadget.yaml")
			if !strings.Contains(string(got), c.want) || (err == nil) != (c.want != "") {
				t.Errorf("gadget.yaml: %v\n%s", err, got)
			}
			if m, err := os.ReadFile(dir + "/m.yaml"); err == nil && !strings.Contains(string(m), "datasources:") {
				t.Errorf("m.yaml: %s", m)
			}
		})
	}
}

// What the compiler says comes with the error, for the caller to show.
func TestUpdateMetadataKeepsDiagnostics(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"clang": "#!/bin/sh\necho 'a.c:1:2: error: no' >&2\nexit 1\n", "g/program.bpf.c": "",
	})
	if err := os.Chmod(dir+"/clang", 0o755); err != nil {
		t.Fatal(err)
	}
	err := assemble.UpdateMetadata(context.Background(),
		metadataRequest(dir+"/g", assemble.Toolchain{Clang: dir + "/clang"}))
	var refused *assemble.CompileError
	if !errors.As(err, &refused) || refused.Text != "a.c:1:2: error: no\n" {
		t.Errorf("error %v", err)
	}
}
