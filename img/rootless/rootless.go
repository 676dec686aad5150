// Package rootless runs this program again as root of a user namespace, with
// mounts and, where wanted, processes of its own. When it ends, by itself or by
// a signal, nothing stays mounted and nothing keeps running.
package rootless

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// The environment carries what the next stage has to do.
const (
	stageEnv = "_IMG_STAGE"
	userEnv  = "_IMG_UID"

	stageMap = "map" // wait for the mapping of ids, then become stageRun
	stageRun = "run" // the program itself, inside
)

// parentFD is the descriptor of the pipe whose other end the parent holds.
const parentFD = 3

// Spec describes the inside.
type Spec struct {
	// Processes gives it a PID namespace: all its processes end with it, and it
	// sees no others.
	Processes bool
	// Note gets messages about what is degraded.
	Note func(string)
}

// Inside reports whether this process runs inside already.
func Inside() bool { return os.Getenv(stageEnv) == stageRun }

// UID returns the id of the user that called the program.
func UID() int {
	if id, err := strconv.Atoi(os.Getenv(userEnv)); err == nil && Inside() {
		return id
	}
	return os.Getuid()
}

// Run runs the program inside with the same arguments and returns its exit code.
func Run(spec Spec) (int, error) {
	// The child is killed when the thread that made it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ids, err := plan(spec.Note)
	if err != nil {
		return 0, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer w.Close()
	cmd := command(spec, ids, r)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	defer signal.Stop(signals)
	err = cmd.Start()
	r.Close()
	if err != nil {
		return 0, explainClone(err)
	}
	if err := ids.write(cmd.Process.Pid); err != nil {
		return 0, errors.Join(err, cmd.Process.Kill(), ignoreExit(cmd.Wait()))
	}
	if _, err := w.Write([]byte{1}); err != nil {
		return 0, fmt.Errorf("starting the build environment: %w", err)
	}
	return wait(cmd, signals)
}

func command(spec Spec, ids *mapping, pipe *os.File) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{pipe}
	cmd.Env = append(os.Environ(), stageEnv+"="+stageMap, userEnv+"="+strconv.Itoa(os.Getuid()))
	flags := uintptr(unix.CLONE_NEWNS)
	if ids != nil {
		flags |= unix.CLONE_NEWUSER
	}
	if spec.Processes {
		flags |= unix.CLONE_NEWPID
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// wait passes signals on until the child ends. Those of the terminal reach it
// anyway: it is in the same process group.
func wait(cmd *exec.Cmd, signals <-chan os.Signal) (int, error) {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s != unix.SIGINT && s != unix.SIGQUIT {
				_ = cmd.Process.Signal(s)
			}
		case err := <-done:
			return exitCode(err)
		}
	}
}

func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}

func ignoreExit(err error) error {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil
	}
	return err
}

// explainClone turns the kernel's refusal of a namespace into a remedy.
func explainClone(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC):
		return fmt.Errorf("creating a user namespace: the limit is reached, as root raise user.max_user_namespaces with "+
			"sysctl: %w", err)
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("creating a user namespace: this machine does not allow it to user %d, as root run "+
			"\"sysctl kernel.unprivileged_userns_clone=1\" or \"sysctl kernel.apparmor_restrict_unprivileged_userns=0\", "+
			"in a container run it with seccomp and AppArmor unconfined: %w", os.Getuid(), err)
	}
	return fmt.Errorf("creating a user namespace: %w", err)
}

// userName is the name under which the user has entries in /etc/subuid.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}
