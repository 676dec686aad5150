package stats

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
)

// value reads the member called name of an entry: a text, a float or an unsigned number.
func value(t *testing.T, row *btf.Struct, entry []byte, name string) any {
	t.Helper()
	for _, m := range row.Members {
		if m.Name != name {
			continue
		}
		b := entry[m.Offset.Bytes():]
		switch typ := btf.UnderlyingType(m.Type).(type) {
		case *btf.Array:
			text, _, _ := strings.Cut(string(b[:typ.Nelems]), "\x00")
			return text
		case *btf.Float:
			return math.Float64frombits(binary.NativeEndian.Uint64(b))
		case *btf.Int:
			return map[uint32]func() uint64{
				1: func() uint64 { return uint64(b[0]) },
				4: func() uint64 { return uint64(binary.NativeEndian.Uint32(b)) },
				8: func() uint64 { return binary.NativeEndian.Uint64(b) },
			}[typ.Size]()
		}
	}
	t.Fatalf("%s has no member %q", row.Name, name)
	return nil
}

func names(row *btf.Struct) string {
	var all []string
	for _, m := range row.Members {
		all = append(all, m.Name)
	}
	return strings.Join(all, " ")
}

// checkValues compares members of an entry with what they are to be.
func checkValues(t *testing.T, row *btf.Struct, entry []byte, want map[string]any) {
	t.Helper()
	for name, w := range want {
		if got := value(t, row, entry, name); got != w {
			t.Errorf("%s is %v, want %v", name, got, w)
		}
	}
}

// entriesOf makes the only reading of a table.
func entriesOf[R any](t *testing.T, name string, all []column[R], chosen []string, rows ...R) (*btf.Struct, [][]byte) {
	t.Helper()
	table, err := newTable(name, all, chosen, func() ([]R, error) { return rows, nil })
	if err != nil {
		t.Fatal(err)
	}
	data, err := table.Read()
	if err != nil || len(data) != int(table.Row.Size)*len(rows) {
		t.Fatalf("%d bytes, %v, want %d entries of %d", len(data), err, len(rows), table.Row.Size)
	}
	var entries [][]byte
	for len(data) > 0 {
		entries = append(entries, data[:table.Row.Size])
		data = data[table.Row.Size:]
	}
	return table.Row, entries
}

func TestProcessColumns(t *testing.T) {
	boot := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	long := strings.Repeat("x", 100)
	row, entries := entriesOf(t, "processes", processColumns(boot), nil, Process{
		PID: 7, PPID: 1, Comm: "sh", State: 'S', Priority: 20, Nice: -5, Threads: 3, UID: 1000, CPUTime: 75_412,
		CPUUsage: 12.3456, CPUUsageRelative: 6.17, RSS: 1 << 33, Virtual: 1 << 34, Shared: 4096, MemoryRelative: 99.996,
		StartTime: 6000, MountNS: 4026531840,
	}, Process{PID: 8, Comm: long})
	checkValues(t, row, entries[0], map[string]any{
		"pid": uint64(7), "ppid": uint64(1), "comm": "sh", "state": "S", "priority": uint64(20), "nice": uint64(0xfb),
		"threadCount": uint64(3), "uid": uint64(1000), "cpuTime": uint64(75_412), "cpuTimeStr": "12:34.120",
		"cpuUsage": 12.35, "cpuUsageRelative": 6.17, "memoryRSS_raw": uint64(1 << 33), "memoryVirtual_raw": uint64(1 << 34),
		"memoryShared_raw": uint64(4096), "memoryRelative": 100.0, "startTime": uint64(6000),
		"startTimeStr": "2026-11-26T12:01:00Z", "mountnsid": uint64(4026531840),
	})
	// A text that is too long ends where its member does, and the next member is complete.
	checkValues(t, row, entries[1], map[string]any{
		"pid": uint64(8), "comm": long[:63], "mountnsid": uint64(0), "cpuTimeStr": "0:00.000",
	})
}

