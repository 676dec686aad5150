package wasm

import (
	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// linearMemory is the memory of a program: address space for all that it may use, of
// which the kernel gives what it does use. It grows without being copied, and Go's
// collector does not count it.
type linearMemory []byte

// newLinearMemory implements experimental.MemoryAllocatorFunc.
func newLinearMemory(_, limit uint64) experimental.LinearMemory {
	all, err := unix.Mmap(-1, 0, int(limit), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		all = make([]byte, limit) // where address space is limited: an error could not be returned
	}
	return linearMemory(all)
}

// Reallocate implements experimental.LinearMemory.
func (m linearMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m)) {
		return nil
	}
	return m[:size:size]
}

// Free implements experimental.LinearMemory. The addresses stay until the process
// ends, since a call that is stuck in a blocked output may still read from them.
func (m linearMemory) Free() { _ = unix.Madvise(m, unix.MADV_DONTNEED) }
