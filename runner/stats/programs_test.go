package stats

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
)

// TestProgramTable finds a program of its own in the entries, and what it used since the last
// reading.
func TestProgramTable(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	prog := testProgram(t)
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	table, err := ProgramTable(func(n uint32) Gadget {
		if n != uint32(id) {
			return Gadget{}
		}
		return Gadget{"a-2", "a", "registry.example/a:v1"}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	own := func() []byte {
		t.Helper()
		data, err := table.Read()
		if err != nil {
			t.Fatal(err)
		}
		for ; len(data) > 0; data = data[table.Row.Size:] {
			if value(t, table.Row, data, "progID") == uint64(id) {
				return data[:table.Row.Size]
			}
		}
		t.Fatalf("program %d is not among the entries", id)
		return nil
	}
	before := own()
	checkValues(t, table.Row, before, map[string]any{
		"progName": "stats_test", "progType": "SocketFilter", "mapCount": uint64(1), "cpuUsage": 0.0,
		"pids": strconv.Itoa(os.Getpid()), "gadgetID": "a-2", "gadgetName": "a", "gadgetImage": "registry.example/a:v1",
	})
	for range 50 {
		if _, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 64)}); err != nil {
			t.Fatal(err)
		}
	}
	after := own()
	runs := func(entry []byte) uint64 { return value(t, table.Row, entry, "runcount").(uint64) }
	if n := runs(after) - runs(before); n != 50 {
		t.Errorf("it ran %d times since the last reading, want 50", n)
	}
	if comms := value(t, table.Row, after, "comms").(string); comms == "" || strings.Contains(comms, "\n") {
		t.Errorf("it is used by %q", comms)
	}
}

// TestCgroupParents: a limit of a cgroup counts for those below it, so it is shown though no
// process is directly in it, and once though many are below.
func TestCgroupParents(t *testing.T) {
	proc, root := t.TempDir(), t.TempDir()
	write(t, proc, map[string]string{
		"5/cgroup": "0::/slice/pod/one\n", "5/ns/mnt": "", "6/cgroup": "0::/slice/pod/two\n", "6/ns/mnt": "",
		"7/cgroup": "0::/other\n", // no namespace: it ended meanwhile
		"8/status": "Name:\tx\n",  // no cgroup: likewise
	})
	limit := map[string]string{}
	for _, dir := range []string{"slice", "slice/pod/two", "other"} {
		limit[dir+"/cpu.max"], limit[dir+"/cpu.stat"] = "300000 100000\n", "nr_periods 5\n"
	}
	write(t, root, limit)
	c := NewCgroups(proc, root)
	rows, err := c.Read()
	if err != nil {
		t.Fatal(err)
	}
	inside := map[string]bool{}
	for _, r := range rows {
		inside[r.Path] = r.MountNS != 0
		if r.LimitCores != 3 || r.Quota != 300*time.Millisecond || r.Pressure != 0 {
			t.Errorf("%+v", r)
		}
	}
	if diff := cmp.Diff(map[string]bool{"/slice": false, "/slice/pod/two": true}, inside); diff != "" {
		t.Error(diff)
	}
}
