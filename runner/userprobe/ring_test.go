package userprobe

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
)

// readInts returns the second number of n events of a ring buffer.
func readInts(t *testing.T, m *ebpf.Map, n int) []int32 {
	t.Helper()
	r, err := ringbuf.NewReader(m)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.SetDeadline(time.Now().Add(5 * time.Second))
	var out []int32
	for range n {
		rec, err := r.Read()
		if err != nil {
			t.Fatalf("after %d events: %v", len(out), err)
		}
		out = append(out, int32(binary.NativeEndian.Uint32(rec.RawSample[4:])))
	}
	return out
}
