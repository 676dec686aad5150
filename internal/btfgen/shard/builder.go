package shard

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rules-gadget/rules_gadget/internal/btfgen/btf"
	"github.com/rules-gadget/rules_gadget/internal/btfgen/core"
)

// Builder collects the definitions of a shard's kernels. Add may be called by
// several goroutines; the file does not depend on their order.
type Builder struct {
	path     string
	releases []string
	big      []bool
	added    []bool

	mu    sync.Mutex
	defs  map[string]int // by definition key
	keys  []string
	sets  []uint64 // words for each definition: the kernels that have it
	words int
}

// NewBuilder returns a Builder for the shard with this path ("debian/12/arm64")
// and these releases. Kernels that are never added are not in the file.
func NewBuilder(path string, releases []string) *Builder {
	return &Builder{
		path: path, releases: releases,
		big: make([]bool, len(releases)), added: make([]bool, len(releases)),
		defs: map[string]int{}, words: (len(releases) + 63) / 64,
	}
}

// key identifies a definition: what it defines, which variant of that name in
// the kernel it is, and its body.
func appendKey(b []byte, name string, c code, variant uint32) []byte {
	b = append(append(b, name...), 0, byte(c))
	return binary.BigEndian.AppendUint32(b, variant)
}

// keyTail is how many bytes of a key are between name and body.
const keyTail = 1 + 1 + 4

// Add adds the kernel with the i-th release. After an error nothing of the
// kernel is in the shard.
func (b *Builder) Add(i int, v *btf.View) error {
	k := kernelDefs{enc: newEncoder(v)}
	if err := k.collect(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.added[i], b.big[i] = true, v.BigEndian()
	for start := 0; len(k.ends) > 0; k.ends = k.ends[1:] {
		key := k.keys[start:k.ends[0]]
		start = k.ends[0]
		n, ok := b.defs[string(key)]
		if !ok {
			n = len(b.keys)
			own := string(key)
			b.defs[own] = n
			b.keys = append(b.keys, own)
			b.sets = append(b.sets, make([]uint64, b.words)...)
		}
		b.sets[n*b.words+i/64] |= 1 << (i % 64)
	}
	return nil
}

// keyGuess is a little more than the mean length of a definition key.
const keyGuess = 160

// kernelDefs are the definition keys of one kernel, one after the other.
type kernelDefs struct {
	enc  *encoder
	keys []byte
	ends []int
}

// symbol is what a reference by name says.
type symbol struct {
	name string
	code code
}

// collect encodes all definitions of a kernel.
func (k *kernelDefs) collect() error {
	v := k.enc.v
	ids := make([]uint32, 0, v.Len()/8)
	seen := make(map[symbol]uint32, v.Len()/8)
	twice := map[symbol][]uint32{}
	for id := uint32(1); id <= uint32(v.Len()); id++ {
		h := v.Header(id)
		if h.NameOff == 0 || !core.RootKind(h.Kind) {
			continue
		}
		name, err := v.String(h.NameOff)
		if err != nil {
			return fmt.Errorf("name of BTF type %d: %w", id, err)
		}
		s := symbol{name, codeOf(h.Kind, h.Flag)}
		if first, ok := seen[s]; ok {
			if len(twice[s]) == 0 {
				twice[s] = []uint32{first}
			}
			twice[s] = append(twice[s], id)
		}
		seen[s] = id
		ids = append(ids, id)
	}
	if err := k.number(twice); err != nil {
		return err
	}
	return k.encode(ids)
}

// number distinguishes the definitions of one name: by their bodies,
// so that kernels tend to number them alike.
func (k *kernelDefs) number(twice map[symbol][]uint32) error {
	variants := map[uint32]uint32{}
	for _, ids := range twice {
		bodies := make(map[uint32]string, len(ids))
		for _, id := range ids {
			body, err := k.enc.definition(id)
			if err != nil {
				return err
			}
			bodies[id] = string(body)
		}
		slices.SortStableFunc(ids, func(a, b uint32) int { return strings.Compare(bodies[a], bodies[b]) })
		for n, id := range ids {
			variants[id] = uint32(n)
		}
	}
	k.enc.variants = variants
	return nil
}

func (k *kernelDefs) encode(ids []uint32) error {
	v := k.enc.v
	k.keys = make([]byte, 0, keyGuess*len(ids))
	k.ends = make([]int, 0, len(ids))
	for _, id := range ids {
		h := v.Header(id)
		name, err := v.String(h.NameOff)
		if err != nil {
			return err
		}
		body, err := k.enc.definition(id)
		if err != nil {
			return err
		}
		k.keys = appendKey(k.keys, name, codeOf(h.Kind, h.Flag), k.enc.variants[id])
		k.keys = append(k.keys, body...)
		if len(k.keys) > maxKernel {
			return errLarge
		}
		k.ends = append(k.ends, len(k.keys))
	}
	return nil
}
