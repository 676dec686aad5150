package stats

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Gadget is a gadget of this process.
type Gadget struct{ ID, Name, Image string }

// Program is one row of the data source "bpfstats".
type Program struct {
	Gadget           Gadget // that it is part of, empty for none of this process
	ID               uint32
	Name, Type       string
	Runtime          time.Duration // since the last reading
	RunCount         uint64        // since the last reading
	TotalRuntime     time.Duration
	CPUUsage         float64
	CPUUsageRelative float64
	MapMemory        uint64 // bytes
	MapCount         uint64
	PIDs, Comms      string // comma-separated
}

// Programs reads what the eBPF programs of this machine use. Close it: as long as
// it is open the kernel measures them.
type Programs struct {
	measuring io.Closer
	proc      string
	gadgetOf  func(id uint32) Gadget // nil for no gadgets
	before    map[uint32]use
	last      time.Time
	rows      []Program
}

// use is what the kernel counts for a program since it measures programs.
type use struct {
	runtime time.Duration
	count   uint64
}

// statsRunTime is BPF_STATS_RUN_TIME.
const statsRunTime = 0

// OpenPrograms makes the kernel measure programs (Linux 5.8), and returns a
// reader. proc is "/proc".
func OpenPrograms(proc string) (*Programs, error) {
	measuring, err := ebpf.EnableStats(statsRunTime)
	if errors.Is(err, unix.EPERM) {
		return nil, fmt.Errorf("measuring eBPF programs: %w, run it as root or with CAP_SYS_ADMIN", err)
	}
	if err != nil {
		return nil, fmt.Errorf("measuring eBPF programs: %w", err)
	}
	return &Programs{measuring: measuring, proc: proc, before: map[uint32]use{}}, nil
}

// Close ends measuring.
func (p *Programs) Close() error {
	if p.measuring == nil {
		return nil
	}
	return p.measuring.Close()
}

// Read returns the programs that are loaded now. How long and how often they ran is
// that since the last call, at the first call since the kernel measures them; their CPU
// usage is 0 at the first call. The rows are valid until the next call.
func (p *Programs) Read() ([]Program, error) {
	now := time.Now()
	seconds := now.Sub(p.last).Seconds()
	if p.last.IsZero() {
		seconds = 0
	}
	p.last, p.rows = now, p.rows[:0]
	memory, after := map[ebpf.MapID]uint64{}, map[uint32]use{}
	users := p.users()
	for id := ebpf.ProgramID(0); ; {
		var err error
		if id, err = ebpf.ProgramGetNextID(id); errors.Is(err, os.ErrNotExist) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading eBPF programs: %w", err)
		}
		row, total, err := readProgram(id, memory)
		if errors.Is(err, os.ErrNotExist) {
			continue // unloaded meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("reading eBPF program %d: %w", id, err)
		}
		if p.gadgetOf != nil {
			row.Gadget = p.gadgetOf(row.ID)
		}
		after[row.ID] = total
		before, measured := p.before[row.ID]
		if before.count > total.count || before.runtime > total.runtime { // another program, or counted again
			before, measured = use{}, false
		}
		row.Runtime, row.RunCount, row.TotalRuntime = total.runtime-before.runtime, total.count-before.count, total.runtime
		if measured && seconds > 0 {
			row.CPUUsage = row.Runtime.Seconds() / seconds * 100
			row.CPUUsageRelative = row.CPUUsage / float64(runtime.NumCPU())
		}
		if u := users[row.ID]; u != nil {
			row.PIDs, row.Comms = strings.Join(u.pids, ","), strings.Join(u.comms, ",")
		}
		p.rows = append(p.rows, row)
	}
	p.before = after
	return p.rows, nil
}

// readProgram returns what a program is and has, and what it used.
func readProgram(id ebpf.ProgramID, memory map[ebpf.MapID]uint64) (row Program, total use, err error) {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return row, total, err
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return row, total, err
	}
	row = Program{ID: uint32(id), Name: info.Name, Type: info.Type.String()}
	if st, err := prog.Stats(); err == nil {
		total = use{st.Runtime, st.RunCount}
	}
	maps, _ := info.MapIDs()
	row.MapCount = uint64(len(maps))
	for _, m := range maps {
		size, cached := memory[m]
		if !cached {
			size = mapMemory(m)
			memory[m] = size
		}
		row.MapMemory += size
	}
	return row, total, nil
}

// mapMemory returns what the kernel counts a map at, 0 when it does not report it.
func mapMemory(id ebpf.MapID) uint64 {
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return 0
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil {
		return 0
	}
	size, _ := info.Memlock()
	return size
}

// users are the processes that have a program open.
type users struct{ pids, comms []string }

// maxDescriptors is how many descriptors of a process are looked at.
const maxDescriptors = 1 << 16

// users returns the processes that have descriptors of programs, or of links to
// them, by the number of the program.
func (p *Programs) users() map[uint32]*users {
	out := map[uint32]*users{}
	names, err := readNames(p.proc)
	if err != nil {
		return out
	}
	slices.Sort(names)
	var file reader
	for _, pid := range names {
		if _, err := strconv.ParseUint(pid, 10, 31); err != nil {
			continue
		}
		dir := p.proc + "/" + pid
		for _, id := range programsOf(dir, &file) {
			u := out[id]
			if u == nil {
				u = &users{}
				out[id] = u
			}
			if slices.Contains(u.pids, pid) {
				continue
			}
			comm, _ := file.read(dir + "/comm")
			u.pids, u.comms = append(u.pids, pid), append(u.comms, strings.TrimSpace(string(comm)))
		}
	}
	return out
}

// programsOf returns the programs that the process in dir has descriptors of.
func programsOf(dir string, file *reader) []uint32 {
	fds, err := readNames(dir + "/fd")
	if err != nil || len(fds) > maxDescriptors {
		return nil
	}
	var out []uint32
	target := make([]byte, 64)
	for _, fd := range fds {
		n, err := unix.Readlink(dir+"/fd/"+fd, target)
		if err != nil || !strings.HasPrefix(string(target[:n]), "anon_inode:bpf") &&
			string(target[:n]) != "anon_inode:[perf_event]" {
			continue
		}
		data, err := file.read(dir + "/fdinfo/" + fd)
		if err != nil {
			continue
		}
		if id := keyed(data, "prog_id:"); id != 0 {
			out = append(out, uint32(id))
		}
	}
	return out
}
