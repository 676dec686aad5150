package containertest

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The times that daemons get: machines that test may be busy.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 20 * time.Second
	callTimeout  = 60 * time.Second
)

// Spec is a container to start.
type Spec struct {
	Name   string
	Labels map[string]string
}

// Runtime is a container runtime that runs for a test.
type Runtime interface {
	// Socket is the path of its API.
	Socket() string
	// ImageID is the ID of the image of its containers.
	ImageID() string
	// Start starts a container and returns its ID. The test's end removes it.
	Start(tb testing.TB, spec Spec) string
	// Stop ends a container.
	Stop(tb testing.TB, id string)
	// Restart ends the runtime, but not its containers, and starts it again.
	Restart(tb testing.TB)
}

// Commander is a runtime with a command line.
type Commander interface {
	// Client returns a command of the runtime's own client, which ends when ctx
	// does: docker, podman or ctr. It has no files of the caller's.
	Client(ctx context.Context, args ...string) *exec.Cmd
}

// daemon is the process of a runtime.
type daemon struct {
	root, socket string // socket as the daemon sees it
	args         []string
	cmd          *exec.Cmd
	log          logBuffer
}

// newDaemon starts a program in a root directory of its own, with what setup
// writes there, and waits until it listens.
func newDaemon(tb testing.TB, socket string, setup map[string]string, args ...string) *daemon {
	tb.Helper()
	d := prepare(tb, socket, setup, args...)
	d.start(tb)
	return d
}

// prepare is newDaemon without the start. The test's end ends the daemon.
func prepare(tb testing.TB, socket string, setup map[string]string, args ...string) *daemon {
	tb.Helper()
	Needs(tb)
	d := &daemon{root: newRoot(tb), socket: socket, args: args}
	for name, text := range setup {
		check(tb, os.WriteFile(filepath.Join(d.root, name), []byte(text), 0o644))
	}
	tb.Cleanup(func() {
		d.stop(tb)
		if tb.Failed() {
			tb.Logf("output of %s:\n%s", args[0], d.log.tail())
		}
	})
	return d
}

// Socket implements Runtime.
func (d *daemon) Socket() string { return filepath.Join(d.root, d.socket) }

// command returns a command that runs in the root directory.
func (d *daemon) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Path, cmd.Err = args[0], nil // it is looked for in the root directory
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/usr/lib/podman", "HOME=/root", "PODMAN_IGNORE_CGROUPSV1_WARNING=1"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: d.root}
	return cmd
}

// run runs a program in the root directory.
func (d *daemon) run(tb testing.TB, stdin []byte, args ...string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	cmd := d.command(ctx, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		tb.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (d *daemon) start(tb testing.TB) {
	tb.Helper()
	d.cmd = d.command(context.Background(), d.args...)
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	check(tb, d.cmd.Start())
	for end := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("unix", d.Socket())
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(end) {
			tb.Fatalf("%s does not listen: %v\n%s", d.args[0], err, d.log.tail())
		}
	}
}

// stop ends the daemon, by force where it does not obey.
func (d *daemon) stop(tb testing.TB) {
	tb.Helper()
	if d.cmd == nil || d.cmd.Process == nil {
		return
	}
	force := time.AfterFunc(stopTimeout, func() { _ = d.cmd.Process.Kill() })
	defer force.Stop()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	_ = d.cmd.Wait()
}

// Restart implements Runtime.
func (d *daemon) Restart(tb testing.TB) {
	tb.Helper()
	_ = d.cmd.Process.Kill() // so that it cannot end its containers
	_ = d.cmd.Wait()
	time.Sleep(time.Second)
	d.start(tb)
}

// logBuffer keeps what a daemon prints.
type logBuffer struct {
	mu   sync.Mutex
	text []byte
}

// maxLog is how much of it a failing test shows.
const maxLog = 8 << 10

// Write implements io.Writer.
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	if len(b.text) > 2*maxLog {
		b.text = append([]byte(nil), b.text[len(b.text)-maxLog:]...)
	}
	return len(p), nil
}

func (b *logBuffer) tail() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text
}
