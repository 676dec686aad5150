package gadgetapi

import (
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// RestSlotSize is how long the slot is in a record that has the length of the
// bytes after an event.
const RestSlotSize = 8

// RestSlot returns where that slot is in records of a data source whose events
// have size bytes.
func RestSlot(size uint32) uint32 { return (size + RestSlotSize - 1) / RestSlotSize * RestSlotSize }

// Rest is how the bytes after the events of a data source are found.
type Rest struct {
	size       uint32 // of the event
	at, length uint32 // of the number of bytes, of which 0 means the whole rest
}

// Rest returns how the bytes after the events of t are found, nil when the
// annotations of the data source do not enable them.
func (t *Table) Rest(annotations map[string]string) (*Rest, error) {
	if annotations[AnnotationRestName] == "" || t.Kind != Tracer {
		return nil, nil
	}
	r := &Rest{size: t.Event.Size}
	name := annotations[AnnotationRestLength]
	if name == "" {
		return r, nil
	}
	for _, m := range t.Event.Members {
		base, _ := Resolve(m.Type)
		number, ok := base.(*btf.Int)
		if m.Name != name || !ok || m.BitfieldSize != 0 || number.Size > maxNumber {
			continue
		}
		r.at, r.length = m.Offset.Bytes(), number.Size
		return r, nil
	}
	return nil, fmt.Errorf("annotation %s: %q is not a member of struct %q with a whole number", AnnotationRestLength,
		name, t.Event.Name)
}

// Of returns the bytes after the event that sample begins with.
func (r *Rest) Of(sample []byte) []byte {
	if uint32(len(sample)) <= r.size {
		return nil
	}
	rest := sample[r.size:]
	if r.length == 0 {
		return rest
	}
	var number [8]byte // of the architectures that there are, all are little endian
	copy(number[:], sample[r.at:r.at+r.length])
	return rest[:min(uint64(len(rest)), binary.LittleEndian.Uint64(number[:]))]
}
