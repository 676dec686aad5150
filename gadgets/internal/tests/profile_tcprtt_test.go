package tests

import (
	"net"
	"strconv"
	"testing"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

func TestProfileTCPRTT(t *testing.T) {
	// Not closed before the end: the end of a connection is a segment, too.
	client, server := dnsPairTCP(t, "127.0.0.1:0")
	port := func(a net.Addr) string { return strconv.Itoa(at(a, "TCP").Port) }
	const segments, maxSlot = 20, 22 // two to the 22nd microseconds are four seconds
	cases := []struct {
		name    string
		args    []string
		exactly bool
		n       int
		slots   int // that may be used
	}{
		// Only the server's end receives data; how often it acknowledges is up to it.
		{"server", []string{"--sport", port(server.LocalAddr())}, true, segments, maxSlot},
		{"server by the client's port", []string{"--dport", port(client.LocalAddr())}, true, segments, maxSlot},
		{"milliseconds", []string{"--sport", port(server.LocalAddr()), "--ms"}, true, segments, maxSlot - 10},
		{"client", []string{"--sport", port(client.LocalAddr())}, false, 1, maxSlot},
		{"no such connection", []string{"--sport", port(server.LocalAddr()), "--dport", "1"}, true, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hists := live.Observe[struct {
				Latency []int `json:"latency"`
			}](t, "profile_tcprtt", c.args, func() {
				for range segments {
					sendSegments(t, client, server, []string{"segment"})
				}
			})
			if len(hists) != min(c.n, 1) {
				t.Fatalf("%d histograms, want %d", len(hists), min(c.n, 1))
			}
			sum := 0
			for _, h := range hists {
				for slot, n := range h.Latency {
					sum += n
					if n > 0 && slot >= c.slots {
						t.Errorf("%d times in slot %d", n, slot)
					}
				}
			}
			if c.exactly && sum != c.n || sum < c.n {
				t.Errorf("%d segments, want %d", sum, c.n)
			}
		})
	}
}
