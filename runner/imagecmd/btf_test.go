package imagecmd

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/attest"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/runner/cli"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

const testObject = "testdata/open.bpf.o"

// btfArchive is the archive of a kernel that has the types of the object.
func btfArchive(t *testing.T, release string) string {
	t.Helper()
	f, err := elf.Open(testObject)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	types, err := f.Section(".BTF").Data()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := btfhub.WriteArchive(&out, release, types); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestBTFLayer(t *testing.T) {
	object, err := os.ReadFile(testObject)
	if err != nil {
		t.Fatal(err)
	}
	good := btfArchive(t, "6.1.0-9")
	for name, tc := range map[string]struct {
		files   map[string]string
		want    []string // kernels of the layer
		warning string
		err     string
	}{
		"one": {
			map[string]string{"debian/12/x86_64/6.1.0-9.btf.tar.xz": good},
			[]string{"debian/12/x86_64/6.1.0-9.btf"},
			"", "",
		},
		"of another architecture as well": {
			map[string]string{
				"debian/12/x86_64/6.1.0-9.btf.tar.xz": good, "debian/12/arm64/6.1.0-9.btf.tar.xz": good,
			},
			[]string{"debian/12/x86_64/6.1.0-9.btf"},
			"", "",
		},
		"a damaged one": {
			map[string]string{
				"debian/12/x86_64/6.1.0-9.btf.tar.xz": good, "debian/12/x86_64/6.1.0-10.btf.tar.xz": good[:len(good)/2],
			},
			[]string{"debian/12/x86_64/6.1.0-9.btf"},
			"warning: debian/12/x86_64/6.1.0-10.btf.tar.xz: ", "",
		},
		"damaged ones alone": {
			map[string]string{"debian/12/x86_64/6.1.0-10.btf.tar.xz": "x"},
			nil, "warning: debian/12/x86_64/6.1.0-10.btf.tar.xz: ", "no archive could be read",
		},
		"of another architecture alone": {
			map[string]string{"debian/12/arm64/6.1.0-9.btf.tar.xz": good},
			nil, "", "has no archive for amd64, leave --btf out or add some",
		},
	} {
		t.Run(name, func(t *testing.T) {
			stderr := &bytes.Buffer{}
			g := quiet(t)
			g.Stderr = cli.Serial(stderr)
			data, err := btfLayer(t.Context(), g, write(t, t.TempDir(), tc.files), arch.AMD64, object)
			if !strings.Contains(stderr.String(), tc.warning) || tc.warning == "" && stderr.Len() > 0 {
				t.Errorf("it says %q, want %q", stderr, tc.warning)
			}
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("%v, want %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			layer, err := btfhub.OpenLayer(data)
			if err != nil || !slices.Equal(layer.Names(), tc.want) {
				t.Errorf("%q, %v, want %q", layer.Names(), err, tc.want)
			}
		})
	}
	g := quiet(t)
	if _, err := btfLayer(t.Context(), g, write(t, t.TempDir(), map[string]string{
		"debian/12/x86_64/6.1.0-9.btf.tar.xz": good,
	}), arch.AMD64, []byte("no ELF")); err == nil {
		t.Error("what is not an object has a layer")
	}
	if _, err := btfLayer(t.Context(), g, filepath.Join(t.TempDir(), "absent"), arch.AMD64, object); err == nil {
		t.Error("an absent directory has a layer")
	}
}

// TestArchiveMaterials: the archives of the built architectures are what the artifact was
// built from.
func TestArchiveMaterials(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{
		"debian/12/x86_64/6.1.0-9.btf.tar.xz": "a", "debian/12/arm64/6.1.0-9.btf.tar.xz": "b",
	})
	for _, tc := range []struct {
		archs []arch.Arch
		want  []string
	}{
		{[]arch.Arch{arch.AMD64}, []string{"debian/12/x86_64/6.1.0-9.btf.tar.xz"}},
		{arch.All(), []string{"debian/12/arm64/6.1.0-9.btf.tar.xz", "debian/12/x86_64/6.1.0-9.btf.tar.xz"}},
	} {
		m := &materials{}
		(&Build{BTF: dir}).archives(m, tc.archs)
		var names []string
		for _, a := range m.all {
			names = append(names, a.Name)
			if a.Kind != attest.Archive || a.Digest.Validate() != nil {
				t.Errorf("%+v", a)
			}
		}
		slices.Sort(names)
		if m.err != nil || !slices.Equal(names, tc.want) {
			t.Errorf("%v: %q, %v, want %q", tc.archs, names, m.err, tc.want)
		}
	}
}

// TestUnpackAllParts: what an artifact can have becomes files, for each architecture its own, and
// what is not whole leaves no directory.
func TestUnpackAllParts(t *testing.T) {
	layer, err := btfhub.WriteLayer([]btfhub.LayerEntry{
		{Kernel: btfhub.Shard{Distro: "debian", Version: "12", Arch: arch.AMD64}.Kernel("6.1.0-9"), BTF: []byte("types")},
	})
	if err != nil {
		t.Fatal(err)
	}
	object, err := os.ReadFile(testObject)
	if err != nil {
		t.Fatal(err)
	}
	wasm := []byte("\x00asm\x01\x00\x00\x00")
	for name, tc := range map[string]struct {
		btf []byte
		err string
	}{
		"whole": {btf: layer}, "no BTF": {}, "damaged BTF": {btf: layer[:len(layer)/2], err: "btfgen layer"},
		"another file as BTF": {btf: []byte("types"), err: "btfgen layer"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			layout := filepath.Join(dir, "layout")
			if err := gadgettest.WriteManifests(layout, gadget.ManifestInput{
				Arch: arch.AMD64, Object: object, Wasm: wasm, BTF: tc.btf, Metadata: []byte("name: g\n"),
			}); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(dir, "out")
			err := (&Unpack{Image: layout, Output: out}).Run(quiet(t))
			if tc.err != "" {
				left, _ := filepath.Glob(filepath.Join(dir, "out"))
				hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
				if err == nil || !strings.Contains(err.Error(), tc.err) || len(left)+len(hidden) > 0 {
					t.Errorf("%v, want %q; left %q %q", err, tc.err, left, hidden)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for file, want := range map[string]string{
				"program.amd64.bpf.o": string(object), "program.wasm": string(wasm), "gadget.yaml": "name: g\n",
			} {
				if got, err := os.ReadFile(filepath.Join(out, file)); err != nil || string(got) != want {
					t.Errorf("%s has %d bytes, %v", file, len(got), err)
				}
			}
			types, err := os.ReadFile(filepath.Join(out, "btf/debian/12/x86_64/6.1.0-9.btf"))
			if (err == nil) != (tc.btf != nil) || tc.btf != nil && string(types) != "types" {
				t.Errorf("the BTF is %q, %v", types, err)
			}
		})
	}
}

// TestReplaceDirectory: what was there stays when the new directory cannot be filled.
func TestReplaceDirectory(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"here/file": "old"})
	for _, target := range []string{"here", "absent/new"} {
		err := replaceDirectory(filepath.Join(dir, target), func(root *os.Root) error {
			return root.WriteFile("new", nil, 0o644)
		})
		if err == nil {
			t.Errorf("%s was replaced", target)
		}
	}
	if data, err := os.ReadFile(filepath.Join(dir, "here/file")); err != nil || string(data) != "old" {
		t.Errorf("%q, %v", data, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v is left, %v", entries, err)
	}
}
