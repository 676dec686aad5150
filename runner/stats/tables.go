package stats

import (
	"time"
)

const (
	procRoot   = "/proc"
	cgroupRoot = "/sys/fs/cgroup"

	commSize, pathSize, listSize = 64, 512, 256
)

func processColumns(boot time.Time) []column[Process] {
	number := special("gadget_bytes", uint64Type)
	return []column[Process]{
		{"pid", "", special("gadget_pid", int32Type), func(b []byte, r *Process) { put32(b, uint32(r.PID)) }},
		{"ppid", "ppid", special("gadget_ppid", int32Type), func(b []byte, r *Process) { put32(b, uint32(r.PPID)) }},
		{"uid", "uid", special("gadget_uid", uint32Type), func(b []byte, r *Process) { put32(b, r.UID) }},
		{"priority", "priority", int8Type, func(b []byte, r *Process) { b[0] = byte(r.Priority) }},
		{"nice", "nice", int8Type, func(b []byte, r *Process) { b[0] = byte(r.Nice) }},
		{"memoryVirtual_raw", "memoryVirtual", number, func(b []byte, r *Process) { put64(b, r.Virtual) }},
		{"memoryRSS_raw", "memoryRSS", number, func(b []byte, r *Process) { put64(b, r.RSS) }},
		{"memoryShared_raw", "memoryShared", number, func(b []byte, r *Process) { put64(b, r.Shared) }},
		{"state", "state", text(2), func(b []byte, r *Process) { b[0] = r.State }},
		{"cpuUsage", "cpuUsage", floatType, func(b []byte, r *Process) { putFloat(b, r.CPUUsage) }},
		{"cpuUsageRelative", "cpuUsageRelative", floatType, func(b []byte, r *Process) { putFloat(b, r.CPUUsageRelative) }},
		{"memoryRelative", "memoryRelative", floatType, func(b []byte, r *Process) { putFloat(b, r.MemoryRelative) }},
		{"cpuTime", "cpuTime", uint64Type, func(b []byte, r *Process) { put64(b, r.CPUTime) }},
		{"cpuTimeStr", "cpuTime", text(24), func(b []byte, r *Process) { putText(b, 24, minutes(fromTicks(r.CPUTime))) }},
		{"threadCount", "threadCount", int32Type, func(b []byte, r *Process) { put32(b, uint32(r.Threads)) }},
		{"startTime", "startTime", uint64Type, func(b []byte, r *Process) { put64(b, r.StartTime) }},
		{"startTimeStr", "startTime", text(32), func(b []byte, r *Process) {
			putText(b, 32, boot.Add(fromTicks(r.StartTime)).Format(time.RFC3339))
		}},
		{"comm", "comm", text(commSize), func(b []byte, r *Process) { putText(b, commSize, r.Comm) }},
		{"mountnsid", "", special("gadget_mntns_id", uint64Type), func(b []byte, r *Process) { put64(b, r.MountNS) }},
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
	{"cgroupPath", "", text(pathSize), func(b []byte, r *Cgroup) { putText(b, pathSize, r.Path) }},
	{"nrPeriods", "", uint64Type, func(b []byte, r *Cgroup) { put64(b, r.Periods) }},
	{"nrThrottled", "", uint64Type, func(b []byte, r *Cgroup) { put64(b, r.Throttled) }},
	{"throttledTime_raw", "", special("gadget_duration", uint64Type), func(b []byte, r *Cgroup) {
		put64(b, uint64(r.ThrottledTime))
	}},
	{"throttleRatio", "", floatType, func(b []byte, r *Cgroup) { putFloat(b, r.ThrottleRatio) }},
	{"cpuQuota_raw", "", special("gadget_duration", uint64Type), func(b []byte, r *Cgroup) { put64(b, uint64(r.Quota)) }},
	{"cpuPeriod_raw", "", special("gadget_duration", uint64Type), func(b []byte, r *Cgroup) {
		put64(b, uint64(r.Period))
	}},
	{"cpuLimitCores", "", floatType, func(b []byte, r *Cgroup) { putFloat(b, r.LimitCores) }},
	{"psiSomeAvg10", "", floatType, func(b []byte, r *Cgroup) { putFloat(b, r.Pressure10) }},
	{"psiSomeAvg60", "", floatType, func(b []byte, r *Cgroup) { putFloat(b, r.Pressure) }},
	{"mountnsid", "", special("gadget_mntns_id", uint64Type), func(b []byte, r *Cgroup) { put64(b, r.MountNS) }},
}

// CgroupTable is the data source "cgroups".
func CgroupTable() (*Table, error) {
	return newTable("cgroups", cgroupColumns, nil, NewCgroups(procRoot, cgroupRoot).Read)
}

var programColumns = []column[Program]{
	{"progID", "", uint32Type, func(b []byte, r *Program) { put32(b, r.ID) }},
	{"progName", "", text(32), func(b []byte, r *Program) { putText(b, 32, r.Name) }},
	{"progType", "", text(32), func(b []byte, r *Program) { putText(b, 32, r.Type) }},
	{"runtime_raw", "", special("gadget_duration", uint64Type), func(b []byte, r *Program) {
		put64(b, uint64(r.Runtime))
	}},
	{"runcount", "", uint64Type, func(b []byte, r *Program) { put64(b, r.RunCount) }},
	{"cpuUsage", "", floatType, func(b []byte, r *Program) { putFloat(b, r.CPUUsage) }},
	{"cpuUsageRelative", "", floatType, func(b []byte, r *Program) { putFloat(b, r.CPUUsageRelative) }},
	{"cpuTimeStr", "", text(24), func(b []byte, r *Program) { putText(b, 24, minutes(r.Runtime)) }},
	{"mapMemory_raw", "", special("gadget_bytes", uint64Type), func(b []byte, r *Program) { put64(b, r.MapMemory) }},
	{"mapCount", "", uint64Type, func(b []byte, r *Program) { put64(b, r.MapCount) }},
	{"comms", "", text(listSize), func(b []byte, r *Program) { putText(b, listSize, r.Comms) }},
	{"pids", "", text(listSize), func(b []byte, r *Program) { putText(b, listSize, r.PIDs) }},
}

// ProgramTable is the data source "bpfstats". The kernel measures programs from
// the first reading until it is closed.
func ProgramTable() (*Table, error) {
	p := &Programs{proc: procRoot}
	t, err := newTable("bpfstats", programColumns, nil, func() ([]Program, error) {
		if p.measuring == nil {
			opened, err := OpenPrograms(procRoot)
			if err != nil {
				return nil, err
			}
			*p = *opened
		}
		return p.Read()
	})
	if err == nil {
		t.Closer = p
	}
	return t, err
}
