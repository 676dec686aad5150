package wasm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

var mapFunctions = []Function{
	{
		"Maps", "newMap", "(name string, type u32, keySize u32, valueSize u32, maxEntries u32) u32",
		"Makes an eBPF map. Returns a handle, 0 on error.", newMap,
	},
	{
		"Maps", "getMap", "(name string) u32",
		"Returns a handle of a map of the eBPF program, from gadgetStart on; 0 if none exists.", getMap,
	},
	{
		"Maps", "mapLookup", "(map u32, key buffer, value buffer) u32",
		"Writes the value of a key; that of a map of maps is a handle. Returns 0, 1 on error.", mapLookup,
	},
	{
		"Maps", "mapUpdate", "(map u32, key buffer, value buffer, flags u64) u32",
		"Sets the value of a key; that of a map of maps is a handle. Returns 0, 1 on error.", mapUpdate,
	},
	{"Maps", "mapDelete", "(map u32, key buffer) u32", "Deletes a key. Returns 0, 1 on error.", mapDelete},
	{"Maps", "mapRelease", "(map u32) u32", "Closes a map that newMap made. Returns 0, 1 on error.", mapRelease},
}

// maxKnownMap is the last type of maps whose values are known to be no file
// descriptors of others.
const maxKnownMap = ebpf.Arena

// maxMapBytes is what all maps that a program makes may take.
const maxMapBytes = 256 << 20

// heldMap is a map with a handle.
type heldMap struct {
	*ebpf.Map
	made  bool  // by newMap
	owned bool  // closed with the handle
	bytes int64 // that it counts for
}

// usage is what a program has made.
type usage struct{ mapBytes, perfBytes int64 }

// release frees what v, which no longer has a handle, refers to.
func (p *Program) release(v any) {
	switch v := v.(type) {
	case *heldMap:
		p.usage.mapBytes -= v.bytes
	case *perfReader:
		p.usage.perfBytes -= v.bytes
	}
	release(v)
}

// release closes what v refers to where the program owns it.
func release(v any) {
	switch v := v.(type) {
	case *heldMap:
		if v.owned {
			_ = v.Close()
		}
	case *perfReader:
		_ = v.Close()
	}
}

func newMap(c call) {
	name, err := c.text(0)
	if err != nil {
		c.handle("newMap", nil, err)
		return
	}
	m, err := c.makeMap(&ebpf.MapSpec{
		Name: name, Type: ebpf.MapType(c.u32(1)), KeySize: c.u32(2), ValueSize: c.u32(3), MaxEntries: c.u32(4),
	})
	if err != nil {
		c.handle("newMap", nil, fmt.Errorf("map %q: %w", name, err))
		return
	}
	c.handle("newMap", m, nil)
}

func (c call) makeMap(spec *ebpf.MapSpec) (*heldMap, error) {
	if spec.Type == ebpf.UnspecifiedMap || spec.Type > maxKnownMap {
		return nil, fmt.Errorf("map type %d does not exist", uint32(spec.Type))
	}
	bytes := (int64(spec.KeySize) + int64(spec.ValueSize)) * max(int64(spec.MaxEntries), 1)
	if bytes < 0 || c.usage.mapBytes+bytes > maxMapBytes {
		return nil, fmt.Errorf("the maps that the program makes get larger than %d MiB", maxMapBytes>>20)
	}
	m, err := ebpf.NewMap(spec)
	if err != nil {
		return nil, err
	}
	c.usage.mapBytes += bytes
	return &heldMap{Map: m, made: true, owned: true, bytes: bytes}, nil
}

func getMap(c call) {
	name, err := c.text(0)
	if err != nil {
		c.handle("getMap", nil, err)
		return
	}
	m := c.opts.Gadget.Map(name)
	if m == nil {
		c.handle("getMap", nil, fmt.Errorf("map %q of the eBPF program: %w, or it is not loaded", name, ErrAbsent))
		return
	}
	c.handle("getMap", &heldMap{Map: m}, nil)
}

// accessible returns the map of the first parameter, if its values may be seen.
// Those of some types are file descriptors of this process.
func (c call) accessible() (*heldMap, error) {
	m, err := get[*heldMap](c, 0)
	if err != nil {
		return nil, err
	}
	switch typ := m.Type(); typ {
	case ebpf.ProgramArray, ebpf.PerfEventArray, ebpf.CGroupArray:
		return nil, fmt.Errorf("a %s cannot be read or written, it holds file descriptors", typ)
	default:
		if typ > maxKnownMap {
			return nil, fmt.Errorf("maps of type %d are not known", uint32(typ))
		}
		return m, nil
	}
}

func (m *heldMap) ofMaps() bool { return m.Type() == ebpf.ArrayOfMaps || m.Type() == ebpf.HashOfMaps }

// mapEntry returns the map of the first parameter and the key that the second one
// points to.
func (c call) mapEntry() (*heldMap, []byte, error) {
	m, err := c.accessible()
	if err != nil {
		return nil, nil, err
	}
	key, err := c.buffer(1)
	if err == nil && len(key) != int(m.KeySize()) {
		err = fmt.Errorf("a key of %d bytes, want %d", len(key), m.KeySize())
	}
	return m, key, err
}

func mapLookup(c call) { c.done("mapLookup", c.lookup()) }

func (c call) lookup() error {
	m, key, err := c.mapEntry()
	if err != nil {
		return err
	}
	value, err := m.LookupBytes(key)
	if err != nil {
		return err
	}
	if value == nil {
		return ebpf.ErrKeyNotExist
	}
	if m.ofMaps() {
		return c.lookupInner(value)
	}
	return c.write(2, value)
}

// lookupInner writes a handle of the map with the ID id.
func (c call) lookupInner(id []byte) error {
	dst, err := c.buffer(2)
	if err != nil || len(dst) < 4 || len(id) < 4 {
		return errors.Join(err, errors.New("a handle of a map takes 4 bytes"))
	}
	inner, err := ebpf.NewMapFromID(ebpf.MapID(binary.NativeEndian.Uint32(id)))
	if err != nil {
		return err
	}
	held := &heldMap{Map: inner, owned: true}
	handle := c.handles.add(held)
	if handle == 0 {
		release(held)
		return fmt.Errorf("more than %d handles", maxHandles)
	}
	binary.LittleEndian.PutUint32(dst, handle)
	return nil
}

func mapUpdate(c call) { c.done("mapUpdate", c.update()) }

func (c call) update() error {
	m, key, err := c.mapEntry()
	if err != nil {
		return err
	}
	value, err := c.buffer(2)
	if err != nil {
		return err
	}
	flags := ebpf.MapUpdateFlags(c.stack[3])
	if !m.ofMaps() {
		return m.Update(key, value, flags)
	}
	if len(value) < 4 {
		return errors.New("a handle of a map takes 4 bytes")
	}
	handle := binary.LittleEndian.Uint32(value)
	inner, ok := c.handles.get(handle).(*heldMap)
	if !ok {
		return handleError{handle}
	}
	return m.Update(key, uint32(inner.FD()), flags)
}

func mapDelete(c call) {
	m, key, err := c.mapEntry()
	if err == nil {
		err = m.Delete(key)
	}
	c.done("mapDelete", err)
}

func mapRelease(c call) {
	m, err := get[*heldMap](c, 0)
	if err == nil && !m.made {
		err = errors.New("only a map that newMap made can be closed")
	}
	if err == nil {
		c.handles.remove(c.u32(0))
		c.Program.release(m)
	}
	c.done("mapRelease", err)
}
