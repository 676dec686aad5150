package tests

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// openEvent is one openEvent of data source open.
type openEvent struct {
	Timestamp time.Time    `json:"timestamp"`
	Proc      live.Process `json:"proc"`
	Error     string       `json:"error"`
	ErrorRaw  int          `json:"error_raw"`
	FD        int          `json:"fd"`
	Flags     string       `json:"flags"`
	FlagsRaw  int          `json:"flags_raw"`
	Mode      string       `json:"mode"`
	ModeRaw   int          `json:"mode_raw"`
	Fname     string       `json:"fname"`
	Fpath     string       `json:"fpath"`
}

// ownOpens returns the events of this process's thread, which calls of observe share.
func ownOpens(events []openEvent) []openEvent {
	var out []openEvent
	for _, e := range events {
		if e.Proc.Own() && e.Proc.TID == unix.Gettid() {
			out = append(out, e)
		}
	}
	return out
}

// openWant is what a test compares of an openEvent: the result of the call in addition to the arguments.
type openWant struct {
	Fname, Fpath string
	Error        string
	Flags        int
	Mode         int
}

// openCall opens a file in one of the ways there are, and returns what the kernel did.
type openCall struct {
	name string
	open func() (uintptr, syscall.Errno)
	want openWant
}

func pointer(text string) uintptr {
	p, err := unix.BytePtrFromString(text)
	if err != nil {
		panic(err)
	}
	pinned = append(pinned, p)
	return uintptr(unsafe.Pointer(p))
}

// pinned keeps the texts that the kernel is given by address only.
var pinned []*byte

func openat(path, flags, mode uintptr) func() (uintptr, syscall.Errno) {
	return func() (uintptr, syscall.Errno) {
		fd, _, errno := syscall.Syscall6(unix.SYS_OPENAT, atCWD, path, flags, mode, 0, 0)
		return fd, errno
	}
}

func openat2(path uintptr, how *unix.OpenHow, size uintptr) func() (uintptr, syscall.Errno) {
	return func() (uintptr, syscall.Errno) {
		fd, _, errno := syscall.Syscall6(unix.SYS_OPENAT2, atCWD, path, uintptr(unsafe.Pointer(how)), size, 0, 0)
		return fd, errno
	}
}

// atCWD is AT_FDCWD, -100, as a register holds it.
const atCWD = ^uintptr(99)

func openCalls(dir string) []openCall {
	file, missing := filepath.Join(dir, "file"), filepath.Join(dir, "missing")
	long := dir + strings.Repeat("/.", 1500) + "/file"
	tooLong := "/" + strings.Repeat("x", 5000)
	how := &unix.OpenHow{Flags: unix.O_RDWR | unix.O_CREAT, Mode: 0o640}
	const howSize = unix.SizeofOpenHow
	return append([]openCall{
		{"existing", openat(pointer(file), unix.O_RDONLY|unix.O_CLOEXEC, 0), openWant{Fname: file, Flags: unix.O_CLOEXEC}},
		{"relative", openat(pointer("."), unix.O_DIRECTORY, 0), openWant{Fname: ".", Flags: unix.O_DIRECTORY}},
		{"missing", openat(pointer(missing), unix.O_WRONLY, 0), openWant{
			Fname: missing, Error: "ENOENT", Flags: unix.O_WRONLY,
		}},
		{"mode without O_CREAT", openat(pointer(file), 0, 0o7777), openWant{Fname: file}},
		{
			"mode", openat(pointer(file), unix.O_CREAT|unix.O_RDWR, 0o4751),
			openWant{Fname: file, Flags: unix.O_CREAT | unix.O_RDWR, Mode: 0o4751},
		},
		{
			"unnamed", openat(pointer(dir), unix.O_TMPFILE|unix.O_RDWR, 0o600),
			openWant{Fname: dir, Flags: unix.O_TMPFILE | unix.O_RDWR, Mode: 0o600},
		},
		{"no path", openat(8, 0, 0), openWant{Error: "EFAULT"}},
		{"empty path", openat(pointer(""), 0, 0), openWant{Error: "ENOENT"}},
		{"not ASCII", openat(pointer(missing+" äöü\t\xff"), 0, 0), openWant{
			Fname: missing + " äöü\t\ufffd", Error: "ENOENT",
		}},
		{"long", openat(pointer(long), 0, 0), openWant{Fname: long}},
		{"too long", openat(pointer(tooLong), 0, 0), openWant{Fname: tooLong[:unix.PathMax-1], Error: "ENAMETOOLONG"}},
		{"openat2", openat2(pointer(file), how, howSize), openWant{
			Fname: file, Flags: unix.O_RDWR | unix.O_CREAT, Mode: 0o640,
		}},
		{
			"openat2 of a wrong size", openat2(pointer(file), how, 3),
			openWant{Fname: file, Error: "EINVAL", Flags: unix.O_RDWR | unix.O_CREAT, Mode: 0o640},
		},
		{"openat2 without arguments", openat2(pointer(file), nil, howSize), openWant{Fname: file, Error: "EFAULT"}},
	}, oldCalls(dir)...)
}

