package unxz

// chunk decodes the n bytes of one LZMA2 chunk and appends them to d.out. Its
// compressed bytes are in[:size]; symbolInput more can be read after them.
//
// The range coder stays in registers: it is passed and returned by value, once for
// a symbol; a call for each bit would double the time.
func (d *lzma) chunk(in []byte, size, n int) error {
	if size < 5 || in[0] != 0 {
		return errCorrupt
	}
	c := coder{rng: 0xffffffff, pos: 5}
	c.code = uint32(in[1])<<24 | uint32(in[2])<<16 | uint32(in[3])<<8 | uint32(in[4])
	out, pos := d.out[:len(d.out)+n], len(d.out)
	end := len(out)
	state, reps := d.state, d.reps
	lits := d.lits
	for pos < end {
		if c.pos > size {
			return errCorrupt
		}
		at := uint32(pos - d.base)
		ps := at & d.pbm
		var one bool
		if c, one = bit(norm(c, in), &d.match[state<<4|ps]); !one {
			prev := uint32(0)
			if at > 0 {
				prev = uint32(out[pos-1])
			}
			probs := (*[0x300]uint16)(lits[0x300*((at&d.lpm)<<d.lc+prev>>(8-d.lc)):])
			var sym uint32
			if state < litStates {
				c, sym = literal(c, in, probs)
			} else {
				if uint64(reps[0]) >= uint64(at) {
					return errCorrupt
				}
				c, sym = matchedLiteral(c, in, probs, uint32(out[pos-int(reps[0])-1]))
			}
			out[pos] = byte(sym)
			pos++
			state = afterLiteral[state]
			continue
		}
		lens := &d.repLen
		if c, one = bit(norm(c, in), &d.rep[state]); !one {
			lens = &d.lens
			reps[3], reps[2], reps[1] = reps[2], reps[1], reps[0]
		} else if c, one = bit(norm(c, in), &d.rep0[state]); one {
			c = d.earlier(c, in, state, &reps)
		} else if c, one = bit(norm(c, in), &d.long[state<<4|ps]); !one {
			if uint64(reps[0]) >= uint64(at) {
				return errCorrupt
			}
			out[pos] = out[pos-int(reps[0])-1]
			pos++
			state = afterShortRep[state]
			continue
		}

		var length uint32
		c, length = lens.decode(c, in, ps)
		if lens == &d.lens {
			c, reps[0] = d.distance(c, in, length)
			state = afterMatch[state]
		} else {
			state = afterRep[state]
		}
		if uint64(reps[0]) >= uint64(at) || int(length) > end-pos {
			return errCorrupt
		}
		from := pos - int(reps[0]) - 1
		pos = copyMatch(out, from, pos, int(length))
	}
	c = norm(c, in)
	if c.pos != size || c.code != 0 {
		return errCorrupt
	}
	d.out, d.state, d.reps = out, state, reps
	return nil
}

// literal decodes a byte, to which a one is put in front.
func literal(c coder, in []byte, probs *[0x300]uint16) (coder, uint32) {
	sym := uint32(1)
	for sym < 0x100 {
		var m uint32
		c, m = even(norm(c, in), &probs[sym])
		sym = sym<<1 + m + 1
	}
	return c, sym
}

// matchedLiteral decodes a byte after a match, of which match is the byte that would
// have been next; a one is put in front.
func matchedLiteral(c coder, in []byte, probs *[0x300]uint16, match uint32) (coder, uint32) {
	sym, off := uint32(1), uint32(0x100)
	for sym < 0x100 {
		match <<= 1
		mb := match & off
		var m uint32
		c, m = even(norm(c, in), &probs[off+mb+sym])
		sym = sym<<1 + m + 1
		off &= mb ^ m
	}
	return c, sym
}

// earlier decodes which distance before the last one a match repeats, and puts it first.
func (d *lzma) earlier(c coder, in []byte, state uint32, reps *[4]uint32) coder {
	var one bool
	if c, one = bit(norm(c, in), &d.rep1[state]); !one {
		reps[0], reps[1] = reps[1], reps[0]
	} else if c, one = bit(norm(c, in), &d.rep2[state]); !one {
		reps[0], reps[1], reps[2] = reps[2], reps[0], reps[1]
	} else {
		reps[0], reps[1], reps[2], reps[3] = reps[3], reps[0], reps[1], reps[2]
	}
	return c
}

// decode decodes the length of a match.
func (l *lengths) decode(c coder, in []byte, ps uint32) (coder, uint32) {
	tree, first, limit := l.probs[lenHigh:], uint32(16), uint32(256)
	var one bool
	if c, one = bit(norm(c, in), &l.choice); !one {
		tree, first, limit = l.probs[lenLow+ps<<3:], 0, 8
	} else if c, one = bit(norm(c, in), &l.choice2); !one {
		tree, first, limit = l.probs[lenMid+ps<<3:], 8, 8
	}
	sym := uint32(1)
	for sym < limit {
		var m uint32
		c, m = even(norm(c, in), &tree[sym])
		sym = sym<<1 + m + 1
	}
	return c, first + sym - limit + minMatch
}

// distance decodes how far before the last byte a match of that length lies.
func (d *lzma) distance(c coder, in []byte, length uint32) (coder, uint32) {
	slots := (*[64]uint16)(d.slots[min(length-minMatch, 3)<<6:])
	slot := uint32(1)
	for slot < 64 {
		var m uint32
		c, m = even(norm(c, in), &slots[slot])
		slot = slot<<1 + m + 1
	}
	slot -= 64
	if slot < 4 {
		return c, slot
	}
	count := slot>>1 - 1
	dist := (2 | slot&1) << count
	if slot < slotModel {
		return lowBits(c, in, d.spec[dist-slot:], count, dist)
	}
	for ; count > alignBits; count-- {
		c = norm(c, in)
		c.rng >>= 1
		m := uint32(int32(c.code-c.rng) >> 31)
		c.code -= c.rng &^ m
		dist += (m + 1) << (count - 1)
	}
	return lowBits(c, in, d.align[:], alignBits, dist)
}

// lowBits decodes the lowest count bits of a distance, the lowest first, and adds them.
func lowBits(c coder, in []byte, probs []uint16, count, dist uint32) (coder, uint32) {
	sym := uint32(1)
	for i := range count {
		var m uint32
		c, m = even(norm(c, in), &probs[sym])
		sym = sym<<1 + m + 1
		dist += (m + 1) << i
	}
	return c, dist
}

// copyMatch copies n bytes from an earlier place, which may overlap, and
// returns the position after them.
func copyMatch(out []byte, from, pos, n int) int {
	if pos-from >= n {
		return pos + copy(out[pos:pos+n], out[from:from+n])
	}
	for i := range n {
		out[pos+i] = out[from+i]
	}
	return pos + n
}

// The next state after each kind of symbol.
var (
	afterLiteral  = [states]uint32{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5}
	afterMatch    = [states]uint32{7, 7, 7, 7, 7, 7, 7, 10, 10, 10, 10, 10}
	afterRep      = [states]uint32{8, 8, 8, 8, 8, 8, 8, 11, 11, 11, 11, 11}
	afterShortRep = [states]uint32{9, 9, 9, 9, 9, 9, 9, 11, 11, 11, 11, 11}
)
