package tests

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// passEvent is one event of data source fdpass.
type passEvent struct {
	Proc live.Process `json:"proc"`
	passed
}

// passed is what a test compares of each event.
type passed struct {
	Inode  uint64 `json:"socket_ino"`
	SockFD int    `json:"sockfd"`
	FD     int    `json:"fd"`
	File   string `json:"file"`
}

// sendMany sends each control message with a separate message, in one call.
func sendMany(sock int, controls ...[]byte) error {
	type message struct {
		header unix.Msghdr
		sent   uint32
	}
	text := []byte("x")
	messages := make([]message, len(controls))
	for i, control := range controls {
		iov := unix.Iovec{Base: &text[0]}
		iov.SetLen(len(text))
		m := unix.Msghdr{Iov: &iov, Control: &control[0]}
		m.SetIovlen(1)
		m.SetControllen(len(control))
		messages[i].header = m
	}
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(sock), uintptr(unsafe.Pointer(&messages[0])),
		uintptr(len(messages)), 0, 0, 0)
	runtime.KeepAlive(text)
	if errno != 0 {
		return errno
	}
	if int(n) != len(controls) {
		return errors.New("not all messages were sent")
	}
	return nil
}

// openAt opens a file and closes it when the test ends.
func openAt(t *testing.T, name string) int {
	t.Helper()
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func TestFDPass(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	sock := pair[0]
	var stat unix.Stat_t
	if err := unix.Fstat(sock, &stat); err != nil {
		t.Fatal(err)
	}
	names := []string{filepath.Join(t.TempDir(), "a file"), "/dev/null"}
	fds := []int{openAt(t, names[0]), openAt(t, names[1])}
	pass := func(i int) passed { return passed{stat.Ino, sock, fds[i], names[i]} }
	credentials := unix.UnixCredentials(&unix.Ucred{
		Pid: int32(os.Getpid()), Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid()),
	})
	do := func() {
		for _, err := range []error{
			unix.Sendmsg(sock, []byte("x"), unix.UnixRights(fds...), nil, 0),
			unix.Sendmsg(sock, []byte("x"), append(credentials, unix.UnixRights(fds[0])...), nil, 0),
			unix.Sendmsg(sock, []byte("x"), credentials, nil, 0),
			unix.Sendmsg(sock, []byte("x"), nil, nil, 0),
			sendMany(sock, unix.UnixRights(fds[1]), unix.UnixRights(fds[0], fds[0])),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		if err := unix.Sendmsg(sock, []byte("x"), unix.UnixRights(noProcess), nil, 0); !errors.Is(err, unix.EBADF) {
			t.Errorf("sending a descriptor that is none: %v, want EBADF", err)
		}
		// What is not read would fill the socket.
		for range 6 {
			if _, _, _, _, err := unix.Recvmsg(pair[1], make([]byte, 1), nil, 0); err != nil {
				t.Error(err)
			}
		}
	}
	all := []passed{pass(0), pass(1), pass(0), pass(1), pass(0), pass(0)}
	own := strconv.Itoa(os.Getpid())
	cases := []struct {
		name string
		args []string
		want []passed
	}{
		{"all", nil, all},
		{"pid", []string{"--pid", own}, all},
		{"target pid", []string{"--target_pid", own}, all},
		{"another process", []string{"--pid", "1"}, nil},
		{"another target", []string{"--target_pid", "1"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []passed
			for _, e := range live.Observe[passEvent](t, "fdpass", c.args, do) {
				if e.Proc.Own() {
					got = append(got, e.passed)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("descriptors (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFDPassMost sends as many descriptors as one message may have.
func TestFDPassMost(t *testing.T) {
	const most = 253
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	fd := openAt(t, "/dev/null")
	fds := make([]int, most)
	for i := range fds {
		fds[i] = fd
	}
	got := 0
	for _, e := range live.Observe[passEvent](t, "fdpass", nil, func() {
		if err := unix.Sendmsg(pair[0], []byte("x"), unix.UnixRights(fds...), nil, 0); err != nil {
			t.Error(err)
		}
	}) {
		if e.Proc.Own() && e.FD == fd && e.File == "/dev/null" {
			got++
		}
	}
	if got != most {
		t.Errorf("%d events, want %d", got, most)
	}
}
