package tests

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// execFromThread executes the arguments from a thread that is not the first.
func execFromThread([]string) error {
	runtime.LockOSThread()
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			failed <- errors.New("this is the first thread")
			return
		}
		failed <- syscall.Exec(os.Args[0], os.Args[1:], live.Environment("end"))
	}()
	return <-failed
}

// execEvent is one event of data source exec.
type execEvent struct {
	Timestamp     time.Time    `json:"timestamp"`
	Proc          live.Process `json:"proc"`
	Error         string       `json:"error"`
	ErrorRaw      int          `json:"error_raw"`
	Args          string       `json:"args"`
	ArgsCount     int          `json:"args_count"`
	ArgsSize      int          `json:"args_size"`
	ArgsTruncated bool         `json:"args_truncated"`
	Cwd           string       `json:"cwd"`
	File          string       `json:"file"`
	Exepath       string       `json:"exepath"`
	ParentExepath string       `json:"parent_exepath"`
	Inode         uint64       `json:"inode"`
	DevMajor      uint32       `json:"dev_major"`
	DevMinor      uint32       `json:"dev_minor"`
	Ctime         int64        `json:"ctime"`
	Fctime        int64        `json:"fctime"`
	Pctime        int64        `json:"pctime"`
}

// separator is what parts the arguments.
const separator = "\u00a0"

func (e execEvent) argv() []string { return strings.Split(e.Args, separator) }

// execute runs path as a child of this process and waits for it. Its process id
// is 0 where nothing was executed.
func execute(role, path string, argv ...string) (int, error) {
	pid, err := syscall.ForkExec(path, argv, &syscall.ProcAttr{Env: live.Environment(role)})
	if err != nil {
		return 0, err
	}
	var status syscall.WaitStatus
	_, err = syscall.Wait4(pid, &status, 0, nil)
	if err == nil && status != 0 {
		err = fmt.Errorf("ended with %#x", status)
	}
	return pid, err
}

// execsOfChildren returns the events of this process's children.
func execsOfChildren(events []execEvent) []execEvent {
	var out []execEvent
	for _, e := range events {
		if e.Proc.Child() {
			out = append(out, e)
		}
	}
	return out
}

// numbered returns n short arguments.
func numbered(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("a%d", i))
	}
	return out
}

// What the gadget shows at most, and what one piece of an argument has.
const (
	maxArgs  = 256
	argsRoom = 8192 - 258
	piece    = 256
)

func TestTraceExecArguments(t *testing.T) {
	path := live.Executable()
	cases := []struct {
		name string
		argv []string
		want []string // nil: argv
	}{
		{"one", []string{"name"}, nil},
		{"spaces and nothing", []string{"name", "a b", "", " ", "\t\n", ""}, nil},
		{"around a piece", []string{
			"name", strings.Repeat("x", piece-2), strings.Repeat("y", piece-1), strings.Repeat("z", piece), "end",
		}, nil},
		{"several pieces", []string{"name", strings.Repeat("x", 3*piece), "end"}, nil},
		{"whole pieces", []string{"name", strings.Repeat("x", 4*(piece-1)), "end"}, nil},
		{"UTF-8 across pieces", []string{"name", "a" + strings.Repeat("é", piece)}, nil},
		{"as many as there may be", numbered(maxArgs), nil},
		{"too many", numbered(maxArgs + 1), numbered(maxArgs)},
	}
	pids := make([]int, len(cases))
	events := execsOfChildren(live.Observe[execEvent](t, "trace_exec", nil, func() {
		for i, c := range cases {
			pid, err := execute("end", path, c.argv...)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			pids[i] = pid
		}
	}))
	if len(events) != len(cases) {
		t.Fatalf("%d events of %d executions: %+v", len(events), len(cases), events)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e, want := events[i], c.want
			if want == nil {
				want = c.argv
			}
			if diff := cmp.Diff(want, e.argv()); diff != "" {
				t.Errorf("args (-want +got):\n%s", diff)
			}
			if e.ArgsTruncated != (c.want != nil) || e.ArgsCount != len(want) || e.ArgsSize != len(e.Args) {
				t.Errorf("truncated %v, %d arguments, %d bytes; args has %d", e.ArgsTruncated, e.ArgsCount, e.ArgsSize, len(e.Args))
			}
			if e.Proc.PID != pids[i] || e.Proc.TID != pids[i] || e.ErrorRaw != 0 || e.Error != "" {
				t.Errorf("got %+v, error %q of process %d", e.Proc, e.Error, pids[i])
			}
		})
	}
}

