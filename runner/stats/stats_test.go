package stats

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// write makes files below dir.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

const stat = `77 (a (b) c) S 1 77 77 0 -1 4194560 100 0 0 0 250 50 0 0 20 -5 3 0 12345 1000000 50 18446744073709551615 1 1
`

func TestProcesses(t *testing.T) {
	proc := t.TempDir()
	write(t, proc, map[string]string{
		"meminfo": "MemTotal:        1000 kB\nMemFree: 1 kB\n",
		"77/stat": stat, "77/statm": "300 50 20 1 0 1 0\n", "77/status": "Name:\tx\nUid:\t1000\t0\t0\t0\n", "77/ns/mnt": "",
		"9/stat": "9 (broken", "self/stat": stat, "version": "",
	})
	p, err := NewProcesses(proc)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Read()
	if err != nil {
		t.Fatal(err)
	}
	page := uint64(os.Getpagesize())
	want := []Process{{
		PID: 77, PPID: 1, Comm: "a (b) c", State: 'S', Priority: 20, Nice: -5, Threads: 3, UID: 1000, CPUTime: 300,
		RSS: 50 * page, Virtual: 300 * page, Shared: 20 * page, MemoryRelative: float64(50*page) / 1024000 * 100,
		StartTime: 12345,
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Process{}, "MountNS")); diff != "" || got[0].MountNS == 0 {
		t.Error(diff)
	}
	write(t, proc, map[string]string{"77/stat": strings.Replace(stat, " 250 50 ", " 300 50 ", 1)})
	p.last = p.last.Add(-time.Second)
	if got, err = p.Read(); err != nil || got[0].CPUUsage < 40 || got[0].CPUUsage > 50 ||
		got[0].CPUUsageRelative > got[0].CPUUsage {
		t.Errorf("after a second with 50 ticks: %+v, %v", got, err)
	}
}

func TestProcessesOfThisMachine(t *testing.T) {
	p, err := NewProcesses("/proc")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := p.Read()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if int(row.PID) == os.Getpid() {
			if int(row.PPID) != os.Getppid() || row.RSS == 0 || int(row.UID) != os.Getuid() || row.MountNS == 0 ||
				row.StartTime == 0 {
				t.Errorf("%+v", row)
			}
			return
		}
	}
	t.Error("this process is not among them")
}

func TestCgroups(t *testing.T) {
	proc, root := t.TempDir(), t.TempDir()
	write(t, proc, map[string]string{
		"1/cgroup": "0::/\n", "1/ns/mnt": "", "5/cgroup": "12:cpu:/old\n0::/pod/limited\n", "5/ns/mnt": "",
		"6/cgroup": "0::/free\n", "6/ns/mnt": "", "7/cgroup": "0::/../../etc\n", "7/ns/mnt": "",
	})
	write(t, root, map[string]string{
		"pod/cpu.max": "200000 100000\n", "pod/cpu.stat": "usage_usec 5\nnr_periods 1\nnr_throttled 0\nthrottled_usec 0\n",
		"pod/limited/cpu.max":      "50000 100000\n",
		"pod/limited/cpu.stat":     "nr_periods 100\nnr_throttled 10\nthrottled_usec 1000\n",
		"pod/limited/cpu.pressure": "some avg10=1.50 avg60=0.25 avg300=0.00 total=1\nfull avg10=9 avg60=9 avg300=0 total=0\n",
		"free/cpu.max":             "max 100000\n", "free/cpu.stat": "nr_periods 0\n",
	})
	c := NewCgroups(proc, root)
	first, err := c.Read()
	if err != nil || len(first) != 2 || first[1].Periods != 0 || first[1].ThrottledTime != 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	write(t, root, map[string]string{"pod/limited/cpu.stat": "nr_periods 140\nnr_throttled 20\nthrottled_usec 4000\n"})
	got, err := c.Read()
	want := []Cgroup{
		{Path: "/pod", Quota: 200 * time.Millisecond, Period: 100 * time.Millisecond, LimitCores: 2},
		{
			Path: "/pod/limited", Periods: 40, Throttled: 10, ThrottledTime: 3 * time.Millisecond, ThrottleRatio: 25,
			Quota: 50 * time.Millisecond, Period: 100 * time.Millisecond, LimitCores: 0.5, Pressure10: 1.5, Pressure: 0.25,
		},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Cgroup{}, "MountNS")); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if got[0].MountNS != 0 || got[1].MountNS == 0 {
		t.Errorf("mount namespaces %d and %d", got[0].MountNS, got[1].MountNS)
	}
}

func TestPrograms(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	p, err := OpenPrograms("/proc")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	prog := testProgram(t)
	var rows []Program
	for _, runs := range []int{70, 100} {
		for range runs {
			if _, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 64)}); err != nil {
				t.Fatal(err)
			}
		}
		if rows, err = p.Read(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	for _, row := range rows {
		if row.ID == uint32(id) {
			if row.RunCount != 100 || row.Runtime == 0 || row.TotalRuntime <= row.Runtime ||
				row.MapCount != 1 || row.MapMemory == 0 || row.Name != "stats_test" ||
				row.PIDs != strconv.Itoa(os.Getpid()) || row.Comms == "" {
				t.Errorf("%+v", row)
			}
			return
		}
	}
	t.Errorf("program %d is not among %d", id, len(rows))
}

func FuzzStat(f *testing.F) {
	f.Add(stat, "50000 100000", "some avg10=1.50 avg60=0.25")
	f.Fuzz(func(_ *testing.T, stat, limit, psi string) {
		parseStat(&Process{}, []byte(stat))
		_ = parseMax(&Cgroup{}, []byte(limit))
		pressure([]byte(psi), "avg10=")
		keyed([]byte(psi), "some")
		unified([]byte(stat))
	})
}

// BenchmarkProcesses is one reading of all processes.
func BenchmarkProcesses(b *testing.B) {
	p, err := NewProcesses("/proc")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		rows, err := p.Read()
		if err != nil {
			b.Fatal(err)
		}
		n = len(rows)
	}
	b.ReportMetric(float64(n), "processes")
}
