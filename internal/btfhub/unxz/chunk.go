package unxz

// chunk decodes the n bytes of one LZMA2 chunk and appends them to d.out. Its
// compressed bytes are in[:size]; symbolInput more can be read after them.
//
// It is one long function because the range coder must stay in registers: a
// call for each bit would double the time.
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
		c = norm(c, in)
		var one bool
		if c, one = bit(c, &d.match[state<<4|ps]); !one {
			prev := uint32(0)
			if at > 0 {
				prev = uint32(out[pos-1])
			}
			probs := (*[0x300]uint16)(lits[0x300*((at&d.lpm)<<d.lc+prev>>(8-d.lc)):])
			sym := uint32(1)
			if state < litStates {
				for sym < 0x100 {
					var m uint32
					c, m = even(norm(c, in), &probs[sym])
					sym = sym<<1 + m + 1
				}
			} else {
				if uint64(reps[0]) >= uint64(at) {
					return errCorrupt
				}
				match := uint32(out[pos-int(reps[0])-1])
				off := uint32(0x100)
				for sym < 0x100 {
					match <<= 1
					mb := match & off
					var m uint32
					c, m = even(norm(c, in), &probs[off+mb+sym])
					sym = sym<<1 + m + 1
					off &= mb ^ m
				}
			}
			out[pos] = byte(sym)
			pos++
			state = afterLiteral[state]
			continue
		}
		c = norm(c, in)
		lens := &d.repLen
		if c, one = bit(c, &d.rep[state]); !one {
			lens = &d.lens
			reps[3], reps[2], reps[1] = reps[2], reps[1], reps[0]
		} else {
			c = norm(c, in)
			if c, one = bit(c, &d.rep0[state]); !one {
				c = norm(c, in)
				if c, one = bit(c, &d.long[state<<4|ps]); !one {
					if uint64(reps[0]) >= uint64(at) {
						return errCorrupt
					}
					out[pos] = out[pos-int(reps[0])-1]
					pos++
					state = afterShortRep[state]
					continue
				}
			} else {
				c = norm(c, in)
				if c, one = bit(c, &d.rep1[state]); !one {
					reps[0], reps[1] = reps[1], reps[0]
				} else {
					c = norm(c, in)
					if c, one = bit(c, &d.rep2[state]); !one {
						reps[0], reps[1], reps[2] = reps[2], reps[0], reps[1]
					} else {
						reps[0], reps[1], reps[2], reps[3] = reps[3], reps[0], reps[1], reps[2]
					}
				}
			}
		}

		// The length.
		length := uint32(0)
		c = norm(c, in)
		var tree []uint16
		limit := uint32(8)
		if c, one = bit(c, &lens.choice); !one {
			tree = lens.probs[lenLow+ps<<3:]
		} else {
			c = norm(c, in)
			if c, one = bit(c, &lens.choice2); !one {
				tree, length = lens.probs[lenMid+ps<<3:], 8
			} else {
				tree, length, limit = lens.probs[lenHigh:], 16, 256
			}
		}
		sym := uint32(1)
		for sym < limit {
			var m uint32
			c, m = even(norm(c, in), &tree[sym])
			sym = sym<<1 + m + 1
		}
		length += sym - limit + minMatch

		// The distance.
		if lens == &d.lens {
			slots := (*[64]uint16)(d.slots[min(length-minMatch, 3)<<6:])
			slot := uint32(1)
			for slot < 64 {
				var m uint32
				c, m = even(norm(c, in), &slots[slot])
				slot = slot<<1 + m + 1
			}
			slot -= 64
			dist := slot
			if slot >= 4 {
				count := slot>>1 - 1
				dist = (2 | slot&1) << count
				if slot < slotModel {
					probs := d.spec[dist-slot:]
					sym := uint32(1)
					for i := range count {
						var m uint32
						c, m = even(norm(c, in), &probs[sym])
						sym = sym<<1 + m + 1
						dist += (m + 1) << i
					}
				} else {
					for range count - alignBits {
						c = norm(c, in)
						c.rng >>= 1
						m := uint32(int32(c.code-c.rng) >> 31)
						c.code -= c.rng &^ m
						dist += (m + 1) << (count - 1)
						count--
					}
					sym := uint32(1)
					for i := range alignBits {
						var m uint32
						c, m = even(norm(c, in), &d.align[sym&(1<<alignBits-1)])
						sym = sym<<1 + m + 1
						dist += (m + 1) << i
					}
				}
			}
			reps[0] = dist
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
