// Command bench/gadgets measures what gadgets cost the processes that they trace:
// how much of a thing a process does with a second of CPU time without a gadget,
// with this project's, with one whose filter leaves the process out, and with the
// tool of bpftrace that answers the same question. It runs as root.
//
//	./bazelw build //gadgets:images
//	go run ./bench/gadgets
//
// All sides take turns on the same processor. CPU time counts, not the time on the
// clock, so that others who use the machine disturb less.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/action/tool"
)

const doc = "Measures what gadgets cost the processes that they trace, beside bpftrace."

// flags is the command line.
type flags struct {
	Artifacts string        `default:"bazel-bin/gadgets/*/image.oci" type:"path" help:"Artifacts, with a star for the gadget's name."`
	Bpftrace  string        `default:"bpftrace" env:"BPFTRACE" help:"The bpftrace of the other side; omitted where it is not installed."`
	Scripts   string        `default:"/usr/sbin" help:"Directory of bpftrace's scripts, opensnoop.bt and so on."`
	Time      time.Duration `default:"1s" help:"CPU time of each measurement."`
	Rounds    int           `default:"5" help:"Measurements of each side, of which the best counts."`
	Workloads []string      `arg:"" optional:"" help:"Names of the workloads to measure; all if not given."`
}

// workEnv names, in the process that is traced, what it does.
const workEnv = "BENCH_GADGETS_WORK"

func main() {
	if name := os.Getenv(workEnv); name != "" {
		os.Exit(work(name, os.Args[1:]))
	}
	os.Exit(tool.Main("bench/gadgets", run))
}

// bench is the state of a run.
type bench struct {
	flags
	ctx    context.Context
	runner string
	log    io.Writer
}

func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	b := &bench{ctx: ctx, log: stderr}
	if err := tool.Parse("bench/gadgets", doc, &b.flags, args, stdout); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("measuring gadgets needs root to load eBPF programs")
	}
	dir, err := os.MkdirTemp("", "bench-gadgets-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.runner = filepath.Join(dir, "gadget-run")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.runner, "./runner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building gadget-run: %w\n%s", err, out)
	}
	fmt.Fprintf(stdout, tableHead, runtime.NumCPU(), b.Rounds, b.Time)
	for _, w := range workloads {
		if len(b.Workloads) > 0 && !slices.Contains(b.Workloads, w.name) {
			continue
		}
		r, err := b.measure(w)
		if err != nil {
			return fmt.Errorf("workload %q: %w", w.name, err)
		}
		r.print(stdout)
	}
	return nil
}

// result is what was measured for a workload.
type result struct {
	workload workload
	none     float64 // operations for a second of CPU time
	with     map[string]float64
	cpu      time.Duration // of gadget-run, for a second of CPU time of the process
	peerErr  error
}

// measure lets all sides take turns.
func (b *bench) measure(w workload) (*result, error) {
	r := &result{workload: w, with: map[string]float64{}}
	sides := b.sides(w)
	for round := range b.Rounds {
		rate, _, err := b.turn(w, nil)
		if err != nil {
			return nil, err
		}
		r.none = max(r.none, rate)
		for _, s := range sides {
			if r.peerErr != nil && s.name == peerSide {
				continue
			}
			rate, cpu, err := b.turn(w, &s)
			if err != nil && s.name == peerSide {
				r.peerErr = err
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			fmt.Fprintf(b.log, "%s, round %d, %s: %.0f a second\n", w.name, round+1, s.name, rate)
			r.with[s.name] = max(r.with[s.name], rate)
			if s.name == ourSide && (r.cpu == 0 || cpu < r.cpu) {
				r.cpu = cpu
			}
		}
	}
	return r, nil
}

// turn measures the workload once, with a side tracing or without. It also returns
// what the side used of the CPU for each second of the process's.
func (b *bench) turn(w workload, s *side) (float64, time.Duration, error) {
	var t *tracer
	if s != nil {
		var err error
		if t, err = b.start(*s); err != nil {
			return 0, 0, err
		}
		defer t.stop()
	}
	before, err := t.cpu()
	if err != nil {
		return 0, 0, err
	}
	rate, err := b.work(w)
	if err != nil {
		return 0, 0, err
	}
	time.Sleep(warmUp)
	after, err := t.cpu()
	return rate, time.Duration(float64(after-before) / b.Time.Seconds()), err
}

// warmUp is how long a side may take to show the last events.
const warmUp = 300 * time.Millisecond

const tableHead = `%d CPUs, best of %d turns of %v CPU time each

| what a process does | a second | ours | loses | left out | costs | bpftrace | loses | ours : theirs | our CPU |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
`

// print writes the line of a workload.
func (r *result) print(w io.Writer) {
	cost := func(name string) float64 { return 1e6/r.with[name] - 1e6/r.none } // µs an operation
	loses := func(name string) string { return fmt.Sprintf("%.1f %%", 100*(1-r.with[name]/r.none)) }
	fmt.Fprintf(w, "| %s | %.0f | %.0f | %s |", r.workload.what, r.none, r.with[ourSide], loses(ourSide))
	if r.with[leftOutSide] == 0 {
		fmt.Fprint(w, " | |")
	} else {
		fmt.Fprintf(w, " %.0f | %.2f µs |", r.with[leftOutSide], cost(leftOutSide))
	}
	switch {
	case r.with[peerSide] == 0:
		fmt.Fprintf(w, " %s | | |", r.peer())
	default:
		fmt.Fprintf(w, " %.0f (%s) | %s | %.2f : %.2f µs |", r.with[peerSide], r.workload.peer, loses(peerSide),
			cost(ourSide), cost(peerSide))
	}
	fmt.Fprintf(w, " %.0f %% |\n", 100*r.cpu.Seconds())
}

// peer explains why nothing was measured beside ours.
func (r *result) peer() string {
	if r.peerErr == nil {
		return "none"
	}
	return r.peerErr.Error()
}
