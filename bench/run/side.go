package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// side is one runner.
type side struct {
	name, binary string
	flags        []string
	imports      bool // archives are imported first
}

// running is a runner that traces.
type running struct {
	cmd   *exec.Cmd
	first time.Duration // from the start to the first byte of output
	notes *notes
	out   chan struct{} // closed with the first byte
	done  chan struct{} // closed at the end of the output
}

// notes are what a runner writes to stderr.
type notes struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

// start runs a gadget with flags.
func (b *bench) start(s side, gadget string, flags ...string) (*running, error) {
	name := b.archives[gadget]
	if s.imports {
		out, err := exec.CommandContext(b.ctx, s.binary, "image", "import", name).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("importing %s: %w\n%s", name, err, out)
		}
		name = strings.Fields(string(out))[len(strings.Fields(string(out)))-1]
	}
	r := &running{notes: &notes{}, out: make(chan struct{}), done: make(chan struct{})}
	r.cmd = exec.CommandContext(b.ctx, s.binary, append(append([]string{"run", name}, s.flags...), flags...)...)
	r.cmd.Stderr = r.notes
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(r.done)
		reader := bufio.NewReaderSize(out, 1<<20)
		if _, err := reader.ReadByte(); err != nil {
			return
		}
		r.first = time.Since(start)
		close(r.out)
		_, _ = io.Copy(io.Discard, reader)
	}()
	return r, nil
}

// readyText is what runners say when they trace; others are given a moment.
const (
	readyText   = "ready"
	readyMoment = 3 * time.Second
)

// ready waits until the runner traces.
func (r *running) ready() {
	for end := time.Now().Add(readyMoment); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(r.notes.String(), readyText) {
			return
		}
	}
}

// stop ends the runner and waits for it.
func (r *running) stop() error {
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	<-r.done
	var exit *exec.ExitError
	if err := r.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

var lostText = regexp.MustCompile(`(?i)(\d+) events shown, (\d+) lost|lost (\d+) (?:events|samples)`)

// lost returns how many events the runner says were lost.
func (r *running) lost() int {
	total, summary := 0, -1
	for _, m := range lostText.FindAllStringSubmatch(r.notes.String(), -1) {
		if m[2] != "" {
			summary, _ = strconv.Atoi(m[2])
			continue
		}
		n, _ := strconv.Atoi(m[3])
		total += n
	}
	if summary >= 0 {
		return summary
	}
	return total
}

// ticksPerSecond is USER_HZ, which is the same on every architecture that gadgets
// run on.
const ticksPerSecond = 100

// cpu returns how much CPU time the runner has taken.
func (r *running) cpu() (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("the state of the runner is not readable: %q", data)
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / ticksPerSecond, err
}

var residentText = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident returns the bytes of memory that the runner has now.
func (r *running) resident() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	m := residentText.FindSubmatch(status)
	if m == nil {
		return 0
	}
	kb, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return kb * 1024
}
