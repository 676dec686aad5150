// Package live runs built gadgets on this machine's kernel and hands tests the
// events that happened while they did something.
//
// The environment variables GADGET_RUN and IMAGE name the runner and the layout
// of the gadget, below TEST_SRCDIR or as absolute paths.
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
	"testing"
	"time"
)

// The runner has this long to deliver what a test waits for.
const patience = 60 * time.Second

// maxLine is the longest event: it has several texts of a path's length, and
// bytes that JSON escapes.
const maxLine = 1 << 20

// A Mark is how a test puts a text into the stream of events and finds it again.
// Since events come in order, what lies between two marks is complete.
type Mark[E any] struct {
	Leave func(text string)
	Is    func(event E, text string) bool
}

// Observe runs the gadget with args and do in the middle of it, and returns the
// events that came meanwhile, of any process. It skips the test where the gadget
// is not there or cannot run.
func Observe[E any](t *testing.T, mark Mark[E], args []string, do func()) []E {
	t.Helper()
	events, stop := start[E](t, args)
	defer stop()

	// The mark comes again: events may be lost on a busy machine.
	begin, end := "begin of "+t.Name(), "end of "+t.Name()
	deadline := time.After(patience)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for begun := false; !begun; {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatal("the runner ended before the first event")
			}
			begun = mark.Is(e, begin)
		case <-again.C:
			mark.Leave(begin)
		case <-deadline:
			t.Fatalf("no event after %s", patience)
		}
	}

	do()
	mark.Leave(end)
	var seen []E
	for {
		select {
		case e, ok := <-events:
			switch {
			case !ok:
				t.Fatal("the runner ended too early")
			case mark.Is(e, end):
				return seen
			case !mark.Is(e, begin):
				seen = append(seen, e)
			}
		case <-deadline:
			t.Fatalf("the last event did not come within %s", patience)
		}
	}
}

// start runs the gadget until stop is called, which checks how the runner ends.
func start[E any](t *testing.T, args []string) (events <-chan E, stop func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to load programs")
	}
	cmd := exec.Command(path(t, "GADGET_RUN"), append([]string{"run", path(t, "IMAGE"), "-o", "json", "--ready-fd", readyFD}, args...)...)
	home := t.TempDir()
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + home, "GADGET_RUN_STATE=" + home}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	told, tell, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	cmd.ExtraFiles = []*os.File{tell} // readyFD
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := tell.Close(); err != nil {
		t.Fatal(err)
	}
	waitReady(t, told, cmd, &stderr)

	decoded := make(chan E, 1024)
	failed := make(chan error, 1)
	go func() { failed <- decode(out, decoded) }()
	return decoded, func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Errorf("stopping the runner: %v", err)
		}
		for range decoded {
		}
		if err := <-failed; err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the runner: %v: %s", err, stderr.String())
		}
	}
}

// readyFD is the file descriptor on which the runner says that it is ready: the
// first of the extra files.
const readyFD = "3"

// waitReady waits until every program of the gadget is attached.
func waitReady(t *testing.T, told *os.File, cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	if err := told.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(told)
	if string(said) == "ready\n" {
		return
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		t.Fatalf("waiting for the runner to be ready: %v: %s", err, stderr)
	}
	t.Fatalf("the runner ended before it was ready: %s", stderr)
}

// decode sends one event for each line, and closes events at the end.
func decode[E any](r io.Reader, events chan<- E) error {
	defer close(events)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e E
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("decoding %q: %w", lines.Text(), err)
		}
		events <- e
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
