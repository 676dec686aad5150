package live

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// childVariable holds the name of what a child process is to do.
const childVariable = "GADGET_TEST_CHILD"

// A Job is what a child process of a test does.
type Job func(args []string) error

// Main runs the tests, or, in a process that Child started, the job that it is
// for. TestMain calls it.
func Main(m *testing.M, jobs map[string]Job) {
	name := os.Getenv(childVariable)
	if name == "" {
		code := m.Run()
		_ = os.RemoveAll(ownCache())
		os.Exit(code)
	}
	job, ok := jobs[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "job %q does not exist\n", name)
		os.Exit(1)
	}
	if err := job(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "job %s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Child returns the command that does a job in a separate process.
func Child(job string, args ...string) *exec.Cmd {
	cmd := exec.Command(Executable(), args...) //nolint:noctx // the test's own
	cmd.Env = Environment(job)
	return cmd
}

// Environment is that of this process, for one that does a job.
func Environment(job string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, childVariable+"=") })
	return append(env, childVariable+"="+job)
}

// RunChild does a job in a separate process and returns the id that it had.
func RunChild(t *testing.T, job string, args ...string) int {
	t.Helper()
	cmd := Child(job, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("job %s: %v: %s", job, err, out)
	}
	return cmd.Process.Pid
}

// Executable returns the path of the test program.
func Executable() string {
	path, err := os.Executable()
	if err != nil {
		panic(err) // /proc is mounted
	}
	return path
}

// Comm returns the name of this process, as events show it.
func Comm(t testing.TB) string {
	t.Helper()
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(comm))
}

// SetComm gives the calling thread, in a child of a single thread the process, a name.
func SetComm(name string) error {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_NAME, uintptr(pointer(p)), 0, 0, 0)
}
