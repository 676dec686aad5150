package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// drain reads the entries of a map and takes them out: an array keeps its
// entries, there one of zeros means none.
type drain struct {
	m       *ebpf.Map
	isArray bool
	list    bool   // an entry for each CPU, else their sum
	numbers []span // of the value, which sums add
}

// span is the position of a number.
type span struct{ offset, size uint32 }

func newDrain(m *ebpf.Map, value btf.Type, annotations map[string]string) *drain {
	d := &drain{m: m, list: annotations[gadgetapi.AnnotationPerCPU] == gadgetapi.PerCPUList}
	d.isArray = m.Type() == ebpf.Array || m.Type() == ebpf.PerCPUArray
	d.numbers = numbersOf(value, 0, nil)
	return d
}

// numbersOf appends where the whole numbers of t are.
func numbersOf(t btf.Type, at uint32, out []span) []span {
	base, _ := gadgetapi.Resolve(t)
	switch base := base.(type) {
	case *btf.Int:
		if base.Encoding != btf.Bool && base.Name != "char" && base.Size <= 8 {
			out = append(out, span{at, base.Size})
		}
	case *btf.Struct:
		for _, m := range base.Members {
			if m.BitfieldSize == 0 {
				out = numbersOf(m.Type, at+m.Offset.Bytes(), out)
			}
		}
	case *btf.Array:
		size, err := btf.Sizeof(base.Type)
		for i := uint32(0); err == nil && i < base.Nelems; i++ {
			out = numbersOf(base.Type, at+i*uint32(size), out)
		}
	}
	return out
}

// entries returns keys and values in turn, each key once: a program may put a key
// back while the entries are taken out, as one that counts system calls does.
func (d *drain) entries() ([]byte, error) {
	if d.isArray {
		return d.slots()
	}
	keys, err := d.keys()
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, key := range keys {
		values, err := d.take(key)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			continue // a program was faster
		}
		if err != nil {
			return out, err
		}
		out = d.add(out, key, values)
	}
	return out, nil
}

// keys returns the keys of a hash map. The kernel starts again with the first key
// after one that a program has removed, so that keys can come twice.
func (d *drain) keys() ([][]byte, error) {
	var keys [][]byte
	seen := map[string]bool{}
	var last any // nil means the first
	for range 2 * uint64(d.m.MaxEntries()) {
		key := make([]byte, d.m.KeySize())
		err := d.m.NextKey(last, &key)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		if !seen[string(key)] {
			seen[string(key)], keys = true, append(keys, key)
		}
		last = key
	}
	return keys, nil
}

// take removes the entry of a hash map and returns its value, of every CPU where
// the map has several.
func (d *drain) take(key []byte) ([][]byte, error) {
	values, err := d.read(key, d.m.LookupAndDelete)
	if errors.Is(err, ebpf.ErrNotSupported) {
		// Before 5.14 hash maps cannot do both at once; what a program adds between
		// the two is lost.
		if values, err = d.read(key, d.m.Lookup); err == nil {
			err = d.m.Delete(key)
		}
	}
	return values, err
}

func (d *drain) read(key []byte, lookup func(key, value any) error) ([][]byte, error) {
	if gadgetapi.IsPerCPU(d.m.Type()) {
		var values [][]byte
		err := lookup(key, &values)
		return values, err
	}
	value := make([]byte, d.m.ValueSize())
	err := lookup(key, &value)
	return [][]byte{value}, err
}

// slots reads an array and puts zeros where something was; what a program adds
// between the two is lost.
func (d *drain) slots() ([]byte, error) {
	var out []byte
	key := make([]byte, 4)
	for i := range d.m.MaxEntries() {
		binary.NativeEndian.PutUint32(key, i)
		values, err := d.read(key, func(k, v any) error { return d.m.Lookup(k, v) })
		if err != nil {
			return out, err
		}
		if !slices.ContainsFunc(values, notZero) {
			continue
		}
		if err := d.clear(key, values); err != nil {
			return out, fmt.Errorf("clearing entry %d: %w", i, err)
		}
		out = d.add(out, key, values)
	}
	return out, nil
}

func (d *drain) clear(key []byte, values [][]byte) error {
	if !gadgetapi.IsPerCPU(d.m.Type()) {
		return d.m.Put(key, make([]byte, d.m.ValueSize()))
	}
	zeros := make([][]byte, len(values))
	for i := range zeros {
		zeros[i] = make([]byte, d.m.ValueSize())
	}
	return d.m.Put(key, zeros)
}

// add appends the entry, or one for each CPU that has a value.
func (d *drain) add(out, key []byte, values [][]byte) []byte {
	if d.list {
		for _, v := range values {
			if notZero(v) || len(values) == 1 {
				out = append(append(out, key...), v[:d.m.ValueSize()]...)
			}
		}
		return out
	}
	return append(append(out, key...), d.sum(values)[:d.m.ValueSize()]...)
}

// sum adds the numbers of all values to those of the first that is not zero; what
// is not a number stays as that one has it.
func (d *drain) sum(values [][]byte) []byte {
	first := max(slices.IndexFunc(values, notZero), 0)
	total := values[first]
	for _, v := range values[first+1:] {
		for _, n := range d.numbers {
			addNumber(total[n.offset:n.offset+n.size], v[n.offset:n.offset+n.size])
		}
	}
	return total
}

// addNumber adds b to a, which wraps as the kernel's numbers do.
func addNumber(a, b []byte) {
	order := binary.NativeEndian
	switch len(a) {
	case 1:
		a[0] += b[0]
	case 2:
		order.PutUint16(a, order.Uint16(a)+order.Uint16(b))
	case 4:
		order.PutUint32(a, order.Uint32(a)+order.Uint32(b))
	case 8:
		order.PutUint64(a, order.Uint64(a)+order.Uint64(b))
	}
}

func notZero(b []byte) bool {
	return slices.ContainsFunc(b, func(c byte) bool { return c != 0 })
}
