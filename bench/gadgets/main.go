// Command bench/gadgets measures what gadgets cost the processes that they trace:
// how much of a thing a process does with a second of CPU time without a gadget,
// with this project's, with one whose filter leaves the process out, with programs that
// do nothing at the same hooks, and with the tool of bpftrace that answers the same
// question. It runs as root.
//
//	./bazelw build //gadgets:images
//	go run ./bench/gadgets
//
// All sides take turns on the same processor. CPU time counts, not the time on the
// clock, so that others who use the machine disturb less. What the kernel measures as the
// time of the programs themselves is independent of that.
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
	Rounds    int           `default:"5" help:"Measurements of each side, of which the median counts."`
	Workloads []string      `arg:"" optional:"" help:"Names of the workloads to measure; all if not given."`
}

// workEnv names, in the process that is traced, what it does; emptyEnv the artifact of
// the gadget, in the process that attaches programs that do nothing.
const (
	workEnv  = "BENCH_GADGETS_WORK"
	emptyEnv = "BENCH_GADGETS_EMPTY"
)

func main() {
	if name := os.Getenv(workEnv); name != "" {
		os.Exit(work(name, os.Args[1:]))
	}
	if path := os.Getenv(emptyEnv); path != "" {
		os.Exit(tool.Main("bench/gadgets", func(ctx context.Context, _ []string, _ io.Reader, stdout, _ io.Writer) error {
			return attachEmpty(ctx, path, stdout)
		}))
	}
	os.Exit(tool.Main("bench/gadgets", run))
}

// bench is the state of a run.
type bench struct {
	flags
	ctx    context.Context
	self   string // this program
	runner string
	dir    string // for files of the workloads
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
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	b.dir, b.runner = dir, filepath.Join(dir, "gadget-run")
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

// result is what was measured for a workload, in the rounds one after the other.
type result struct {
	workload workload
	none     []float64 // operations for a second of CPU time
	with     map[string][]figures
	peerErr  error
}

// figures are what was measured with a side.
type figures struct {
	rate float64       // operations for a second of CPU time
	cpu  time.Duration // of the side, for a second of CPU time of the process
	runs time.Duration // of the side's programs, for each operation
}

// measure lets all sides take turns.
func (b *bench) measure(w workload) (*result, error) {
	r := &result{workload: w, with: map[string][]figures{}}
	for round := range b.Rounds {
		work, err := b.work(w, b.Time)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(b.log, "%s, round %d, untraced: %.0f a second\n", w.name, round+1, work.rate)
		r.none = append(r.none, work.rate)
		for _, s := range b.sides(w) {
			if r.peerErr != nil && s.name == peerSide {
				continue
			}
			got, err := b.turn(w, s)
			if err != nil && s.name == peerSide {
				r.peerErr = err
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			fmt.Fprintf(b.log, "%s, round %d, %s: %.0f a second, programs %v\n", w.name, round+1, s.name, got.rate, got.runs)
			r.with[s.name] = append(r.with[s.name], got)
		}
	}
	return r, nil
}

// turn measures the workload once, with a side tracing.
func (b *bench) turn(w workload, s side) (figures, error) {
	t, err := b.start(s)
	if err != nil {
		return figures{}, err
	}
	defer t.stop()
	before, err := t.cpu()
	if err != nil {
		return figures{}, err
	}
	work, err := b.work(w, b.Time)
	if err != nil {
		return figures{}, err
	}
	time.Sleep(warmUp)
	after, err := t.cpu()
	if err != nil {
		return figures{}, err
	}
	runs, err := b.runs(w, t)
	return figures{work.rate, time.Duration(float64(after-before) / b.Time.Seconds()), runs}, err
}

// warmUp is how long a side may take to show the last events.
const warmUp = 300 * time.Millisecond
