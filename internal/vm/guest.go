package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/internal/kernel"
)

// How the guest behaves.
const (
	workloadPause = 500 * time.Millisecond // between two rounds of the workload
	stopGrace     = 15 * time.Second       // from SIGINT to SIGKILL
	maxLine       = 1 << 20                // of the gadget's output
	guestPath     = "/bin:/usr/bin:/sbin"
)

// mounts are the file systems that gadgets need. Those that a kernel does not
// have are left out.
var mounts = []struct {
	fstype, target string
	must           bool
}{
	{"proc", "/proc", true},
	{"sysfs", "/sys", true},
	{"devtmpfs", "/dev", true},
	{"tmpfs", "/tmp", true},
	{"tmpfs", "/run", true},
	{"tmpfs", "/var", true},
	{"cgroup2", "/sys/fs/cgroup", false},
	{"bpf", "/sys/fs/bpf", false},
	{"debugfs", "/sys/kernel/debug", false},
	{"tracefs", "/sys/kernel/tracing", false},
}

// loopbackUp gives the machine its 127.0.0.1, which kernels leave to process 1.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// loadModule loads a kernel module, unless the kernel has it already.
func loadModule(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("loading the kernel module %q: %w", name, err)
	}
	return nil
}

// guest is the running process 1.
type guest struct {
	mu  sync.Mutex // guards out
	out io.Writer
}

// Guest is the whole life of process 1 in the virtual machine: it mounts file
// systems, carries the plan out, reports, and powers off. It returns only
// when even powering off did not work.
func Guest(ctx context.Context) error {
	g := &guest{out: os.Stdout}
	if err := g.prepare(); err != nil {
		g.send(Message{Kind: KindError, Text: err.Error()})
	} else if err := g.work(ctx); err != nil {
		g.send(Message{Kind: KindError, Text: err.Error()})
	}
	g.send(Message{Kind: KindDone})
	unix.Sync()
	return unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// send writes one message to the second serial port.
func (g *guest) send(m Message) {
	data, err := json.Marshal(m)
	if err != nil {
		return // a Message always marshals
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	_, _ = g.out.Write(append(data, '\n')) // no one is left to report it to
}

// prepare makes the machine fit for a gadget.
func (g *guest) prepare() error {
	for _, m := range mounts {
		err := os.MkdirAll(m.target, 0o755)
		if err == nil {
			err = unix.Mount(m.fstype, m.target, m.fstype, 0, "")
		}
		if err != nil && m.must && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("bringing the loopback interface up: %w", err)
	}
	p, err := platformOf(arch.Arch(runtime.GOARCH))
	if err != nil {
		return err
	}
	port, err := os.OpenFile(p.resultPort, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("opening the port for results: %w", err)
	}
	g.out = port
	inf := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &inf); err != nil {
		return fmt.Errorf("lifting the limit on locked memory: %w", err)
	}
	if err := os.Setenv("PATH", guestPath); err != nil {
		return err
	}
	return nil
}

// work carries out the plan in the initramfs.
func (g *guest) work(ctx context.Context) error {
	data, err := os.ReadFile("/" + planPath)
	if err != nil {
		return err
	}
	var p Plan
	if err := json.Unmarshal(data, &p); err != nil {
		return fmt.Errorf("reading the plan: %w", err)
	}
	id, err := kernel.Uname()
	if err != nil {
		return err
	}
	g.send(Message{Kind: KindBoot, Text: id.Release, BTF: kernel.HasBTF(os.DirFS("/"))})
	for _, name := range p.Modules {
		if err := loadModule(name); err != nil {
			return err
		}
	}
	if p.HideBTF {
		if err := HideBTF(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(p.Timeout))
	defer cancel()
	if len(p.Gadget) > 0 {
		return g.gadget(ctx, p)
	}
	for _, args := range p.Commands {
		if err := g.command(ctx, p, args); err != nil {
			return err
		}
	}
	return nil
}

// command runs one command to its end and reports its output as it comes.
func (g *guest) command(ctx context.Context, p Plan, args []string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.WaitDelay = stopGrace
	var readers sync.WaitGroup
	var writers []io.Closer
	defer func() {
		for _, w := range writers {
			_ = w.Close()
		}
		readers.Wait()
	}()
	for kind, to := range map[string]*io.Writer{KindStdout: &cmd.Stdout, KindStderr: &cmd.Stderr} {
		r, w := io.Pipe()
		writers = append(writers, w)
		*to = w
		readers.Go(func() { g.lines(r, kind, nil, nil) })
	}
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		return fmt.Errorf("running %q: %w", strings.Join(args, " "), err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("running %q: %w", strings.Join(args, " "), ctx.Err())
	}
	g.send(Message{Kind: KindExit, Code: cmd.ProcessState.ExitCode()})
	return nil
}

// gadget runs the gadget and, until it has seen what is expected, the
// workload.
func (g *guest) gadget(ctx context.Context, p Plan) error {
	cmd := exec.Command(p.Gadget[0], p.Gadget[1:]...) // ended by SIGINT, see stop
	cmd.Env = append(os.Environ(), p.Env...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the gadget: %w", err)
	}
	matched, ended := make(chan struct{}), make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() { g.lines(stdout, KindStdout, NewMatcher(p.Expect), matched) })
	readers.Go(func() { g.lines(stderr, KindStderr, nil, nil) })
	go func() {
		readers.Wait()
		close(ended)
	}()
	g.workload(ctx, p, matched, ended)
	stop(cmd, ended)
	<-ended
	code := 0
	if err := cmd.Wait(); err != nil {
		code = cmd.ProcessState.ExitCode()
	}
	g.send(Message{Kind: KindExit, Code: code})
	return nil
}

// lines reports each line of r, and closes matched once m is done.
func (g *guest) lines(r io.Reader, kind string, m *Matcher, matched chan<- struct{}) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	for s.Scan() {
		g.send(Message{Kind: kind, Text: s.Text()})
		if m == nil || m.Done() {
			continue
		}
		if m.Line(s.Text()); m.Done() {
			close(matched)
		}
	}
	if err := s.Err(); err != nil {
		g.send(Message{Kind: KindError, Text: "reading the gadget's output: " + err.Error()})
	}
}

// workload runs the workload's commands until the events have come, the
// gadget has ended or time is up. It is run again and again because there is
// no way to see from outside when a gadget is attached.
func (g *guest) workload(ctx context.Context, p Plan, matched, ended <-chan struct{}) {
	for {
		select {
		case <-matched:
			return
		case <-ended:
			return
		case <-ctx.Done():
			return
		case <-time.After(workloadPause):
		}
		for _, args := range p.Workload {
			cmd := exec.CommandContext(ctx, args[0], args[1:]...)
			cmd.Env = append(os.Environ(), p.Env...)
			if out, err := cmd.CombinedOutput(); err != nil && ctx.Err() == nil {
				g.send(Message{Kind: KindError, Text: fmt.Sprintf("running %q: %v: %s", strings.Join(args, " "), err, out)})
				return
			}
		}
	}
}

// stop ends the gadget the way a user would, and if that does not help, hard.
func stop(cmd *exec.Cmd, ended <-chan struct{}) {
	_ = cmd.Process.Signal(os.Interrupt) // it may have ended already
	select {
	case <-ended:
	case <-time.After(stopGrace):
		_ = cmd.Process.Kill()
	}
}
