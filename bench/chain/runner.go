package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// measureRunner measures gadget-run with an artifact in its store.
func measureRunner(ctx context.Context, b *builder) ([]row, error) {
	if _, err := b.bazel(ctx, "build", "//runner:gadget-run", image); err != nil {
		return nil, err
	}
	bin, err := b.bazel(ctx, "info", "bazel-bin")
	if err != nil {
		return nil, err
	}
	binary := filepath.Join(bin, "runner/gadget-run_/gadget-run")
	info, err := os.Stat(binary)
	if err != nil {
		return nil, err
	}
	state, err := os.MkdirTemp("", "chain-state")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(state)
	r := &runner{binary: binary, state: state}
	layout := filepath.Join(bin, "gadgets/trace_open/image.oci")
	if err := r.store(ctx, layout); err != nil {
		return nil, err
	}
	first, err := median(b.runs, func(int) (time.Duration, error) { return r.firstEvent(ctx) })
	if err != nil {
		return nil, err
	}
	return []row{
		{"size of gadget-run", fmt.Sprintf("%.1f MB", float64(info.Size())/1e6), "< 30 MB", info.Size() < 30e6},
		durationRow("gadget-run, start to first event", first, 150*time.Millisecond),
		{"gadget-run, resident at its peak", fmt.Sprintf("%.1f MB", float64(r.peak)/1e6), "< 60 MB", r.peak < 60e6},
	}, nil
}

// runner starts gadget-run with a state directory of its own.
type runner struct {
	binary, state string
	peak          int64 // bytes, the most that any run had resident
}

const stored = "localhost/bench/trace_open:v1"

func (r *runner) store(ctx context.Context, layout string) error {
	cmd := exec.CommandContext(ctx, r.binary, "image", "load", "--state", r.state, "--tag", stored, layout)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("storing the artifact: %w\n%s", err, out)
	}
	return nil
}

// firstEvent returns the time from the start of gadget-run to the first line that
// it prints, while files are being opened all along.
func (r *runner) firstEvent(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if f, err := os.Open(os.DevNull); err == nil {
				f.Close()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	cmd := exec.CommandContext(ctx, r.binary, "run", "--state", r.state, "--pull", "never", "-o", "json", stored)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	_, err = bufio.NewReader(out).ReadString('\n')
	took := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("waiting for the first event: %w", err)
	}
	r.peak = max(r.peak, peakResident(cmd.Process.Pid))
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		return 0, err
	}
	_ = cmd.Wait() // Ends by the signal; its status says nothing about the figure.
	return took, nil
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakResident returns the peak resident size of a process in bytes, 0 when unknown.
func peakResident(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	m := highWater.FindSubmatch(status)
	if m == nil {
		return 0
	}
	kb, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return kb * 1024
}
