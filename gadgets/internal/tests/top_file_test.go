package tests

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// fileUse is one entry of data source file.
type fileUse struct {
	Proc   live.Process `json:"proc"`
	Inode  uint64       `json:"inode"`
	Dev    uint64       `json:"dev"`
	Type   string       `json:"t"`
	Reads  uint64       `json:"reads"`
	RBytes uint64       `json:"rbytes"`
	Writes uint64       `json:"writes"`
	WBytes uint64       `json:"wbytes"`
	File   string       `json:"file"`
}

// transferred is what a test compares of each file.
type transferred struct {
	Reads, RBytes, Writes, WBytes uint64
	Type                          string
}

// filesUsed adds the entries of this process, by path; those of other threads are
// entries of their own.
func filesUsed(entries []fileUse) map[string]transferred {
	out := map[string]transferred{}
	for _, e := range entries {
		if !e.Proc.Own() {
			continue
		}
		t := out[e.File]
		out[e.File] = transferred{t.Reads + e.Reads, t.RBytes + e.RBytes, t.Writes + e.Writes, t.WBytes + e.WBytes, e.Type}
	}
	return out
}

// transfer reads and writes with every call that there is.
func transfer(t *testing.T, f *os.File) {
	t.Helper()
	fd := int(f.Fd())
	part := make([]byte, 10)
	for _, call := range []struct {
		name string
		do   func() (int, error)
	}{
		{"write", func() (int, error) { return unix.Write(fd, part) }},
		{"pwrite64", func() (int, error) { return unix.Pwrite(fd, part, 10) }},
		{"writev", func() (int, error) { return unix.Writev(fd, [][]byte{part, part}) }},
		{"pwritev", func() (int, error) { return unix.Pwritev(fd, [][]byte{part, part}, 0) }},
		{"pwritev2", func() (int, error) { return unix.Pwritev2(fd, [][]byte{part, part}, 0, 0) }},
		{"read", func() (int, error) { return unix.Read(fd, part) }}, // at the end: 0 bytes
		{"pread64", func() (int, error) { return unix.Pread(fd, part, 0) }},
		{"preadv", func() (int, error) { return unix.Preadv(fd, [][]byte{part, part}, 0) }},
		{"preadv2", func() (int, error) { return unix.Preadv2(fd, [][]byte{part, part}, 0, 0) }},
		{"seek", func() (int, error) { _, err := unix.Seek(fd, 0, 0); return 0, err }},
		{"readv", func() (int, error) { return unix.Readv(fd, [][]byte{part, part}) }},
	} {
		if _, err := call.do(); err != nil {
			t.Errorf("%s: %v", call.name, err)
		}
	}
	_, _ = unix.Read(-1, part) // fails, as does the next one
	_, _ = unix.Pread(fd, part, -1)
}

func TestTopFile(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	name := filepath.Join(t.TempDir(), "file")
	do := func() {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		transfer(t, f)
		_, _ = unix.Write(pair[0], []byte("ten bytes!"))
	}
	file := transferred{5, 70, 5, 80, "R"}
	own := strconv.Itoa(os.Getpid())
	cases := []struct {
		name   string
		args   []string
		want   transferred
		socket bool
	}{
		{"pid", []string{"--pid", own}, file, false},
		{"all files", []string{"--pid", own, "--all-files"}, file, true},
		{"read once", []string{"--pid", own, "--map-fetch-interval", "0"}, file, false},
		{"another process", []string{"--pid", "1"}, transferred{}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			entries := live.Observe[fileUse](t, "top_file", c.args, do)
			got := filesUsed(entries)
			if diff := cmp.Diff(c.want, got[name]); diff != "" {
				t.Errorf("file (-want +got):\n%s\nof %v", diff, got)
			}
			socket := false
			for _, e := range entries {
				socket = socket || e.Proc.Own() && e.Type == "S" && e.Writes == 1 && e.WBytes == 10
				if e.Type != "R" && !c.socket {
					t.Errorf("a file that is not a regular one: %+v", e)
				}
			}
			if socket != c.socket {
				t.Errorf("the socket: %v, want %v, of %+v", socket, c.socket, entries)
			}
			var stat unix.Stat_t
			if err := unix.Stat(name, &stat); err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if e.File == name && (e.Inode != stat.Ino || e.Dev>>20 != uint64(unix.Major(stat.Dev)) ||
					e.Dev&(1<<20-1) != uint64(unix.Minor(stat.Dev))) {
					t.Errorf("inode %d of device %d: %+v", stat.Ino, stat.Dev, e)
				}
			}
		})
	}
}

// TestTopFileLoss uses more files than the map has room for: what is missing is reported.
func TestTopFileLoss(t *testing.T) {
	// What is shown is limited: an emulated machine is slow to write ten thousand entries.
	const room, more, shown = 10240, 100, 20
	dir := t.TempDir()
	entries, lost := live.ObserveLoss[fileUse](t, "top_file", []string{
		"--pid", strconv.Itoa(os.Getpid()), "--map-fetch-interval", "0", "--max-entries", strconv.Itoa(shown),
	}, func() {
		// One thread, since each is an entry of its own.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for i := range room + more {
			fd, err := unix.Open(filepath.Join(dir, strconv.Itoa(i)), unix.O_WRONLY|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = unix.Write(fd, []byte("x"))
			unix.Close(fd)
		}
	})
	if len(entries) != shown || lost < more || lost > more+10 {
		t.Errorf("%d entries, %d lost, want %d and %d", len(entries), lost, shown, more)
	}
}
