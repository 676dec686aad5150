package vm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
)

// Limits and sizes of a virtual machine.
const (
	defaultMemory = 1024            // MiB
	defaultBoot   = 4 * time.Minute // software emulation on a busy host
	maxResult     = 64 << 20        // what the guest may report
	consoleTail   = 4000            // bytes of the console kept for an error
	killDelay     = 5 * time.Second
	// kernelArgs makes a panic end the machine and keeps the boot short.
	kernelArgs = "panic=-1 quiet mitigations=off cryptomgr.notests random.trust_cpu=on"
)

// Errors of Run for what the host lacks rather than what went wrong.
var (
	// ErrNoQEMU is returned when no QEMU is found.
	ErrNoQEMU = errors.New("needs QEMU")
	// ErrNoBoot is returned when the guest never reported.
	ErrNoBoot = errors.New("the kernel did not reach the guest program")
)

// Machine describes what to boot and what to run in it.
type Machine struct {
	Arch    arch.Arch     // of the kernel and all programs; amd64 when empty
	QEMU    string        // qemu-system-*; found in PATH when empty
	Kernel  string        // a bzImage, or an Image of arm64
	Init    string        // static binary that calls Guest and Workload
	Files   []File        // what else the initramfs holds
	Plan    Plan          // what to do
	Memory  int           // MiB; 1024 when zero
	KVM     bool          // run the instructions of a machine of the host's architecture on its processor
	Boot    time.Duration // how long booting may take; 4 minutes when zero
	Console io.Writer     // gets the kernel's messages; may be nil
}

// Result is what came out of a machine.
type Result struct {
	Release string        `json:"release"`          // uname -r inside
	BTF     bool          `json:"btf"`              // the kernel has BTF (even if the plan hid it)
	Stdout  []string      `json:"stdout"`           // the gadget's lines
	Stderr  []string      `json:"stderr"`           // the gadget's lines
	Exit    int           `json:"exit"`             // the gadget's exit code, or the first of a command that is not 0
	Errors  []string      `json:"errors,omitempty"` // what the guest could not do
	Missing []Event       `json:"missing,omitempty"`
	Took    time.Duration `json:"took_ns"`
}

// Run boots m, waits until it has done its plan, and returns what it
// reported. The machine is gone when Run returns, also when ctx ends.
func Run(ctx context.Context, m Machine) (Result, error) {
	start := time.Now()
	p, err := platformOf(m.Arch)
	if err != nil {
		return Result{}, err
	}
	qemu, err := p.find(m.QEMU)
	if err != nil {
		return Result{}, err
	}
	dir, err := os.MkdirTemp("", "gadget-vm")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	initrd := filepath.Join(dir, "initramfs")
	if err := m.initramfs(initrd); err != nil {
		return Result{}, err
	}
	limit := m.Boot
	if limit == 0 {
		limit = defaultBoot
	}
	ctx, cancel := context.WithTimeout(ctx, limit+time.Duration(m.Plan.Timeout)+2*stopGrace)
	defer cancel()
	var res Result
	b := boot{qemu: qemu, platform: p, initrd: initrd, results: filepath.Join(dir, "results")}
	for range boots {
		res, err = m.once(ctx, b)
		if !errors.Is(err, ErrNoBoot) || ctx.Err() != nil {
			break
		}
	}
	res.Took = time.Since(start)
	return res, err
}

// boot is one start of QEMU.
type boot struct {
	qemu, initrd, results string
	platform              platform
}

// once boots the machine and reads what it reported.
func (m Machine) once(ctx context.Context, b boot) (Result, error) {
	console, runErr := m.boot(ctx, b)
	res, err := readResult(b.results, m.Plan.Expect)
	if err == nil {
		return res, nil
	}
	if runErr != nil {
		err = fmt.Errorf("%w: %w", err, runErr)
	}
	return res, fmt.Errorf("running the virtual machine: %w, its console ends with:\n%s", err, console)
}

// initramfs writes the machine's files.
func (m Machine) initramfs(name string) error {
	plan, err := json.Marshal(m.Plan)
	if err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	files := append([]File{
		{Name: initPath, Path: m.Init, Mode: 0o755},
		{Name: workloadPath, Path: m.Init, Mode: 0o755},
		{Name: planPath, Data: plan, Mode: 0o644},
	}, m.Files...)
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = WriteInitramfs(w, files)
	return errors.Join(err, w.Flush(), f.Close())
}

// boot runs QEMU until the machine powers off, and returns the end of what it
// said on the console.
func (m Machine) boot(ctx context.Context, b boot) (string, error) {
	memory := m.Memory
	if memory == 0 {
		memory = defaultMemory
	}
	args := slices.Concat(b.platform.cpuArgs(m.KVM), []string{
		"-smp", "1", "-m", fmt.Sprint(memory),
		"-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-no-reboot", "-net", "none",
		"-kernel", m.Kernel, "-initrd", b.initrd, "-append", "console=" + b.platform.console + " " + kernelArgs,
		"-serial", "stdio", "-chardev", "file,id=results,path=" + b.results,
	}, b.platform.args)
	cmd := exec.CommandContext(ctx, b.qemu, args...)
	cmd.WaitDelay = killDelay
	tail := &tailWriter{limit: consoleTail}
	cmd.Stdout = io.Writer(tail)
	if m.Console != nil {
		cmd.Stdout = io.MultiWriter(tail, m.Console)
	}
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("time is up: %w", ctx.Err())
	}
	return string(bytes.TrimSpace(tail.buf)), err
}

// tailWriter keeps the last bytes that were written.
type tailWriter struct {
	buf   []byte
	limit int
}

// Write implements io.Writer.
func (t *tailWriter) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.limit; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

// readResult reads what the guest reported.
func readResult(name string, expect []Event) (Result, error) {
	f, err := os.Open(name)
	if err != nil {
		return Result{}, ErrNoBoot
	}
	defer f.Close()
	return parseResult(io.LimitReader(f, maxResult), expect)
}

// parseResult reads the guest's messages. It is an error when the guest did
// not come to its end.
func parseResult(r io.Reader, expect []Event) (Result, error) {
	var res Result
	var booted, done bool
	matcher := NewMatcher(expect)
	s := bufio.NewScanner(r)
	s.Buffer(nil, 2*maxLine)
	for s.Scan() {
		var m Message
		if err := json.Unmarshal(s.Bytes(), &m); err != nil {
			continue // a line that was cut when the machine died
		}
		switch m.Kind {
		case KindBoot:
			booted, res.Release, res.BTF = true, m.Text, m.BTF
		case KindStdout:
			res.Stdout = append(res.Stdout, m.Text)
			matcher.Line(m.Text)
		case KindStderr:
			res.Stderr = append(res.Stderr, m.Text)
		case KindExit:
			if res.Exit == 0 {
				res.Exit = m.Code
			}
		case KindError:
			res.Errors = append(res.Errors, m.Text)
		case KindDone:
			done = true
		}
	}
	res.Missing = matcher.Missing()
	switch {
	case s.Err() != nil:
		return res, fmt.Errorf("reading the guest's report: %w", s.Err())
	case !booted && len(res.Errors) == 0:
		return res, ErrNoBoot
	case !done:
		return res, errors.New("the guest did not come to its end")
	}
	return res, nil
}
