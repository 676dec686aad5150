package engine_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
	"github.com/rules-gadget/rules_gadget/runner/engine"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// tally is a Handler that adds what each data source reads.
type tally struct {
	mu                   sync.Mutex // arrays of several sources come at the same time
	runs, parts, entries map[int]uint64
	wrong                []string
}

func newTally() *tally {
	return &tally{runs: map[int]uint64{}, parts: map[int]uint64{}, entries: map[int]uint64{}}
}

func (*tally) Event(int, []byte) {}
func (*tally) Lost(int, uint64)  {}

func (c *tally) Array(source int, samples [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range samples {
		c.entries[source]++
		c.runs[source] += binary.NativeEndian.Uint64(s[4:])
		c.parts[source] += uint64(binary.NativeEndian.Uint32(s[16:]))
		if slot, text := binary.NativeEndian.Uint32(s), string(s[20:23]); slot != 2 || text != "abc" {
			c.wrong = append(c.wrong, fmt.Sprintf("source %d: slot %d, text %q", source, slot, text))
		}
	}
}

// TestMapsOfEveryType starts a program on each CPU in turn and finds each once,
// in a map of every type: as a sum, and with an entry for each CPU.
func TestMapsOfEveryType(t *testing.T) {
	gadgettest.NeedsKernel(t)
	if runtime.NumCPU() < 2 {
		t.Skip("needs two CPUs")
	}
	for _, mode := range []string{gadgetapi.PerCPUSum, gadgetapi.PerCPUList} {
		t.Run(mode, func(t *testing.T) {
			md := gadgetapi.Metadata{DataSources: map[string]gadgetapi.DataSource{}}
			for _, name := range []string{"hash", "lru_hash", "percpu_hash", "lru_percpu_hash", "array", "percpu_array"} {
				md.DataSources[name] = gadgetapi.DataSource{Annotations: map[string]string{
					gadgetapi.AnnotationInterval: "1h", gadgetapi.AnnotationMapStop: "true", gadgetapi.AnnotationPerCPU: mode,
				}}
			}
			plan, l := load(t, "maps.bpf.o", md)
			got := newTally()
			execOnEachCPU(t, l, got)
			for i, table := range plan.Tables {
				perCPU := strings.Contains(table.Name, "percpu")
				if got.runs[i] < 2 || got.parts[i] != 100*got.runs[i] {
					t.Errorf("%s: %d runs, %d parts, want at least 2 runs and 100 parts for each", table.Name, got.runs[i],
						got.parts[i])
				}
				if want := perCPU && mode == gadgetapi.PerCPUList; want != (got.entries[i] > 1) {
					t.Errorf("%s: %d entries, want several: %t", table.Name, got.entries[i], want)
				}
			}
			for _, text := range got.wrong {
				t.Error(text)
			}
		})
	}
}

// execOnEachCPU starts a program on two CPUs while l runs.
func execOnEachCPU(t *testing.T, l *engine.Loaded, h engine.Handler) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err := l.Run(ctx, h, func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		var all unix.CPUSet
		if err := unix.SchedGetaffinity(0, &all); err != nil {
			t.Error(err)
		}
		defer func() { _ = unix.SchedSetaffinity(0, &all) }()
		for cpu := range 2 {
			var one unix.CPUSet
			one.Set(cpu)
			if err := unix.SchedSetaffinity(0, &one); err != nil {
				t.Error(err)
			}
			if err := exec.Command("/proc/self/exe", "-test.run=^$").Run(); err != nil {
				t.Error(err)
			}
		}
		cancel()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// keysOfArray is a Handler that counts how often each key comes in one reading.
type keysOfArray struct{ count map[uint32]int }

func (keysOfArray) Event(int, []byte) {}
func (keysOfArray) Lost(int, uint64)  {}

func (k keysOfArray) Array(_ int, samples [][]byte) {
	for _, s := range samples {
		k.count[binary.NativeEndian.Uint32(s)]++
	}
}

// TestMapChangedWhileRead reads a map to which the reading itself adds: the
// program counts system calls, those that read the map too.
func TestMapChangedWhileRead(t *testing.T) {
	gadgettest.NeedsKernel(t)
	md := gadgetapi.Metadata{DataSources: map[string]gadgetapi.DataSource{"calls": {Annotations: map[string]string{
		gadgetapi.AnnotationInterval: "1h", gadgetapi.AnnotationMapStop: "true",
	}}}}
	_, l := load(t, "syscalls.bpf.o", md)
	got := keysOfArray{map[uint32]int{}}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := l.Run(ctx, got, cancel); err != nil {
		t.Fatal(err)
	}
	if n := got.count[uint32(os.Getpid())]; n != 1 {
		t.Errorf("one reading has %d entries of the process that reads, want 1", n)
	}
	for pid, n := range got.count {
		if n > 1 {
			t.Errorf("one reading has %d entries of process %d, want 1", n, pid)
		}
	}
}
