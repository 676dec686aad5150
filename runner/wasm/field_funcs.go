package wasm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

var fieldFunctions = []Function{
	{
		"Fields", "fieldGetScalar", "(field u32, data u32, kind u32, error u32) u64",
		"Returns the number that a field holds, a float as its IEEE 754 bits. Where `error` is an address, 1 is written there on error.", getScalar,
	},
	{
		"Fields", "fieldGetBuffer", "(field u32, data u32, kind u32, dst buffer) i32",
		"Copies the bytes of a field (kind 12 or 14) and returns how many they are, -1 on error. " +
			"A text that has more room in the event than in the buffer ends at its first NUL.", getBuffer,
	},
	{
		"Fields", "fieldSet", "(field u32, data u32, kind u32, value u64) u32",
		"Gives a field a number, or the bytes that `value` points to (kind 12 or 14). Returns 0, 1 on error.", setField,
	},
	{
		"Fields", "fieldAddTag", "(field u32, tag string) u32",
		"Adds a tag to a field; `type:NAME` makes it one of a special type, a number with its text or container. Returns 0, 1 on error.", addTag,
	},
}

// fieldAndData returns what the first two parameters are handles of.
func (c call) fieldAndData() (*Field, *record, error) {
	f, err := get[*Field](c, 0)
	if err != nil {
		return nil, nil, err
	}
	r, err := c.data(1)
	return f, r, err
}

func getScalar(c call) {
	v, err := c.scalar(Kind(c.u32(2)))
	if err == nil {
		c.stack[0] = v
		return
	}
	c.report("fieldGetScalar", err)
	address := c.u32(3)
	c.stack[0] = 0
	if address != 0 && !c.memory.WriteUint32Le(address, resultError) {
		// A program that gives the address of memory that is not its own cannot
		// be reported in another way.
		panic(fmt.Errorf("fieldGetScalar: the address %#x of the error is not the program's memory", address))
	}
}

func (c call) scalar(kind Kind) (uint64, error) {
	f, r, err := c.fieldAndData()
	if err != nil {
		return 0, err
	}
	if !kind.valid() || kind.buffered() {
		return 0, fmt.Errorf("kind %d is not one of a number", kind)
	}
	b, err := r.scalar(f, kindSizes[kind])
	if err != nil {
		return 0, err
	}
	switch kind {
	case Bool:
		return uint64(b[0] & 1), nil
	case Int8:
		return uint64(int8(b[0])), nil
	case Uint8:
		return uint64(b[0]), nil
	case Int16:
		return uint64(int16(binary.NativeEndian.Uint16(b))), nil
	case Uint16:
		return uint64(binary.NativeEndian.Uint16(b)), nil
	case Int32:
		return uint64(int32(binary.NativeEndian.Uint32(b))), nil
	case Uint32, Float32:
		return uint64(binary.NativeEndian.Uint32(b)), nil
	default:
		return binary.NativeEndian.Uint64(b), nil
	}
}

func getBuffer(c call) {
	n, err := c.copyBuffer()
	if err != nil {
		c.report("fieldGetBuffer", err)
		c.ret(^uint32(0))
		return
	}
	c.ret(n)
}

func (c call) copyBuffer() (uint32, error) {
	f, r, err := c.fieldAndData()
	if err != nil {
		return 0, err
	}
	if !Kind(c.u32(2)).buffered() {
		return 0, fmt.Errorf("kind %d is not one of a buffer", c.u32(2))
	}
	b, err := r.value(f)
	if err != nil {
		return 0, err
	}
	dst, err := c.buffer(3)
	if err != nil {
		return 0, err
	}
	b = f.within(b, len(dst))
	return uint32(len(b)), c.write(3, b)
}

// within returns the value b of f for a buffer of size bytes. A text that has more
// room in the event ends at its first NUL: a program has a buffer for the text.
func (f *Field) within(b []byte, size int) []byte {
	if f.Kind == CString && len(b) > size {
		b, _, _ = bytes.Cut(b, []byte{0})
	}
	return b
}

func setField(c call) { c.done("fieldSet", c.set(Kind(c.u32(2)))) }

func (c call) set(kind Kind) error {
	f, r, err := c.fieldAndData()
	if err != nil {
		return err
	}
	if kind.buffered() {
		b, err := c.buffer(3)
		if err != nil {
			return err
		}
		return r.setBuffer(f, b)
	}
	if !kind.valid() {
		return fmt.Errorf("kind %d does not exist", kind)
	}
	dst, err := r.scalar(f, kindSizes[kind])
	if err != nil {
		return err
	}
	v := c.stack[3]
	if kind == Bool {
		v = min(v, 1)
	}
	switch len(dst) {
	case 1:
		dst[0] = byte(v)
	case 2:
		binary.NativeEndian.PutUint16(dst, uint16(v))
	case 4:
		binary.NativeEndian.PutUint32(dst, uint32(v))
	default:
		binary.NativeEndian.PutUint64(dst, v)
	}
	return nil
}

func addTag(c call) {
	f, err := get[*Field](c, 0)
	if err != nil {
		c.done("fieldAddTag", err)
		return
	}
	tag, err := c.text(1)
	switch {
	case err != nil:
	case len(f.Tags) >= maxTags || len(tag) > maxNameSize:
		err = fmt.Errorf("field %q gets more than %d tags or one of more than %d bytes", f.Name, maxTags, maxNameSize)
	case !slices.Contains(f.Tags, tag):
		f.Tags = append(f.Tags, tag)
	}
	c.done("fieldAddTag", err)
}
