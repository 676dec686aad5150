// Package stats reads what data sources without an eBPF program show: the
// processes of this machine, the CPU limits of its cgroups, what its eBPF
// programs use. Each reader keeps its buffers from one reading to the next.
package stats

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// ticks is how many clock ticks a second has in the files of /proc, on every
// architecture that this runner supports.
const ticks = 100

// maxFile is how much of a file of /proc or of a cgroup is read.
const maxFile = 16 << 10

// Process is one row of the data source "processes".
type Process struct {
	PID, PPID        int32
	Comm             string
	State            byte
	Priority, Nice   int8
	Threads          int32
	UID              uint32
	CPUTime          uint64 // ticks
	CPUUsage         float64
	CPUUsageRelative float64
	RSS, Virtual     uint64 // bytes
	Shared           uint64
	MemoryRelative   float64
	StartTime        uint64 // ticks since boot
	MountNS          uint64
}

// Processes reads the processes of this machine. Use it from one goroutine.
type Processes struct {
	proc   string
	memory uint64 // of the machine, bytes
	cpus   float64
	before map[processKey]uint64
	after  map[processKey]uint64
	last   time.Time
	rows   []Process
	file   reader
}

// processKey distinguishes a process from a later one with its number.
type processKey struct {
	pid   int32
	start uint64
}

// NewProcesses returns a reader of the processes in proc, "/proc".
func NewProcesses(proc string) (*Processes, error) {
	p := &Processes{
		proc: proc, cpus: float64(runtime.NumCPU()),
		before: map[processKey]uint64{}, after: map[processKey]uint64{},
	}
	data, err := p.file.read(proc + "/meminfo")
	if err != nil {
		return nil, fmt.Errorf("reading the size of the memory: %w", err)
	}
	p.memory = keyed(data, "MemTotal:") << 10
	return p, nil
}

// Read returns the processes that there are now, in the order of their numbers.
// Their CPU usage is that since the last call, 0 at the first. The rows are
// valid until the next call.
func (p *Processes) Read() ([]Process, error) {
	dir, err := os.Open(p.proc)
	if err != nil {
		return nil, fmt.Errorf("reading processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(0)
	if err != nil {
		return nil, fmt.Errorf("reading processes: %w", err)
	}
	now := time.Now()
	seconds := now.Sub(p.last).Seconds()
	if p.last.IsZero() {
		seconds = 0
	}
	p.last, p.rows = now, p.rows[:0]
	for _, name := range names {
		pid, err := strconv.ParseInt(name, 10, 32)
		if err != nil {
			continue
		}
		var row Process
		if p.readOne(&row, p.proc+"/"+name, int32(pid)) {
			p.usage(&row, seconds)
			p.rows = append(p.rows, row)
		}
	}
	p.before, p.after = p.after, p.before
	clear(p.after)
	sortByPID(p.rows)
	return p.rows, nil
}

// usage fills what is relative to the machine or to the last reading.
func (p *Processes) usage(row *Process, seconds float64) {
	key := processKey{row.PID, row.StartTime}
	p.after[key] = row.CPUTime
	// A process that was not there before used all of its time since.
	if used := row.CPUTime - p.before[key]; seconds > 0 && row.CPUTime >= p.before[key] {
		row.CPUUsage = float64(used) / ticks / seconds * 100
		row.CPUUsageRelative = row.CPUUsage / p.cpus
	}
	if p.memory > 0 {
		row.MemoryRelative = float64(row.RSS) / float64(p.memory) * 100
	}
}

// readOne fills row; false when the process has ended.
func (p *Processes) readOne(row *Process, dir string, pid int32) bool {
	row.PID = pid
	data, err := p.file.read(dir + "/stat")
	if err != nil || !parseStat(row, data) {
		return false
	}
	if data, err = p.file.read(dir + "/statm"); err == nil {
		page := uint64(os.Getpagesize())
		for i, f := 0, nextField(&data); f != nil && i < 3; i, f = i+1, nextField(&data) {
			switch n := number(f) * page; i {
			case 0:
				row.Virtual = n
			case 1:
				row.RSS = n
			case 2:
				row.Shared = n
			}
		}
	}
	if data, err = p.file.read(dir + "/status"); err == nil {
		row.UID = uint32(keyed(data, "Uid:"))
	}
	var st unix.Stat_t
	if unix.Stat(dir+"/ns/mnt", &st) == nil {
		row.MountNS = st.Ino
	}
	return true
}

// parseStat reads /proc/PID/stat: the name is in parentheses and may have any
// byte, so the last bracket counts.
func parseStat(row *Process, data []byte) bool {
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return false
	}
	row.Comm = string(data[open+1 : end])
	data = data[end+1:]
	count := 0
	for f := nextField(&data); f != nil; f = nextField(&data) {
		// As proc(5) numbers them; the state is the third.
		switch count++; count + 2 {
		case 3:
			row.State = f[0]
		case 4:
			row.PPID = int32(number(f))
		case 14, 15:
			row.CPUTime += number(f)
		case 18:
			row.Priority = int8(signed(f))
		case 19:
			row.Nice = int8(signed(f))
		case 20:
			row.Threads = int32(number(f))
		case 22:
			row.StartTime = number(f)
		}
	}
	return count >= 20
}

// reader reads small files into one buffer.
type reader struct{ buf []byte }

var errLarge = errors.New("the file is too large")

func (r *reader) read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if r.buf == nil {
		r.buf = make([]byte, maxFile)
	}
	n, err := io.ReadFull(f, r.buf)
	switch {
	case err == nil:
		return nil, errLarge
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return r.buf[:n], nil
	}
	return nil, err
}

// nextField cuts the next word off data, nil if none exists.
func nextField(data *[]byte) []byte {
	d := bytes.TrimLeft(*data, " \t\n")
	if len(d) == 0 {
		*data = nil
		return nil
	}
	n := bytes.IndexAny(d, " \t\n")
	if n < 0 {
		n = len(d)
	}
	*data = d[n:]
	return d[:n]
}

// number reads decimal digits up to the first other byte.
func number(b []byte) (n uint64) {
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

func signed(b []byte) int64 {
	if len(b) > 0 && b[0] == '-' {
		return -int64(number(b[1:]))
	}
	return int64(number(b))
}

// keyed returns the first number of the line that begins with key, 0 for none.
func keyed(data []byte, key string) uint64 {
	for line := range bytes.Lines(data) {
		if rest, ok := bytes.CutPrefix(line, []byte(key)); ok {
			return number(nextField(&rest))
		}
	}
	return 0
}

func sortByPID(rows []Process) {
	slices.SortFunc(rows, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
}