func TestTraceExecLongArguments(t *testing.T) {
	path := live.Executable()
	argv := []string{"name", strings.Repeat("x", 5000), strings.Repeat("y", 5000), "end"}
	events := execsOfChildren(live.Observe[execEvent](t, "trace_exec", nil, func() {
		_, _ = execute("end", path, argv...)
	}))
	if len(events) != 1 {
		t.Fatalf("got %d events, want 1", len(events))
	}
	e := events[0]
	if !e.ArgsTruncated || !strings.HasPrefix(strings.Join(argv, separator), e.Args) {
		t.Errorf("truncated %v: %.20q...%q is not a prefix of the arguments", e.ArgsTruncated, e.Args,
			e.Args[max(0, len(e.Args)-20):])
	}
	if len(e.Args) < argsRoom-piece || len(e.Args) > argsRoom+piece || e.ArgsSize != len(e.Args) {
		t.Errorf("args has %d bytes, args_size is %d, want about %d", len(e.Args), e.ArgsSize, argsRoom)
	}
}

func TestTraceExecFailures(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no program\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	long := []string{"name", strings.Repeat("x", piece-1), strings.Repeat("y", 700), "", "end"}
	do := func() {
		_, _ = execute("end", missing, long...)
		_, _ = execute("end", missing, numbered(maxArgs+1)...)
		_, _ = execute("end", text, "text", "1")
		_, _ = execute("end", dir, "dir")
	}

	var got []string
	for _, e := range execsOfChildren(live.Observe[execEvent](t, "trace_exec", []string{"--ignore-failed=false"}, do)) {
		got = append(got, fmt.Sprint(e.Error, " ", e.ArgsTruncated, " ", e.argv()))
	}
	want := []string{
		fmt.Sprint("ENOENT false ", long),
		fmt.Sprint("ENOENT true ", numbered(maxArgs)),
		"ENOEXEC false [text 1]",
		"EACCES false [dir]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}

	t.Run("ignored", func(t *testing.T) {
		if events := execsOfChildren(live.Observe[execEvent](t, "trace_exec", nil, do)); len(events) != 0 {
			t.Errorf("got %+v, want no event", events)
		}
	})
}

func TestTraceExecThread(t *testing.T) {
	path := live.Executable()
	var pid int
	events := execsOfChildren(live.Observe[execEvent](t, "trace_exec", []string{"--ignore-failed=false"}, func() {
		var err error
		if pid, err = execute("exec-thread", path, path, "from", "thread"); err != nil {
			t.Error(err)
		}
	}))
	var got []string
	for _, e := range events {
		if e.Proc.PID != pid || e.Proc.TID != pid || e.ErrorRaw != 0 {
			t.Errorf("got %+v, error %d, want process and thread %d", e.Proc, e.ErrorRaw, pid)
		}
		got = append(got, e.Args)
	}
	if diff := cmp.Diff([]string{strings.Join([]string{path, "from", "thread"}, separator), "from" + separator + "thread"},
		got); diff != "" {
		t.Errorf("args (-want +got):\n%s", diff)
	}
}

func TestTraceExecPaths(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.EvalSymlinks(live.Executable())
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!"+path+" -e\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if cwd, err = filepath.EvalSymlinks(cwd); err != nil {
		t.Fatal(err)
	}

	events := execsOfChildren(live.Observe[execEvent](t, "trace_exec", []string{"--paths"}, func() {
		_, _ = execute("end", path, "name")
		_, _ = execute("end", script, "script", "argument")
	}))
	if len(events) != 2 {
		t.Fatalf("got %d events, want 2: %+v", len(events), events)
	}
	type paths struct{ Cwd, File, Exepath, ParentExepath string }
	want := []paths{{cwd, path, path, path}, {cwd, script, path, path}}
	for i, e := range events {
		if diff := cmp.Diff(want[i], paths{e.Cwd, e.File, e.Exepath, e.ParentExepath}); diff != "" {
			t.Errorf("paths of %s (-want +got):\n%s", e.Args, diff)
		}
	}

	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		t.Fatal(err)
	}
	program, interpreted := events[0], events[1]
	if program.Inode != stat.Ino || program.DevMajor != unix.Major(stat.Dev) || program.DevMinor != unix.Minor(stat.Dev) {
		t.Errorf("inode %d on %d:%d, want %d on %d:%d", program.Inode, program.DevMajor, program.DevMinor,
			stat.Ino, unix.Major(stat.Dev), unix.Minor(stat.Dev))
	}
	changed := time.Unix(stat.Ctim.Unix()).UnixNano()
	if program.Ctime != changed || program.Fctime != changed || program.Pctime != changed {
		t.Errorf("changed at %d, %d, %d, want %d", program.Ctime, program.Fctime, program.Pctime, changed)
	}
	if diff := cmp.Diff([]string{path, "-e", script, "argument"}, interpreted.argv()); diff != "" {
		t.Errorf("args of the script (-want +got):\n%s", diff)
	}
	if interpreted.Inode != 0 || interpreted.Fctime != 0 {
		t.Errorf("inode %d, fctime %d of a script, want 0", interpreted.Inode, interpreted.Fctime)
	}
}
