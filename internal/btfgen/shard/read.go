package shard

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"sort"

	"github.com/klauspost/compress/zstd"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// File is an opened shard. It has read the index and reads blocks when they
// are needed; each is verified against its digest in the index, and the
// index against the one in the header.
type File struct {
	r       io.ReaderAt
	path    string
	kernels []Kernel
	sets    []byte // of setLen bytes each
	setLen  int
	blocks  []block
	dec     *zstd.Decoder
	groups  map[string]*group // by essential name
	err     error
	runs    int
	session
}

// Kernel is one kernel of a shard.
type Kernel struct {
	Release   string
	BigEndian bool
}

type block struct {
	first string // essential name
	off   int64
	size  int // packed
	full  int // unpacked
	sum   []byte
	data  []byte // unpacked, once read
}

// Open reads the index of a shard of the given size.
func Open(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, headerLen)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("reading the imported shard: %w", err)
	}
	if string(head[:len(magic)]) != magic {
		return nil, fmt.Errorf("the file is not an imported shard")
	}
	num := head[len(magic):]
	if v := binary.LittleEndian.Uint32(num); v != Version {
		return nil, fmt.Errorf("the imported shard has format version %d, this program reads %d: import it again", v, Version)
	}
	n, full := int64(binary.LittleEndian.Uint32(num[4:])), binary.LittleEndian.Uint32(num[8:])
	if n > size-int64(headerLen) || n > maxIndex || full > maxIndex {
		return nil, errFormat
	}
	f := &File{r: r, groups: map[string]*group{}}
	var err error
	if f.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxIndex)); err != nil {
		return nil, err
	}
	index, err := f.unpack(int64(headerLen), int(n), int(full), num[12:])
	if err != nil {
		return nil, err
	}
	f.initSession()
	err = f.parseIndex(index, int64(headerLen)+n, size)
	return f, err
}

// Close gives back what the decompressor holds.
func (f *File) Close() { f.dec.Close() }

// Path returns the shard's path, such as "debian/12/arm64".
func (f *File) Path() string { return f.path }

// Kernels returns the shard's kernels.
func (f *File) Kernels() []Kernel { return f.kernels }

// unpack reads, verifies and decompresses one part of the file.
func (f *File) unpack(off int64, size, full int, sum []byte) ([]byte, error) {
	packed := make([]byte, size)
	if _, err := f.r.ReadAt(packed, off); err != nil {
		return nil, fmt.Errorf("reading the imported shard: %w", err)
	}
	got := sha256.Sum256(packed)
	if !bytes.Equal(got[:len(sum)], sum) {
		return nil, fmt.Errorf("%w: a checksum does not match", errFormat)
	}
	var h zstd.Header
	if err := h.Decode(packed); err != nil || h.HasFCS && h.FrameContentSize != uint64(full) {
		return nil, fmt.Errorf("%w: a length does not match", errFormat)
	}
	out, err := f.dec.DecodeAll(packed, make([]byte, 0, full))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFormat, err)
	}
	if len(out) != full {
		return nil, fmt.Errorf("%w: a length does not match", errFormat)
	}
	return out, nil
}

func (f *File) parseIndex(index []byte, off, size int64) error {
	c := &cursor{b: index}
	f.path = c.string()
	n := c.count()
	if n > maxKernels {
		return errFormat
	}
	for range n {
		f.kernels = append(f.kernels, Kernel{Release: c.string(), BigEndian: c.byte() != 0})
	}
	f.setLen = (n + 7) / 8
	f.sets = c.bytes(c.count() * f.setLen)
	n = c.count()
	if c.bad {
		return errFormat
	}
	f.blocks = make([]block, n)
	for i := range f.blocks {
		b := &f.blocks[i]
		b.first, b.off = c.string(), off
		b.size, b.full = int(c.uvarint()), int(c.uvarint())
		b.sum = c.bytes(blockSum)
		off += int64(b.size)
		if c.bad || b.size < 0 || b.size > maxBlock || b.full < 0 || b.full > maxBlock || off > size {
			return errFormat
		}
	}
	return nil
}

// load returns the unpacked bytes of a block.
func (f *File) load(b *block) []byte {
	if b.data == nil {
		data, err := f.unpack(b.off, b.size, b.full, b.sum)
		if err != nil {
			f.fail(err)
		}
		b.data = data
	}
	return b.data
}

func (f *File) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// record is one definition in a block.
type record struct {
	name    string
	code    code
	variant uint32
	set     []byte // the kernels that have it
	body    []byte
	group   *group
	decoded *decoded
}

// has reports whether kernel k has the definition.
func (r *record) has(k int) bool { return r.set[k/8]>>(k%8)&1 != 0 }

// group is all definitions with one essential name.
type group struct {
	records []*record
	class   []int // by kernel: kernels of one class have the same definitions
	touched int   // the last computation that used it
}

// group returns the definitions with an essential name.
func (f *File) group(essential string) *group {
	g, ok := f.groups[essential]
	if !ok {
		g = f.readGroup(essential)
		f.groups[essential] = g
	}
	return g
}

func (f *File) readGroup(essential string) *group {
	g := &group{}
	at := sort.Search(len(f.blocks), func(i int) bool { return f.blocks[i].first > essential }) - 1
	if at >= 0 {
		c := &cursor{b: f.load(&f.blocks[at])}
		name, seen := "", ""
		match := false
		for len(c.b) > 0 && !c.bad {
			if s := c.string(); s != "" {
				name = s
			}
			if name != seen {
				seen, match = name, btf.EssentialName(name) == essential
			}
			r := f.record(c, match)
			if match && !c.bad {
				r.name, r.group = name, g
				g.records = append(g.records, r)
			}
		}
		if c.bad {
			f.fail(errFormat)
		}
	}
	g.classify(len(f.kernels))
	return g
}

// record reads one definition after its name.
func (f *File) record(c *cursor, wanted bool) *record {
	kind := code(c.byte())
	variant, set := c.uvarint(), c.uvarint()
	body := c.bytes(c.count())
	if kind >= codeCount || variant > 1<<31 || set >= uint64(len(f.sets)/max(f.setLen, 1)) {
		c.fail()
		return nil
	}
	if !wanted {
		return nil
	}
	s := int(set) * f.setLen
	return &record{code: kind, variant: uint32(variant), set: f.sets[s : s+f.setLen], body: body}
}

// classify fills in g.class.
func (g *group) classify(kernels int) {
	g.class = make([]int, kernels)
	classes := map[string]int{}
	sig := make([]byte, (len(g.records)+7)/8)
	for k := range g.class {
		clear(sig)
		for i, r := range g.records {
			if r.has(k) {
				sig[i/8] |= 1 << (i % 8)
			}
		}
		n, ok := classes[string(sig)]
		if !ok {
			n = len(classes)
			classes[string(sig)] = n
		}
		g.class[k] = n
	}
}
