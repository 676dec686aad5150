package tests

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// tcpEvent is one event of data source tracetcp.
type tcpEvent struct {
	Proc     live.Process `json:"proc"`
	Type     string       `json:"type"`
	Src      endpoint     `json:"src"`
	Dst      endpoint     `json:"dst"`
	Error    string       `json:"error"`
	FD       int          `json:"fd"`
	AcceptFD int          `json:"accept_fd"`
}

// tcpSeen is what a test says about an event.
type tcpSeen struct {
	Type         string
	Src, Dst     endpoint
	Error        string
	FD, AcceptFD int
}

// tcpSocket makes a socket of TCP that is bound to a port of the loopback interface.
func tcpSocket(t *testing.T, family int) (int, endpoint) {
	t.Helper()
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	sa := unix.Sockaddr(&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if family == unix.AF_INET6 {
		sa = &unix.SockaddrInet6{Addr: [16]byte{15: 1}}
	}
	if err := unix.Bind(fd, sa); err != nil {
		t.Fatal(err)
	}
	return fd, nameOf(t, fd)
}

// nameOf returns the local end of a socket.
func nameOf(t *testing.T, fd int) endpoint {
	t.Helper()
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	if v4, ok := name.(*unix.SockaddrInet4); ok {
		return endpoint{"127.0.0.1", v4.Port, "TCP"}
	}
	return endpoint{"::1", name.(*unix.SockaddrInet6).Port, "TCP"}
}

// connectTo connects a socket, or begins to.
func connectTo(fd int, to endpoint) error {
	if to.Addr == "::1" {
		return unix.Connect(fd, &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: to.Port})
	}
	return unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: to.Port})
}

// converse makes a connection, ends it from the client's side, and says what
// events there are to be. With reset the client cuts it off.
func converse(t *testing.T, family int, reset bool) []tcpSeen {
	t.Helper()
	listener, server := tcpSocket(t, family)
	defer unix.Close(listener)
	if err := unix.Listen(listener, 1); err != nil {
		t.Fatal(err)
	}
	fd, client := tcpSocket(t, family)
	if err := connectTo(fd, server); err != nil {
		t.Fatal(err)
	}
	accepted, _, err := unix.Accept(listener)
	if err != nil {
		t.Fatal(err)
	}
	ended := ""
	if reset {
		ended = "ECONNRESET"
		if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
			t.Fatal(err)
		}
	}
	unix.Close(fd)
	unix.Close(accepted)
	return []tcpSeen{
		{"connect", client, server, "", fd, -1},
		{"accept", server, client, "", listener, accepted},
		{"close", client, server, "", -1, -1},
		{"close", server, client, ended, -1, -1},
	}
}

// refused asks a port that nobody listens at for a connection, and the broadcast
// address, which no packet goes to.
func refused(t *testing.T) []tcpSeen {
	t.Helper()
	nobody, server := tcpSocket(t, unix.AF_INET)
	defer unix.Close(nobody)
	first, client := tcpSocket(t, unix.AF_INET)
	defer unix.Close(first)
	second, early := tcpSocket(t, unix.AF_INET)
	defer unix.Close(second)
	_ = unix.SetNonblock(second, true)
	_ = connectTo(first, server)
	_ = connectTo(second, server)
	_ = connectTo(second, server) // asks how it went
	third, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(third)
	_ = unix.Connect(third, &unix.SockaddrInet4{Addr: [4]byte{224, 0, 0, 1}, Port: 9})
	return []tcpSeen{
		{"connect", client, server, "ECONNREFUSED", first, -1},
		{"connect", early, server, "ECONNREFUSED", second, -1},
		{"connect", endpoint{"0.0.0.0", 0, "TCP"}, endpoint{"224.0.0.1", 9, "TCP"}, "ENETUNREACH", third, -1},
	}
}

func TestTraceTCP(t *testing.T) {
	failed := func(e tcpSeen) bool { return e.Error != "" }
	cases := []struct {
		name string
		args []string
		want func(e tcpSeen) bool
	}{
		{"all", nil, func(tcpSeen) bool { return true }},
		{"connect", []string{"--connect-only"}, func(e tcpSeen) bool { return e.Type == "connect" }},
		{"failure", []string{"--failure-only"}, failed},
		{"comm", []string{"--comm", live.Comm(t), "--failure-only"}, failed},
		{"another process", []string{"--pid", "1"}, func(tcpSeen) bool { return false }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var all, want, got []tcpSeen
			events := live.Observe[tcpEvent](t, "trace_tcp", c.args, func() {
				all = append(converse(t, unix.AF_INET, false), converse(t, unix.AF_INET6, false)...)
				all = append(append(all, converse(t, unix.AF_INET, true)...), refused(t)...)
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
				if err == nil { // not of TCP
					_ = connectTo(fd, endpoint{Addr: "127.0.0.1", Port: 9})
					_ = unix.Close(fd)
				}
			})
			for _, e := range events {
				if e.Proc.Own() {
					got = append(got, tcpSeen{e.Type, e.Src, e.Dst, e.Error, e.FD, e.AcceptFD})
				}
			}
			for _, e := range all {
				if c.want(e) {
					want = append(want, e)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}
