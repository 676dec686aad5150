package sockets

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// open starts the programs; it skips where they cannot run.
func open(t testing.TB) *Owners {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	o, err := Open(Options{Tracefs: privateTracefs, Warn: func(err error) { t.Error(err) }})
	if errors.Is(err, ebpf.ErrNotSupported) {
		t.Skipf("needs BPF iterators: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// privateTracefs calls fn on a thread of its own that has a tracefs.
func privateTracefs(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- privateTracefs(fn)
			runtime.UnlockOSThread()
			return
		}
		done <- errors.Join(unix.Unshare(unix.CLONE_FS|unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE,
			""),
			unix.Mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, ""), fn())
	}()
	return <-done
}

// netns returns the inode number of a network namespace.
func netns(t testing.TB, path string) uint32 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return uint32(st.Ino)
}

func (o *Owners) lookup(k Key) (value, bool) {
	var v value
	return v, o.Map().Lookup(k, &v) == nil
}

// mine fails unless the socket is known as one of this process.
func mine(t testing.TB, o *Owners, k Key) {
	t.Helper()
	v, ok := o.lookup(k)
	if !ok {
		t.Fatalf("%+v is not known", k)
	}
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimRight(string(v.Comm[:]), "\x00"); v.PIDTGID>>32 != uint64(os.Getpid()) || got+
		"\n" != string(comm) && got == "" {
		t.Errorf("%+v belongs to %d %q, want %d", k, v.PIDTGID>>32, got, os.Getpid())
	}
	if v.ParentPID != uint32(os.Getppid()) || v.MountNS != uint64(netns(t, "/proc/self/ns/mnt")) || v.UIDGID != 0 {
		t.Errorf("%+v: parent %d, mount namespace %d, ids %#x", k, v.ParentPID, v.MountNS, v.UIDGID)
	}
}

func key(t testing.TB, family uint16, proto uint8, addr net.Addr) Key {
	t.Helper()
	k := Key{NetNS: netns(t, "/proc/self/ns/net"), Family: family, Proto: proto}
	switch a := addr.(type) {
	case *net.TCPAddr:
		k.Port = uint16(a.Port)
	case *net.UDPAddr:
		k.Port = uint16(a.Port)
	}
	return k
}

func TestSocketsBeforeAndAfter(t *testing.T) {
	before, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	udp, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()

	o := open(t)
	mine(t, o, key(t, unix.AF_INET, unix.IPPROTO_TCP, before.Addr()))
	mine(t, o, key(t, unix.AF_INET6, unix.IPPROTO_UDP, udp.LocalAddr()))

	after, err := net.Dial("tcp4", before.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	mine(t, o, key(t, unix.AF_INET, unix.IPPROTO_TCP, after.LocalAddr()))
	query, err := net.Dial("udp4", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	k := key(t, unix.AF_INET, unix.IPPROTO_UDP, query.LocalAddr())
	mine(t, o, k)
	query.Close()
	if err := o.refresh(); err != nil {
		t.Fatal(err)
	}
	if _, ok := o.lookup(k); ok {
		t.Error("a socket that was closed is still known after a refresh")
	}
	mine(t, o, key(t, unix.AF_INET, unix.IPPROTO_TCP, before.Addr()))
}

// TestFirstPacket looks a sender up when its packet arrives, from a socket that
// gets its port by sending.
func TestFirstPacket(t *testing.T) {
	o := open(t)
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	to := &unix.SockaddrInet4{Port: server.LocalAddr().(*net.UDPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Sendto(fd, []byte("x"), 0, to); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 8)
	_ = server.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, from, err := server.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	mine(t, o, key(t, unix.AF_INET, unix.IPPROTO_UDP, from))
}

// TestNewNetworkNamespace finds the socket of a process in a network namespace
// that is made later.
func TestNewNetworkNamespace(t *testing.T) {
	o := open(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=TestListenInChild", "-test.v")
	cmd.Env = append(os.Environ(), "LISTEN_IN_CHILD=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	defer func() { stdin.Close(); _ = cmd.Wait() }()
	buf := make([]byte, 4096)
	for out := ""; !strings.Contains(out, "listening"); {
		n, err := stdout.Read(buf)
		if err != nil {
			t.Fatalf("the child said %q: %v", out, err)
		}
		out += string(buf[:n])
	}
	ns := netns(t, "/proc/"+strconv.Itoa(cmd.Process.Pid)+"/ns/net")
	if ns == netns(t, "/proc/self/ns/net") {
		t.Fatal("the child has no network namespace of its own")
	}
	v, ok := o.lookup(Key{NetNS: ns, Family: unix.AF_INET, Proto: unix.IPPROTO_TCP, Port: childPort})
	if !ok || v.PIDTGID>>32 != uint64(cmd.Process.Pid) {
		t.Errorf("the child's socket belongs to %d, want %d", v.PIDTGID>>32, cmd.Process.Pid)
	}
}

const childPort = 7777

func TestListenInChild(t *testing.T) {
	if os.Getenv("LISTEN_IN_CHILD") == "" {
		return
	}
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{Port: childPort})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	os.Stdout.WriteString("listening\n")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// BenchmarkSend is what a packet costs its sender while owners are kept.
func BenchmarkSend(b *testing.B) {
	for _, with := range []bool{false, true} {
		name := "without"
		if with {
			name = "with"
		}
		b.Run(name, func(b *testing.B) {
			if with {
				open(b)
			}
			server, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer server.Close()
			conn, err := net.Dial("udp4", server.LocalAddr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			for b.Loop() {
				_, _ = conn.Write([]byte("x"))
			}
		})
	}
}

// BenchmarkRefresh is what looking through all files costs.
func BenchmarkRefresh(b *testing.B) {
	o := open(b)
	for b.Loop() {
		if err := o.refresh(); err != nil {
			b.Fatal(err)
		}
	}
}
