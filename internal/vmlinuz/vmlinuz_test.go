package vmlinuz

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/compression"
)

var payloadFormats = []compression.Format{
	compression.None, compression.Gzip, compression.XZ, compression.Zstd, compression.LZ4, compression.LZMA,
}

const release = "6.1.0-9-cloud-amd64"

func TestExtractBzImage(t *testing.T) {
	btf := testBTF(binary.LittleEndian, 100)
	vmlinux := testELF(elf.EM_X86_64, map[string][]byte{".BTF": btf, ".rodata": []byte("Linux version 0.0 (x)")})
	vmlinux = append(vmlinux, "relocations follow the ELF"...)
	for _, f := range payloadFormats {
		t.Run(string(f), func(t *testing.T) {
			image := testBzImage(withSize(f, pack(t, f, vmlinux), len(vmlinux)), release)
			k, err := Extract(image)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(k.BTF, btf) || k.Release != release || k.Arch != arch.AMD64 {
				t.Errorf("Extract = %d bytes of %q for %s", len(k.BTF), k.Release, k.Arch)
			}
			if want := "bzImage (" + string(f) + ")"; k.Form != want {
				t.Errorf("Form = %q, want %q", k.Form, want)
			}
		})
	}
}

// The payload was made with "xz --check=crc32 --x86 --lzma2" from a testELF,
// which is what the kernel's build runs.
func TestExtractXZWithX86Filter(t *testing.T) {
	payload, err := os.ReadFile(filepath.Join("testdata", "vmlinux.x86.xz"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := Extract(testBzImage(append(payload, 0, 0, 1, 0), release))
	if err != nil || !bytes.Equal(k.BTF, testBTF(binary.LittleEndian, 100)) {
		t.Errorf("Extract = %d bytes, %v", len(k.BTF), err)
	}
}

func TestExtractARM64(t *testing.T) {
	btf := testBTF(binary.LittleEndian, 100)
	image := testARM64Image(btf)
	for name, data := range map[string][]byte{
		"arm64 Image":        image,
		"arm64 Image (gzip)": pack(t, compression.Gzip, image),
		"EFI zboot (gzip)":   testZboot(pack(t, compression.Gzip, image)),
		"EFI zboot (zstd)":   testZboot(pack(t, compression.Zstd, image)),
	} {
		k, err := Extract(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(k.BTF, btf) || k.Arch != arch.ARM64 || k.Release != "6.6.6-arm64" || k.Form != name {
			t.Errorf("%s: %d bytes of %q for %q, form %q", name, len(k.BTF), k.Release, k.Arch, k.Form)
		}
	}
}

func TestExtractRawBTF(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		btf := testBTF(order, 3)
		k, err := Extract(append(bytes.Clone(btf), "rest"...))
		if err != nil || !bytes.Equal(k.BTF, btf) {
			t.Errorf("%v: %d bytes, %v", order, len(k.BTF), err)
		}
	}
}

func TestExtractFileDWARF(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vmlinux")
	image := testELF(elf.EM_AARCH64, map[string][]byte{
		".debug_info": []byte("x"), ".rodata": []byte("\x00Linux version 5.4.0-1 (x)"),
	})
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	k, dwarf, err := ExtractFile(path)
	if !errors.Is(err, ErrNoBTF) || !dwarf || k.Release != "5.4.0-1" || k.Arch != arch.ARM64 {
		t.Errorf("ExtractFile = %+v, %v, %v", k, dwarf, err)
	}
}

func TestExtractRefuses(t *testing.T) {
	btf := testBTF(binary.LittleEndian, 100)
	vmlinux := testELF(elf.EM_X86_64, map[string][]byte{".BTF": btf})
	old := testBzImage(nil, release)
	old[bzProtocol], old[bzProtocol+1] = 0, 2
	badName := bytes.Clone(btf)
	badName[btfHeaderLen] = 200
	badKind := bytes.Clone(btf)
	badKind[btfHeaderLen+7] = 0
	tests := []struct {
		name  string
		image []byte
		want  string
	}{
		{"empty", nil, "starts with nothing"},
		{"text", []byte("hello, world, how are you?"), "no kernel image"},
		{"packed text", pack(t, compression.Gzip, []byte("hello")), "no kernel image"},
		{"truncated bzImage", testBzImage(pack(t, compression.Gzip, vmlinux), release)[:1650], "truncated"},
		{"old bzImage", old, "boot protocol 0x200"},
		{"vmlinux without BTF", testELF(elf.EM_X86_64, nil), "kernel without BTF"},
		{"bzImage without BTF", testBzImage(testELF(elf.EM_X86_64, nil), release), "kernel without BTF"},
		{"arm64 Image without BTF", testARM64Image(nil)[:300], "kernel without BTF"},
		{"truncated BTF", btf[:200], "the BTF header specifies"},
		{"name outside", badName, "name outside"},
		{"kind 0", badKind, "kind 0"},
		{"truncated zboot", testZboot(btf)[:200], "truncated"},
		{"truncated ELF", vmlinux[:70], "reading a vmlinux"},
	}
	for _, tt := range tests {
		_, err := Extract(tt.image)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestScanBounded(t *testing.T) {
	image := bytes.Repeat(testBTF(binary.LittleEndian, 1)[:8], 1<<16)
	if got := scanBTF(image); got != nil {
		t.Errorf("found %d bytes of BTF in garbage", len(got))
	}
}

func TestCleanRelease(t *testing.T) {
	for in, want := range map[string]string{
		"6.1 (x)": "6.1", "6.1\x00": "6.1", "6.1": "", " x": "", "a/b c": "", "a\tb c": "", strings.Repeat("x", 99): "",
	} {
		if got := cleanRelease([]byte(in)); got != want {
			t.Errorf("cleanRelease(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzExtract(f *testing.F) {
	btf := testBTF(binary.LittleEndian, 20)
	vmlinux := testELF(elf.EM_X86_64, map[string][]byte{".BTF": btf})
	f.Add(btf)
	f.Add(vmlinux)
	f.Add(testARM64Image(btf))
	f.Add(testZboot(pack(f, compression.Gzip, testARM64Image(btf))))
	for _, format := range payloadFormats {
		f.Add(testBzImage(withSize(format, pack(f, format, vmlinux), len(vmlinux)), release))
	}
	f.Fuzz(func(t *testing.T, image []byte) {
		k, err := Extract(image)
		if err == nil && !isBTF(k.BTF) {
			t.Error("no error and no BTF")
		}
	})
}
