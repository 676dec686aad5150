// Package symbolizer gives the addresses of stacks the names of functions: those
// of the kernel by /proc/kallsyms, those of programs by the files that they map,
// as their own root directory has them. What it reads is bounded and kept, so
// that a stack which was seen before costs nothing.
package symbolizer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"sync"
)

// The limits of /proc/kallsyms.
const (
	maxKernelSymbols = 1 << 21
	maxKernelNames   = 64 << 20
	maxKernelLine    = 4096
	// maxKernelFunction is how far after a symbol an address still belongs to it.
	maxKernelFunction = 1 << 20
)

// kallsymsPath is where the kernel lists its symbols.
const kallsymsPath = "/proc/kallsyms"

// ErrHidden means that the kernel shows its symbols without their addresses.
var ErrHidden = errors.New("the kernel hides the addresses of its symbols, " +
	"run with CAP_SYSLOG and without kernel.kptr_restrict=2")

// Kernel names the functions of the running kernel. The zero Kernel is ready; it
// reads the symbols on first use. It may be used from any goroutine.
type Kernel struct {
	// Warn is called once with the reason why names are missing; may be nil.
	Warn func(error)

	once  sync.Once
	table *kernelTable
	err   error
}

// Load reads the symbols, if they have not been read, and returns why there are
// none.
func (k *Kernel) Load() error {
	k.once.Do(func() {
		if k.table, k.err = readKallsyms(); k.err == nil {
			return
		}
		k.err = fmt.Errorf("reading the symbols of the kernel: %w", k.err)
		if k.Warn != nil {
			k.Warn(k.err)
		}
	})
	return k.err
}

func readKallsyms() (*kernelTable, error) {
	f, err := os.Open(kallsymsPath)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseKallsyms(f)
}

// Find returns the name of the function at addr, nil when it is unknown.
func (k *Kernel) Find(addr uint64) []byte {
	if k.Load() != nil {
		return nil
	}
	return k.table.find(addr)
}

// Exists reports whether the kernel has a symbol of this name.
func (k *Kernel) Exists(name string) bool {
	return k.Load() == nil && k.table.exists(name)
}

// kernelTable is the functions of the kernel in the order of their addresses.
type kernelTable struct {
	addrs   []uint64
	nameAt  []uint32
	names   []byte // each ends with a newline
	unnamed []byte
}

func (t *kernelTable) find(addr uint64) []byte {
	i := sort.Search(len(t.addrs), func(i int) bool { return t.addrs[i] > addr }) - 1
	if i < 0 || addr-t.addrs[i] > maxKernelFunction {
		return nil
	}
	for i > 0 && t.addrs[i-1] == t.addrs[i] {
		i--
	}
	return t.name(i)
}

func (t *kernelTable) name(i int) []byte {
	name := t.names[t.nameAt[i]:]
	return name[:bytes.IndexByte(name, '\n')]
}

func (t *kernelTable) exists(name string) bool {
	for i := range t.nameAt {
		if string(t.name(i)) == name {
			return true
		}
	}
	return bytes.Contains(t.unnamed, []byte("\n"+name+"\n"))
}

// Len and Swap and Less sort by address; of several names at one address the
// first stays first.
func (t *kernelTable) Len() int { return len(t.addrs) }

func (t *kernelTable) Less(i, j int) bool { return t.addrs[i] < t.addrs[j] }

func (t *kernelTable) Swap(i, j int) {
	t.addrs[i], t.addrs[j] = t.addrs[j], t.addrs[i]
	t.nameAt[i], t.nameAt[j] = t.nameAt[j], t.nameAt[i]
}

// parseKallsyms reads lines "address type name [module]". It keeps the functions;
// of the other symbols the names alone.
func parseKallsyms(r io.Reader) (*kernelTable, error) {
	t := &kernelTable{unnamed: []byte{'\n'}}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, maxKernelLine), maxKernelLine)
	hidden := false
	for sc.Scan() {
		addr, kind, name, ok := kallsymsLine(sc.Bytes())
		if !ok {
			continue
		}
		if len(t.addrs) >= maxKernelSymbols || len(t.names)+len(t.unnamed) > maxKernelNames {
			return nil, fmt.Errorf("more than %d symbols", maxKernelSymbols)
		}
		if !isText(kind) {
			t.unnamed = append(append(t.unnamed, name...), '\n')
			continue
		}
		hidden = hidden || addr == 0
		t.addrs, t.nameAt = append(t.addrs, addr), append(t.nameAt, uint32(len(t.names)))
		t.names = append(append(t.names, name...), '\n')
	}
	if err := sc.Err(); err != nil {
		return nil, err
	}
	if hidden && slices.Max(t.addrs) == 0 {
		return nil, ErrHidden
	}
	if !sort.IsSorted(t) {
		sort.Stable(t)
	}
	t.addrs, t.nameAt, t.names = slices.Clip(t.addrs), slices.Clip(t.nameAt), slices.Clip(t.names)
	return t, nil
}

func isText(kind byte) bool { return kind == 't' || kind == 'T' || kind == 'w' || kind == 'W' }

// kallsymsLine splits one line; false for one of another form.
func kallsymsLine(line []byte) (addr uint64, kind byte, name []byte, ok bool) {
	hex, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(rest) < 3 || rest[1] != ' ' {
		return 0, 0, nil, false
	}
	if addr, ok = parseHex(hex); !ok {
		return 0, 0, nil, false
	}
	name = rest[2:]
	if i := bytes.IndexAny(name, " \t"); i >= 0 {
		name = name[:i]
	}
	return addr, rest[0], name, len(name) > 0
}

// parseHex reads a number of up to 16 hexadecimal digits.
func parseHex(b []byte) (v uint64, ok bool) {
	if len(b) == 0 || len(b) > 16 {
		return 0, false
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint64(c)
	}
	return v, true
}
