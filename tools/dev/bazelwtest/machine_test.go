// Package bazelwtest tests bazelw against machines that are made of stand-ins: a PATH with what each machine has.
package bazelwtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bazelw is the script under test; the test runs in its own directory, under Bazel as without.
const bazelw = "../../../bazelw"

// coreutils are the programs of any machine that bazelw may use.
var coreutils = []string{
	"awk", "bash", "cat", "chmod", "cksum", "cp", "cut", "date", "df", "dirname", "env", "find", "flock", "grep", "head",
	"id", "ln",
	"mkdir", "mktemp", "mv", "readlink", "rm", "sed", "sh", "sleep", "sort", "tail", "touch", "tr", "xargs",
}

// machine is a workspace with a copy of bazelw, a PATH and a home.
type machine struct {
	t                    testing.TB
	workspace, bin, home string
	env                  []string
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{
		t: t, workspace: filepath.Join(dir, "ws"), bin: filepath.Join(dir, "bin"), home: filepath.Join(dir, "home"),
	}
	for _, d := range []string{m.workspace + "/third_party/bazel_registry/src", m.bin, m.home} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile(bazelw)
	if err != nil {
		t.Fatal(err)
	}
	m.write(m.workspace+"/bazelw", string(script))
	m.write(m.workspace+"/go.mod", "module m\n\ngo 1.26.0\n")
	m.write(m.workspace+"/MODULE.bazel", "")
	for _, name := range coreutils {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("needs %s on PATH", name)
		}
		if err := os.Symlink(path, filepath.Join(m.bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	m.env = []string{"HOME=" + m.home, "PATH=" + m.bin, "DEBIAN_MIRROR=http://mirror.example/debian"}
	return m
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// has puts a program on the machine's PATH.
func (m *machine) has(name, script string) {
	m.t.Helper()
	m.write(filepath.Join(m.bin, name), "#!/bin/bash\n"+script+"\n")
}

func (m *machine) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(m.bin, "bash"), append([]string{m.workspace + "/bazelw"}, args...)...)
	cmd.Env = m.env
	cmd.Dir = m.workspace
	return cmd
}

// run runs bazelw and returns what it printed and its exit code.
func (m *machine) run(args ...string) (string, int) {
	m.t.Helper()
	out, err := m.command(args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	code := 0
	if exit != nil {
		code = exit.ExitCode()
	}
	return string(out), code
}

const (
	goStandIn = `case $1 in env) printf '%s\n' /opt/go https://proxy.example sum.example "" "" "" go1.26.0 $HOME/mod $HOME/gocache ;; esac`
	// The root is made by mmdebstrap in the directory that comes second to last; as another user than root, from a tar on
	// stdout.
	mmdebstrap = `dir=${@: -2:1}; [[ $dir != - ]] || dir=$(mktemp -d); mkdir -p $dir/usr/share/bazel $dir/usr/local/bin $dir/etc
if [[ ${@: -2:1} == - ]]; then tar -c -C $dir .; fi`
	unshare = `while [[ $1 == -* ]]; do [[ $1 == --propagation ]] && shift; shift; done; exec "$@"`
)

// fresh is a machine without Bazel that can make a root.
func fresh(t testing.TB) *machine {
	m := newMachine(t)
	m.has("go", goStandIn)
	m.has("bwrap", "exit 0")
	m.has("newuidmap", "exit 0")
	m.has("mount", "exit 0")
	m.has("unshare", unshare)
	m.has("mmdebstrap", mmdebstrap)
	if tar, err := exec.LookPath("tar"); err == nil {
		_ = os.Symlink(tar, filepath.Join(m.bin, "tar"))
	}
	if _, err := os.Stat("/usr/share/keyrings/debian-archive-keyring.gpg"); err != nil {
		t.Skip("needs debian-archive-keyring")
	}
	return m
}

// noneHalfMade fails the test when a temporary directory is left in the cache.
func (m *machine) noneHalfMade() {
	m.t.Helper()
	if left, _ := filepath.Glob(m.home + "/.cache/rules_gadget/tmp.*"); len(left) != 0 {
		m.t.Errorf("left over: %q", left)
	}
}

func (m *machine) roots() []string {
	roots, _ := filepath.Glob(m.home + "/.cache/rules_gadget/root-*")
	return roots
}