// TestChosenColumns: a choice leaves out all but the number of the process and its
// namespace, and a name that does not exist is an error that suggests a similar one.
func TestChosenColumns(t *testing.T) {
	columns := processColumns(time.Time{})
	for _, tc := range []struct {
		chosen []string
		want   string
	}{
		{[]string{"comm"}, "pid comm mountnsid"},
		{[]string{"cpuTime", "uid"}, "pid uid cpuTime cpuTimeStr mountnsid"},
		{[]string{"startTime"}, "pid startTime startTimeStr mountnsid"},
		{[]string{"memoryRSS", "memoryRSS"}, "pid memoryRSS_raw mountnsid"},
	} {
		row, entries := entriesOf(t, "processes", columns, tc.chosen, Process{PID: 3, MountNS: 5})
		if got := names(row); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.chosen, got, tc.want)
		}
		checkValues(t, row, entries[0], map[string]any{"pid": uint64(3), "mountnsid": uint64(5)})
	}
	for _, name := range []string{"com", "memoryRSS_raw", "nothing"} {
		_, err := newTable("processes", columns, []string{"uid", name}, func() ([]Process, error) { return nil, nil })
		if err == nil || !strings.HasPrefix(err.Error(), `field "`+name+`" is unknown, `) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := ProcessTable([]string{"com"}, time.Time{})
	if err == nil || !strings.Contains(err.Error(), "comm") {
		t.Errorf("%v does not name the field that is near", err)
	}
}

func TestCgroupColumns(t *testing.T) {
	row, entries := entriesOf(t, "cgroups", cgroupColumns, nil, Cgroup{
		Path: "/pod", Periods: 40, Throttled: 10, ThrottledTime: 3 * time.Millisecond, ThrottleRatio: 25,
		Quota: 50 * time.Millisecond, Period: 100 * time.Millisecond, LimitCores: 0.5, Pressure10: 1.504, Pressure: 0.25,
		MountNS: 9,
	})
	checkValues(t, row, entries[0], map[string]any{
		"cgroupPath": "/pod", "nrPeriods": uint64(40), "nrThrottled": uint64(10), "throttledTime_raw": uint64(3_000_000),
		"throttleRatio": 25.0, "cpuQuota_raw": uint64(50_000_000), "cpuPeriod_raw": uint64(100_000_000),
		"cpuLimitCores": 0.5, "psiSomeAvg10": 1.5, "psiSomeAvg60": 0.25, "mountnsid": uint64(9),
	})
}

func TestProgramColumns(t *testing.T) {
	row, entries := entriesOf(t, "bpfstats", programColumns, nil, Program{
		ID: 4, Name: "enter", Type: "Kprobe", Runtime: time.Second, TotalRuntime: 61 * time.Second, RunCount: 12,
		CPUUsage: 1.5, CPUUsageRelative: 0.75, MapMemory: 8192, MapCount: 2, PIDs: "1,2", Comms: "init,sh",
	})
	checkValues(t, row, entries[0], map[string]any{
		"progID": uint64(4), "progName": "enter", "progType": "Kprobe", "runtime_raw": uint64(1_000_000_000),
		"runcount": uint64(12), "cpuUsage": 1.5, "cpuUsageRelative": 0.75, "cpuTimeStr": "1m1s",
		"mapMemory_raw": uint64(8192), "mapCount": uint64(2), "comms": "init,sh", "pids": "1,2",
	})
}

// TestFailedReading: a reading that fails has no entries, and one without rows is empty.
func TestFailedReading(t *testing.T) {
	broken := errors.New("broken")
	table, err := newTable("cgroups", cgroupColumns, nil, func() ([]Cgroup, error) { return nil, broken })
	if err != nil {
		t.Fatal(err)
	}
	if data, err := table.Read(); !errors.Is(err, broken) || data != nil {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if _, entries := entriesOf(t, "cgroups", cgroupColumns, nil); len(entries) != 0 {
		t.Errorf("%d entries of nothing", len(entries))
	}
}

// TestTablesOfThisMachine reads what there is, twice.
func TestTablesOfThisMachine(t *testing.T) {
	cgroups, err := CgroupTable()
	if err != nil {
		t.Fatal(err)
	}
	processes, err := ProcessTable([]string{"comm", "threadCount"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		data, err := processes.Read()
		if err != nil || len(data) == 0 || len(data)%int(processes.Row.Size) != 0 {
			t.Errorf("processes: %d bytes of entries of %d, %v", len(data), processes.Row.Size, err)
		}
		if data, err = cgroups.Read(); err != nil || len(data)%int(cgroups.Row.Size) != 0 {
			t.Errorf("cgroups: %d bytes of entries of %d, %v", len(data), cgroups.Row.Size, err)
		}
	}
	programs, err := ProgramTable(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := programs.Close(); err != nil { // the kernel did not measure
		t.Error(err)
	}
}
