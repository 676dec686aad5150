package vmlinuz

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/rules-gadget/rules_gadget/internal/compression"
)

// testBTF builds BTF with n integer types.
func testBTF(order binary.AppendByteOrder, n int) []byte {
	var types []byte
	for range n {
		for _, w := range []uint32{1, 1 << 24, 4, 32} {
			types = order.AppendUint32(types, w)
		}
	}
	strs := []byte("\x00int\x00")
	out := order.AppendUint16(nil, 0xeb9f)
	out = append(out, 1, 0)
	for _, w := range []uint32{24, 0, uint32(len(types)), uint32(len(types)), uint32(len(strs))} {
		out = order.AppendUint32(out, w)
	}
	return append(append(out, types...), strs...)
}

// testELF builds an ELF file with the given sections.
func testELF(machine elf.Machine, sections map[string][]byte) []byte {
	names := []string{".rodata", ".BTF", ".debug_info"}
	shstr, body := []byte("\x00"), []byte{}
	var table []elf.Section64
	table = append(table, elf.Section64{})
	for _, name := range names {
		data, ok := sections[name]
		if !ok {
			continue
		}
		table = append(table, elf.Section64{
			Name: uint32(len(shstr)), Type: uint32(elf.SHT_PROGBITS),
			Off: uint64(64 + len(body)), Size: uint64(len(data)),
		})
		shstr = append(append(shstr, name...), 0)
		body = append(body, data...)
	}
	table = append(table, elf.Section64{
		Name: uint32(len(shstr)), Type: uint32(elf.SHT_STRTAB),
		Off: uint64(64 + len(body)), Size: uint64(len(shstr) + len(".shstrtab") + 1),
	})
	body = append(append(append(body, shstr...), ".shstrtab"...), 0)
	h := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Shoff: uint64(64 + len(body)),
		Ehsize: 64, Shentsize: 64, Shnum: uint16(len(table)), Shstrndx: uint16(len(table) - 1),
	}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	var buf bytes.Buffer
	_ = binary.Write(&buf, binary.LittleEndian, h)
	buf.Write(body)
	_ = binary.Write(&buf, binary.LittleEndian, table)
	return buf.Bytes()
}

// pack compresses data like the kernel's build does.
func pack(t testing.TB, f compression.Format, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	var w io.WriteCloser
	var err error
	switch f {
	case compression.Gzip:
		w = gzip.NewWriter(&buf)
	case compression.XZ:
		w, err = xz.NewWriter(&buf)
	case compression.Zstd:
		w, err = zstd.NewWriter(&buf)
	case compression.LZMA:
		w, err = lzma.NewWriter(&buf)
	case compression.LZ4:
		dst := make([]byte, lz4.CompressBlockBound(len(data)))
		var c lz4.Compressor
		n, err := c.CompressBlock(data, dst)
		if err != nil || n == 0 {
			t.Fatalf("packing a block: %d, %v", n, err)
		}
		return append(binary.LittleEndian.AppendUint32([]byte("\x02\x21\x4c\x18"), uint32(n)), dst[:n]...)
	default:
		return data
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// withSize appends the unpacked size, for which only gzip has a place.
func withSize(f compression.Format, payload []byte, n int) []byte {
	if f == compression.Gzip {
		return payload
	}
	return binary.LittleEndian.AppendUint32(payload, uint32(n))
}

// testBzImage wraps a payload into a boot header.
func testBzImage(payload []byte, release string) []byte {
	le := binary.LittleEndian
	const setup, offset = 2, 100
	b := make([]byte, (setup+1)*sector+offset)
	b[bzSetupSects] = setup
	copy(b[bzBootFlag:], "\x55\xaa")
	copy(b[bzMagic:], "HdrS")
	le.PutUint16(b[bzProtocol:], 0x20f)
	le.PutUint16(b[bzKernelVersion:], 0x300)
	copy(b[0x300+sector:], release+" (builder@host) #1 SMP\x00")
	le.PutUint32(b[bzPayloadOffset:], offset)
	le.PutUint32(b[bzPayloadLength:], uint32(len(payload)))
	return append(append(b, payload...), "what follows the payload"...)
}

// testARM64Image builds a plain arm64 Image that holds a banner and BTF.
func testARM64Image(btf []byte) []byte {
	b := make([]byte, 256)
	copy(b, "MZ")
	copy(b[56:], "ARM\x64")
	b = append(b, "Linux version %s (%s)\x00Linux version 6.6.6-arm64 (me)\x00"...)
	b = append(b, "\x9f\xeb\x01\x00 not BTF"...)
	b = append(b, testBTF(binary.LittleEndian, btfMinTypes)...) // a built-in program's
	return append(append(b, btf...), "tail"...)
}

// testZboot wraps a payload into an EFI zboot header.
func testZboot(payload []byte) []byte {
	b := make([]byte, 128)
	copy(b, "MZ\x00\x00zimg")
	binary.LittleEndian.PutUint32(b[zbootOffset:], uint32(len(b)))
	binary.LittleEndian.PutUint32(b[zbootLength:], uint32(len(payload)))
	return append(append(b, payload...), 0, 0, 0, 0)
}
