package wasm

import (
	"fmt"
)

// maxString is the largest text that a program may pass, but for values of
// fields.
const maxString = 64 << 10

// handleError means that a number is not a handle of what a function needs.
type handleError struct{ handle uint32 }

// Error implements error.
func (e handleError) Error() string {
	return fmt.Sprintf("%d is not a handle of what the function needs", e.handle)
}

// buffer returns the memory that parameter number i points to: the upper half is
// the length, the lower half the address. It is valid until the program runs on.
func (c call) buffer(i int) ([]byte, error) {
	ptr := c.stack[i]
	if ptr == 0 {
		return nil, nil
	}
	b, ok := c.memory.Read(uint32(ptr), uint32(ptr>>32))
	if !ok {
		return nil, fmt.Errorf("the memory at %#x with %d bytes is not the program's", uint32(ptr), ptr>>32)
	}
	return b, nil
}

// text returns the text that parameter number i points to.
func (c call) text(i int) (string, error) {
	b, err := c.buffer(i)
	if err != nil {
		return "", err
	}
	if len(b) > maxString {
		return "", fmt.Errorf("a text of %d bytes, more than %d", len(b), maxString)
	}
	return string(b), nil
}

// write copies b to where parameter number i points to.
func (c call) write(i int, b []byte) error {
	dst, err := c.buffer(i)
	if err != nil {
		return err
	}
	if len(b) > len(dst) {
		return fmt.Errorf("a buffer of %d bytes is too small for %d", len(dst), len(b))
	}
	copy(dst, b)
	return nil
}

// writeText is write for text: the rest of the buffer becomes zero, as texts of
// other lengths may have been in it.
func (c call) writeText(i int, s string) error {
	dst, err := c.buffer(i)
	if err != nil {
		return err
	}
	if len(s) > len(dst) {
		return fmt.Errorf("a buffer of %d bytes is too small for %d", len(dst), len(s))
	}
	clear(dst[copy(dst, s):])
	return nil
}
