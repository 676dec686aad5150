package compression

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"
)

// The legacy LZ4 frame: a magic number, then blocks of a little-endian length
// and that many bytes, each of which unpacks to lz4Block bytes but the last.
const (
	lz4Block    = 8 << 20
	lz4MaxBlock = lz4Block + lz4Block/255 + 16 // worst case of one block, compressed
)

// errLZ4Magic is returned for a stream that is not a legacy LZ4 frame.
var errLZ4Magic = errors.New("no legacy lz4 frame")

type lz4Reader struct {
	src  io.Reader
	in   []byte
	out  []byte // unpacked and not yet read
	buf  []byte
	last bool // a block shorter than lz4Block has been seen
}

func newLZ4(r io.Reader) (io.ReadCloser, error) {
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return nil, fmt.Errorf("reading the magic number: %w", err)
	}
	if Detect(magic[:]) != LZ4 {
		return nil, errLZ4Magic
	}
	return &lz4Reader{src: r}, nil
}

// Read implements io.Reader.
func (z *lz4Reader) Read(p []byte) (int, error) {
	for len(z.out) == 0 {
		if z.last {
			return 0, io.EOF
		}
		if err := z.block(); err != nil {
			return 0, err
		}
	}
	n := copy(p, z.out)
	z.out = z.out[n:]
	return n, nil
}

// Close implements io.Closer.
func (z *lz4Reader) Close() error { return nil }

// block unpacks the next block. A block that is not full ends the stream:
// what follows in a kernel is the unpacked size, no block.
func (z *lz4Reader) block() error {
	var head [4]byte
	if _, err := io.ReadFull(z.src, head[:]); err != nil {
		return err // a plain EOF here is the end
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size == 0 || size > lz4MaxBlock {
		return fmt.Errorf("block of %d bytes, at most %d are valid", size, lz4MaxBlock)
	}
	if z.buf == nil {
		z.in, z.buf = make([]byte, lz4MaxBlock), make([]byte, lz4Block)
	}
	if _, err := io.ReadFull(z.src, z.in[:size]); err != nil {
		return fmt.Errorf("reading a block: %w", noEOF(err))
	}
	n, err := lz4.UncompressBlock(z.in[:size], z.buf)
	if err != nil {
		return err
	}
	z.out, z.last = z.buf[:n], n < lz4Block
	return nil
}

// noEOF turns an end of input inside something into io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
