package symbolizer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
)

// The limits of /proc/PID/maps.
const (
	maxMappings = 1 << 16
	maxMapsLine = 16 << 10
)

// mapping is a part of a file that a process can run.
type mapping struct {
	start, end, offset uint64
	inode              uint64
	path               string
}

// anonymous reports whether the mapping has no file.
func (m *mapping) anonymous() bool { return m.inode == 0 }

// parseMaps reads the executable mappings out of /proc/PID/maps, in the order of
// their addresses.
func parseMaps(r io.Reader) ([]mapping, error) {
	var out []mapping
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 4096), maxMapsLine)
	for sc.Scan() {
		m, ok := parseMapping(sc.Bytes())
		if !ok {
			continue
		}
		if len(out) == maxMappings {
			return nil, fmt.Errorf("more than %d mappings", maxMappings)
		}
		if n := len(out); n > 0 && m.start < out[n-1].end {
			return nil, errors.New("mappings overlap")
		}
		out = append(out, m)
	}
	return out, sc.Err()
}

// parseMapping reads "start-end perms offset dev inode path"; false for what
// cannot be run.
func parseMapping(line []byte) (mapping, bool) {
	var m mapping
	var fields [5][]byte
	for i := range fields {
		var ok bool
		if fields[i], line, ok = bytes.Cut(line, []byte(" ")); !ok && i < 4 {
			return m, false
		}
	}
	if len(fields[1]) < 3 || fields[1][2] != 'x' {
		return m, false
	}
	start, end, ok := bytes.Cut(fields[0], []byte("-"))
	if !ok {
		return m, false
	}
	var oks [3]bool
	m.start, oks[0] = parseHex(start)
	m.end, oks[1] = parseHex(end)
	m.offset, oks[2] = parseHex(fields[2])
	if oks != [3]bool{true, true, true} || m.end <= m.start {
		return m, false
	}
	for _, c := range fields[4] {
		if c < '0' || c > '9' {
			return m, false
		}
		m.inode = m.inode*10 + uint64(c-'0')
	}
	m.path = strings.TrimSuffix(strings.TrimLeft(string(line), " "), " (deleted)")
	return m, true
}

// findMapping returns the number of the mapping that addr is in, -1 for none.
func findMapping(maps []mapping, addr uint64) int {
	i := sort.Search(len(maps), func(i int) bool { return maps[i].end > addr })
	if i == len(maps) || addr < maps[i].start {
		return -1
	}
	return i
}
