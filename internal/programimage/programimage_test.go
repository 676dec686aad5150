package programimage_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/oci"
	"github.com/rules-gadget/rules_gadget/internal/programimage"
)

// program is an ELF file that names a machine and, perhaps, a loader.
func program(t *testing.T, machine elf.Machine, loader string) []byte {
	t.Helper()
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Ehsize: 64,
		Phoff: 64, Phentsize: 56,
	}
	copy(header.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	var segments []elf.Prog64
	if loader != "" {
		header.Phnum = 1
		segments = append(segments, elf.Prog64{
			Type: uint32(elf.PT_INTERP), Off: 120, Filesz: uint64(len(loader)), Memsz: uint64(len(loader)),
		})
	}
	var out bytes.Buffer
	for _, part := range []any{header, segments} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return append(out.Bytes(), loader...)
}

func request(t *testing.T) programimage.Request {
	t.Helper()
	return programimage.Request{
		Programs: map[arch.Arch][]byte{
			arch.AMD64: program(t, elf.EM_X86_64, ""), arch.ARM64: program(t, elf.EM_AARCH64, ""),
		},
		Path:         "usr/bin/gadget-run",
		Certificates: [][]byte{[]byte("one\n"), []byte("two\n")},
		Labels:       map[string]string{ocispec.AnnotationTitle: "gadget-run"},
		Created:      time.Unix(0, 0).UTC(),
	}
}

// read returns the JSON of a blob of the image.
func read[T any](t *testing.T, image programimage.Image, d ocispec.Descriptor) T {
	t.Helper()
	data, err := oci.ReadBlob(context.Background(), oci.NewMemory(image.Blobs...), d, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// files lists what a layer has, and checks that its content is what the config says.
func files(t *testing.T, image programimage.Image, d ocispec.Descriptor, diffID digest.Digest) []string {
	t.Helper()
	compressed, err := oci.ReadBlob(context.Background(), oci.NewMemory(image.Blobs...), d, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	if got := digest.FromBytes(content); got != diffID {
		t.Errorf("a layer has the digest %s, and the config names %s", got, diffID)
	}
	var all []string
	for r := tar.NewReader(bytes.NewReader(content)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h.FileInfo().Mode().String()+" "+h.Name)
	}
}

func TestBuild(t *testing.T) {
	req := request(t)
	image, err := programimage.Build(req)
	if err != nil {
		t.Fatal(err)
	}
	index := read[ocispec.Index](t, image, image.Root)
	if diff := cmp.Diff(req.Labels, index.Annotations); diff != "" {
		t.Errorf("annotations of the index (-want +got):\n%s", diff)
	}
	if len(index.Manifests) != 2 {
		t.Fatalf("%d manifests, want one for each architecture", len(index.Manifests))
	}
	for i, a := range arch.All() {
		d := index.Manifests[i]
		if d.Platform.OS != "linux" || d.Platform.Architecture != a.String() {
			t.Errorf("manifest %d is for %+v, want %s", i, d.Platform, a)
		}
		manifest := read[ocispec.Manifest](t, image, d)
		config := read[ocispec.Image](t, image, manifest.Config)
		if config.Architecture != a.String() || !slices.Equal(config.Config.Entrypoint, []string{"/usr/bin/gadget-run"}) ||
			!slices.Equal(config.Config.Env, []string{"PATH=/usr/bin"}) || !maps.Equal(config.Config.Labels, req.Labels) {
			t.Errorf("config of %s: %+v", a, config)
		}
		var all []string
		for i, l := range manifest.Layers {
			all = append(all, files(t, image, l, config.RootFS.DiffIDs[i])...)
		}
		want := []string{"-rw-r--r-- etc/ssl/certs/ca-certificates.crt", "dtrwxrwxrwx tmp/", "-rwxr-xr-x usr/bin/gadget-run"}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Errorf("files of %s (-want +got):\n%s", a, diff)
		}
	}
}

func TestBuildDeterministic(t *testing.T) {
	one, err := programimage.Build(request(t))
	if err != nil {
		t.Fatal(err)
	}
	two, err := programimage.Build(request(t))
	if err != nil || one.Root.Digest != two.Root.Digest {
		t.Errorf("two builds have digests %s and %s, %v", one.Root.Digest, two.Root.Digest, err)
	}
}

func TestBuildRefuses(t *testing.T) {
	tests := []struct {
		name string
		edit func(*programimage.Request)
		want string
	}{
		{"no program", func(r *programimage.Request) { r.Programs = nil }, "no program is given"},
		{"an absolute path", func(r *programimage.Request) {
			r.Path = "/usr/bin/x"
		}, `"/usr/bin/x" is not a path in an image`},
		{"not a program", func(r *programimage.Request) {
			r.Programs[arch.ARM64] = []byte("#!/bin/sh\n")
		}, "image for arm64: reading program"},
		{"another machine's", func(r *programimage.Request) {
			r.Programs[arch.ARM64] = r.Programs[arch.AMD64]
		}, "is for EM_X86_64, want EM_AARCH64"},
		{"a dynamic one", func(r *programimage.Request) {
			r.Programs[arch.AMD64] = program(t, elf.EM_X86_64, "/lib64/ld-linux-x86-64.so.2\x00")
		}, `needs the loader "/lib64/ld-linux-x86-64.so.2"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := request(t)
			test.edit(&req)
			if _, err := programimage.Build(req); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}
