package symbolizer

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/rootfs"
)

// The limits of what is kept of processes.
const (
	maxProcesses = 1024
	// mapsRecheck is how often the mappings of a process are read again for an
	// address that they do not have: the process may have loaded a library.
	mapsRecheck = 100 * time.Millisecond
)

// Process is one run of a program: the same number after an exec is another one.
type Process struct {
	PID  uint32 // in the pid namespace of this process's /proc
	Hash uint32 // of the address space
}

// Options specify where symbols come from.
type Options struct {
	// DebuginfodCache is the directory in which a debuginfod client keeps what it
	// loaded; "" for none. No network is ever used.
	DebuginfodCache string
}

// User names the functions of programs. It may be used from any goroutine.
type User struct {
	mu        sync.Mutex
	processes map[Process]*process
	files     files
}

// NewUser returns a User without any symbols yet.
func NewUser(opts Options) *User {
	return &User{processes: map[Process]*process{}, files: files{debugCache: opts.DebuginfodCache}}
}

// process is what is known of the mappings of a process.
type process struct {
	maps  []mapping
	files []*file // of each mapping, nil until it is needed
	tried []bool
	read  time.Time
}

// Append appends the name of the function at addr of p: that of the symbols, else
// "file+0xoffset" where a file is mapped, else the address.
func (u *User) Append(dst []byte, p Process, addr uint64) []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.append(dst, p, addr, addr)
}

// AppendCaller is Append for an address that a call returns to. It may be after
// the end of the function that called, so the call itself is looked up.
func (u *User) AppendCaller(dst []byte, p Process, addr uint64) []byte {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.append(dst, p, addr, addr-1)
}

func (u *User) append(dst []byte, p Process, addr, look uint64) []byte {
	pr, i := u.locate(p, look)
	if i < 0 {
		return appendHex(dst, addr)
	}
	m, f := &pr.maps[i], u.file(p, pr, i)
	if f == nil {
		if m.path == "" {
			return appendHex(dst, addr)
		}
		return appendOffset(dst, lastPart(m.path), addr-m.start+m.offset)
	}
	if name := f.find(look - m.start + m.offset); name != nil {
		return append(dst, name...)
	}
	return appendOffset(dst, f.name, addr-m.start+m.offset)
}

// AppendBuild is Append for a place in a file that is known by its build id; it
// knows those that it has met in a process. It reports whether it knew it.
func (u *User) AppendBuild(dst, build []byte, offset uint64) ([]byte, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f := u.files.byBuild[string(build)]
	if f == nil {
		return dst, false
	}
	if name := f.find(offset); name != nil {
		return append(dst, name...), true
	}
	return appendOffset(dst, f.name, offset), true
}

// locate returns the mapping of p that addr is in, -1 for none.
func (u *User) locate(p Process, addr uint64) (*process, int) {
	pr := u.processes[p]
	if pr == nil {
		if len(u.processes) >= maxProcesses {
			clear(u.processes)
		}
		pr = &process{}
		u.processes[p] = pr
	}
	if i := findMapping(pr.maps, addr); i >= 0 {
		return pr, i
	}
	if now := time.Now(); now.Sub(pr.read) >= mapsRecheck {
		pr.refresh(p, now)
	}
	return pr, findMapping(pr.maps, addr)
}

// refresh reads the mappings again. A process that has ended keeps those that it
// had.
func (pr *process) refresh(p Process, now time.Time) {
	pr.read = now
	f, err := os.Open(fmt.Sprintf("/proc/%d/maps", p.PID))
	if err != nil {
		return
	}
	defer f.Close()
	maps, err := parseMaps(f)
	if err != nil || len(maps) == 0 {
		return
	}
	pr.maps, pr.files, pr.tried = maps, make([]*file, len(maps)), make([]bool, len(maps))
}

// file returns what is mapped at mapping i, nil when it cannot be read.
func (u *User) file(p Process, pr *process, i int) *file {
	if m := &pr.maps[i]; !pr.tried[i] {
		pr.tried[i] = true
		if !m.anonymous() {
			pr.files[i], _ = u.read(p, m)
		}
	}
	return pr.files[i]
}

// read opens what is mapped: by the link of the mapping, which also leads to a
// deleted file, else by its path in the root directory of the process.
func (u *User) read(p Process, m *mapping) (*file, error) {
	root, err := rootfs.Open(fmt.Sprintf("/proc/%d/root", p.PID))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := openRegular(fmt.Sprintf("/proc/%d/map_files/%x-%x", p.PID, m.start, m.end))
	if err != nil {
		if f, err = root.Open(m.path); err != nil {
			return nil, err
		}
	}
	defer f.Close()
	return u.files.open(f, m.path, root)
}

// openRegular opens a file but no device, which opening might wake.
func openRegular(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	return os.Open(name)
}

func appendHex(dst []byte, addr uint64) []byte {
	return strconv.AppendUint(append(dst, "0x"...), addr, 16)
}

func appendOffset(dst []byte, name string, offset uint64) []byte {
	return strconv.AppendUint(append(append(dst, name...), "+0x"...), offset, 16)
}

func lastPart(p string) string {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] == '/' {
			return p[i+1:]
		}
	}
	return p
}
