// Package live runs built gadgets on a kernel and hands tests the events that
// happened while they did something. The same tests run on this machine and, in
// one program with all the others, in the virtual machines of kerneltest.
//
// The environment variable GADGET_RUN names the runner, and GADGETS the
// artifacts, with a star for the name of the gadget; both below TEST_SRCDIR or
// as absolute paths.
package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// patience is how long the runner may take to attach, and to end. In an emulated
	// machine a wasm program takes minutes to compile.
	patience = 5 * time.Minute
	// maxLine is the longest line: an event has several texts of a path's length,
	// and bytes that JSON escapes; an array is a line with all of its entries.
	maxLine = 64 << 20
	// maxOutput bounds what a run writes.
	maxOutput = 4 * maxLine
	// maxMemory bounds what the runner may have resident at any time, in KiB: most when
	// it compiles a wasm program for the first time, 90 MiB with that of advise_seccomp
	// and 111 MiB with that of advise_networkpolicy, the largest.
	maxMemory = 120 << 10
)

// What the runner prints on stderr.
var (
	attached = regexp.MustCompile(`^gadget-run: ready, `)
	verified = regexp.MustCompile(
		`^gadget-run: program "(\w+)": the verifier walked (\d+) instructions, the stack takes (\d+) bytes$`)
	lostNow = regexp.MustCompile(`: lost (\d+) events`)
	lost    = regexp.MustCompile(`: lost \d+ events|[1-9]\d* lost$`)
)

// Observe runs the gadget with args and do in the middle of it, and returns the
// events that came meanwhile, of any process; of a data source that is an array,
// its entries one after the other. It fails the test where an event was lost.
func Observe[E any](t *testing.T, gadget string, args []string, do func()) []E {
	t.Helper()
	events, r := observe[E](t, gadget, args, do)
	r.noneLost(t)
	return events
}

// ObserveLoss is Observe for more than the gadget has room for. It also returns
// how many events the runner reported as lost.
func ObserveLoss[E any](t *testing.T, gadget string, args []string, do func()) ([]E, int) {
	t.Helper()
	events, r := observe[E](t, gadget, args, do)
	sum := 0
	for _, m := range lostNow.FindAllStringSubmatch(r.log.String(), -1) {
		n, _ := strconv.Atoi(m[1])
		sum += n
	}
	return events, sum
}

func observe[E any](t *testing.T, gadget string, args []string, do func()) ([]E, *runner) {
	t.Helper()
	text, r := whole(t, gadget, args, do)
	var events []E
	if err := decode(bytes.NewReader(text), &events); err != nil {
		t.Fatalf("reading the output of the runner: %v", err)
	}
	return events, r
}

// whole runs the gadget and returns what it wrote. Nothing is decoded before it has
// ended: on an emulated machine that would take the time that the runner needs.
func whole(t *testing.T, gadget string, args []string, do func()) ([]byte, *runner) {
	t.Helper()
	r := start(t, gadget, args)
	var text []byte
	read := make(chan error, 1)
	go func() {
		var err error
		text, err = io.ReadAll(io.LimitReader(r.stdout, maxOutput))
		read <- err
	}()
	r.during(t, do)
	r.finish(t, <-read)
	return text, r
}

// Text is Observe for a gadget that writes a text, which args request by -o.
func Text(t *testing.T, gadget string, args []string, do func()) string {
	t.Helper()
	text, r := whole(t, gadget, args, do)
	r.noneLost(t)
	return string(text)
}

// during calls do once the gadget is attached, and then signals the runner to end.
func (r *runner) during(t *testing.T, do func()) {
	t.Helper()
	select {
	case <-r.attached:
		do()
		r.stopped = time.Now()
		if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Errorf("stopping the runner: %v", err)
		}
	case <-r.ended: // without a word that it is attached: an error, or arrays that are read once
	case <-time.After(patience):
		t.Errorf("not attached after %s", patience)
		_ = r.cmd.Process.Kill()
	}
}

// Collect runs a gadget that reads something and ends by itself, and returns
// what it read.
func Collect[E any](t *testing.T, gadget string, args []string) []E {
	t.Helper()
	r := start(t, gadget, args)
	var events []E
	r.finish(t, decode(r.stdout, &events))
	r.noneLost(t)
	return events
}

// cache returns a directory that all runs share, so that a wasm program is
// compiled once: GADGETS_CACHE, which in a virtual machine holds compiled programs, or a
// new one.
func cache() string {
	if dir := os.Getenv("GADGETS_CACHE"); dir != "" {
		return dir
	}
	return ownCache()
}

