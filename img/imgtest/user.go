// Package imgtest runs tests as a plain user, with real parts around img.
package imgtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The plain user that root's tests become. It is known to this process and its
// children alone: /etc/passwd and the files next to it are bind mounts.
const (
	userID   = 4711
	userName = "imgtest"
	subIDs   = userName + ":2000000:65536\n"
)

const dropEnv = "_IMG_TEST_DROP"

// AsPlainUser runs the test binary again as a plain user where it is root, and
// does not return there. Home and temporary files are removed afterwards.
func AsPlainUser(env ...string) {
	if os.Geteuid() != 0 || os.Getenv(dropEnv) == "done" {
		return
	}
	code, err := drop(env)
	if err != nil {
		fmt.Fprintln(os.Stderr, "becoming a plain user:", err)
		code = 1
	}
	os.Exit(code)
}

func drop(env []string) (int, error) {
	dir := os.Getenv(dropEnv)
	if dir != "" { // root in mounts of its own
		return 0, switchUser(dir, env)
	}
	dir, err := os.MkdirTemp("", "imgtest-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	runtime.LockOSThread()
	dockerHost, stop, err := startDocker(dir)
	if err != nil {
		return 0, err
	}
	defer stop()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), dropEnv+"="+dir, "DOCKER_HOST="+dockerHost)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// switchUser lays out what the user needs below dir and turns into the user.
func switchUser(dir string, extra []string) error {
	binary := filepath.Join(dir, filepath.Base(os.Args[0]))
	if err := copyFile(binary, "/proc/self/exe", 0o755); err != nil {
		return err
	}
	crane := os.Getenv("CRANE")
	if crane != "" { // it may be where the user has no access
		to := filepath.Join(dir, "crane")
		if err := copyFile(to, crane, 0o755); err != nil {
			return err
		}
		crane = to
	}
	for name, add := range map[string]string{
		"passwd": fmt.Sprintf("%s:x:%d:%d::%s:/bin/sh\n", userName, userID, userID, filepath.Join(dir, "home")),
		"group":  fmt.Sprintf("%s:x:%d:\n", userName, userID),
		"subuid": subIDs, "subgid": subIDs,
	} {
		if err := replaceEtc(dir, name, add); err != nil {
			return err
		}
	}
	if err := allowFUSE(filepath.Join(dir, "fuse")); err != nil {
		return err
	}
	sources := filepath.Join(dir, "src")
	for _, d := range []string{"home", "tmp", "run", "src"} {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, d), 0o700),
			os.Chown(filepath.Join(dir, d), userID, userID)); err != nil {
			return err
		}
	}
	cwd, err := os.Getwd()
	if err != nil {
		return err
	}
	// The sources may be where the user has no access.
	if err := errors.Join(unix.Mount(cwd, sources, "", unix.MS_BIND|unix.MS_REC, ""), os.Chdir(sources),
		os.Chmod(dir, 0o755)); err != nil {
		return err
	}
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(userID), syscall.Setuid(userID)); err != nil {
		return err
	}
	env := []string{
		"HOME=" + filepath.Join(dir, "home"), "TMPDIR=" + filepath.Join(dir, "tmp"), "XDG_RUNTIME_DIR=" +
			filepath.Join(dir, "run"),
		"USER=" + userName, "PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", dropEnv + "=done", "IMG_NIGHTLY=" +
			os.Getenv("IMG_NIGHTLY"),
		"CI=" + os.Getenv("CI"), "DOCKER_HOST=" + os.Getenv("DOCKER_HOST"), "CRANE=" + crane,
	}
	args := []string{binary}
	for _, a := range os.Args[1:] {
		if !strings.HasPrefix(a, "-test.testlogfile=") { // of go's cache, where the user may not write
			args = append(args, a)
		}
	}
	return unix.Exec(binary, args, append(env, extra...))
}

// replaceEtc lays a file over one of /etc that has a line more.
func replaceEtc(dir, name, add string) error {
	path := filepath.Join("/etc", name)
	old, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s does not exist, install the package uidmap", path)
	}
	if err != nil {
		return err
	}
	text := string(old)
	if strings.HasPrefix(name, "sub") {
		text = ""
	}
	ours := filepath.Join(dir, name)
	if err := os.WriteFile(ours, []byte(text+add), 0o644); err != nil {
		return err
	}
	return unix.Mount(ours, path, "", unix.MS_BIND, "")
}

// allowFUSE lets the user open /dev/fuse, as udev does where it runs.
func allowFUSE(ours string) error {
	var dev unix.Stat_t
	if err := unix.Stat("/dev/fuse", &dev); err != nil {
		return nil // fuse-overlayfs says so
	}
	if err := unix.Mknod(ours, unix.S_IFCHR, int(dev.Rdev)); err != nil {
		return err
	}
	return errors.Join(os.Chmod(ours, 0o666), unix.Mount(ours, "/dev/fuse", "", unix.MS_BIND, ""))
}

func copyFile(dst, src string, mode os.FileMode) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
