package runner_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// How long the end may take, whatever reads the output: until nothing is attached,
// and until the process has ended.
const (
	detachLimit = time.Second
	endLimit    = 3 * time.Second
)

// stuck returns a file whose next write waits forever, until the test ends.
type stuck func(t *testing.T) *os.File

// stuckPipe is a full pipe without a reader.
func stuckPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	fill(t, w)
	return w
}

// stuckTerminal is a terminal whose screen is full and that is not read, as
// after Ctrl-S or on a connection that hangs.
func stuckTerminal(t *testing.T) *os.File {
	t.Helper()
	_, theirs := clitest.Terminal(t, 80)
	fill(t, theirs)
	return theirs
}

// fill writes to f until that would wait.
func fill(t *testing.T, f *os.File) {
	t.Helper()
	fd := int(f.Fd()) // makes f blocking
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); len(block) > 0; {
		if _, err := unix.Write(fd, block); err == unix.EAGAIN {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
}

// TestEndWithBlockedOutput ends a gadget whose output is not read: by its
// timeout and by signals.
func TestEndWithBlockedOutput(t *testing.T) {
	gadgettest.NeedsKernel(t)
	layout := filepath.Join(makeLayouts(t), "open")
	for _, stream := range []string{"stdout", "stderr", "both"} {
		for name, block := range map[string]stuck{"pipe": stuckPipe, "terminal": stuckTerminal} {
			for _, end := range []string{"timeout", "INT", "TERM"} {
				t.Run(stream+"/"+name+"/"+end, func(t *testing.T) {
					f := block(t)
					run := startBlocked(t, layout, end, func(cmd *exec.Cmd) {
						if stream != "stderr" {
							cmd.Stdout = f
						}
						if stream != "stdout" {
							cmd.Stderr = f
						}
					})
					run.makeEvents(t)
					switch end {
					case "INT":
						run.signal(t, syscall.SIGINT)
					case "TERM":
						run.signal(t, syscall.SIGTERM)
					}
					run.ends(t)
				})
			}
		}
	}
}

// TestEndWithoutAReader ends a gadget when the reader of its output has died.
func TestEndWithoutAReader(t *testing.T) {
	gadgettest.NeedsKernel(t)
	layout := filepath.Join(makeLayouts(t), "open")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	run := startBlocked(t, layout, "", func(cmd *exec.Cmd) { cmd.Stdout = w })
	w.Close()
	r.Close()
	run.makeEvents(t)
	run.at = time.Now()
	run.ends(t)
}

// TestFullDisk ends a gadget on a full disk, with one error.
func TestFullDisk(t *testing.T) {
	gadgettest.NeedsKernel(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for stream, want := range map[string]int{"stdout": 1, "stderr": 0} {
		var stderr strings.Builder
		cmd := exec.Command("gadget-run", "run", filepath.Join(makeLayouts(t), "open"), "--timeout", "1s")
		cmd.Env = append(os.Environ(), "GADGET_RUN_STATE="+t.TempDir(), "HOST_ROOT="+t.TempDir())
		cmd.Stdout, cmd.Stderr = full, &stderr
		if stream == "stderr" {
			cmd.Stdout, cmd.Stderr = nil, full
		}
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Errorf("%s: exit code %d, want %d", stream, code, want)
		}
		if stream == "stdout" && !strings.Contains(stderr.String(), "gadget-run: writing events: ") {
			t.Errorf("%s: stderr is %q", stream, stderr.String())
		}
	}
}

// TestAccounting compares what a gadget reports of its events with what its reader
// got: every event is shown or lost, and one that was not written is lost.
func TestAccounting(t *testing.T) {
	gadgettest.NeedsKernel(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	const generated = 60_000 // more than a pipe and the buffers hold
	run := startBlocked(t, filepath.Join(makeLayouts(t), "open"), "INT", func(cmd *exec.Cmd) {
		cmd.Args = append(cmd.Args, "-o", "json")
		cmd.Stdout, cmd.Stderr = w, stderr
	})
	w.Close()
	for range generated / 2000 {
		run.makeEvents(t)
	}
	run.signal(t, syscall.SIGINT)
	run.ends(t)
	read, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(stderr.Name())
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(\d+) events shown, (\d+) lost`).FindStringSubmatch(string(text))
	if found == nil {
		t.Fatalf("no summary: %s", text)
	}
	shown, _ := strconv.Atoi(found[1])
	lost, _ := strconv.Atoi(found[2])
	if lines := bytes.Count(read, []byte("\n")); lines < shown {
		t.Errorf("%d lines were read, but %d are reported as shown", lines, shown)
	}
	if shown+lost < generated {
		t.Errorf("%d shown and %d lost of at least %d events", shown, lost, generated)
	}
	if lost == 0 {
		t.Error("nothing was lost, so nothing is proven")
	}
}

// blockedRun is one gadget-run that is being ended.
type blockedRun struct {
	cmd   *exec.Cmd
	at    time.Time // when it was signaled to end
	ended chan error
}

// startBlocked runs the layout and returns once its programs are attached.
func startBlocked(t *testing.T, layout, end string, streams func(*exec.Cmd)) *blockedRun {
	t.Helper()
	ready, readyWriter, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	args := []string{"-v", "run", layout, "--ready-fd", "3"}
	const timeout = 2 * time.Second
	if end == "timeout" {
		args = append(args, "--timeout", timeout.String())
	}
	cmd := exec.Command("gadget-run", args...)
	cmd.Env = append(os.Environ(), "GADGET_RUN_STATE="+t.TempDir(), "HOST_ROOT="+t.TempDir())
	cmd.ExtraFiles = []*os.File{readyWriter}
	streams(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	readyWriter.Close()
	run := &blockedRun{cmd: cmd, ended: make(chan error, 1)}
	go func() { run.ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if line, err := io.ReadAll(ready); string(line) != "ready\n" || err != nil {
		t.Fatalf("not ready: %q, %v", line, err)
	}
	run.at = time.Now().Add(timeout)
	return run
}

// makeEvents opens files: more than pipes and buffers hold lines of.
func (b *blockedRun) makeEvents(t *testing.T) {
	t.Helper()
	for range 2000 {
		if f, err := os.Open("/dev/null"); err == nil {
			f.Close()
		}
	}
}

func (b *blockedRun) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	b.at = time.Now()
	if err := b.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// ends waits until nothing is attached, and until the process has ended. On a
// loaded machine both may take a little longer than the limits.
func (b *blockedRun) ends(t *testing.T) {
	t.Helper()
	const slack = 2 * time.Second
	detached := b.at.Add(detachLimit + slack)
	for programsOf(b.cmd.Process.Pid) > 0 {
		if time.Now().After(detached) {
			t.Fatalf("programs are attached %v after the end", time.Since(b.at))
		}
		time.Sleep(20 * time.Millisecond)
	}
	select {
	case <-b.ended:
	case <-time.After(time.Until(b.at.Add(endLimit + slack))):
		t.Fatalf("the process runs %v after the end", time.Since(b.at))
	}
}
