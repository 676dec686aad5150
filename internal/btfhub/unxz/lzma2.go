package unxz

import (
	"encoding/binary"
	"slices"
)

// The control byte of an LZMA2 chunk.
const (
	controlEnd       = 0x00
	controlCopyReset = 0x01
	controlCopy      = 0x02
	controlLZMA      = 0x80 // and above

	resetState = 1
	resetProps = 2
	resetDict  = 3
)

// chunks reads the LZMA2 chunks of one block.
func (r *reader) chunks() error {
	d := &r.dec
	needDict, needProps := true, true
	for {
		b, err := r.take(1)
		if err != nil {
			return err
		}
		control := b[0]
		switch {
		case control == controlEnd:
			return nil
		case control == controlCopyReset || control == controlCopy:
			if control == controlCopyReset {
				d.base, needDict = len(d.out), false
			}
			if needDict {
				return errCorrupt
			}
			err = r.copied()
		case control < controlLZMA:
			return errCorrupt
		default:
			reset := control >> 5 & 3
			if reset == resetDict {
				d.base, needDict = len(d.out), false
			}
			if reset >= resetProps {
				needProps = false
			}
			if needDict || needProps {
				return errCorrupt
			}
			err = r.compressed(control, reset)
		}
		if err != nil {
			return err
		}
	}
}

// grow makes room for n more bytes of output.
func (r *reader) grow(n int) error {
	if n > r.limit-len(r.dec.out) {
		return ErrTooLarge
	}
	r.dec.out = slices.Grow(r.dec.out, n)
	return nil
}

// copied reads a chunk that is not compressed.
func (r *reader) copied() error {
	b, err := r.take(2)
	if err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(b)) + 1
	if b, err = r.take(n); err != nil {
		return err
	}
	if err := r.grow(n); err != nil {
		return err
	}
	r.dec.out = append(r.dec.out, b...)
	return nil
}

// compressed reads an LZMA chunk.
func (r *reader) compressed(control, reset byte) error {
	b, err := r.take(4)
	if err != nil {
		return err
	}
	unpacked := int(control&0x1f)<<16 + int(binary.BigEndian.Uint16(b)) + 1
	packed := int(binary.BigEndian.Uint16(b[2:])) + 1
	if reset >= resetProps {
		if b, err = r.take(1); err != nil {
			return err
		}
		if err := r.dec.properties(b[0]); err != nil {
			return err
		}
	}
	if reset >= resetState {
		r.dec.reset()
	}
	start := r.pos
	if _, err := r.take(packed); err != nil {
		return err
	}
	if err := r.grow(unpacked); err != nil {
		return err
	}
	return r.dec.chunk(r.in[start:start+packed+symbolInput:cap(r.in)], packed, unpacked)
}
