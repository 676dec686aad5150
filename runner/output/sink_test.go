package output

import (
	"testing"
	"time"
	"unsafe"
)

// TestSinkMemory fills the buffers of a sink whose reader is blocked: they are made
// once, not again and again as they grow.
func TestSinkMemory(t *testing.T) {
	w := &blocked{release: make(chan struct{})}
	s := NewSink(w, nil)
	event := make([]byte, 200)
	buffers := map[*byte]bool{}
	for filled := 0; filled < maxPending; {
		s.Append(0, 1, func(dst []byte) []byte {
			dst = append(dst, event...)
			buffers[unsafe.SliceData(dst)] = true
			filled = len(dst)
			return dst
		})
	}
	if len(buffers) > 2 { // one is being written, one is pending
		t.Errorf("%d buffers were made for %d bytes", len(buffers), maxPending)
	}
	close(w.release)
	if err := s.Close(10 * time.Second); err != nil {
		t.Error(err)
	}
}
