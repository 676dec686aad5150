package tests

import (
	"os"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// processUse is one row of data source processes.
type processUse struct {
	PID     int     `json:"pid"`
	PPID    int     `json:"ppid"`
	Comm    string  `json:"comm"`
	State   string  `json:"state"`
	Threads int     `json:"threadCount"`
	CPU     float64 `json:"cpuUsage"`
	CPUTime uint64  `json:"cpuTime"`
	RSS     uint64  `json:"memoryRSS_raw"`
	Virtual uint64  `json:"memoryVirtual_raw"`
}

// spin keeps a CPU busy for a minute.
func spin([]string) error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
	}
	return nil
}

func TestTopProcess(t *testing.T) {
	var children [2]int // one sleeps, the other spins
	for i, job := range []string{"wait", "spin"} {
		child := live.Child(job)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
		children[i] = child.Process.Pid
	}

	rows := map[int][]processUse{}
	for _, p := range live.Collect[processUse](t, "top_process", []string{"--count", "2", "--interval", "1s"}) {
		rows[p.PID] = append(rows[p.PID], p)
	}
	for i, pid := range children {
		got := rows[pid]
		if len(got) != 2 {
			t.Fatalf("%d rows of child %d in two readings, want 2", len(got), i)
		}
		for _, p := range got {
			if p.PPID != os.Getpid() || p.Comm == "" || p.Threads < 1 || p.RSS == 0 || p.Virtual < p.RSS {
				t.Errorf("child %d: %+v", i, p)
			}
		}
		// How much a busy process gets of a busy machine is not known.
		if used := got[1].CPUTime - got[0].CPUTime; i == 1 && (used == 0 || got[1].CPU <= 0) {
			t.Errorf("the process that spins used %d ticks, %v %% of a CPU", used, got[1].CPU)
		} else if i == 0 && (used > 10 || got[1].CPU > 10) {
			t.Errorf("the process that sleeps used %d ticks, %v %% of a CPU", used, got[1].CPU)
		}
	}
}
