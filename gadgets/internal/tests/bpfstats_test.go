package tests

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// programUse is one row of data source bpfstats.
type programUse struct {
	ID        uint32  `json:"progID"`
	Name      string  `json:"progName"`
	Type      string  `json:"progType"`
	Runtime   uint64  `json:"runtime_raw"`
	Runs      uint64  `json:"runcount"`
	CPU       float64 `json:"cpuUsage"`
	MapMemory uint64  `json:"mapMemory_raw"`
	MapCount  uint64  `json:"mapCount"`
	Comms     string  `json:"comms"`
	PIDs      string  `json:"pids"`
}

func TestBPFStats(t *testing.T) {
	const signals = 1000
	var reached []programUse
	rows := live.Observe[programUse](t, "bpfstats", []string{"--interval", "500ms"}, func() {
		live.Observe[signalEvent](t, "trace_signal", []string{"--pid", "1"}, func() {
			time.Sleep(600 * time.Millisecond) // measured once before
			for range signals {
				_ = unix.Kill(os.Getpid(), unix.SIGURG) // which Go ignores
			}
			time.Sleep(1200 * time.Millisecond)
		})
	})
	sums := map[uint32]programUse{} // by the id of the program
	for _, r := range rows {
		if r.Name != "signal_generate" || r.Type != "TracePoint" || !strings.Contains(r.Comms, "gadget-run") {
			continue
		}
		if r.PIDs == "" || r.MapCount == 0 || r.MapMemory == 0 {
			t.Errorf("without a process, or without maps: %+v", r)
		}
		sum := sums[r.ID]
		r.Runtime, r.Runs, r.CPU = sum.Runtime+r.Runtime, sum.Runs+r.Runs, max(sum.CPU, r.CPU)
		sums[r.ID] = r
	}
	for _, r := range sums {
		if r.Runs >= signals {
			reached = append(reached, r)
		}
	}
	if len(reached) == 0 {
		t.Fatalf("no program ran %d times, of %d rows", signals, len(rows))
	}
	used := false
	for _, r := range reached {
		used = used || r.CPU > 0
		if r.Runtime == 0 {
			t.Errorf("ran %d times in no time: %+v", r.Runs, r)
		}
	}
	if !used {
		t.Errorf("no row reports that the CPU was used: %+v", reached)
	}
}