func TestTraceOpenEveryWay(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := openCalls(dir)
	fds := make([]uintptr, len(cases))
	errnos := make([]syscall.Errno, len(cases))
	before := time.Now()
	events := live.Observe[openEvent](t, "trace_open", nil, func() {
		for i, c := range cases {
			fds[i], errnos[i] = c.open()
			if errnos[i] == 0 {
				unix.Close(int(fds[i]))
			}
		}
	})
	got := ownOpens(events)
	if len(got) != len(cases) {
		t.Fatalf("%d events of %d calls: %+v", len(got), len(cases), got)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := got[i]
			if diff := cmp.Diff(c.want, openWant{e.Fname, e.Fpath, e.Error, e.FlagsRaw, e.ModeRaw}); diff != "" {
				t.Errorf("openEvent (-want +got):\n%s", diff)
			}
			if e.ErrorRaw != int(errnos[i]) {
				t.Errorf("error_raw is %d, the call returned %d", e.ErrorRaw, errnos[i])
			}
			if errnos[i] == 0 && e.FD != int(fds[i]) || errnos[i] != 0 && e.FD != 0 {
				t.Errorf("fd is %d, the call returned %d, %d", e.FD, fds[i], errnos[i])
			}
			if e.Proc.Creds.UID != os.Getuid() || e.Proc.Creds.GID != os.Getgid() || e.Proc.Parent.PID != os.Getppid() {
				t.Errorf("process is %+v", e.Proc)
			}
			if e.Timestamp.Before(before.Add(-time.Second)) || e.Timestamp.After(time.Now().Add(time.Second)) {
				t.Errorf("timestamp is %s, it was about %s", e.Timestamp, before)
			}
		})
	}
}

// TestTraceOpenUnderWay has a call end that began before the gadget was attached: the
// open of a named pipe without a writer. Linux 7.2 does not trace the end of such a call;
// where it is shown, its arguments are right.
func TestTraceOpenUnderWay(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error)
	go func() {
		fd, err := unix.Open(pipe, unix.O_RDONLY, 0)
		unix.Close(fd)
		opened <- err
	}()
	args := []string{"--pid", strconv.Itoa(os.Getpid())}
	events := live.Observe[openEvent](t, "trace_open", args, func() {
		fd, err := unix.Open(pipe, unix.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := <-opened; err != nil {
			t.Error(err)
		}
		unix.Close(fd)
	})
	var flags []int
	for _, e := range events {
		if e.Fname == pipe {
			flags = append(flags, e.FlagsRaw)
		}
	}
	slices.Sort(flags)
	if !slices.Equal(flags, []int{unix.O_RDONLY, unix.O_WRONLY}) && !slices.Equal(flags, []int{unix.O_WRONLY}) {
		t.Errorf("calls that open the pipe have the flags %v", flags)
	}
}

// TestTraceOpenOwn shows no file of tracefs, which the runner itself opens to attach the
// programs.
func TestTraceOpenOwn(t *testing.T) {
	for _, e := range live.Observe[openEvent](t, "trace_open", nil, func() {}) {
		if e.Proc.Parent.PID == os.Getpid() && strings.Contains(e.Fname, "/tracing/") {
			t.Errorf("the runner is seen to open %q", e.Fname)
		}
	}
}

// pathSteps is how many names a path is followed through.
const pathSteps = 80

func TestTraceOpenPaths(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	deep := filepath.Join(dir, strings.Repeat("d/", 20))
	tooDeep := filepath.Join(dir, strings.Repeat("d/", 100))
	for _, err := range []error{os.WriteFile(file, nil, 0o600), os.Symlink("file", link), os.MkdirAll(tooDeep, 0o700)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	memory, err := unix.MemfdCreate("some memory", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(memory)
	cases := []struct{ path, want string }{
		{link, file},
		{dir + "/../" + filepath.Base(dir) + "/file", file},
		{deep, deep},
		{tooDeep, "..." + strings.Repeat("/d", pathSteps)},
		{"/", "/"},
		{"/proc/self/fd/" + strconv.Itoa(memory), "memfd:some memory"},
		{"/proc/version", "/proc/version"},
		{file + ".missing", ""},
	}
	events := live.Observe[openEvent](t, "trace_open", []string{"--paths", "--pid", strconv.Itoa(os.Getpid())}, func() {
		for _, c := range cases {
			if fd, err := unix.Open(c.path, 0, 0); err == nil {
				unix.Close(fd)
			}
		}
	})
	var got, wanted []string
	for _, e := range ownOpens(events) {
		got = append(got, e.Fname+" is "+e.Fpath)
	}
	for _, c := range cases {
		wanted = append(wanted, c.path+" is "+c.want)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestTraceOpenFailed(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	file := filepath.Join(t.TempDir(), "file")
	args := []string{"--failed", "--pid", strconv.Itoa(os.Getpid())}
	events := live.Observe[openEvent](t, "trace_open", args, func() {
		_, _ = os.Open(file)
		_ = os.WriteFile(file, nil, 0o600)
	})
	for _, e := range events {
		if e.ErrorRaw == 0 {
			t.Errorf("an open that worked: %+v", e)
		}
	}
	if got := ownOpens(events); len(got) != 1 || got[0].Fname != file {
		t.Errorf("got %+v, want the one open of %s that failed", got, file)
	}
}

func TestTraceOpenFilters(t *testing.T) {
	comm := live.Comm(t)
	for _, args := range [][]string{
		{"--pid", strconv.Itoa(os.Getpid())},
		{"--comm", comm},
		{"--pid", strconv.Itoa(os.Getpid()), "--uid", strconv.Itoa(os.Getuid()), "--gid", strconv.Itoa(os.Getgid())},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			events := live.Observe[openEvent](t, "trace_open", args, func() {
				live.RunChild(t, "open", "/dev/null")
				_, _ = os.Open("/dev/null")
			})
			seen := false
			for _, e := range events {
				if !e.Proc.Own() && e.Proc.Comm != comm {
					t.Errorf("an openEvent of another process: %+v", e)
				}
				seen = seen || e.Proc.Own() && e.Fname == "/dev/null"
			}
			if !seen {
				t.Errorf("the own open is not among %+v", events)
			}
		})
	}
}
