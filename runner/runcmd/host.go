package runcmd

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/action"
)

// timeOffsets returns by how much the clocks of this process differ from those of
// the machine, which eBPF programs read.
const timeOffsets = "/proc/self/timens_offsets"

// machineBootTime is bootTime by the clock of eBPF programs, which ignores time
// namespaces.
func machineBootTime() time.Time {
	offsets, err := action.ReadFile(timeOffsets, maxTimeOffsets)
	if err != nil {
		return bootTime() // a kernel without time namespaces
	}
	return bootTime().Add(boottimeOffset(string(offsets)))
}

// maxTimeOffsets bounds the two lines of timeOffsets, in bytes.
const maxTimeOffsets = 4096

// boottimeOffset returns the offset of CLOCK_BOOTTIME: "boottime SECONDS NANOSECONDS".
func boottimeOffset(offsets string) time.Duration {
	for line := range strings.Lines(offsets) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "boottime" {
			continue
		}
		seconds, err1 := strconv.ParseInt(f[1], 10, 64)
		nanos, err2 := strconv.ParseInt(f[2], 10, 64)
		if err1 == nil && err2 == nil {
			return time.Duration(seconds)*time.Second + time.Duration(nanos)
		}
	}
	return 0
}

// bootTime returns the wall-clock time of boot, by the clock that /proc is written
// by as well. The wall clock is read before and after the other one and the middle
// taken, so that an interruption costs little.
func bootTime() time.Time {
	before := time.Now()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return time.Unix(0, 0)
	}
	now := before.Add(time.Since(before) / 2)
	return now.Add(-time.Duration(ts.Nano())).Round(0)
}

// accountsRecheck is how often the files are checked for changes because of a number
// that they did not have.
const accountsRecheck = 5 * time.Second

// accounts resolves the numbers of users and groups from the machine's files.
type accounts struct{ users, groups accountFile }

// newAccounts reads the files, before a gadget runs that may show who opens them.
func newAccounts(passwd, group string) *accounts {
	a := &accounts{users: accountFile{path: passwd}, groups: accountFile{path: group}}
	a.users.load()
	a.groups.load()
	return a
}

func (a *accounts) user(id uint32) string  { return a.users.name(id) }
func (a *accounts) group(id uint32) string { return a.groups.name(id) }

// accountFile is a file of lines "name:password:number:...", read again for numbers
// that it lacked, if it has changed.
type accountFile struct {
	path    string
	mu      sync.Mutex
	names   map[uint32]string
	checked time.Time
	read    os.FileInfo // of the file that names come from, nil without one
}

func (a *accountFile) name(id uint32) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n, ok := a.names[id]; ok {
		return n
	}
	if time.Since(a.checked) < accountsRecheck {
		return ""
	}
	a.load()
	return a.names[id]
}

// load reads the file unless it is the one that was read last.
func (a *accountFile) load() {
	a.checked = time.Now()
	info, err := os.Stat(a.path)
	if err != nil || a.read != nil && unchanged(a.read, info) {
		return
	}
	if f, err := action.Open(a.path); err == nil {
		a.names, a.read = parseAccounts(bufio.NewScanner(f)), info
		f.Close()
	}
}

// unchanged reports whether a file is the same as before and was not written since.
func unchanged(before, now os.FileInfo) bool {
	return os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime())
}

func parseAccounts(sc *bufio.Scanner) map[uint32]string {
	names := map[uint32]string{}
	for sc.Scan() {
		parts := strings.SplitN(sc.Text(), ":", 4)
		if len(parts) < 3 {
			continue
		}
		id, err := strconv.ParseUint(parts[2], 10, 32)
		if _, dup := names[uint32(id)]; err == nil && !dup {
			names[uint32(id)] = parts[0]
		}
	}
	return names
}
