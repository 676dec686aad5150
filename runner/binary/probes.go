package binary

import (
	"debug/elf"
	"fmt"
)

// StaticProbe is one place of a static probe (USDT): a program may have several
// of one name.
type StaticProbe struct {
	Provider, Name string
	// Location and Semaphore are offsets in the file; Semaphore is 0 when the
	// probe has none.
	Location, Semaphore uint64
	// Arguments has the locations of the arguments, in assembler syntax.
	Arguments string
}

// maxProbes is how many static probes a file may have.
const maxProbes = 1 << 16

// StaticProbes returns the static probes of the file that are called name of
// provider; "" matches every provider.
func (f *File) StaticProbes(provider, name string) ([]StaticProbe, error) {
	s := f.named(".note.stapsdt")
	if s == nil {
		return nil, nil
	}
	data, err := f.sectionBytes(s, maxTable)
	if err != nil {
		return nil, fmt.Errorf("reading static probes: %w", err)
	}
	var out []StaticProbe
	seen := 0
	notes(data, func(owner []byte, kind uint32, desc []byte) bool {
		if string(owner) != "stapsdt" || kind != noteStaticSDT {
			return true
		}
		if seen++; seen > maxProbes {
			err = fmt.Errorf("reading static probes: more than %d", maxProbes)
			return false
		}
		if p, ok := f.staticProbe(desc); ok && p.Name == name && (provider == "" || p.Provider == provider) {
			out = append(out, p)
		}
		return true
	})
	return out, err
}

// staticProbe decodes one note: three addresses, then provider, name and
// arguments. false: it is damaged, or the file does not hold its place.
func (f *File) staticProbe(desc []byte) (StaticProbe, bool) {
	word := 4
	if f.wide {
		word = 8
	}
	if len(desc) < 3*word {
		return StaticProbe{}, false
	}
	location, base, semaphore := f.word(desc), f.word(desc[word:]), f.word(desc[2*word:])
	// Who moved the sections after linking (prelink) moved this one as well.
	if moved := f.named(".stapsdt.base"); moved != nil && base != 0 {
		location += moved.addr - base
		if semaphore != 0 {
			semaphore += moved.addr - base
		}
	}
	var p StaticProbe
	var ok bool
	if p.Location, ok = f.FileOffset(location); !ok {
		return p, false
	}
	if semaphore != 0 {
		if p.Semaphore, ok = f.FileOffset(semaphore); !ok {
			return p, false
		}
	}
	texts := desc[3*word:]
	for _, dst := range []*string{&p.Provider, &p.Name, &p.Arguments} {
		text := cString(texts, 0)
		*dst = string(text)
		texts = texts[min(len(text)+1, len(texts)):]
	}
	return p, true
}

func (f *File) word(d []byte) uint64 {
	if f.wide {
		return le.Uint64(d)
	}
	return uint64(le.Uint32(d))
}

// Fixed reports whether the file is mapped at the addresses that it contains, not
// wherever the loader likes.
func (f *File) Fixed() bool { return f.Type == elf.ET_EXEC }
