package tests

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// sample is one entry of data source samples.
type sample struct {
	Proc      live.Process `json:"proc"`
	Samples   uint64       `json:"samples"`
	Kernel    string       `json:"kern_stack"`
	UserStack struct {
		Symbols string `json:"symbols"`
	} `json:"user_stack_raw"`
}

const (
	sampleRate     = 49  // samples a second of a CPU
	ticksPerSecond = 100 // in which /proc counts CPU time
)

// cpuSeconds returns the CPU time that a process has used.
func cpuSeconds(t *testing.T, pid int) float64 {
	t.Helper()
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	user, userErr := strconv.ParseFloat(fields[11], 64)
	system, systemErr := strconv.ParseFloat(fields[12], 64)
	if userErr != nil || systemErr != nil {
		t.Fatalf("CPU time in %q", data)
	}
	return (user + system) / ticksPerSecond
}

// countTicks returns how many ticks of the sampler's rate come in a time: fewer on a
// virtual machine that stands still again and again.
func countTicks(d time.Duration) int {
	ticker := time.NewTicker(time.Second / sampleRate)
	defer ticker.Stop()
	n := 0
	for end := time.Now().Add(d); time.Now().Before(end); n++ {
		<-ticker.C
	}
	return n
}

func TestProfileCPU(t *testing.T) {
	pid := startSpinning(t)

	cases := []struct {
		name         string
		args         []string
		user, kernel bool // whether stacks of the kind may come
	}{
		{"both", nil, true, true},
		{"user", []string{"--user-stacks-only"}, true, false},
		{"kernel", []string{"--kernel-stacks-only"}, false, true},
		{"without user stacks", []string{"--collect-ustack=false"}, false, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var least float64
			var ticks int
			before := cpuSeconds(t, pid)
			events := live.Observe[sample](t, "profile_cpu", append([]string{"--pid", strconv.Itoa(pid)}, c.args...), func() {
				start := cpuSeconds(t, pid)
				ticks = countTicks(1500 * time.Millisecond)
				least = min(cpuSeconds(t, pid)-start, float64(ticks)/sampleRate)
			})
			most := cpuSeconds(t, pid) - before
			var samples, spinning uint64
			for _, e := range events {
				if e.Proc.PID != pid || !e.Proc.Child() || e.Samples == 0 {
					t.Errorf("an entry of another process, or without samples: %+v", e)
				}
				if e.UserStack.Symbols != "" && !c.user || e.Kernel != "" && !c.kernel {
					t.Errorf("a stack that was not requested: %+v", e)
				}
				samples += e.Samples
				if strings.Contains(e.UserStack.Symbols, ".spin;") {
					spinning += e.Samples
				}
			}
			// A busy machine takes its samples late or leaves them out, as it does with
			// ticks, but never takes more than it has.
			if float64(samples) < least*sampleRate/2-2 || float64(samples) > most*sampleRate*1.2+2 {
				t.Errorf("%d samples of %.2f to %.2f s of CPU time, %d ticks", samples, least, most, ticks)
			}
			if c.user && spinning < samples/2 {
				t.Errorf("%d of %d samples are in the function that spins, want most", spinning, samples)
			}
		})
	}
}

func TestProfileCPUIdle(t *testing.T) {
	for idle, want := range map[string]bool{"false": false, "true": true} {
		found := false
		for _, e := range live.Observe[sample](t, "profile_cpu", []string{"--include-idle=" + idle}, func() {
			time.Sleep(time.Second)
		}) {
			found = found || e.Proc.PID == 0
		}
		if found && !want {
			t.Error("the idle task was sampled, although not requested")
		} else if !found && want {
			t.Log("no CPU was idle when it was sampled")
		}
	}
}
