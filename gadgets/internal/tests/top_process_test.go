package tests

import (
	"bufio"
	"fmt"
	"os"
	"strings"
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

// spin keeps a CPU busy for some minutes, and reports on stdout that it begins. It
// rarely looks at the clock: Linux 5.10 on arm64 sees one function of a Go stack, which
// must be this one.
func spin([]string) error {
	fmt.Println(spinning)
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); {
		for range 1 << 24 {
		}
	}
	return nil
}

const spinning = "spinning"

// startSpinning starts a process that spins until the test ends, and returns its id once it
// does.
func startSpinning(t *testing.T) int {
	t.Helper()
	child := live.Child("spin")
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	if line, err := bufio.NewReader(stdout).ReadString('\n'); strings.TrimSpace(line) != spinning {
		t.Fatalf("the process that is to spin printed %q, %v", line, err)
	}
	return child.Process.Pid
}

func TestTopProcess(t *testing.T) {
	child := live.Child("wait")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	children := [2]int{child.Process.Pid, startSpinning(t)}

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
