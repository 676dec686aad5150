// Package guard keeps libraries that parse outside bytes from ending the process:
// debug/elf promises nothing for damaged files, and the ELF and BTF readers of
// eBPF index into what they were given.
package guard

import (
	"fmt"
	"runtime/debug"
)

// PanicError is what a panic became.
type PanicError struct {
	Value any
	Stack []byte // where it arose
}

// Error returns the message of the panic.
func (e *PanicError) Error() string {
	return fmt.Sprintf("reading damaged data stopped with: %v", e.Value)
}

// Panics makes a panic of the function that defers it the error of that function:
//
//	func Parse(data []byte) (f *File, err error) {
//		defer guard.Panics(&err)
func Panics(err *error) {
	if value := recover(); value != nil {
		*err = &PanicError{Value: value, Stack: debug.Stack()}
	}
}
