package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/attest"
)

const sum = "example.com/a v1.2.0 h1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

func TestModules(t *testing.T) {
	info := &debug.BuildInfo{Deps: []*debug.Module{
		{Path: "example.com/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/a", Version: "v1.2.0"}},
	}}
	got, err := modules(info, attest.ParseSums([]byte(sum)))
	if err != nil || len(got) != 1 || got[0].Name != "example.com/a" || got[0].Version != "v1.2.0" {
		t.Errorf("got %+v, %v, want the module that is linked in", got, err)
	}
	info.Deps[0].Replace.Version = "v1.3.0"
	if _, err := modules(info, attest.ParseSums([]byte(sum))); err == nil {
		t.Error("a module without hash is not an error")
	}
}

func TestCommit(t *testing.T) {
	status := filepath.Join(t.TempDir(), "status")
	if err := os.WriteFile(status, []byte("BUILD_USER x\nSTABLE_GIT_COMMIT abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := (flags{Status: status}).commit(); err != nil || got != "abc" {
		t.Errorf("got %q, %v, want the commit of the status", got, err)
	}
	if got, err := (flags{}).commit(); err != nil || got != "" {
		t.Errorf("got %q, %v, want none without a status", got, err)
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	flags := func(program string) []string {
		return []string{
			"--program=" + program, "--path=p", "--name=n", "--target=//:t", "--go=" + dir, "--go-sum=" + dir, "--out=" + dir +
				"/oci",
			"--digest-file=" + dir + "/digest", "--provenance=" + dir + "/p.json", "--sbom=" + dir + "/s.json",
		}
	}
	for program, want := range map[string]string{
		"program":             "want ARCH=FILE",
		"mips=" + dir:         `unknown architecture "mips"`,
		"amd64=" + dir + "/x": "reading program",
	} {
		err := run(context.Background(), flags(program), nil, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--program=%s: got %v, want an error with %q", program, err, want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("a refused image leaves %v, %v", left, err)
	}
}
