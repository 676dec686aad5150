package archive_test

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/archive"
	"github.com/rules-gadget/rules_gadget/internal/gadget"
	"github.com/rules-gadget/rules_gadget/internal/gadget/builttest"
	"github.com/rules-gadget/rules_gadget/internal/oci"
)

// object is an eBPF object without sections: its file header.
func object(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := binary.Write(&out, binary.LittleEndian, elf.Header64{
		Ident: [elf.EI_NIDENT]byte{
			0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT),
		},
		Type:    uint16(elf.ET_REL),
		Machine: uint16(elf.EM_BPF), Version: uint32(elf.EV_CURRENT), Ehsize: 64,
	}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// full returns the manifest of an architecture with every layer.
func full(t testing.TB, a arch.Arch) gadget.Built {
	t.Helper()
	b, err := gadget.BuildManifest(gadget.ManifestInput{
		Arch: a, Metadata: []byte("name: small\n"), Object: object(t),
		Wasm: []byte("\x00asm\x01\x00\x00\x00"), BTF: []byte("btf of " + a.String()),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// artifact returns the blobs of a gadget for both architectures and its index.
func artifact(t testing.TB) (oci.Memory, ocispec.Descriptor) {
	t.Helper()
	return builttest.Artifact(t, full(t, arch.AMD64), full(t, arch.ARM64))
}

// change returns the artifact of one manifest after edit, with its root.
func change(t *testing.T, edit func(*ocispec.Manifest)) (oci.Memory, ocispec.Descriptor) {
	t.Helper()
	return builttest.Changed(t, full(t, arch.AMD64), edit)
}

func FuzzImport(f *testing.F) {
	f.Add(export(f, archive.FormatOCI, "x"))
	f.Add(export(f, archive.FormatDocker, "x"))
	f.Add(tarOf(f, dockerSave(f, export(f, archive.FormatDocker, "x"), func(*ocispec.Image) {})))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := archive.Import(t.Context(), file)
		if err != nil {
			return
		}
		defer in.Close()
		for _, root := range in.Roots {
			_, _ = gadget.Load(context.Background(), in, root, arch.AMD64)
		}
	})
}
