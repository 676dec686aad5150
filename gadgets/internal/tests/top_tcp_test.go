package tests

import (
	"maps"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// tcpTraffic is one entry of data source tcp.
type tcpTraffic struct {
	PID      int      `json:"pid"`
	Comm     string   `json:"comm"`
	Src      endpoint `json:"src"`
	Dst      endpoint `json:"dst"`
	Sent     uint64   `json:"sent_raw"`
	Received uint64   `json:"received_raw"`
}

// ends are those of a connection, and moved what went over it.
type (
	ends  struct{ Src, Dst endpoint }
	moved struct{ Sent, Received uint64 }
)

// exchange sends over a connection, in both directions, and returns what is expected.
func exchange(t *testing.T, family int) map[ends]moved {
	t.Helper()
	c := connectTCP(t, family)
	defer unix.Close(c.listener)
	defer unix.Close(c.fd)
	defer unix.Close(c.accepted)
	in := make([]byte, 4096)
	for _, step := range []struct{ from, to, size int }{
		{c.fd, c.accepted, 1000},
		{c.fd, c.accepted, 2000},
		{c.accepted, c.fd, 5},
	} {
		if n, err := unix.Write(step.from, make([]byte, step.size)); n != step.size || err != nil {
			t.Fatalf("wrote %d bytes, %v", n, err)
		}
		if !live.Before(6, 3) { // what is only looked at is not received
			_, _, _ = unix.Recvfrom(step.to, in, unix.MSG_PEEK)
		}
		if n, err := unix.Read(step.to, in); n != step.size || err != nil {
			t.Fatalf("read %d bytes, %v", n, err)
		}
	}
	_, _, _ = unix.Recvfrom(c.fd, in, unix.MSG_DONTWAIT) // nothing is there
	return map[ends]moved{{c.client, c.server}: {3000, 5}, {c.server, c.client}: {5, 3000}}
}

func TestTopTCP(t *testing.T) {
	both := []int{unix.AF_INET, unix.AF_INET6}
	cases := []struct {
		name     string
		args     []string
		families []int
	}{
		{"all", nil, both},
		{"comm", []string{"--comm", live.Comm(t)}, both},
		{"IPv4", []string{"--family", "4"}, both[:1]},
		{"IPv6", []string{"--family", "6"}, both[1:]},
		{"another process", []string{"--pid", "1"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			exchanged := map[int]map[ends]moved{}
			entries := live.Observe[tcpTraffic](t, "top_tcp", c.args, func() {
				for _, family := range both {
					exchanged[family] = exchange(t, family)
				}
				pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = unix.Write(pair[0], []byte("not of TCP"))
				unix.Close(pair[0])
				unix.Close(pair[1])
			})
			want, got := map[ends]moved{}, map[ends]moved{}
			for _, family := range c.families {
				maps.Copy(want, exchanged[family])
			}
			for _, e := range entries {
				if e.PID == os.Getpid() {
					m := got[ends{e.Src, e.Dst}] // other threads and intervals have entries of their own
					got[ends{e.Src, e.Dst}] = moved{m.Sent + e.Sent, m.Received + e.Received}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("traffic (-want +got):\n%s", diff)
			}
		})
	}
}
