package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// The sides that take turns.
const (
	ourSide     = "ours"
	leftOutSide = "ours, left out"
	emptySide   = "empty programs"
	peerSide    = "bpftrace"
)

// side is a command that traces.
type side struct {
	name      string
	args      []string
	env       []string // in addition to this process's
	readyLine string   // what it says when it traces
}

// readyLine is the beginning of what gadget-run says when it traces.
const readyLine = "ready, "

// sides returns the commands that trace a workload. A process that is left out is
// not process 1, the only one that the filter lets through.
func (b *bench) sides(w workload) []side {
	image := strings.ReplaceAll(b.Artifacts, "*", w.gadget)
	ours := []string{b.runner, "-v", "run", image}
	sides := []side{{name: ourSide, args: ours, readyLine: readyLine}}
	if w.filter {
		sides = append(sides,
			side{name: leftOutSide, args: append(slices.Clone(ours), "--pid", "1"), readyLine: readyLine},
			side{name: emptySide, args: []string{b.self}, env: []string{emptyEnv + "=" + image}, readyLine: readyLine})
	}
	bpftrace, err := exec.LookPath(b.Bpftrace)
	if err != nil || w.peer == "" {
		return sides
	}
	script := []string{filepath.Join(b.Scripts, w.peer)}
	if w.script != "" {
		script = []string{"-e", w.script}
	}
	// In a mount namespace of its own, where the file system that it reads is there.
	const prepare = `mount -t debugfs debugfs /sys/kernel/debug && exec "$0" "$@"`
	return append(sides, side{
		name: peerSide, args: append([]string{"/bin/sh", "-c", prepare, bpftrace}, script...), readyLine: "Attaching ",
	})
}

// tracer is a side that runs.
type tracer struct {
	cmd    *exec.Cmd
	others map[ebpf.ProgramID]bool // eBPF programs that were loaded before it started
}

// patience is how long a side may take until it traces.
const patience = time.Minute

// start runs a side and waits until it traces. What it prints is thrown away.
func (b *bench) start(s side) (*tracer, error) {
	others, err := loaded()
	if err != nil {
		return nil, err
	}
	t := &tracer{exec.CommandContext(b.ctx, s.args[0], s.args[1:]...), others}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	t.cmd.Env = append(os.Environ(), s.env...)
	t.cmd.Stderr, t.cmd.Stdout = in, in
	t.cmd.Cancel = func() error { return t.cmd.Process.Signal(os.Interrupt) }
	if s.name == peerSide {
		t.cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	}
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	words := &words{readyLine: s.readyLine, ready: make(chan struct{}), ended: make(chan struct{})}
	go words.read(out)
	err = words.wait(words.ready, "it did not say so")
	if err == nil && s.name == peerSide {
		err = words.wait(t.waits(), "it does not wait for events")
	}
	if err != nil {
		t.stop()
		return nil, err
	}
	return t, nil
}

// waits closes what it returns when the side waits for events: bpftrace does once
// everything is attached, which it does not say.
func (t *tracer) waits() <-chan struct{} {
	waits := make(chan struct{})
	go func() {
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			where, err := os.ReadFile(fmt.Sprintf("/proc/%d/wchan", t.cmd.Process.Pid))
			if err != nil {
				return
			}
			if strings.Contains(string(where), "ep_poll") || strings.Contains(string(where), "epoll_wait") {
				close(waits)
				return
			}
		}
	}()
	return waits
}

// words is what a side says.
type words struct {
	readyLine    string
	ready, ended chan struct{}
	last         string // line before the end; for those that waited for it
}

// read reads what a side says to its end.
func (w *words) read(out io.ReadCloser) {
	defer out.Close()
	defer close(w.ended)
	ready := false
	for r := bufio.NewReaderSize(out, 1<<20); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if text := strings.TrimSpace(line); text != "" {
			w.last = text
		}
		if !ready && strings.Contains(line, w.readyLine) {
			close(w.ready)
			ready = true
		}
	}
}

// wait waits for a sign that the side traces.
func (w *words) wait(sign <-chan struct{}, missing string) error {
	select {
	case <-sign:
		return nil
	case <-w.ended:
		return errors.New(w.last)
	case <-time.After(patience):
		return fmt.Errorf("it does not trace after %v: %s", patience, missing)
	}
}

// stop ends the side.
func (t *tracer) stop() {
	_ = t.cmd.Process.Signal(os.Interrupt) // it may have ended
	_ = t.cmd.Wait()                       // bpftrace ends with a code of its own
}

// ticksPerSecond is USER_HZ, the same on every architecture that gadgets run on.
const ticksPerSecond = 100

// cpu returns the CPU time that the side has taken.
func (t *tracer) cpu() (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", t.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	const utime, stime = 11, 12 // after the name
	if len(fields) <= stime {
		return 0, errors.New("reading /proc/PID/stat: too few fields")
	}
	sum := 0
	for _, f := range []string{fields[utime], fields[stime]} {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticksPerSecond, nil
}
