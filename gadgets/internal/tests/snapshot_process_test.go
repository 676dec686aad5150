package tests

import (
	"os"
	"strconv"
	"testing"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// entriesOf returns the entries of a process.
func entriesOf(pid int, entries []live.Process) []live.Process {
	var out []live.Process
	for _, p := range entries {
		if p.PID == pid {
			out = append(out, p)
		}
	}
	return out
}

func TestSnapshotProcess(t *testing.T) {
	live.NeedsBTF(t)
	child := live.Child("wait")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pid := child.Process.Pid
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })

	all := live.Collect[live.Process](t, "snapshot_process", nil)
	seen := map[int]bool{}
	for _, p := range all {
		if p.PID != p.TID || seen[p.PID] {
			t.Errorf("process %d has an entry for thread %d", p.PID, p.TID)
		}
		seen[p.PID] = true
	}
	if !seen[os.Getppid()] || !seen[os.Getpid()] {
		t.Errorf("the parent: %v, this process: %v, want both", seen[os.Getppid()], seen[os.Getpid()])
	}
	got := entriesOf(pid, all)
	if len(got) != 1 || !got[0].Child() || got[0].Creds != (live.Creds{}) || got[0].MntNS == 0 ||
		got[0].Parent.Comm != live.Comm(t) {
		t.Errorf("got %+v, want one child of %q", got, live.Comm(t))
	}

	cases := []struct {
		name     string
		args     []string
		min, max int
	}{
		{"pid", []string{"--pid", strconv.Itoa(pid)}, 1, 1},
		{"threads", []string{"--threads", "--pid", strconv.Itoa(os.Getpid())}, 2, 1000},
		{"no such pid", []string{"--pid", strconv.Itoa(noProcess)}, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := live.Collect[live.Process](t, "snapshot_process", c.args)
			if len(got) < c.min || len(got) > c.max {
				t.Errorf("%d entries, want %d to %d", len(got), c.min, c.max)
			}
			threads := map[int]bool{}
			for _, p := range got {
				if c.args[len(c.args)-1] != strconv.Itoa(p.PID) || threads[p.TID] {
					t.Errorf("unexpected entry %+v", p)
				}
				threads[p.TID] = true
			}
		})
	}
}
