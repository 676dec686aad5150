package runcmd

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/action"
	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
	"github.com/rules-gadget/rules_gadget/runner/cli"
)

var testKernel = kernel.Identity{Distro: "debian", Version: "12", Arch: arch.AMD64, Release: "6.1.0-1-amd64"}

// rawBTF returns BTF with one struct called name.
func rawBTF(t *testing.T, name string) []byte {
	t.Helper()
	b, err := btf.NewBuilder([]btf.Type{&btf.Struct{Name: name, Size: 4, Members: []btf.Member{
		{Name: "x", Type: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}},
	}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func layer(t *testing.T, path, name string) []byte {
	t.Helper()
	var tar bytes.Buffer
	if err := action.WriteTar(&tar, []action.Entry{{Name: path, Data: rawBTF(t, name), Mode: 0o644}}); err != nil {
		t.Fatal(err)
	}
	gz, err := action.Gzip(tar.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return gz
}

func hub(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, filepath.FromSlash(btfhub.ArchivePath(testKernel)))
	var buf bytes.Buffer
	if err := btfhub.WriteArchive(&buf, testKernel.Release, rawBTF(t, name)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBTFLookupOrder(t *testing.T) {
	own := fstest.MapFS{kernel.SysBTF: {Data: []byte("x")}}
	vmlinux := fstest.MapFS{"boot/vmlinux-" + testKernel.Release: {Data: rawBTF(t, "vmlinux")}}
	entry := btfhub.LayerPath(testKernel)
	archives := hub(t, "archive")
	for _, tc := range []struct {
		name, want string // the struct that the BTF has, "" for the kernel's own
		l          btfLookup
	}{
		{"the kernel's own comes first", "", btfLookup{root: own, layer: layer(t, entry, "layer"), hub: archives}},
		{"then a vmlinux", "vmlinux", btfLookup{root: vmlinux, layer: layer(t, entry, "layer"), hub: archives}},
		{"then the layer", "layer", btfLookup{root: fstest.MapFS{}, layer: layer(t, entry, "layer"), hub: archives}},
		{"a flattened layer", "layer", btfLookup{root: fstest.MapFS{}, layer: layer(t, testKernel.Release+".btf", "layer")}},
		{"then the directory", "archive", btfLookup{root: fstest.MapFS{}, layer: layer(t, "ubuntu/18.04/x86_64/4.15.btf",
			"layer"), hub: archives}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.l.id = testKernel
			f, err := tc.l.find()
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == "" {
				if f.Types != nil {
					t.Errorf("got the BTF of %s, want the kernel's own", f.From)
				}
				return
			}
			var s *btf.Struct
			if err := f.Types.TypeByName(tc.want, &s); err != nil {
				t.Errorf("the BTF of %s lacks struct %q: %v", f.From, tc.want, err)
			}
		})
	}
}

func TestBTFLookupFindsNothing(t *testing.T) {
	l := btfLookup{
		root: fstest.MapFS{}, layer: layer(t, "debian/12/x86_64/6.1.0-2-amd64.btf", "x"), hub: t.TempDir(), id: testKernel,
	}
	_, err := l.find()
	if err == nil {
		t.Fatal("something was found")
	}
	for _, want := range []string{testKernel.Release, "--btf FILE", "nearest", "6.1.0-2-amd64", "no archive"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

// TestBTFOfUser reads the file of --btf whatever the kernel has.
func TestBTFOfUser(t *testing.T) {
	dir := t.TempDir()
	file, broken := filepath.Join(dir, "given.btf"), filepath.Join(dir, "broken.btf")
	if err := errors.Join(os.WriteFile(file, rawBTF(t, "given"), 0o644),
		os.WriteFile(broken, []byte("no BTF"), 0o644)); err != nil {
		t.Fatal(err)
	}
	s := &session{cmd: &Cmd{BTF: cli.File(file)}, g: &cli.Globals{}}
	if err := s.readBTF(t.Context()); err != nil {
		t.Fatal(err)
	}
	types, err := s.kernelTypes()
	if err != nil {
		t.Fatal(err)
	}
	var given *btf.Struct
	if err := types.TypeByName("given", &given); err != nil {
		t.Errorf("the BTF is not that of the file: %v", err)
	}
	for _, name := range []string{broken, filepath.Join(dir, "none")} {
		s.cmd.BTF = cli.File(name)
		if err := s.readBTF(t.Context()); err == nil || !strings.Contains(err.Error(), "using --btf") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
