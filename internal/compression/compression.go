// Package compression recognises and reads the compressed forms that kernels
// and packages come in. Regardless of what the input claims, a reader needs no more
// than a bounded amount of memory.
package compression

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxWindow bounds the dictionary or window that one reader may allocate.
// Kernels and packages use up to 64 MiB (xz -9) and 128 MiB (zstd -22).
const maxWindow = 128 << 20

// MagicLen is how many bytes Detect needs to see.
const MagicLen = 13

// ErrTooLarge is returned when data unpacks to more than the given limit.
var ErrTooLarge = errors.New("unpacks to more than the limit")

// Format is a compressed form.
type Format string

// The known forms. LZ4 is the legacy frame that kernels use.
const (
	None  Format = "none"
	Gzip  Format = "gzip"
	XZ    Format = "xz"
	Zstd  Format = "zstd"
	LZ4   Format = "lz4"
	LZMA  Format = "lzma"
	Bzip2 Format = "bzip2"
	LZO   Format = "lzo" // recognised, not readable
)

var magics = []struct {
	format Format
	magic  string
}{
	{Gzip, "\x1f\x8b\x08"},
	{XZ, "\xfd7zXZ\x00"},
	{Zstd, "\x28\xb5\x2f\xfd"},
	{LZ4, "\x02\x21\x4c\x18"},
	{Bzip2, "BZh"},
	{LZO, "\x89LZO\x00\r\n\x1a\n"},
}

// Detect names the form whose magic number head starts with, or None. LZMA
// has no magic number; its header is recognised by being plausible.
func Detect(head []byte) Format {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.format
		}
	}
	if len(head) >= MagicLen && head[0] == 0x5d && lzma.ValidHeader(head[:MagicLen]) {
		return LZMA
	}
	return None
}

// NewReader returns a reader of what r unpacks to. Bytes after the end of the
// first stream are not looked at for Gzip and LZ4, where kernels append some.
// The reader itself is not bounded; see ReadAll.
func NewReader(f Format, r io.Reader) (io.ReadCloser, error) {
	switch f {
	case None:
		return io.NopCloser(r), nil
	case Gzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		return z, nil
	case XZ:
		z, err := xz.NewReader(r, maxWindow)
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		return io.NopCloser(z), nil
	case Zstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case LZ4:
		return newLZ4(r)
	case LZMA:
		z, err := lzma.ReaderConfig{DictCap: maxWindow}.NewReader(r)
		if err != nil {
			return nil, err
		}
		return io.NopCloser(z), nil
	case Bzip2:
		return io.NopCloser(bzip2.NewReader(r)), nil
	}
	return nil, fmt.Errorf("no reader for %s compression", f)
}

// ReadAll unpacks r, and fails with ErrTooLarge when more than limit bytes
// come out.
func ReadAll(f Format, r io.Reader, limit int64) ([]byte, error) {
	z, err := NewReader(f, r)
	if err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", f, err)
	}
	defer z.Close()
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(z, limit+1))
	if n > limit {
		return nil, fmt.Errorf("unpacking %s: %w of %d bytes", f, ErrTooLarge, limit)
	}
	if err != nil {
		return buf.Bytes(), fmt.Errorf("unpacking %s: %w", f, err)
	}
	return buf.Bytes(), nil
}
