package containertest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// runtimesEnv names the files of the runtimes: the value of Bazel's rlocationpaths
// of @rules_gadget_test_tools//:container-runtimes, or the directory above usr.
const runtimesEnv = "CONTAINER_RUNTIMES"

// tree returns the directory with the programs and libraries of the runtimes.
func tree() (string, error) {
	first, _, _ := strings.Cut(os.Getenv(runtimesEnv), " ")
	if first == "" {
		return "", errors.New("needs " + runtimesEnv + ", the directory of the container runtimes, as bazel sets it")
	}
	if filepath.IsAbs(first) {
		return first, nil
	}
	at := strings.Index(first, "/usr/")
	if at < 0 {
		return "", fmt.Errorf("%s: %q is not below usr", runtimesEnv, first)
	}
	file, err := filepath.EvalSymlinks(filepath.Join(os.Getenv("TEST_SRCDIR"), first))
	if err != nil {
		return "", err
	}
	base, ok := strings.CutSuffix(file, first[at:])
	if !ok {
		return "", fmt.Errorf("%s: %q is at %q, apart from the others", runtimesEnv, first, file)
	}
	return base, nil
}

// links of a Debian root: the dynamic loader's place depends on the machine.
var links = map[string]string{
	"bin": "usr/bin", "sbin": "usr/sbin",
	"lib64/ld-linux-x86-64.so.2": "../usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
	"lib/ld-linux-aarch64.so.1":  "../usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1",
}

// newRoot makes a root directory with the runtimes in it and returns it. Its
// name is short, since paths of sockets are.
func newRoot(tb testing.TB) string {
	tb.Helper()
	base, err := tree()
	check(tb, err)
	root, err := os.MkdirTemp("/tmp", "ctr")
	check(tb, err)
	tb.Cleanup(func() { removeRoot(tb, root) })
	for _, dir := range []string{
		"usr", "proc", "sys", "dev", "run", "tmp", "root", "var/tmp", "var/log", "lib", "lib64",
		"etc/containers", "etc/containerd",
	} {
		check(tb, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	for name, target := range links {
		check(tb, os.Symlink(target, filepath.Join(root, name)))
	}
	// podman looks for mounts of its root, which therefore must be one.
	check(tb, unix.Mount(root, root, "", unix.MS_BIND, ""))
	for to, from := range map[string]string{"usr": base + "/usr", "proc": "/proc", "sys": "/sys", "dev": "/dev"} {
		check(tb, unix.Mount(from, filepath.Join(root, to), "", unix.MS_BIND|unix.MS_REC, ""))
	}
	check(tb, unix.Mount("tmpfs", filepath.Join(root, "run"), "tmpfs", 0, "mode=755"))
	for name, text := range map[string]string{
		"etc/passwd":                 "root:x:0:0:root:/root:/bin/sh\n",
		"etc/group":                  "root:x:0:\n",
		"etc/hosts":                  "",
		"etc/resolv.conf":            "",
		"etc/containers/policy.json": `{"default": [{"type": "insecureAcceptAnything"}]}`,
	} {
		check(tb, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644))
	}
	return root
}

// removeRoot deletes a root directory, but never through a mount: /dev is in it.
func removeRoot(tb testing.TB, root string) {
	tb.Helper()
	check(tb, unix.Unmount(root, unix.MNT_DETACH))
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	check(tb, err)
	if strings.Contains(string(mounts), " "+root) {
		tb.Errorf("something is still mounted below %s, so that it stays", root)
		return
	}
	// What cleans up after podman's containers may outlive it, and write below.
	for end := time.Now().Add(stopTimeout); ; time.Sleep(50 * time.Millisecond) {
		if err = os.RemoveAll(root); err == nil {
			return
		}
		if time.Now().After(end) {
			tb.Error(err)
			return
		}
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
