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

// tcpSeen is what a test compares of each event.
type tcpSeen struct {
	Type         string
	Src, Dst     endpoint
	Error        string
	FD, AcceptFD int
}

// connectAndClose makes a connection, ends it from the client's side, and returns what
// events there are to be. With reset the client cuts it off.
func connectAndClose(t *testing.T, family int, reset bool) []tcpSeen {
	t.Helper()
	c := connectTCP(t, family)
	defer unix.Close(c.listener)
	ended := ""
	if reset {
		ended = "ECONNRESET"
		if err := unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
			t.Fatal(err)
		}
	}
	unix.Close(c.fd)
	awaitAnswer(t, c.accepted)
	unix.Close(c.accepted)
	return []tcpSeen{
		{"connect", c.client, c.server, "", c.fd, -1},
		{"accept", c.server, c.client, "", c.listener, c.accepted},
		{"close", c.client, c.server, "", -1, -1},
		{"close", c.server, c.client, ended, -1, -1},
	}
}

// refused connects to a port without a listener, and the broadcast
// address, which no packet goes to.
func refused(t *testing.T) []tcpSeen {
	t.Helper()
	free, server := tcpSocket(t, unix.AF_INET)
	defer unix.Close(free)
	first, client := tcpSocket(t, unix.AF_INET)
	defer unix.Close(first)
	second, early := tcpSocket(t, unix.AF_INET)
	defer unix.Close(second)
	_ = unix.SetNonblock(second, true)
	_ = connectTo(first, server)
	_ = connectTo(second, server)
	awaitAnswer(t, second)
	_ = connectTo(second, server) // returns how it ended
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
				all = append(connectAndClose(t, unix.AF_INET, false), connectAndClose(t, unix.AF_INET6, false)...)
				all = append(append(all, connectAndClose(t, unix.AF_INET, true)...), refused(t)...)
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
