package tests

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// retransmission is one event of data source tcpretrans.
type retransmission struct {
	Proc  live.Process `json:"proc"`
	Type  string       `json:"type"`
	State string       `json:"state"`
	Flags string       `json:"tcpflags"`
	Src   endpoint     `json:"src"`
	Dst   endpoint     `json:"dst"`
}

// sentAgain is what a test compares of each event.
type sentAgain struct {
	Type, State, Flags string
	Src, Dst           endpoint
	Own                bool
}

// afterSYN is when the first packet of a connection has been sent again once: after
// one second, and not yet after three.
const afterSYN = 1500 * time.Millisecond

// overflow connects to a listener whose queue is full, so that it drops what comes,
// and returns both ends.
func overflow(t *testing.T) (client, server endpoint) {
	t.Helper()
	listener, server := tcpSocket(t, unix.AF_INET)
	defer unix.Close(listener)
	if err := unix.Listen(listener, 0); err != nil {
		t.Fatal(err)
	}
	first, _ := tcpSocket(t, unix.AF_INET)
	defer unix.Close(first)
	if err := connectTo(first, server); err != nil {
		t.Fatal(err)
	}
	second, client := tcpSocket(t, unix.AF_INET)
	defer unix.Close(second)
	if err := unix.SetNonblock(second, true); err != nil {
		t.Fatal(err)
	}
	_ = connectTo(second, server)
	time.Sleep(afterSYN)
	return client, server
}

func TestTraceTCPRetrans(t *testing.T) {
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
			var client, server endpoint
			events := live.Observe[retransmission](t, "trace_tcpretrans", c.args, func() { client, server = overflow(t) })
			var got []sentAgain
			for _, e := range events {
				if slices.Contains([]endpoint{e.Src, e.Dst}, server) {
					got = append(got, sentAgain{e.Type, e.State, e.Flags, e.Src, e.Dst, e.Proc.Own()})
				}
			}
			var want []sentAgain
			if c.seen {
				want = []sentAgain{{"RETRANS", "tcp_syn_sent", "SYN", client, server, live.KnowsOwners()}}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sent again (-want +got):\n%s", diff)
			}
		})
	}
}
