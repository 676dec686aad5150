package stats

import (
	"time"
)

const (
	procRoot   = "/proc"
	cgroupRoot = "/sys/fs/cgroup"
)

func processColumns(boot time.Time) []column[Process] {
	return []column[Process]{
		{"pid", func(b []byte, r *Process) { put32(b, uint32(r.PID)) }},
		{"ppid", func(b []byte, r *Process) { put32(b, uint32(r.PPID)) }},
		{"uid", func(b []byte, r *Process) { put32(b, r.UID) }},
		{"priority", func(b []byte, r *Process) { b[0] = byte(r.Priority) }},
		{"nice", func(b []byte, r *Process) { b[0] = byte(r.Nice) }},
		{"memoryVirtual_raw", func(b []byte, r *Process) { put64(b, r.Virtual) }},
		{"memoryRSS_raw", func(b []byte, r *Process) { put64(b, r.RSS) }},
		{"memoryShared_raw", func(b []byte, r *Process) { put64(b, r.Shared) }},
		{"state", func(b []byte, r *Process) { b[0] = r.State }},
		{"cpuUsage", func(b []byte, r *Process) { putFloat(b, r.CPUUsage) }},
		{"cpuUsageRelative", func(b []byte, r *Process) { putFloat(b, r.CPUUsageRelative) }},
		{"memoryRelative", func(b []byte, r *Process) { putFloat(b, r.MemoryRelative) }},
		{"cpuTime", func(b []byte, r *Process) { put64(b, r.CPUTime) }},
		{"cpuTimeStr", func(b []byte, r *Process) { putText(b, minutes(fromTicks(r.CPUTime))) }},
		{"threadCount", func(b []byte, r *Process) { put32(b, uint32(r.Threads)) }},
		{"startTime", func(b []byte, r *Process) { put64(b, r.StartTime) }},
		{"startTimeStr", func(b []byte, r *Process) {
			putText(b, boot.Add(fromTicks(r.StartTime)).Format(time.RFC3339))
		}},
		{"comm", func(b []byte, r *Process) { putText(b, r.Comm) }},
		{"mountnsid", func(b []byte, r *Process) { put64(b, r.MountNS) }},
	}
}

func fromTicks(n uint64) time.Duration { return time.Duration(n) * (time.Second / ticks) }

// ProcessTable is the data source "processes", with the chosen fields.
func ProcessTable(chosen []string, boot time.Time) (*Table, error) {
	p, err := NewProcesses(procRoot)
	if err != nil {
		return nil, err
	}
	return newTable("processes", processColumns(boot), chosen, p.Read)
}

var cgroupColumns = []column[Cgroup]{
	{"cgroupPath", func(b []byte, r *Cgroup) { putText(b, r.Path) }},
	{"nrPeriods", func(b []byte, r *Cgroup) { put64(b, r.Periods) }},
	{"nrThrottled", func(b []byte, r *Cgroup) { put64(b, r.Throttled) }},
	{"throttledTime_raw", func(b []byte, r *Cgroup) {
		put64(b, uint64(r.ThrottledTime))
	}},
	{"throttleRatio", func(b []byte, r *Cgroup) { putFloat(b, r.ThrottleRatio) }},
	{"cpuQuota_raw", func(b []byte, r *Cgroup) { put64(b, uint64(r.Quota)) }},
	{"cpuPeriod_raw", func(b []byte, r *Cgroup) {
		put64(b, uint64(r.Period))
	}},
	{"cpuLimitCores", func(b []byte, r *Cgroup) { putFloat(b, r.LimitCores) }},
	{"psiSomeAvg10", func(b []byte, r *Cgroup) { putFloat(b, r.Pressure10) }},
	{"psiSomeAvg60", func(b []byte, r *Cgroup) { putFloat(b, r.Pressure) }},
	{"mountnsid", func(b []byte, r *Cgroup) { put64(b, r.MountNS) }},
}

// CgroupTable is the data source "cgroups".
func CgroupTable() (*Table, error) {
	return newTable("cgroups", cgroupColumns, nil, NewCgroups(procRoot, cgroupRoot).Read)
}

var programColumns = []column[Program]{
	{"gadgetID", func(b []byte, r *Program) { putText(b, r.Gadget.ID) }},
	{"gadgetName", func(b []byte, r *Program) { putText(b, r.Gadget.Name) }},
	{"gadgetImage", func(b []byte, r *Program) { putText(b, r.Gadget.Image) }},
	{"progID", func(b []byte, r *Program) { put32(b, r.ID) }},
	{"progName", func(b []byte, r *Program) { putText(b, r.Name) }},
	{"progType", func(b []byte, r *Program) { putText(b, r.Type) }},
	{"runtime_raw", func(b []byte, r *Program) { put64(b, uint64(r.Runtime)) }},
	{"runcount", func(b []byte, r *Program) { put64(b, r.RunCount) }},
	{"cpuUsage", func(b []byte, r *Program) { putFloat(b, r.CPUUsage) }},
	{"cpuUsageRelative", func(b []byte, r *Program) { putFloat(b, r.CPUUsageRelative) }},
	{"cpuTimeStr", func(b []byte, r *Program) { putText(b, r.TotalRuntime.String()) }},
	{"mapMemory_raw", func(b []byte, r *Program) { put64(b, r.MapMemory) }},
	{"mapCount", func(b []byte, r *Program) { put64(b, r.MapCount) }},
	{"comms", func(b []byte, r *Program) { putText(b, r.Comms) }},
	{"pids", func(b []byte, r *Program) { putText(b, r.PIDs) }},
}

// ProgramTable is the data source "bpfstats". The kernel measures programs from
// the first reading until it is closed. gadgetOf returns the gadget of a program,
// an empty one if it is of another process; nil returns that for all.
func ProgramTable(gadgetOf func(id uint32) Gadget) (*Table, error) {
	p := &Programs{proc: procRoot}
	t, err := newTable("bpfstats", programColumns, nil, func() ([]Program, error) {
		if p.measuring == nil {
			opened, err := OpenPrograms(procRoot)
			if err != nil {
				return nil, err
			}
			*p = *opened
			p.gadgetOf = gadgetOf
		}
		return p.Read()
	})
	if err == nil {
		t.Closer = p
	}
	return t, err
}
