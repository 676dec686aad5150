package core

import "github.com/rules-gadget/rules_gadget/internal/btfgen/btf"

// nameSet finds which of a hundred thousand names has one of a few essential
// names. Most names are refused by a bit for their first bytes, without a
// look at the rest.
type nameSet struct {
	names map[string]string
	bits  [1 << 10]uint64
}

// keyLen is how many first bytes of a name select its bit.
const keyLen = 4

func newNameSet(names []string) *nameSet {
	s := &nameSet{names: make(map[string]string, len(names))}
	for _, n := range names {
		s.names[n] = n
		k := nameKey(n + "___") // a name shorter than the key, with a flavour
		s.bits[k>>6] |= 1 << (k & 63)
	}
	return s
}

// nameKey hashes the first keyLen bytes of name to 16 bits.
func nameKey(name string) uint32 {
	if len(name) < keyLen {
		return 0
	}
	k := uint32(name[0]) | uint32(name[1])<<8 | uint32(name[2])<<16 | uint32(name[3])<<24
	return k * 0x9E3779B1 >> 16
}

// match returns the wanted essential name that name has.
func (s *nameSet) match(name string) (string, bool) {
	if len(name) >= keyLen {
		if k := nameKey(name); s.bits[k>>6]&(1<<(k&63)) == 0 {
			return "", false
		}
	}
	n, ok := s.names[btf.EssentialName(name)]
	return n, ok
}
