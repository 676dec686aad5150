// Package unxz unpacks xz files that are in memory, as fast as it goes: the
// output is the dictionary, the range decoder lives in registers, and bits
// that cannot be predicted are decoded without a branch. It reads what xz
// writes without extra filters: one LZMA2 filter, any check, any number of
// blocks and streams. ErrUnsupported means that a slower reader must try.
package unxz

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/crc64"
)

// ErrUnsupported is returned for valid files with other filters than LZMA2.
var ErrUnsupported = errors.New("xz filters other than LZMA2")

// ErrTooLarge is returned when the output would exceed the limit.
var ErrTooLarge = errors.New("xz data unpacks to more than the limit")

const (
	headerLen   = 12
	footerLen   = 12
	filterLZMA2 = 0x21
)

var (
	headerMagic = []byte{0xfd, '7', 'z', 'X', 'Z', 0}
	footerMagic = []byte{'Y', 'Z'}
)

// Unpack returns what an xz file holds. It allocates as the data goes, never
// on the word of a header, and never more than limit bytes and a chunk.
func Unpack(data []byte, limit int) ([]byte, error) {
	r := &reader{limit: limit}
	// The decoder of a symbol looks at more bytes than a damaged file has.
	r.in = append(make([]byte, 0, len(data)+symbolInput), data...)
	r.dec.out = make([]byte, 0, min(limit, 5*len(data)))
	for {
		if err := r.stream(); err != nil {
			return nil, err
		}
		padding := r.pos
		for r.pos < len(r.in) && r.in[r.pos] == 0 {
			r.pos++
		}
		if (r.pos-padding)%4 != 0 {
			return nil, errCorrupt
		}
		if r.pos == len(r.in) {
			return r.dec.out, nil
		}
	}
}

// reader walks through a file.
type reader struct {
	in    []byte
	pos   int
	limit int
	dec   lzma
	check byte
}

// take returns the next n bytes.
func (r *reader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.in)-r.pos {
		return nil, fmt.Errorf("%w: it is truncated", errCorrupt)
	}
	b := r.in[r.pos : r.pos+n]
	r.pos += n
	return b, nil
}

// record is an entry of the index: the sizes of a block.
type record struct{ unpadded, unpacked uint64 }

// stream reads one stream: header, blocks, index, footer.
func (r *reader) stream() error {
	head, err := r.take(headerLen)
	if err != nil {
		return err
	}
	if !bytes.Equal(head[:6], headerMagic) || head[6] != 0 ||
		crc32.ChecksumIEEE(head[6:8]) != binary.LittleEndian.Uint32(head[8:]) {
		return fmt.Errorf("%w: no xz header", errCorrupt)
	}
	r.check = head[7]
	if checkLen(r.check) < 0 {
		return fmt.Errorf("%w: unknown check", ErrUnsupported)
	}
	var blocks []record
	for {
		if r.pos >= len(r.in) {
			return errCorrupt
		}
		if r.in[r.pos] == 0 {
			break
		}
		rec, err := r.block()
		if err != nil {
			return err
		}
		blocks = append(blocks, rec)
	}
	size, err := r.index(blocks)
	if err != nil {
		return err
	}
	return r.footer(head[6:8], size)
}

// checkLen returns the length of a block's check, or -1.
func checkLen(check byte) int {
	switch check {
	case 0:
		return 0
	case 1:
		return 4
	case 4:
		return 8
	case 10:
		return sha256.Size
	}
	return -1
}

// block reads one block.
func (r *reader) block() (record, error) {
	start, from := r.pos, len(r.dec.out)
	if err := r.blockHeader(); err != nil {
		return record{}, err
	}
	if err := r.chunks(); err != nil {
		return record{}, err
	}
	unpadded := r.pos - start
	padding, err := r.take(-unpadded & 3)
	if err != nil {
		return record{}, err
	}
	for _, b := range padding {
		if b != 0 {
			return record{}, errCorrupt
		}
	}
	sum, err := r.take(checkLen(r.check))
	if err != nil {
		return record{}, err
	}
	if !bytes.Equal(sum, checksum(r.check, r.dec.out[from:])) {
		return record{}, fmt.Errorf("%w: the checksum does not match", errCorrupt)
	}
	return record{uint64(unpadded + len(sum)), uint64(len(r.dec.out) - from)}, nil
}

func checksum(check byte, data []byte) []byte {
	switch check {
	case 1:
		return binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(data))
	case 4:
		return binary.LittleEndian.AppendUint64(nil, crc64.Checksum(data, crc64.MakeTable(crc64.ECMA)))
	case 10:
		sum := sha256.Sum256(data)
		return sum[:]
	}
	return nil
}

// blockHeader accepts one LZMA2 filter. Sizes in it are repeated in the index
// and checked there.
func (r *reader) blockHeader() error {
	size := (int(r.in[r.pos]) + 1) * 4
	b, err := r.take(size)
	if err != nil {
		return err
	}
	if crc32.ChecksumIEEE(b[:size-4]) != binary.LittleEndian.Uint32(b[size-4:]) {
		return fmt.Errorf("%w: block header", errCorrupt)
	}
	flags := b[1]
	if flags&0x3f != 0 {
		return ErrUnsupported
	}
	c := cursor{b: b[2 : size-4]}
	for bit := byte(0x40); bit != 0; bit <<= 1 {
		if flags&bit != 0 {
			c.number()
		}
	}
	if c.number() != filterLZMA2 {
		return ErrUnsupported
	}
	if c.number() != 1 || len(c.b) == 0 || c.bad {
		return fmt.Errorf("%w: filter", errCorrupt)
	}
	return nil
}

// index compares the index with the blocks that were read, and returns its
// length.
func (r *reader) index(blocks []record) (int, error) {
	start := r.pos
	c := cursor{b: r.in[r.pos+1:]}
	if c.number() != uint64(len(blocks)) {
		return 0, fmt.Errorf("%w: index", errCorrupt)
	}
	for _, b := range blocks {
		if c.number() != b.unpadded || c.number() != b.unpacked {
			return 0, fmt.Errorf("%w: index", errCorrupt)
		}
	}
	n := len(r.in) - start - len(c.b)
	n += -n & 3
	body, err := r.take(n)
	if err != nil || c.bad {
		return 0, fmt.Errorf("%w: index", errCorrupt)
	}
	sum, err := r.take(4)
	if err != nil || crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(sum) {
		return 0, fmt.Errorf("%w: index", errCorrupt)
	}
	return n + 4, nil
}

func (r *reader) footer(flags []byte, index int) error {
	b, err := r.take(footerLen)
	if err != nil {
		return err
	}
	backward := (uint64(binary.LittleEndian.Uint32(b[4:])) + 1) * 4
	if crc32.ChecksumIEEE(b[4:10]) != binary.LittleEndian.Uint32(b) || !bytes.Equal(b[8:10], flags) ||
		!bytes.Equal(b[10:], footerMagic) || backward != uint64(index) {
		return fmt.Errorf("%w: footer", errCorrupt)
	}
	return nil
}

// cursor reads numbers of 7 bits a byte.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) number() uint64 {
	n, size := binary.Uvarint(c.b)
	if size <= 0 || size > 9 {
		c.b, c.bad = nil, true
		return 0
	}
	c.b = c.b[size:]
	return n
}
