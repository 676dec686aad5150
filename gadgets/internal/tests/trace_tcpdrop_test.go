package tests

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// tcpDropEvent is one event of data source tcpdrop.
type tcpDropEvent struct {
	PID    int      `json:"pid"`
	Comm   string   `json:"comm"`
	Flags  string   `json:"tcpflags"`
	Reason string   `json:"reason"`
	Src    endpoint `json:"src"`
	Dst    endpoint `json:"dst"`
}

// droppedPacket is what a test compares of each event. The state is not part of it: the
// kernel passes the socket of an incoming packet only since 6.11.
type droppedPacket struct {
	Flags, Reason string
	Src, Dst      endpoint
	PID           int
}

// dropPackets connects to a bound port without a listener, and has a filter
// drop what comes over another one.
func dropPackets(t *testing.T, family int) []droppedPacket {
	t.Helper()
	free, closed := tcpSocket(t, family)
	defer unix.Close(free)
	asking, from := tcpSocket(t, family)
	defer unix.Close(asking)
	_ = connectTo(asking, closed)

	c := connectTCP(t, family)
	defer unix.Close(c.listener)
	defer unix.Close(c.accepted)
	nothing := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}
	err := unix.SetsockoptSockFprog(c.accepted, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: 1, Filter: &nothing[0]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(c.fd, []byte("lost")); err != nil {
		t.Fatal(err)
	}
	// It is sent again while the filter is there.
	if err := unix.SetsockoptInt(c.accepted, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Read(c.accepted, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	// A slow machine sends it again before the filter is gone: each time but the last it is dropped.
	info, err := unix.GetsockoptTCPInfo(c.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		t.Fatal(err)
	}
	// What is unread when a socket is closed is dropped, too.
	unix.Close(c.fd)
	if n, err := unix.Read(c.accepted, make([]byte, 4)); err != nil || n != 0 {
		t.Fatalf("%d bytes, %v after the end", n, err)
	}
	owner := 0
	if live.KnowsOwners() {
		owner = os.Getpid()
	}
	filtered := droppedPacket{"PSH|ACK", "SKB_DROP_REASON_SOCKET_FILTER", c.server, c.client, owner}
	return append([]droppedPacket{{"SYN", "SKB_DROP_REASON_NO_SOCKET", closed, from, owner}},
		slices.Repeat([]droppedPacket{filtered}, int(info.Total_retrans))...)
}

func TestTraceTCPDrop(t *testing.T) {
	if live.Before(5, 17) {
		t.Skip("needs reasons in the tracepoint skb/kfree_skb (Linux 5.17)")
	}
	cases := []struct {
		name string
		args []string
		seen bool
	}{
		{"all", nil, true},
		{"comm", []string{"--comm", live.Comm(t)}, live.KnowsOwners()},
		{"another process", []string{"--pid", "1"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var want, got []droppedPacket
			events := live.Observe[tcpDropEvent](t, "trace_tcpdrop", c.args, func() {
				want = append(dropPackets(t, unix.AF_INET), dropPackets(t, unix.AF_INET6)...)
			})
			var ends []endpoint
			for _, d := range want {
				ends = append(ends, d.Src, d.Dst)
			}
			if !c.seen {
				want = nil
			}
			for _, e := range events {
				if slices.Contains(ends, e.Src) || slices.Contains(ends, e.Dst) {
					got = append(got, droppedPacket{e.Flags, e.Reason, e.Src, e.Dst, e.PID})
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}
