package wasmapi

import (
	"bytes"
	"unsafe"
)

// apiVersion is the version of the API.
const apiVersion = 1

// pointer returns the address and length of b as the API passes them. The caller
// keeps b alive until the call has returned.
func pointer(b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	return uint64(len(b))<<32 | uint64(uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))))
}

// textPointer is pointer for a string.
func textPointer(s string) uint64 {
	if s == "" {
		return 0
	}
	return uint64(len(s))<<32 | uint64(uint32(uintptr(unsafe.Pointer(unsafe.StringData(s)))))
}

// text returns b up to its first NUL.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
