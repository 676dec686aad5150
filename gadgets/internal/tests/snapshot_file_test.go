package tests

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// openedFile is one entry of data source files.
type openedFile struct {
	Comm  string `json:"comm"`
	PID   int    `json:"pid"`
	UID   int    `json:"uid"`
	FD    int    `json:"fd"`
	Type  string `json:"type"`
	Inode uint64 `json:"inode"`
	Flags uint32 `json:"flags_raw"`
	Path  string `json:"path"`
	MntNS uint64 `json:"mntns_id"`
}

func TestSnapshotFile(t *testing.T) {
	live.NeedsBTF(t)
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	opened := map[string]int{}
	for path, flags := range map[string]int{
		name: unix.O_RDWR | unix.O_APPEND, dir: unix.O_RDONLY,
		"/dev/null": unix.O_WRONLY,
	} {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		opened[path] = fd
	}
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(ends[0]); unix.Close(ends[1]); unix.Close(socket) })

	type entry struct{ Type, Path string }
	file, directory := opened[name], opened[dir]
	own := []string{"--pid", strconv.Itoa(os.Getpid())}
	cases := []struct {
		name string
		args []string
		want map[int]entry
	}{
		{"default", own, map[int]entry{file: {"REGULAR", "file"}, directory: {"DIRECTORY", filepath.Base(dir)}}},
		{"paths", append(own, "--paths"), map[int]entry{file: {"REGULAR", name}, directory: {"DIRECTORY", dir}}},
		{
			"devices", append(own, "--type-mask", "32", "--paths"),
			map[int]entry{opened["/dev/null"]: {"CHAR_DEV", "/dev/null"}},
		},
		{"sockets", append(own, "--type-mask", "2"), map[int]entry{socket: {"SOCKET", "TCP"}}},
		{"pipes", append(own, "--type-mask", "4"), map[int]entry{ends[0]: {"PIPE", ""}, ends[1]: {"PIPE", ""}}},
		{"another process", []string{"--pid", strconv.Itoa(noProcess)}, map[int]entry{}},
	}
	ours := map[int]bool{
		file: true, directory: true, opened["/dev/null"]: true, socket: true, ends[0]: true, ends[1]: true,
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := map[int]entry{}
			for _, e := range live.Collect[openedFile](t, "snapshot_file", c.args) {
				if e.PID != os.Getpid() || e.Comm != live.Comm(t) || e.UID != 0 || e.MntNS == 0 {
					t.Errorf("an entry of another process: %+v", e)
				}
				if ours[e.FD] {
					got[e.FD] = entry{e.Type, e.Path}
					checkOpened(t, e)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

// checkOpened compares an entry with what the kernel reports of the descriptor.
func checkOpened(t *testing.T, e openedFile) {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Fstat(e.FD, &stat); err != nil {
		t.Fatal(err)
	}
	flags, err := unix.FcntlInt(uintptr(e.FD), unix.F_GETFL, 0)
	if err != nil {
		t.Fatal(err)
	}
	if e.Inode != stat.Ino || e.Flags&^unix.O_CLOEXEC != uint32(flags)&^unix.O_CLOEXEC {
		t.Errorf("inode %d, flags %#x: %+v", stat.Ino, flags, e)
	}
}
