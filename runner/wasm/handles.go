package wasm

import "sync"

// maxHandles is how many things a program may hold at the same time. Handles
// are never larger, so that a handle of an array and an index in it fit in one.
const maxHandles = 4096

// An entry of an array has no handle of its own: it is arrayFlag, the index and
// the handle of the array.
const (
	arrayFlag     = uint32(1 << 31)
	arrayShift    = 16
	arrayMask     = uint32(1<<arrayShift - 1)
	maxArrayIndex = 1<<15 - 1
)

// handles gives numbers to what a program holds; 0 is none.
type handles struct {
	mu    sync.Mutex
	slots []any // by handle - 1
	free  []uint32
}

// add returns the handle of v, 0 when there are too many.
func (h *handles) add(v any) uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.free); n > 0 {
		handle := h.free[n-1]
		h.free = h.free[:n-1]
		h.slots[handle-1] = v
		return handle
	}
	if len(h.slots) == maxHandles {
		return 0
	}
	h.slots = append(h.slots, v)
	return uint32(len(h.slots))
}

func (h *handles) get(handle uint32) any {
	h.mu.Lock()
	defer h.mu.Unlock()
	if handle == 0 || int64(handle) > int64(len(h.slots)) {
		return nil
	}
	return h.slots[handle-1]
}

// remove frees handle and returns what it referred to, nil for none.
func (h *handles) remove(handle uint32) any {
	h.mu.Lock()
	defer h.mu.Unlock()
	if handle == 0 || int64(handle) > int64(len(h.slots)) || h.slots[handle-1] == nil {
		return nil
	}
	v := h.slots[handle-1]
	h.slots[handle-1] = nil
	h.free = append(h.free, handle)
	return v
}

// all returns everything that has a handle, and forgets it.
func (h *handles) all() []any {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.slots
	h.slots, h.free = nil, nil
	return out
}
