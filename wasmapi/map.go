package wasmapi

import (
	"errors"
	"fmt"
	"io"
	"runtime"
)

// Map is an eBPF map.
type Map struct {
	handle uint32
	name   string
}

// MapType is the type of a map, as the kernel numbers them.
type MapType uint32

// The types of maps that programs make most.
const (
	Hash           MapType = 1
	ArrayMap       MapType = 2
	PerfEventArray MapType = 4
	PerCPUHash     MapType = 5
	PerCPUArray    MapType = 6
	LRUHash        MapType = 9
	LPMTrie        MapType = 11
)

// MapSpec describes a map to be made.
type MapSpec struct {
	Name                           string
	Type                           MapType
	KeySize, ValueSize, MaxEntries uint32
}

// UpdateFlags say when Update changes a map.
type UpdateFlags uint64

// The flags of Update.
const (
	UpdateAny     UpdateFlags = 0
	UpdateNoExist UpdateFlags = 1
	UpdateExist   UpdateFlags = 2
)

// GetMap returns the map of the eBPF program called name, from gadgetStart on.
func GetMap(name string) (Map, error) {
	h := getMap(textPointer(name))
	runtime.KeepAlive(name)
	if h == 0 {
		return Map{}, fmt.Errorf("getting map %q: the eBPF program has none of this name, or is not loaded", name)
	}
	return Map{h, name}, nil
}

// NewMap makes a map. Close it.
func NewMap(spec MapSpec) (Map, error) {
	h := newMap(textPointer(spec.Name), uint32(spec.Type), spec.KeySize, spec.ValueSize, spec.MaxEntries)
	runtime.KeepAlive(spec.Name)
	if h == 0 {
		return Map{}, fmt.Errorf("making map %q: the runner refused it", spec.Name)
	}
	return Map{h, spec.Name}, nil
}

// Lookup copies the value of key to value. Both have the sizes that the map has.
func (m Map) Lookup(key, value []byte) error {
	return m.done("looking up a key", mapLookup(m.handle, pointer(key), pointer(value)), key, value)
}

// Update sets the value of key.
func (m Map) Update(key, value []byte, flags UpdateFlags) error {
	return m.done("setting a key", mapUpdate(m.handle, pointer(key), pointer(value), uint64(flags)), key, value)
}

// Delete deletes key.
func (m Map) Delete(key []byte) error {
	return m.done("deleting a key", mapDelete(m.handle, pointer(key)), key, nil)
}

// LookupMap returns the map of key in a map of maps. Release it.
func (m Map) LookupMap(key []byte) (Map, error) {
	value := make([]byte, 4)
	if err := m.Lookup(key, value); err != nil {
		return Map{}, err
	}
	return Map{uint32(value[0]) | uint32(value[1])<<8 | uint32(value[2])<<16 | uint32(value[3])<<24, m.name}, nil
}

// UpdateMap sets the map of key in a map of maps.
func (m Map) UpdateMap(key []byte, inner Map, flags UpdateFlags) error {
	h := inner.handle
	return m.Update(key, []byte{byte(h), byte(h >> 8), byte(h >> 16), byte(h >> 24)}, flags)
}

// Close closes a map that NewMap made.
func (m Map) Close() error { return m.done("closing it", mapRelease(m.handle), nil, nil) }

// Release gives up the handle of a map of the eBPF program.
func (m Map) Release() error { return m.done("releasing it", releaseHandle(m.handle), nil, nil) }

func (m Map) done(what string, code uint32, key, value []byte) error {
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	if code != 0 {
		return fmt.Errorf("map %q: %s: the runner refused it", m.name, what)
	}
	return nil
}

// PerfReader reads the records of a perf event array.
type PerfReader uint32

// NewPerfReader makes a reader of m with size bytes a CPU. An overwritable one
// keeps the latest records, and is paused while it is read.
func NewPerfReader(m Map, size uint32, overwritable bool) (PerfReader, error) {
	h := newPerfReader(m.handle, size, uint32(b2u(overwritable)))
	if h == 0 {
		return 0, fmt.Errorf("reading perf buffer %q: the runner refused it", m.name)
	}
	return PerfReader(h), nil
}

var errPerf = errors.New("perf buffer: the runner refused it")

// Read copies one record to dst and returns io.EOF if none exists.
func (r PerfReader) Read(dst []byte) error {
	code := perfReaderRead(uint32(r), pointer(dst))
	runtime.KeepAlive(dst)
	switch code {
	case 0:
		return nil
	case 2:
		return io.EOF
	}
	return errPerf
}

// Pause keeps eBPF programs from writing.
func (r PerfReader) Pause() error { return perfDone(perfReaderPause(uint32(r))) }

// Resume lets eBPF programs write again.
func (r PerfReader) Resume() error { return perfDone(perfReaderResume(uint32(r))) }

// Close closes the reader.
func (r PerfReader) Close() error { return perfDone(perfReaderClose(uint32(r))) }

func perfDone(code uint32) error {
	if code != 0 {
		return errPerf
	}
	return nil
}
