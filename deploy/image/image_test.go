// Package image_test holds the container image of gadget-run against the program
// that it is made from, and runs it.
package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/programimage"
)

const (
	// imageEnv names the image's layout, and programEnv the program for this
	// machine, as paths in Bazel's runfiles.
	imageEnv   = "GADGET_RUN_IMAGE"
	programEnv = "GADGET_RUN"
	// inImage is the path of the program in the image.
	inImage = "usr/bin/gadget-run"
	// maxBlob is the size of a blob that is read, in bytes.
	maxBlob = 256 << 20
	// maxProgram is the size that gadget-run may have, in bytes: nodes fetch it.
	maxProgram = 30_000_000
)

// built is the image that is tested, and the program for this machine.
type built struct{ layout, program string }

// image returns what Bazel built. With "go test" it builds an image for this
// machine alone, without certificates.
func image(t *testing.T) built {
	t.Helper()
	if name := os.Getenv(imageEnv); name != "" {
		runfiles := os.Getenv("TEST_SRCDIR")
		return built{filepath.Join(runfiles, name), filepath.Join(runfiles, os.Getenv(programEnv))}
	}
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("needs the go command or the image in %s, as bazel sets it", imageEnv)
	}
	dir := t.TempDir()
	b := built{filepath.Join(dir, "oci"), filepath.Join(dir, "gadget-run")}
	cmd := exec.Command(goCommand, "build", "-trimpath", "-ldflags=-s -w", "-o", b.program, "../../runner")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building gadget-run: %v\n%s", err, out)
	}
	program, err := os.ReadFile(b.program)
	if err != nil {
		t.Fatal(err)
	}
	made, err := programimage.Build(programimage.Request{
		Programs: map[arch.Arch][]byte{arch.Host(): program}, Path: inImage, Created: time.Unix(0, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := oci.WriteLayout(b.layout, made.Root, made.Blobs); err != nil {
		t.Fatal(err)
	}
	return b
}

// platform returns the manifest and the config of the image for an architecture.
func platform(t *testing.T, l *oci.Layout, a arch.Arch) (ocispec.Manifest, []byte) {
	t.Helper()
	ctx := context.Background()
	root, err := l.Root("")
	if err != nil {
		t.Fatal(err)
	}
	index, err := oci.ReadIndex(ctx, l, root)
	if err != nil {
		t.Fatal(err)
	}
	d, err := oci.SelectManifest(index, a)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := oci.ReadImage(ctx, l, d)
	if err != nil {
		t.Fatal(err)
	}
	config, err := oci.ReadBlob(ctx, l, manifest.Config, maxBlob)
	if err != nil {
		t.Fatal(err)
	}
	return manifest, config
}

// contents returns the files of all layers; directories end with a slash.
func contents(t *testing.T, l *oci.Layout, layers []ocispec.Descriptor) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, d := range layers {
		data, err := oci.ReadBlob(context.Background(), l, d, maxBlob)
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(unpacked); ; {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if files[h.Name], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return files
}

// TestProgram proves that the image has the program that a release has, and
// nothing else except certificates.
func TestProgram(t *testing.T) {
	b := image(t)
	want, err := os.ReadFile(b.program)
	if err != nil {
		t.Fatal(err)
	}
	l, err := oci.OpenLayout(b.layout)
	if err != nil {
		t.Fatal(err)
	}
	manifest, _ := platform(t, l, arch.Host())
	files := contents(t, l, manifest.Layers)
	if got := files[inImage]; !bytes.Equal(got, want) {
		t.Errorf("the program of the image has %d bytes and differs from gadget-run with %d", len(got), len(want))
	}
	holdSize(t, arch.Host(), files[inImage])
	for name := range files {
		switch name {
		case inImage, "tmp/", "etc/ssl/certs/ca-certificates.crt":
		default:
			t.Errorf("the image has a file %q, which nothing needs", name)
		}
	}
}

// holdSize fails when gadget-run is larger than it may be.
func holdSize(t *testing.T, a arch.Arch, program []byte) {
	t.Helper()
	if n := len(program); n == 0 || n > maxProgram {
		t.Errorf("%s: gadget-run has %d bytes, %d are allowed; \"go tool nm -size -sort size\" of a build without -s shows "+
			"what is large", a, n, maxProgram)
	}
}

// TestReleased looks at what only Bazel makes: both architectures, certificates,
// labels, provenance and SBOM.
func TestReleased(t *testing.T) {
	if os.Getenv(imageEnv) == "" {
		t.Skipf("needs the image that bazel builds, in %s", imageEnv)
	}
	b := image(t)
	l, err := oci.OpenLayout(b.layout)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range arch.All() {
		manifest, config := platform(t, l, a)
		files := contents(t, l, manifest.Layers)
		holdSize(t, a, files[inImage])
		if n := bytes.Count(files["etc/ssl/certs/ca-certificates.crt"], []byte("BEGIN CERTIFICATE")); n < 100 {
			t.Errorf("%s: %d certificates, want those of Debian", a, n)
		}
		for _, label := range []string{
			ocispec.AnnotationTitle, ocispec.AnnotationSource, ocispec.AnnotationLicenses,
			ocispec.AnnotationVersion,
		} {
			if manifest.Annotations[label] == "" || !bytes.Contains(config, []byte(`"`+label+`"`)) {
				t.Errorf("%s: the image has no label %s", a, label)
			}
		}
	}
	root, err := l.Root("")
	if err != nil {
		t.Fatal(err)
	}
	for suffix, words := range map[string][]string{
		".spdx.json": {
			"pkg:golang/github.com/cilium/ebpf@v", `"name":"ca-certificates"`, `"relationshipType":"CONTAINS"`, `"name":"go"`,
		},
		".provenance.json": {root.Digest.Encoded(), "program_image/v1", `"dirHash"`, `"archs":["amd64","arm64"]`},
	} {
		text, err := os.ReadFile(strings.TrimSuffix(b.layout, ".oci") + suffix)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range words {
			if !bytes.Contains(text, []byte(w)) {
				t.Errorf("%s has no %s", suffix, w)
			}
		}
	}
}
