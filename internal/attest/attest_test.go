package attest_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/golden"
)

func build() attest.Build {
	return attest.Build{
		Name:    "trace_open",
		Target:  "//gadgets/trace_open:image",
		Subject: digest.FromString("index"),
		Archs:   []string{"amd64", "arm64"},
		Params:  map[string]string{"cflags": "-DX=1"},
		Created: time.Unix(0, 0),
		Materials: []attest.Material{
			{Kind: attest.Source, Name: "gadgets/trace_open/program.bpf.c", Digest: digest.FromString("c")},
			{Kind: attest.Archive, Name: "debian/12/x86_64/6.1.0-47-cloud-amd64.btf.tar.xz", Digest: digest.FromString("btf")},
			{
				Kind: attest.Compiler, Name: "clang-19", Version: "1:19.1.7-3", URI: "pool/clang-19.deb",
				Digest: digest.FromString("clang"),
			},
		},
	}
}

// release is what a program of a release is made from.
func release() attest.Build {
	return attest.Build{
		Name: "gadget-run-linux-amd64", Version: "0.1.0", Type: "release",
		Target: "//runner:gadget-run", Archs: []string{"amd64"},
		Subject: digest.FromString("program"),
		Created: time.Unix(0, 0),
		Commit:  attest.Commit{ID: strings.Repeat("ab", 20), URI: "git+https://github.com/rules-gadget/rules_gadget@v0.1.0"},
		Materials: []attest.Material{
			{Kind: attest.Module, Name: "github.com/cilium/ebpf", Version: "v0.19.0", Digest: digest.FromString("files")},
			{
				Kind: attest.Package, Name: "ca-certificates", Version: "20250419", URI: "pool/ca-certificates.deb",
				Digest: digest.FromString("ca"),
			},
		},
	}
}

func TestGolden(t *testing.T) {
	tests := []struct {
		name  string
		build attest.Build
		write func(attest.Build) ([]byte, error)
	}{
		{"provenance.json", build(), attest.Provenance},
		{"sbom.spdx.json", build(), attest.SBOM},
		{"release.provenance.json", release(), attest.Provenance},
		{"release.spdx.json", release(), attest.SBOM},
	}
	for _, test := range tests {
		name := test.name
		t.Run(name, func(t *testing.T) {
			got, err := test.write(test.build)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, name, got)
		})
	}
}

func TestMaterialsOrderIndependent(t *testing.T) {
	a, b := build(), build()
	slices.Reverse(b.Materials)
	b.Materials = append(b.Materials, a.Materials[0])
	for _, write := range []func(attest.Build) ([]byte, error){attest.Provenance, attest.SBOM} {
		x, errX := write(a)
		y, errY := write(b)
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			t.Errorf("two orders of the same materials differ: %v, %v", errX, errY)
		}
	}
}

func TestEveryMaterialNamed(t *testing.T) {
	for _, write := range []func(attest.Build) ([]byte, error){attest.Provenance, attest.SBOM} {
		got, err := write(build())
		if err != nil || !json.Valid(got) {
			t.Fatalf("not JSON, %v: %s", err, got)
		}
		for _, m := range build().Materials {
			if !strings.Contains(string(got), m.Digest.Encoded()) {
				t.Errorf("the digest of %s is missing", m.Name)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	tests := []struct {
		name string
		edit func(*attest.Build)
		want string
	}{
		{"no subject", func(b *attest.Build) { b.Subject = "" }, "subject"},
		{"no materials", func(b *attest.Build) { b.Materials = nil }, "no materials"},
		{"a material without digest", func(b *attest.Build) { b.Materials[1].Digest = "sha256:short" }, "6.1.0-47"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := build()
			test.edit(&b)
			if _, err := attest.Provenance(b); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Provenance: %v, want an error with %q", err, test.want)
			}
			if _, err := attest.SBOM(b); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("SBOM: %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestModules(t *testing.T) {
	sums := attest.ParseSums([]byte("example.com/a v1.0.0 h1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n" +
		"example.com/a v1.0.0/go.mod h1:BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"))
	got, err := sums.Module("example.com/a", "v1.0.0")
	want := attest.Material{
		Kind: attest.Module, Name: "example.com/a", Version: "v1.0.0",
		Digest: "sha256:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := sums.Module("example.com/a", "v1.0.1"); err == nil ||
		!strings.Contains(err.Error(), "example.com/a v1.0.1") {
		t.Errorf("got %v, want an error about the version that go.sum lacks", err)
	}
}
