package compression

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// pack compresses data the way kernels and packages do.
func pack(t testing.TB, f Format, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	var w io.WriteCloser
	var err error
	switch f {
	case None:
		return data
	case Gzip:
		w = gzip.NewWriter(&buf)
	case XZ:
		w, err = xz.NewWriter(&buf)
	case Zstd:
		w, err = zstd.NewWriter(&buf)
	case LZMA:
		w, err = lzma.NewWriter(&buf)
	case LZ4:
		return packLZ4(t, data)
	case Bzip2:
		packed, err := os.ReadFile(filepath.Join("testdata", "hello.bz2"))
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func packLZ4(t testing.TB, data []byte) []byte {
	t.Helper()
	out := []byte("\x02\x21\x4c\x18")
	for len(data) > 0 {
		n := min(len(data), lz4Block)
		dst := make([]byte, lz4.CompressBlockBound(n))
		var c lz4.Compressor
		size, err := c.CompressBlock(data[:n], dst)
		if err != nil || size == 0 {
			t.Fatalf("packing a block: %d, %v", size, err)
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(size))
		out = append(out, dst[:size]...)
		data = data[n:]
	}
	return out
}

func formats() []Format { return []Format{None, Gzip, XZ, Zstd, LZ4, LZMA} }

func TestRoundTrip(t *testing.T) {
	data := bytes.Repeat([]byte("a kernel, perhaps "), 1000)
	for _, f := range formats() {
		t.Run(string(f), func(t *testing.T) {
			packed := pack(t, f, data)
			if got := Detect(packed); got != f {
				t.Fatalf("Detect = %q, want %q", got, f)
			}
			got, err := ReadAll(f, bytes.NewReader(packed), int64(len(data)))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("ReadAll gave %d bytes, %v", len(got), err)
			}
			if _, err := ReadAll(f, bytes.NewReader(packed), int64(len(data))-1); !errors.Is(err, ErrTooLarge) {
				t.Errorf("beyond the limit: %v, want ErrTooLarge", err)
			}
			if f == None {
				return
			}
			if _, err := ReadAll(f, bytes.NewReader(packed[:len(packed)/2]), 1<<20); err == nil {
				t.Error("half of the stream was accepted")
			}
		})
	}
}

func TestBzip2(t *testing.T) {
	packed := pack(t, Bzip2, nil)
	got, err := ReadAll(Detect(packed), bytes.NewReader(packed), 100)
	if err != nil || string(got) != "hello\n" {
		t.Errorf("ReadAll = %q, %v", got, err)
	}
}

func TestLZ4ManyBlocksAndTrailer(t *testing.T) {
	data := make([]byte, 2*lz4Block+5)
	for i := range data {
		data[i] = byte(i >> 12)
	}
	packed := binary.LittleEndian.AppendUint32(pack(t, LZ4, data), uint32(len(data)))
	got, err := ReadAll(LZ4, bytes.NewReader(packed), int64(len(data)))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("ReadAll gave %d bytes, %v", len(got), err)
	}
}

func TestLZORefused(t *testing.T) {
	head := []byte("\x89LZO\x00\r\n\x1a\n")
	if f := Detect(head); f != LZO {
		t.Fatalf("Detect = %q", f)
	}
	if _, err := ReadAll(LZO, bytes.NewReader(head), 10); err == nil {
		t.Error("no error")
	}
}

func TestLZ4HugeBlockRefused(t *testing.T) {
	packed := append([]byte("\x02\x21\x4c\x18"), 0xff, 0xff, 0xff, 0x7f)
	if _, err := ReadAll(LZ4, bytes.NewReader(packed), 10); err == nil {
		t.Error("no error")
	}
}

func FuzzReadAll(f *testing.F) {
	for _, format := range formats() {
		f.Add(pack(f, format, bytes.Repeat([]byte("seed"), 100)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 20
		got, err := ReadAll(Detect(data), bytes.NewReader(data), limit)
		if err == nil && len(got) > limit {
			t.Errorf("%d bytes came out, limit %d", len(got), limit)
		}
	})
}
