package tests

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// actor is a side of an event of data source fsnotify.
type actor struct {
	Comm string `json:"comm"`
	PID  int    `json:"pid"`
	PPID int    `json:"ppid"`
}

// notifyEvent is one event of data source fsnotify.
type notifyEvent struct {
	Tracee actor `json:"tracee"`
	Tracer actor `json:"tracer"`
	Cookie int   `json:"i_cookie"`
	Flags  int   `json:"fa_flags"`
	FaPID  int   `json:"fa_pid"`
	notice
}

// notice is what a test compares of each event.
type notice struct {
	Type     string `json:"type"`
	Mask     string `json:"i_mask"`
	WD       int    `json:"i_wd"`
	Ino      uint64 `json:"i_ino"`
	InoDir   uint64 `json:"i_ino_dir"`
	FaMask   string `json:"fa_mask"`
	FaType   string `json:"fa_type"`
	Response string `json:"fa_response"`
	Name     string `json:"name"`
}

// moveFile writes a file, twice, and gives it another name.
func moveFile(args []string) error {
	f, err := os.Create(args[0])
	if err != nil {
		return err
	}
	for range 2 {
		if _, err := f.WriteString("x"); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(args[0], args[1])
}

// tryOpen opens a file, or is not allowed to.
func tryOpen(args []string) error {
	err := openFile(args[1:])
	if got := fmt.Sprint(err == nil); got != args[0] {
		return fmt.Errorf("opened: %s, %w", got, err)
	}
	return nil
}

func inode(t *testing.T, name string) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

// must fails the test on an error.
func must(t *testing.T) func(fd int, err error) int {
	return func(fd int, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
}

// readAll reads what is in a queue.
func readAll(t *testing.T, fd int) []byte {
	t.Helper()
	in := make([]byte, 4096)
	n, err := unix.Read(fd, in)
	if err != nil {
		t.Fatal(err)
	}
	return in[:n]
}

// watchDirectory has a child change a directory that inotify watches, and returns
// what is read of it. What a queue still has at its end is not.
func watchDirectory(t *testing.T, dir string) []notice {
	t.Helper()
	fd, forgotten := must(t)(unix.InotifyInit1(unix.IN_CLOEXEC)), must(t)(unix.InotifyInit1(unix.IN_CLOEXEC))
	defer unix.Close(fd)
	const mask = unix.IN_CREATE | unix.IN_MODIFY | unix.IN_CLOSE_WRITE | unix.IN_MOVE
	wd, err := unix.InotifyAddWatch(fd, dir, mask)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.InotifyAddWatch(forgotten, dir, mask); err != nil {
		t.Fatal(err)
	}
	live.RunChild(t, "move-file", filepath.Join(dir, "a"), filepath.Join(dir, "b"))
	readAll(t, fd)
	unix.Close(forgotten)
	ino, inoDir := inode(t, filepath.Join(dir, "b")), inode(t, dir)
	var out []notice
	for _, e := range [][2]string{
		{"IN_CREATE", "a"}, {"IN_MODIFY", "a"}, {"IN_CLOSE_WRITE", "a"}, {"IN_MOVED_FROM", "a"}, {"IN_MOVED_TO", "b"},
	} {
		out = append(out, notice{"inotify", e[0], wd, ino, inoDir, "", "UNKNOWN", "na", e[1]})
	}
	return out
}

// overflowQueue has more happen than a queue may have.
func overflowQueue(t *testing.T, dir string) []notice {
	t.Helper()
	const limit = "/proc/sys/fs/inotify/max_queued_events"
	before, err := os.ReadFile(limit)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(limit, []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err := os.WriteFile(limit, before, 0o644); err != nil {
		t.Fatal(err)
	}
	must(t)(fd, err)
	defer unix.Close(fd)
	wd, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_MOVE|unix.IN_ISDIR)
	if err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	ino := inode(t, sub)
	if err := os.Rename(sub, sub+"2"); err != nil {
		t.Fatal(err)
	}
	readAll(t, fd)
	return []notice{
		{"inotify", "IN_CREATE|IN_ISDIR", wd, ino, inode(t, dir), "", "UNKNOWN", "na", "sub"},
		{"inotify", "IN_Q_OVERFLOW", -1, 0, 0, "", "UNKNOWN", "na", ""},
	}
}

// watchOpen reads of an open by fanotify.
func watchOpen(t *testing.T, name string) []notice {
	t.Helper()
	fd := must(t)(unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_CLOEXEC, unix.O_RDONLY))
	defer unix.Close(fd)
	if err := unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN, unix.AT_FDCWD, name); err != nil {
		t.Fatal(err)
	}
	live.RunChild(t, "open", name)
	closeFiles(readAll(t, fd))
	return []notice{{"fanotify", "", 0, 0, 0, "FAN_OPEN", "FANOTIFY_EVENT_TYPE_PATH", "na", name}}
}

