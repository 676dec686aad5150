package stats

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestStatLines: the name of a process may have brackets, spaces and line breaks, and a line
// that is not whole is refused.
func TestStatLines(t *testing.T) {
	rest := " R 5 1 1 0 -1 0 0 0 0 0 7 8 0 0 -2 19 4 0 99 0 0\n"
	for name, want := range map[string]string{
		"sh": "sh", "a b": "a b", ")": ")", "x) R 1 (": "x) R 1 (", "": "", "a\nb": "a\nb",
	} {
		var row Process
		if !parseStat(&row, []byte("12 ("+name+")"+rest)) {
			t.Errorf("%q is not a line", name)
			continue
		}
		if row.Comm != want || row.State != 'R' || row.PPID != 5 || row.CPUTime != 15 || row.Priority != -2 ||
			row.Nice != 19 || row.Threads != 4 || row.StartTime != 99 {
			t.Errorf("%q: %+v", name, row)
		}
	}
	for _, line := range []string{"", "12", "12 (sh", "12 sh) R 5", ")(", "12 (sh) R 5 1 1\n"} {
		if parseStat(&Process{}, []byte(line)) {
			t.Errorf("%q is a line", line)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]uint64{"12": 12, "12kB": 12, "": 0, "x": 0, "18446744073709551615": 1<<64 - 1} {
		if got := number([]byte(text)); got != want {
			t.Errorf("number(%q) = %d, want %d", text, got, want)
		}
	}
	for text, want := range map[string]int64{"-20": -20, "19": 19, "-": 0, "": 0} {
		if got := signed([]byte(text)); got != want {
			t.Errorf("signed(%q) = %d, want %d", text, got, want)
		}
	}
	const file = "Name:\tx\nUid:\t1000\t0\nVmRSS:      12 kB\nEmpty:\n"
	for key, want := range map[string]uint64{"Uid:": 1000, "VmRSS:": 12, "Empty:": 0, "Gid:": 0, "id:": 0} {
		if got := keyed([]byte(file), key); got != want {
			t.Errorf("keyed(%q) = %d, want %d", key, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0:00.000", 1500 * time.Millisecond: "0:01.500", time.Hour + 2*time.Second: "60:02.000",
		fromTicks(101): "0:01.010",
	} {
		if got := minutes(d); got != want {
			t.Errorf("minutes(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestCgroupLimits(t *testing.T) {
	for text, want := range map[string]float64{
		"50000 100000\n": 0.5, "200000 100000": 2, "max 100000\n": 0, "": 0, "50000": 0, "50000 0": 0, "-1 100000": 0,
	} {
		var row Cgroup
		if err := parseMax(&row, []byte(text)); row.LimitCores != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %v cores, %v, want %v", text, row.LimitCores, err, want)
		}
	}
	for text, want := range map[string]float64{
		"some avg10=1.50 avg60=0.25\nfull avg10=9\n": 1.5, "full avg10=9.00\n": 0, "": 0, "some avg60=1\n": 0,
		"some avg10=x\n": 0,
	} {
		if got := pressure([]byte(text), "avg10="); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"0::/a/b\n": "/a/b", "3:cpu:/x\n0::/a\n": "/a", "0::/\n": "/", "0::a\n": "", "0::/../a\n": "",
		"0::/a/../../b": "", "3:cpu:/x\n": "",
	} {
		if got, ok := unified([]byte(text)); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %t, want %q", text, got, ok, want)
		}
	}
}

// TestCgroupMadeAgain: what a new cgroup of the same path counts is all since it was made, and
// one that went away is not shown.
func TestCgroupMadeAgain(t *testing.T) {
	proc, root := t.TempDir(), t.TempDir()
	write(t, proc, map[string]string{"5/cgroup": "0::/a/b\n", "5/ns/mnt": ""})
	stat := func(periods string) {
		write(t, root, map[string]string{
			"a/b/cpu.max": "1000 2000\n", "a/b/cpu.stat": "nr_periods " + periods + "\nnr_throttled 3\nthrottled_usec 7\n",
		})
	}
	c := NewCgroups(proc, root)
	periods := func() []uint64 {
		t.Helper()
		rows, err := c.Read()
		if err != nil {
			t.Fatal(err)
		}
		var all []uint64
		for _, r := range rows {
			all = append(all, r.Periods)
		}
		return all
	}
	stat("100")
	if got := periods(); !slices.Equal(got, []uint64{0}) {
		t.Errorf("the first reading has %v", got)
	}
	stat("4")
	if got := periods(); !slices.Equal(got, []uint64{4}) || c.rows[0].Throttled != 3 || c.rows[0].ThrottleRatio != 75 {
		t.Errorf("the cgroup that was made again has %v: %+v", got, c.rows)
	}
	if err := os.Remove(filepath.Join(root, "a/b/cpu.stat")); err != nil {
		t.Fatal(err)
	}
	if got := periods(); len(got) != 0 {
		t.Errorf("a cgroup that went away has %v", got)
	}
	stat("10")
	if got := periods(); !slices.Equal(got, []uint64{0}) {
		t.Errorf("it counts from before: %v", got)
	}
	if _, err := NewCgroups(filepath.Join(proc, "absent"), root).Read(); !errors.Is(err, fs.ErrNotExist) ||
		!strings.HasPrefix(err.Error(), "reading cgroups: ") {
		t.Errorf("without /proc: %v", err)
	}
}

// TestReader: a file that does not fit the buffer is an error, not a part of it.
func TestReader(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"empty": "", "small": "x", "full": strings.Repeat("x", maxFile-1), "large": strings.Repeat("x", maxFile),
	})
	var r reader
	for name, want := range map[string]int{"empty": 0, "small": 1, "full": maxFile - 1} {
		if data, err := r.read(filepath.Join(dir, name)); err != nil || len(data) != want {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
	if _, err := r.read(filepath.Join(dir, "large")); !errors.Is(err, errLarge) {
		t.Errorf("large: %v", err)
	}
	for _, name := range []string{"absent", "."} {
		if _, err := r.read(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is a file", name)
		}
	}
}

// TestNoProc: without /proc, or without what it must have, nothing is read.
func TestNoProc(t *testing.T) {
	dir := t.TempDir()
	if _, err := NewProcesses(dir); err == nil || !strings.HasPrefix(err.Error(), "reading the size of the memory: ") {
		t.Errorf("%v", err)
	}
	write(t, dir, map[string]string{"meminfo": "Nothing: 1\n", "8/stat": stat})
	p, err := NewProcesses(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := p.Read() // what is missing of a process is zero
	if err != nil || len(rows) != 1 || rows[0].PID != 8 || rows[0].RSS != 0 || rows[0].MemoryRelative != 0 ||
		rows[0].MountNS != 0 {
		t.Errorf("%+v, %v", rows, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Read(); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "reading processes: ") {
		t.Errorf("%v", err)
	}
}

// TestReusedNumber: a process that has the number of one that ended used no time of it.
func TestReusedNumber(t *testing.T) {
	proc := t.TempDir()
	write(t, proc, map[string]string{"meminfo": "MemTotal: 1000 kB\n", "77/stat": stat})
	p, err := NewProcesses(proc)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := p.Read(); err != nil {
			t.Fatal(err)
		}
	}
	young := strings.Replace(strings.Replace(stat, " 250 50 ", " 10 0 ", 1), " 12345 ", " 99999 ", 1)
	write(t, proc, map[string]string{"77/stat": young})
	p.last = p.last.Add(-10 * time.Second)
	rows, err := p.Read()
	if err != nil || len(rows) != 1 || rows[0].CPUUsage <= 0 || rows[0].CPUUsage > 1 {
		t.Errorf("10 ticks in 10 seconds are %+v, %v", rows, err)
	}
}

// TestProgramUsers: which processes have a program open, by their descriptors.
func TestProgramUsers(t *testing.T) {
	proc := t.TempDir()
	write(t, proc, map[string]string{
		"12/comm": "one\n", "12/fdinfo/3": "pos:\t0\nprog_id:\t7\n", "12/fdinfo/4": "prog_id:\t7\n",
		"12/fdinfo/5": "prog_id:\t8\n", "12/fdinfo/6": "prog_id:\t9\n", "9/comm": "two\n",
		"9/fdinfo/3":    "prog_type:\t1\nprog_id:\t7\n",
		"self/fdinfo/3": "prog_id:\t7\n",
		"12/fdinfo/7":   "link_type:\t1\n",
	})
	for name, target := range map[string]string{
		"12/fd/3": "anon_inode:bpf-prog", "12/fd/4": "anon_inode:[perf_event]", "12/fd/5": "anon_inode:bpf_link",
		"12/fd/6": "/etc/passwd", "12/fd/7": "anon_inode:bpf_link", "12/fd/8": "anon_inode:bpf-prog",
		"9/fd/3":    "anon_inode:bpf-prog",
		"self/fd/3": "anon_inode:bpf-prog",
	} {
		path := filepath.Join(proc, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.Symlink(target, path)); err != nil {
			t.Fatal(err)
		}
	}
	got := (&Programs{proc: proc}).users()
	if len(got) != 2 || !slices.Equal(got[7].pids, []string{"12", "9"}) ||
		!slices.Equal(got[7].comms, []string{"one", "two"}) || !slices.Equal(got[8].pids, []string{"12"}) {
		t.Errorf("%+v", got)
	}
	if got := (&Programs{proc: filepath.Join(proc, "absent")}).users(); len(got) != 0 {
		t.Errorf("without /proc: %+v", got)
	}
}
