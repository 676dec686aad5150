package runcmd

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestPacketsOfContainers sees the packets in the network namespaces of containers,
// also of one that starts later, and of two that share one once.
func TestPacketsOfContainers(t *testing.T) {
	gadgettest.NeedsKernel(t)
	a, b := gadgettest.StartContained(t, "a"), gadgettest.StartContained(t, "b")
	beside := contained("beside", gadgettest.Neighbour(t, a))
	n := newNode(contained("a", a), beside)
	cmd := Cmd{
		Output:        "json",
		SelectorFlags: container.SelectorFlags{ContainerName: "a,b,beside"},
		RuntimeFlags:  container.RuntimeFlags{PodmanSocket: "/dev/null"},
	}
	stdout, stderr, stop := start(t, n, "packets.bpf.o", cmd)
	waitFor(t, "the start", func() bool { return strings.Contains(stderr.String(), "ready, 1 program attached") })
	gadgettest.Talk(t, a.PID)
	gadgettest.Talk(t, b.PID)
	waitFor(t, "a packet of a", func() bool { return packetsOf(t, stdout.String())[a.NetNS] > 0 })
	time.Sleep(200 * time.Millisecond)
	before := packetsOf(t, stdout.String())
	// The loopback interface shows a packet on its way out and in, and the answer
	// that nobody listens in the same way.
	if before[a.NetNS] != 4 || len(before) != 1 {
		t.Errorf("packets by network namespace: %v, want 4 of %d", before, a.NetNS)
	}
	n.later <- container.Event{Type: container.Added, Container: contained("b", b)}
	waitFor(t, "a packet of b", func() bool {
		gadgettest.Talk(t, b.PID)
		return packetsOf(t, stdout.String())[b.NetNS] > 0
	})
	n.later <- container.Event{Type: container.Removed, Container: beside}
	n.later <- container.Event{Type: container.Removed, Container: contained("b", b)}
	waitFor(t, "the end of b", func() bool {
		before := packetsOf(t, stdout.String())[b.NetNS]
		gadgettest.Talk(t, b.PID)
		time.Sleep(100 * time.Millisecond)
		return packetsOf(t, stdout.String())[b.NetNS] == before
	})
	gadgettest.Talk(t, a.PID)
	waitFor(t, "another packet of a", func() bool { return packetsOf(t, stdout.String())[a.NetNS] > 4 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stdout.String(), `"podName":"pod-b"`) {
		t.Errorf("no event tells its pod:\n%s", stdout.String())
	}
}

// packetsOf counts the events of each network namespace.
func packetsOf(t *testing.T, out string) map[uint64]int {
	t.Helper()
	seen := map[uint64]int{}
	for line := range strings.Lines(out) {
		var ev struct {
			NetNS uint64 `json:"netns_id"`
		}
		if !strings.HasSuffix(line, "\n") {
			continue
		}
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		seen[ev.NetNS]++
	}
	return seen
}
