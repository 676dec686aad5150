package runtimes_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/btfhub"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
	"github.com/rules-gadget/rules_gadget/runner/app"
	"github.com/rules-gadget/rules_gadget/runner/container/containertest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// patience is how long a command may take on a busy machine.
const patience = time.Minute

// name is that of the gadget. The registry does not exist.
const name = "registry.example/gadgets/open:v1"

// imageOf returns the name of the image that the format docker has for a.
func imageOf(a arch.Arch) string { return name + "-" + a.String() }

// stored is a gadget in a store, whose parts differ between architectures.
type stored struct {
	state, pinned string // pinned is the name with the digest
}

func newGadget(t *testing.T) *stored {
	t.Helper()
	containertest.Needs(t)
	layout := filepath.Join(t.TempDir(), "layout")
	var inputs []gadget.ManifestInput
	for a, object := range map[arch.Arch]string{arch.AMD64: "open.bpf.o", arch.ARM64: "contained.bpf.o"} {
		btf, err := btfhub.WriteLayer([]btfhub.LayerEntry{{Kernel: kernelOf(a), BTF: []byte("BTF for " + a.String())}})
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, gadget.ManifestInput{
			Arch: a, Metadata: gadgettest.File(t, "open.yaml"), Object: gadgettest.File(t, object),
			Wasm: []byte("\x00asm\x01\x00\x00\x00"), BTF: btf,
		})
	}
	if err := gadgettest.WriteManifests(layout, inputs...); err != nil {
		t.Fatal(err)
	}
	g := &stored{state: "--state=" + t.TempDir()}
	g.pinned = strings.TrimSpace(string(g.run(t, nil, "image", "load", "--tag="+name, layout)))
	return g
}

// run runs gadget-run with the store of g and returns its stdout.
func (g *stored) run(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	out, err := gadgetRun(t, stdin, append([]string{g.state}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// files returns the files that the image of a has, as image unpack wrote them.
func (g *stored) files(t *testing.T, a arch.Arch) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "unpacked")
	g.run(t, nil, "image", "unpack", "-o", dir, name)
	files := map[string]string{}
	for inImage, unpacked := range map[string]string{
		"gadget.yaml": "gadget.yaml", "program.wasm": "program.wasm",
		"program.bpf.o":                        "program." + a.String() + ".bpf.o",
		"artifact/index.json":                  "artifact.json",
		recordOf(a):                            "manifest." + a.String() + ".json",
		"btf/" + btfhub.LayerPath(kernelOf(a)): "btf/" + btfhub.LayerPath(kernelOf(a)),
	} {
		data, err := os.ReadFile(filepath.Join(dir, unpacked))
		if err != nil {
			t.Fatal(err)
		}
		files[inImage] = string(data)
	}
	return files
}

// recordOf is the file of an image that has the manifest of a.
func recordOf(a arch.Arch) string { return "artifact/" + a.String() + ".json" }

func kernelOf(a arch.Arch) kernel.Identity {
	return kernel.Identity{Distro: "debian", Version: "12", Arch: a, Release: "6.1.0-1-" + a.String()}
}

// filesOf returns the files in a tar, and those in its btf.tar.gz below btf.
func filesOf(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	files := map[string]string{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if name := path.Clean(h.Name); name == gadget.BTFFile {
			gz, err := gzip.NewReader(tr)
			if err != nil {
				t.Fatal(err)
			}
			for inner, data := range filesOf(t, gz) {
				files["btf/"+inner] = data
			}
		} else if h.Typeflag == tar.TypeReg {
			data, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = string(data)
		}
	}
}

// gadgetRun runs gadget-run and returns its stdout.
func gadgetRun(t *testing.T, stdin []byte, args ...string) ([]byte, error) {
	t.Helper()
	var out, notes bytes.Buffer
	err := app.Run(t.Context(), args, bytes.NewReader(stdin), &out, &notes)
	if err != nil {
		t.Logf("gadget-run %s: %s", strings.Join(args, " "), notes.Bytes())
	}
	return out.Bytes(), err
}

// load loads an archive into a new store and returns what is in it then.
func load(t *testing.T, archive string) string {
	t.Helper()
	out, err := gadgetRun(t, []byte(archive), "--state="+t.TempDir(), "image", "load")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// client is the command line of a runtime.
type client struct{ containertest.Commander }

func start(t *testing.T, with func(testing.TB) containertest.Runtime) client {
	t.Helper()
	return client{with(t).(containertest.Commander)}
}

// try runs a command and returns its stdout, or with an error what it
// said.
func (c client) try(t *testing.T, stdin []byte, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := c.Client(ctx, args...)
	var out, notes bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &out, &notes
	if err := cmd.Run(); err != nil {
		return notes.String(), fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return out.String(), nil
}

// run is try without an error.
func (c client) run(t *testing.T, stdin []byte, args ...string) string {
	t.Helper()
	out, err := c.try(t, stdin, args...)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return out
}
