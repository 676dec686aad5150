package tests

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// slowEvent is one event of trace_fsslower.
type slowEvent struct {
	Proc  live.Process `json:"proc"`
	Delta int64        `json:"delta_us"`
	slowOperation
}

// slowOperation is what a test compares of each event.
type slowOperation struct {
	Op     string `json:"op"`
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
}

// leaseTime is how long the open call takes that waits for the end of a lease.
const leaseTime = 2 * time.Second

// openLeased opens a file on which another process has a lease, which releases it later.
func openLeased(t *testing.T, name string) {
	t.Helper()
	holder, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(holder)
	if _, err := unix.FcntlInt(uintptr(holder), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		t.Errorf("taking a lease: %v", err)
		return
	}
	time.AfterFunc(leaseTime, func() { _, _ = unix.FcntlInt(uintptr(holder), unix.F_SETLEASE, unix.F_UNLCK) })
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return
	}
	unix.Close(fd)
}

// useFile does every operation, the last one slowly.
func useFile(t *testing.T, name string) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Error(err)
		return
	}
	part := make([]byte, 10)
	var stat unix.Statfs_t
	for _, call := range []func() (int, error){
		func() (int, error) { return unix.Write(fd, part) },
		func() (int, error) { return unix.Writev(fd, [][]byte{part, part}) },
		func() (int, error) { return unix.Pwrite(fd, part, 100) },
		func() (int, error) { return unix.Pwritev(fd, [][]byte{part, part}, 1<<33) },
		func() (int, error) { return unix.Pwritev2(fd, [][]byte{part}, -1, 0) },
		func() (int, error) { return unix.Read(fd, part) },
		func() (int, error) { return unix.Readv(fd, [][]byte{part, part}) },
		func() (int, error) { return unix.Pread(fd, part, 5) },
		func() (int, error) { return unix.Preadv(fd, [][]byte{part, part}, 7) },
		func() (int, error) { return unix.Preadv2(fd, [][]byte{part}, 9, 0) },
		func() (int, error) { return 0, unix.Fsync(fd) },
		func() (int, error) { return 0, unix.Fdatasync(fd) },
		func() (int, error) { return 0, unix.Fstatfs(fd, &stat) },
		func() (int, error) { return 0, unix.Statfs(name, &stat) },
		func() (int, error) { return 0, unix.Close(fd) },
	} {
		if _, err := call(); err != nil {
			t.Error(err)
		}
	}
	_, _ = unix.Open(name+"/none", unix.O_RDONLY, 0) // no file, no event
	openLeased(t, name)
}

func TestTraceFSSlower(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	name := filepath.Join(dir, "file")
	slow := slowOperation{"F_OPEN", "file", 0, 0}
	all := []slowOperation{
		{"F_OPEN", "file", 0, 0},
		{"F_WRITE", "file", 0, 10},
		{"F_WRITE", "file", 10, 20},
		{"F_WRITE", "file", 100, 10},
		{"F_WRITE", "file", 1 << 33, 20},
		{"F_WRITE", "file", 30, 10},
		{"F_READ", "file", 40, 10},
		{"F_READ", "file", 50, 20},
		{"F_READ", "file", 5, 10},
		{"F_READ", "file", 7, 20},
		{"F_READ", "file", 9, 10},
		{"F_FSYNC", "file", 0, 0},
		{"F_FSYNC", "file", 0, 0},
		{"F_STATFS", "file", 0, 0},
		{"F_STATFS", name, 0, 0},
		{"F_OPEN", "file", 0, 0},
		slow,
	}
	own := strconv.Itoa(os.Getpid())
	cases := []struct {
		name string
		args []string
		want []slowOperation
	}{
		{"all that are slow", []string{"--filesystem", "", "--min", "1000000"}, []slowOperation{slow}},
		{"slow", []string{"--filesystem", "tmpfs", "--min", "1000000", "--pid", own}, []slowOperation{slow}},
		{"everything", []string{"--filesystem", "tmpfs", "--min", "0", "--pid", own}, all},
		{"comm", []string{"--filesystem", "tmpfs", "--min", "1000000", "--comm", "nobody"}, nil},
		{"another filesystem", []string{"--filesystem", "tmp", "--min", "0", "--pid", own}, nil},
		{"default filesystem", []string{"--min", "0", "--pid", own}, nil},
		{"slower", []string{"--filesystem", "tmpfs", "--min", "10000000", "--pid", own}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []slowOperation
			var took time.Duration
			for _, e := range live.Observe[slowEvent](t, "trace_fsslower", c.args, func() {
				start := time.Now()
				useFile(t, name)
				took = time.Since(start)
			}) {
				// Other threads of this process use other files meanwhile.
				if !e.Proc.Own() || e.File != "file" && e.File != name {
					continue
				}
				got = append(got, e.slowOperation)
				if delta := time.Duration(e.Delta) * time.Microsecond; delta > took || len(got) == len(c.want) &&
					delta < leaseTime/2 {
					t.Errorf("%s took %s, the lease %s and everything %s", e.Op, delta, leaseTime, took)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("operations (-want +got):\n%s", diff)
			}
		})
	}
}
