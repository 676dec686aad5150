package unxz

import "errors"

// errCorrupt is the error for data that no compressor writes.
var errCorrupt = errors.New("corrupt xz data")

// The LZMA model (LZMA specification, "LZMA decoder").
const (
	probBits  = 11
	probInit  = 1 << (probBits - 1)
	moveBits  = 5
	topValue  = 1 << 24
	states    = 12
	posStates = 16

	litStates    = 7 // below: the last symbol was a literal
	lenLow       = 0
	lenMid       = posStates << 3
	lenHigh      = 2 * posStates << 3
	lenProbs     = lenHigh + 256
	minMatch     = 2
	slotModel    = 14 // first distance slot without a model of its own
	alignBits    = 4
	fullDistance = 1 << (slotModel / 2)
)

// symbolInput is more than the bytes that the longest symbol takes. Input
// handed to lzma.chunk has as many bytes to spare at its end.
const symbolInput = 64

// lengths is the model of match lengths.
type lengths struct {
	choice, choice2 uint16
	probs           [lenProbs]uint16
}

// lzma is the state of the decoder between chunks.
type lzma struct {
	out   []byte // all that has been decoded, which is the dictionary
	base  int    // where the dictionary begins in out
	state uint32
	reps  [4]uint32
	lc    uint32
	lpm   uint32 // mask of the position bits for literals
	pbm   uint32 // mask of the position bits for the rest

	match  [states << 4]uint16
	rep    [states]uint16
	rep0   [states]uint16
	rep1   [states]uint16
	rep2   [states]uint16
	long   [states << 4]uint16
	slots  [4 << 6]uint16
	spec   [fullDistance]uint16
	align  [1 << alignBits]uint16
	lens   lengths
	repLen lengths
	lits   []uint16
}

// reset sets the state and all probabilities to their initial values.
func (d *lzma) reset() {
	d.state, d.reps = 0, [4]uint32{}
	for _, p := range [][]uint16{
		d.match[:], d.rep[:], d.rep0[:], d.rep1[:], d.rep2[:], d.long[:], d.slots[:], d.spec[:], d.align[:],
		d.lens.probs[:], d.repLen.probs[:], d.lits,
	} {
		for i := range p {
			p[i] = probInit
		}
	}
	for _, l := range []*lengths{&d.lens, &d.repLen} {
		l.choice, l.choice2 = probInit, probInit
	}
}

// properties sets lc, lp and pb from their byte.
func (d *lzma) properties(b byte) error {
	if b >= 9*5*5 {
		return errCorrupt
	}
	lc, lp, pb := uint32(b%9), uint32(b/9%5), uint32(b/45)
	if lc+lp > 4 {
		return errCorrupt
	}
	d.lc, d.lpm, d.pbm = lc, 1<<lp-1, 1<<pb-1
	if n := 0x300 << (lc + lp); cap(d.lits) >= n {
		d.lits = d.lits[:n]
	} else {
		d.lits = make([]uint16, n)
	}
	return nil
}

// coder is the range decoder. It is passed and returned by value everywhere,
// so that the compiler keeps it in registers.
type coder struct {
	rng, code uint32
	pos       int
}

// norm refills the coder.
func norm(c coder, in []byte) coder {
	if c.rng < topValue {
		c.rng <<= 8
		c.code = c.code<<8 | uint32(in[c.pos])
		c.pos++
	}
	return c
}

// bit decodes a bit by a branch, for bits that are mostly the same.
func bit(c coder, p *uint16) (coder, bool) {
	v := uint32(*p)
	bound := (c.rng >> probBits) * v
	if c.code < bound {
		c.rng = bound
		*p = uint16(v + (1<<probBits-v)>>moveBits)
		return c, false
	}
	c.rng -= bound
	c.code -= bound
	*p = uint16(v - v>>moveBits)
	return c, true
}

// even decodes a bit without a branch, for bits that cannot be predicted. The
// result is all ones for 0 and zero for 1.
func even(c coder, p *uint16) (coder, uint32) {
	v := uint32(*p)
	bound := (c.rng >> probBits) * v
	m := uint32((int64(c.code) - int64(bound)) >> 63)
	c.rng = c.rng - bound + m&(2*bound-c.rng)
	c.code -= bound &^ m
	*p = uint16(int32(v) - (int32(v)+int32(m)&(1<<moveBits-1-1<<probBits))>>moveBits)
	return c, m
}
