package tests

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// recordedCall is one entry of data source traceloop.
type recordedCall struct {
	Timestamp  string `json:"timestamp"`
	MntNS      uint64 `json:"mntns_id"`
	PID        int    `json:"pid"`
	Comm       string `json:"comm"`
	Syscall    string `json:"syscall"`
	Parameters string `json:"parameters"`
	Ret        string `json:"ret"`
}

// recordedFD is the descriptor that beRecorded uses.
const recordedFD = 50

// What differs from run to run: addresses, and the descriptor that a new file has.
var (
	addresses = regexp.MustCompile(`0x[0-9a-f]+`)
	opened    = regexp.MustCompile(`(mode=384\) =) \d+`)
)

// String is what a test compares of an entry.
func (r recordedCall) String() string {
	text := r.Comm + ": " + r.Syscall + "(" + r.Parameters + ") = " + r.Ret
	return opened.ReplaceAllString(addresses.ReplaceAllString(text, "ADDRESS"), "$1 FD")
}

// beRecorded makes system calls on a signal, and then waits in one. A thread
// alone has the names by which its calls are known.
func beRecorded(args []string) error {
	runtime.LockOSThread()
	file, other := filepath.Join(args[0], "file"), filepath.Join(args[0], "other")
	buf := bytes.Repeat([]byte("z"), 300)
	if _, err := unix.Read(unix.Stdin, buf[:1]); err != nil {
		return err
	}
	if err := live.SetComm("calls"); err != nil {
		return err
	}
	_, _ = unix.Open(filepath.Join(args[0], strings.Repeat("x", 200)), unix.O_RDONLY, 0)
	fd, err := unix.Open(file, unix.O_RDWR|unix.O_CREAT, 0o600)
	if err != nil {
		return err
	}
	if err := unix.Dup3(fd, recordedFD, 0); err != nil {
		return err
	}
	fd = recordedFD
	_, _ = unix.Write(fd, []byte("a\n\x00\"b"))
	_, _ = unix.Pwrite(fd, buf, 0)
	_, _ = unix.Pread(fd, buf[:3], 1)
	_ = unix.Renameat(unix.AT_FDCWD, file, unix.AT_FDCWD, other)
	_, _ = unix.Read(-1, buf)
	for i := range 10 {
		_, _ = unix.Getsid(noProcess + i)
	}
	if err := live.SetComm("waits"); err != nil {
		return err
	}
	fmt.Println("ready")
	_, err = unix.Read(unix.Stdin, buf)
	return err
}

// wantRecorded are the calls of beRecorded with a directory.
func wantRecorded(dir string) []string {
	file, other := filepath.Join(dir, "file"), filepath.Join(dir, "other")
	cut := filepath.Join(dir, strings.Repeat("x", 200))[:127]
	want := []string{
		fmt.Sprintf(`calls: openat(dfd=-100, filename=%q..., flags=%d, mode=0) = -1 (ENOENT)`, cut, unix.O_LARGEFILE),
		fmt.Sprintf(`calls: openat(dfd=-100, filename=%q, flags=%d, mode=384) = FD`, file,
			unix.O_RDWR|unix.O_CREAT|unix.O_LARGEFILE),
		`calls: write(fd=50, buf="a\n\x00\"b", count=5) = 5`,
		fmt.Sprintf(`calls: pwrite64(fd=50, buf="%s"..., count=300, pos=0) = 300`, strings.Repeat("z", 128)),
		`calls: pread64(fd=50, buf="zzz", count=3, pos=1) = 3`,
		fmt.Sprintf(`calls: renameat(olddfd=-100, oldname=%q, newdfd=-100, newname=%q) = 0`, file, other),
		`calls: read(fd=-1, buf=ADDRESS, count=300) = -1 (EBADF)`,
	}
	return append(append(want, wantSessions(10)...), `waits: write(fd=1, buf="ready\n", count=6) = 6`,
		`waits: read(fd=0, buf=ADDRESS, count=300) = unfinished`)
}

// wantSessions are the last of the ten calls of getsid.
func wantSessions(last int) []string {
	var out []string
	for i := 10 - last; i < 10; i++ {
		out = append(out, fmt.Sprintf(`calls: getsid(pid=%d) = -1 (ESRCH)`, noProcess+i))
	}
	return out
}

// record runs beRecorded while the gadget runs with args, and returns the calls that
// were shown of it, without the number of the file, and its directory.
func record(t *testing.T, args ...string) (got []string, dir string) {
	t.Helper()
	dir = t.TempDir()
	cmd := live.Child("be-recorded", dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--pid", fmt.Sprint(cmd.Process.Pid)}, args...)
	events := live.Observe[recordedCall](t, "traceloop", args, func() {
		fmt.Fprint(in, "z")
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Errorf("the process printed %q: %v", line, err)
		}
		waitUntilBlocked(t, cmd.Process.Pid)
	})
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the process: %v", err)
	}
	for _, e := range events {
		if e.MntNS == 0 || e.Timestamp == "" {
			t.Errorf("an entry without mount namespace or time: %+v", e)
		}
		if e.PID == cmd.Process.Pid && (e.Comm == "calls" || e.Comm == "waits") {
			got = append(got, e.String())
		}
	}
	return got, dir
}

// waitUntilBlocked waits until the thread of a process that reports that it waits does.
func waitUntilBlocked(t *testing.T, pid int) {
	t.Helper()
	for range 1000 {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if stat, err := os.ReadFile(file); err == nil && bytes.Contains(stat, []byte("(waits) S")) {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the process does not wait")
}

func TestTraceLoop(t *testing.T) {
	const filters = "--syscall-filters=openat, write,pwrite64,pread64,renameat,read,getsid"
	t.Run("chosen", func(t *testing.T) {
		got, dir := record(t, filters)
		if diff := cmp.Diff(wantRecorded(dir), got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
	t.Run("all", func(t *testing.T) {
		got, dir := record(t)
		var want []string
		for _, call := range wantRecorded(dir) {
			if slices.Contains(got, call) {
				want = append(want, call)
			}
		}
		if diff := cmp.Diff(wantRecorded(dir), want); diff != "" {
			t.Errorf("calls (-want +got):\n%s\nof %q", diff, got)
		}
		if !strings.Contains(strings.Join(got, "\n"), "newfd=50, flags=0) = 50\n") {
			t.Errorf("without dup3: %q", got)
		}
	})
	t.Run("last", func(t *testing.T) {
		got, _ := record(t, "--calls=4", "--syscall-filters=getsid")
		if diff := cmp.Diff(wantSessions(4), got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
	t.Run("another process", func(t *testing.T) {
		if got, _ := record(t, "--pid=1"); got != nil {
			t.Errorf("calls of another process: %q", got)
		}
	})
	t.Run("end", func(t *testing.T) {
		var pid int
		var got []string
		events := live.Observe[recordedCall](t, "traceloop", []string{
			"--comm", live.Comm(t), "--syscall-filters", "exit_group",
		}, func() {
			pid = live.RunChild(t, "end")
		})
		for _, e := range events {
			if e.PID == pid {
				got = append(got, e.String())
			}
		}
		if diff := cmp.Diff([]string{live.Comm(t) + ": exit_group(error_code=0) = X"}, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}