// closeFiles closes the files of events of fanotify, and returns their descriptors.
func closeFiles(events []byte) []uint32 {
	const size, fdAt = 24, 16 // fanotify_event_metadata
	var fds []uint32
	for ; len(events) >= size; events = events[size:] {
		fds = append(fds, binary.NativeEndian.Uint32(events[fdAt:]))
	}
	for _, fd := range fds {
		unix.Close(int(fd))
	}
	return fds
}

// answer allows a child to open a file, or does not.
func answer(t *testing.T, name string, response uint32, text string) []notice {
	t.Helper()
	fd := must(t)(unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY))
	defer unix.Close(fd)
	if err := unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_PERM, unix.AT_FDCWD, name); err != nil {
		t.Fatal(err)
	}
	child := live.Child("try-open", strconv.FormatBool(response == unix.FAN_ALLOW), name)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for _, file := range closeFiles(readAll(t, fd)) {
		out := binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, file), response)
		if _, err := unix.Write(fd, out); err != nil {
			t.Fatal(err)
		}
	}
	if err := child.Wait(); err != nil {
		t.Errorf("a child that has to %s: %v", text, err)
	}
	const kind = "FANOTIFY_EVENT_TYPE_PATH_PERM"
	return []notice{
		{"fanotify", "", 0, 0, 0, "FAN_OPEN_PERM", kind, "na", name},
		{"fa_resp", "", 0, 0, 0, "FAN_OPEN_PERM", kind, text, name},
	}
}

func TestFsnotify(t *testing.T) {
	live.NeedsFunctions(t)
	for _, c := range []struct {
		name              string
		args              []string
		inotify, fanotify bool
		overflow          bool
	}{
		{"all", nil, true, true, true},
		{"tracer", []string{"--tracer-pid", strconv.Itoa(os.Getpid())}, true, true, true},
		{"comm of the tracee", []string{"--comm", live.Comm(t)}, true, true, false},
		{"inotify", []string{"--inotify-only"}, true, false, true},
		{"fanotify", []string{"--fanotify-only"}, false, true, false},
		{"another tracer", []string{"--tracer-pid", "1"}, false, false, false},
		{"another tracee", []string{"--tracee-pid", strconv.Itoa(noProcess)}, false, false, false},
		{"another queue", []string{"--tracer-group", "1"}, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want, got []notice
			var dir string
			cookies := map[int]int{}
			events := live.Observe[notifyEvent](t, "fsnotify", c.args, func() {
				dir = t.TempDir()
				inotify := watchDirectory(t, dir)
				full := overflowQueue(t, dir)
				name := filepath.Join(dir, "b")
				fanotify := watchOpen(t, name)
				fanotify = append(fanotify, answer(t, name, unix.FAN_ALLOW, "allow")...)
				fanotify = append(fanotify, answer(t, name, unix.FAN_DENY, "deny")...)
				if c.inotify {
					want = append(want, inotify...)
					want = append(want, full[0])
				}
				if c.overflow {
					want = append(want, full[1])
				}
				if c.fanotify {
					want = append(want, fanotify...)
				}
			})
			for _, e := range events {
				if e.Tracer.PID != os.Getpid() {
					continue
				}
				got = append(got, e.notice)
				cookies[e.Cookie]++
				child := e.Tracee.PPID == os.Getpid() && e.Tracee.Comm == live.Comm(t)
				own := e.Tracee.PID == os.Getpid()
				if e.Mask != "IN_Q_OVERFLOW" && !child && !(own && e.Name == "sub") {
					t.Errorf("%+v is reported to be caused by %+v", e.notice, e.Tracee)
				}
				if e.Type != "inotify" && e.FaPID != e.Tracee.PID {
					t.Errorf("%+v of process %d, for fanotify of %d", e.notice, e.Tracee.PID, e.FaPID)
				}
				if e.FaMask == "FAN_OPEN_PERM" && e.Flags&unix.FAN_CLASS_CONTENT == 0 {
					t.Errorf("%+v has flags %x", e.notice, e.Flags)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			delete(cookies, 0)
			if n := len(cookies); c.inotify && n != 1 {
				t.Errorf("%d renames, want 1", n)
			}
		})
	}
}