// ownCache is the directory that Main removes.
var ownCache = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "gadgets-cache-")
	if err != nil {
		panic(err) // tests have their own temporary files, too
	}
	return dir
})

// runner is a running gadget-run.
type runner struct {
	gadget          string
	cmd             *exec.Cmd
	stdout          io.Reader
	attached, ended chan struct{}
	stopped         time.Time    // when it was signaled to end
	log             bytes.Buffer // stderr, complete once ended is closed
}

// start runs the gadget. It skips the test where the gadget is not there or
// cannot run.
func start(t *testing.T, gadget string, args []string) *runner {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to load programs")
	}
	image := strings.ReplaceAll(path(t, "GADGETS"), "*", gadget)
	args = append([]string{"-v", "run", image, "-o", "json"}, args...)
	cmd := exec.Command(path(t, "GADGET_RUN"), args...) //nolint:noctx // ended by SIGINT
	home := t.TempDir()
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + home, "GADGET_RUN_STATE=" + home, "XDG_CACHE_HOME=" + cache()}
	r := &runner{gadget: gadget, cmd: cmd, attached: make(chan struct{}), ended: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if r.stdout, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Before what else the machine does, so that it reads in time what any process causes.
	if err := unix.Setpriority(unix.PRIO_PGRP, cmd.Process.Pid, -20); err != nil {
		t.Errorf("giving the runner priority: %v", err)
	}
	go r.listen(stderr)
	return r
}

// listen keeps what the runner prints.
func (r *runner) listen(stderr io.Reader) {
	defer close(r.ended)
	var once sync.Once
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		fmt.Fprintln(&r.log, lines.Text())
		if attached.Match(lines.Bytes()) {
			once.Do(func() { close(r.attached) })
		}
	}
}

// finish waits for the end of the runner and checks what it printed. What the
// verifier counted goes into the log, where kerneltest finds it.
func (r *runner) finish(t *testing.T, decoded error) {
	t.Helper()
	<-r.ended
	err := r.cmd.Wait()
	if !r.stopped.IsZero() {
		t.Logf("the runner took %s to end", time.Since(r.stopped).Round(time.Millisecond))
	}
	if err != nil || decoded != nil {
		t.Fatalf("the runner: %v, reading its output: %v; stderr:\n%s", err, decoded, r.log.String())
	}
	if usage, ok := r.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok && usage.Maxrss > maxMemory {
		t.Errorf("the runner had %d KiB resident, more than %d", usage.Maxrss, maxMemory)
	}
	for line := range strings.Lines(r.log.String()) {
		line = strings.TrimSpace(line)
		if m := verified.FindStringSubmatch(line); m != nil {
			t.Logf("verified %s %s: %s instructions, %s bytes of stack", r.gadget, m[1], m[2], m[3])
		}
	}
}

// noneLost fails the test where the runner reported that something was lost.
func (r *runner) noneLost(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(r.log.String()) {
		if line = strings.TrimSpace(line); lost.MatchString(line) {
			t.Errorf("the runner printed %q", line)
		}
	}
}

// decode appends an event for each line, or each entry of an array, to events.
func decode[E any](r io.Reader, events *[]E) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		line := lines.Bytes()
		if !bytes.HasPrefix(line, []byte("[")) {
			line = fmt.Appendf(nil, "[%s]", line)
		}
		var some []E
		if err := json.Unmarshal(line, &some); err != nil {
			return fmt.Errorf("decoding %q: %w", lines.Text(), err)
		}
		*events = append(*events, some...)
	}
	return lines.Err()
}

// path returns the file that an environment variable names.
func path(t *testing.T, variable string) string {
	t.Helper()
	name := os.Getenv(variable)
	switch {
	case name == "":
		t.Skipf("needs %s, run ./bazelw test //gadgets/...", variable)
	case filepath.IsAbs(name):
		return name
	}
	return filepath.Join(os.Getenv("TEST_SRCDIR"), name)
}

// Runner returns the path of the runner.
func Runner(t *testing.T) string { return path(t, "GADGET_RUN") }

// Image returns the path of the artifact of a gadget.
func Image(t *testing.T, gadget string) string {
	return strings.ReplaceAll(path(t, "GADGETS"), "*", gadget)
}

// Gadgets returns the names of all artifacts, in order.
func Gadgets(t *testing.T) []string {
	t.Helper()
	pattern := path(t, "GADGETS")
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no artifact matches %q: %v", pattern, err)
	}
	before, after, _ := strings.Cut(pattern, "*")
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, before), after)
	}
	return files
}
