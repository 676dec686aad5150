// Package shard reads and writes the imported form of a btfhub shard
// (.btfshard): the types of all its kernels, each definition stored once for
// all kernels that share it, in small compressed blocks ordered by name. What
// relocations need from all kernels at once is read from a few blocks. The format
// is described in docs/btfshard-format.md.
package shard

import (
	"encoding/binary"
	"errors"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
)

// Version is the version of the format. A reader takes its own version only:
// the file is a build intermediate and is imported again when it changes.
const Version = 1

// magic begins every file.
const magic = "BTFSHARD"

// The header: magic, version, length of the packed and of the unpacked index,
// SHA-256 of the packed index.
const (
	headerLen = len(magic) + 4 + 4 + 4 + digestLen
	digestLen = 32
	blockSum  = 16 // bytes of a block's SHA-256 that the index holds
)

// Limits of what a reader believes. A shard of 800 kernels has an index of
// 300 kB and blocks of at most 2 MB.
const (
	maxIndex   = 64 << 20
	maxBlock   = 64 << 20
	maxKernels = 1 << 14
	maxNesting = 64       // of types in one definition
	maxBody    = 4 << 20  // bytes of one definition
	maxKernel  = 64 << 20 // bytes of all definitions of one kernel
)

// blockSize is where the writer begins a new block, at the next name.
const blockSize = 32 << 10

// code is the kind of a definition, or of what an expression refers to by name.
type code uint8

const (
	codeStruct code = iota
	codeUnion
	codeEnum
	codeEnum64
	codeFwdStruct
	codeFwdUnion
	codeTypedef
	codeLeaf // int or float
	codeCount
)

// kinds gives the BTF kind and flag of each code.
var kinds = [codeCount]struct {
	kind btf.Kind
	flag bool
}{
	{btf.Struct, false},
	{btf.Union, false},
	{btf.Enum, false},
	{btf.Enum64, false},
	{btf.Fwd, false},
	{btf.Fwd, true},
	{btf.Typedef, false},
	{btf.Int, false},
}

// codeOf is the reverse of kinds, for kinds that relocations can have as root.
func codeOf(k btf.Kind, flag bool) code {
	switch k {
	case btf.Struct:
		return codeStruct
	case btf.Union:
		return codeUnion
	case btf.Enum:
		return codeEnum
	case btf.Enum64:
		return codeEnum64
	case btf.Typedef:
		return codeTypedef
	case btf.Fwd:
		if flag {
			return codeFwdUnion
		}
		return codeFwdStruct
	}
	return codeLeaf
}

// An expression for a type begins with a number whose low bits are one of
// these; the rest of the number is its payload.
const (
	exprVoid   = iota
	exprLeaf   // payload: number in leaves + 1, or 0: kind, name, size and data follow
	exprRef    // payload: variant<<3 | code; the name follows
	exprPtr    // the pointee follows
	exprArray  // payload: number of elements; element and index follow
	exprFunc   // payload: number of parameters; result and parameters follow
	exprInline // payload: code; the body of the anonymous definition follows
	exprBits   = 3
)

// leaf is an int or a float.
type leaf struct {
	kind btf.Kind
	name string
	size uint32
	data uint32 // of an int
}

// leaves are the ints and floats that kernels have, so that a member's type is
// mostly one byte. Others are spelled out. Changing them changes the format.
var leaves = []leaf{
	{btf.Int, "unsigned int", 4, 32},
	{btf.Int, "int", 4, 1<<24 | 32},
	{btf.Int, "long unsigned int", 8, 64},
	{btf.Int, "long long unsigned int", 8, 64},
	{btf.Int, "unsigned char", 1, 8},
	{btf.Int, "char", 1, 8},
	{btf.Int, "short unsigned int", 2, 16},
	{btf.Int, "_Bool", 1, 4<<24 | 8},
	{btf.Int, "long int", 8, 1<<24 | 64},
	{btf.Int, "long long int", 8, 1<<24 | 64},
	{btf.Int, "short int", 2, 1<<24 | 16},
	{btf.Int, "signed char", 1, 1<<24 | 8},
	{btf.Int, "signed char", 1, 8},
	{btf.Int, "char", 1, 1<<24 | 8},
	{btf.Int, "__int128", 16, 1<<24 | 128},
	{btf.Int, "__int128 unsigned", 16, 128},
	{btf.Int, "ssizetype", 8, 1<<24 | 64},
	{btf.Int, "sizetype", 8, 64},
	{btf.Int, "__ARRAY_SIZE_TYPE__", 4, 32},
	{btf.Int, "double", 8, 64},
	{btf.Float, "double", 8, 0},
	{btf.Float, "float", 4, 0},
	{btf.Int, "unsigned long", 8, 64},
	{btf.Int, "long", 8, 1<<24 | 64},
	{btf.Int, "unsigned short", 2, 16},
	{btf.Int, "short", 2, 1<<24 | 16},
	{btf.Int, "unsigned long long", 8, 64},
	{btf.Int, "long long", 8, 1<<24 | 64},
}

// errFormat is the error for a file that no writer wrote.
var errFormat = errors.New("the imported shard is damaged")

// cursor reads numbers and strings; after an error it yields zeros.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) fail() { c.b, c.bad = nil, true }

func (c *cursor) uvarint() uint64 {
	n, size := binary.Uvarint(c.b)
	if size <= 0 {
		c.fail()
		return 0
	}
	c.b = c.b[size:]
	return n
}

func (c *cursor) varint() int64 {
	n := c.uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

// count reads the number of things each of which takes at least one byte.
func (c *cursor) count() int {
	n := c.uvarint()
	if n > uint64(len(c.b)) {
		c.fail()
		return 0
	}
	return int(n)
}

func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.fail()
		return nil
	}
	out := c.b[:n:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) string() string { return view(c.bytes(c.count())) }

func (c *cursor) byte() byte {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}
