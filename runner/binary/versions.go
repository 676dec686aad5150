package binary

import "debug/elf"

// versions are the versions of the symbols of a table of exported ones; nil for
// other tables.
type versions struct {
	index []byte // two bytes for each symbol
	names map[uint16]string
}

// hiddenVersion marks a version that is not the default one.
const hiddenVersion = 0x8000

// maxVersions is how many versions a library may define.
const maxVersions = 1 << 14

// of returns the version of symbol number i, "" when it has none, and whether it
// is another than the default.
func (v *versions) of(i int) (name string, hidden bool) {
	if v == nil || 2*i+2 > len(v.index) {
		return "", false
	}
	n := le.Uint16(v.index[2*i:])
	return v.names[n&^hiddenVersion], n&hiddenVersion != 0
}

// versionsOf reads the versions that belong to the symbols of s.
func (f *File) versionsOf(s *section) *versions {
	index, defined := f.symbolSection(elf.SHT_GNU_VERSYM), f.symbolSection(elf.SHT_GNU_VERDEF)
	if s.kind != elf.SHT_DYNSYM || index == nil || defined == nil {
		return nil
	}
	data, err := f.sectionBytes(index, maxTable)
	if err != nil {
		return nil
	}
	defs, err := f.sectionBytes(defined, maxTable)
	if err != nil {
		return nil
	}
	names, err := f.sectionBytesOf(defined.link)
	if err != nil {
		return nil
	}
	return &versions{index: data, names: versionNames(defs, names)}
}

// versionNames reads the chain of version definitions: each has the position of its name
// and the next definition are.
func versionNames(defs, names []byte) map[uint16]string {
	out := map[uint16]string{}
	for at := uint64(0); at+20 <= uint64(len(defs)) && len(out) < maxVersions; {
		d := defs[at:]
		number, name, next := le.Uint16(d[4:])&^hiddenVersion, uint64(le.Uint32(d[12:])), uint64(le.Uint32(d[16:]))
		if name+4 <= uint64(len(d)) {
			if _, seen := out[number]; seen {
				return out // a chain that turns in circles
			}
			out[number] = string(cString(names, uint64(le.Uint32(d[name:]))))
		}
		if next == 0 {
			break
		}
		at += next
	}
	return out
}
