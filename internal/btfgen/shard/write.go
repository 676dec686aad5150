package shard

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// Stats describes what went into a file.
type Stats struct {
	Kernels     int `json:"kernels"`
	Definitions int `json:"definitions"` // distinct ones
	References  int `json:"references"`  // definitions of all kernels together
	Blocks      int `json:"blocks"`
	Unpacked    int `json:"unpacked_bytes"`
	Size        int `json:"bytes"`
}

// definition is one distinct definition, taken apart for sorting and writing.
type definition struct {
	essential, name string
	code            code
	variant         uint32
	body            string
	kernels         []uint64
	first           int // lowest kernel
}

// Write writes the file.
func (b *Builder) Write(w io.Writer) (Stats, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wr := writer{sets: map[string]uint64{}}
	if err := wr.prepare(); err != nil {
		return Stats{}, err
	}
	defs := b.sorted()
	for _, d := range defs {
		wr.add(d, b.compact(d.kernels))
		wr.stats.References += popCount(d.kernels)
	}
	wr.flush()
	wr.stats.Definitions = len(defs)
	index := wr.index(b)
	packed := wr.enc.EncodeAll(index, nil)
	sum := sha256.Sum256(packed)
	head := append([]byte(magic), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(head[len(magic):], Version)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(packed)))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(index)))
	head = append(append(head, sum[:]...), packed...)
	wr.stats.Size = len(head) + len(wr.packed)
	for _, part := range [][]byte{head, wr.packed} {
		if _, err := w.Write(part); err != nil {
			return wr.stats, fmt.Errorf("writing the shard: %w", err)
		}
	}
	return wr.stats, nil
}

// sorted returns the definitions in the order of the file. Those of one name
// are adjacent, oldest kernel first, because neighbours are most alike.
func (b *Builder) sorted() []definition {
	defs := make([]definition, len(b.keys))
	for i, key := range b.keys {
		n := strings.IndexByte(key, 0)
		d := &defs[i]
		d.name, d.essential = key[:n], btf.EssentialName(key[:n])
		d.code = code(key[n+1])
		d.variant = binary.BigEndian.Uint32([]byte(key[n+2 : n+keyTail]))
		d.body = key[n+keyTail:]
		d.kernels = b.sets[i*b.words : (i+1)*b.words]
		d.first = firstBit(d.kernels)
	}
	slices.SortFunc(defs, func(x, y definition) int {
		return cmp.Or(strings.Compare(x.essential, y.essential), strings.Compare(x.name, y.name),
			cmp.Compare(x.code, y.code), cmp.Compare(x.variant, y.variant),
			x.first-y.first, strings.Compare(x.body, y.body))
	})
	return defs
}

// compact returns the kernels of a set as bits, without those never added.
func (b *Builder) compact(set []uint64) []byte {
	var out []byte
	at := 0
	for i := range b.releases {
		if !b.added[i] {
			continue
		}
		if at%8 == 0 {
			out = append(out, 0)
		}
		if set[i/64]>>(i%64)&1 != 0 {
			out[at/8] |= 1 << (at % 8)
		}
		at++
	}
	return out
}

func firstBit(set []uint64) int {
	for i, w := range set {
		if w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

func popCount(set []uint64) int {
	n := 0
	for _, w := range set {
		n += bits.OnesCount64(w)
	}
	return n
}

// writer builds blocks and the tables of the index.
type writer struct {
	enc      *zstd.Encoder
	block    []byte
	first    string // essential name of the block's first definition
	last     definition
	packed   []byte // all blocks
	blocks   []byte // their entries in the index
	sets     map[string]uint64
	setBytes []byte
	stats    Stats
}

// add appends a definition to the block.
func (w *writer) add(d definition, kernels []byte) {
	if len(w.block) > 0 && (len(w.block) >= blockSize && d.essential != w.last.essential) {
		w.flush()
	}
	name := d.name
	if len(w.block) == 0 {
		w.first = d.essential
	} else if d.name == w.last.name {
		name = ""
	}
	set, ok := w.sets[string(kernels)]
	if !ok {
		set = uint64(len(w.sets))
		w.sets[string(kernels)] = set
		w.setBytes = append(w.setBytes, kernels...)
	}
	w.block = appendString(w.block, name)
	w.block = append(w.block, byte(d.code))
	w.block = binary.AppendUvarint(w.block, uint64(d.variant))
	w.block = binary.AppendUvarint(w.block, set)
	w.block = appendString(w.block, d.body)
	w.last = d
}

// flush packs the block.
func (w *writer) flush() {
	if len(w.block) == 0 {
		return
	}
	before := len(w.packed)
	w.packed = w.enc.EncodeAll(w.block, w.packed)
	sum := sha256.Sum256(w.packed[before:])
	w.blocks = appendString(w.blocks, w.first)
	w.blocks = binary.AppendUvarint(w.blocks, uint64(len(w.packed)-before))
	w.blocks = binary.AppendUvarint(w.blocks, uint64(len(w.block)))
	w.blocks = append(w.blocks, sum[:blockSum]...)
	w.stats.Blocks++
	w.stats.Unpacked += len(w.block)
	w.block = w.block[:0]
}

func (w *writer) prepare() (err error) {
	w.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
	return err
}

// index returns the unpacked index.
func (w *writer) index(b *Builder) []byte {
	var kernels []byte
	n := 0
	for i, release := range b.releases {
		if b.added[i] {
			big := byte(0)
			if b.big[i] {
				big = 1
			}
			kernels = append(appendString(kernels, release), big)
			n++
		}
	}
	w.stats.Kernels = n
	out := appendString(nil, b.path)
	out = append(binary.AppendUvarint(out, uint64(n)), kernels...)
	out = append(binary.AppendUvarint(out, uint64(len(w.sets))), w.setBytes...)
	return append(binary.AppendUvarint(out, uint64(w.stats.Blocks)), w.blocks...)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
