package runcmd

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rules-gadget/rules_gadget/internal/arch"
	"github.com/rules-gadget/rules_gadget/runner/cli/clitest"
	"github.com/rules-gadget/rules_gadget/runner/container"
	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
)

// TestPacketsOfContainers sees the packets in the network namespaces of containers,
// also of one that starts later, and of two that share one once.
func TestPacketsOfContainers(t *testing.T) {
	gadgettest.NeedsKernel(t)
	a, b := gadgettest.StartContained(t, "a"), gadgettest.StartContained(t, "b")
	gadgettest.SendTraffic(t, a.PID) // brings the interface up
	gadgettest.SendTraffic(t, b.PID)
	beside := contained("beside", gadgettest.Neighbour(t, a))
	n := newNode(contained("a", a), beside)
	cmd := Cmd{
		Output:        "json",
		SelectorFlags: container.SelectorFlags{ContainerName: "a,b,beside"},
		RuntimeFlags:  container.RuntimeFlags{PodmanSocket: "/dev/null"},
	}
	stdout, stderr, stop := start(t, n, "packets.bpf.o", cmd)
	waitFor(t, "the start", func() bool { return strings.Contains(stderr.String(), "ready, 1 program attached") })
	gadgettest.SendTraffic(t, a.PID)
	gadgettest.SendTraffic(t, b.PID)
	waitFor(t, "four packets of a", func() bool { return packetsOf(t, stdout.String())[a.NetNS] >= 4 })
	time.Sleep(200 * time.Millisecond) // for more, which must not come
	before := packetsOf(t, stdout.String())
	// The loopback interface shows a packet on its way out and in, and the answer
	// that no process listens in the same way.
	if before[a.NetNS] != 4 || len(before) != 1 {
		t.Errorf("packets by network namespace: %v, want 4 of %d", before, a.NetNS)
	}
	n.later <- container.Event{Type: container.Added, Container: contained("b", b)}
	waitFor(t, "a packet of b", func() bool {
		gadgettest.SendTraffic(t, b.PID)
		return packetsOf(t, stdout.String())[b.NetNS] > 0
	})
	n.later <- container.Event{Type: container.Removed, Container: beside}
	n.later <- container.Event{Type: container.Removed, Container: contained("b", b)}
	waitFor(t, "the end of b", func() bool {
		before := packetsOf(t, stdout.String())[b.NetNS]
		gadgettest.SendTraffic(t, b.PID)
		time.Sleep(100 * time.Millisecond)
		return packetsOf(t, stdout.String())[b.NetNS] == before
	})
	gadgettest.SendTraffic(t, a.PID)
	waitFor(t, "another packet of a", func() bool { return packetsOf(t, stdout.String())[a.NetNS] > 4 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stdout.String(), `"podName":"pod-b"`) {
		t.Errorf("no event names its pod:\n%s", stdout.String())
	}
	if !t.Failed() {
		t.Log(sawPackets)
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

// TestCapture writes the packets that match a filter as a capture, and as JSON.
func TestCapture(t *testing.T) {
	gadgettest.NeedsKernel(t)
	for mode, want := range map[string]string{
		"pcap-ng": "the wanted one..",
		"raw":     "the wanted one..",
		// 42 bytes precede it, so that it starts a group of base64.
		"json": base64.StdEncoding.EncodeToString([]byte("the wanted one.")),
	} {
		t.Run(mode, func(t *testing.T) {
			conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			port := conn.LocalAddr().(*net.UDPAddr).Port
			cmd := Cmd{Output: mode, Iface: []string{"lo"}}
			if mode == "raw" {
				cmd.Fields = "payload"
			}
			stdout, stderr, stop := startMetadata(t, "capture", cmd, []string{
				fmt.Sprintf("--pf=udp dst port %d", port), "--pf-second=len < 70",
			})
			waitFor(t, "the start", func() bool { return strings.Contains(stderr.String(), "ready, 2 programs attached") })
			for _, text := range []string{"the wanted one..", strings.Repeat("one that is too long", 3)} {
				if _, err := conn.WriteTo([]byte(text), conn.LocalAddr()); err != nil {
					t.Fatal(err)
				}
			}
			waitFor(t, "a packet", func() bool { return strings.Contains(stdout.String(), want) })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(stdout.String(), "too long") {
				t.Errorf("the filter let a packet pass: %q", stdout.String())
			}
		})
	}
}

// startMetadata is start for a fixture with a gadget.yaml, on a machine without
// containers.
func startMetadata(t *testing.T, name string, cmd Cmd, flags []string) (stdout, stderr *clitest.Buffer,
	stop func() error,
) {
	t.Helper()
	cmd.Gadget = filepath.Join(t.TempDir(), "layout")
	object, metadata := gadgettest.File(t, name+".bpf.o"), gadgettest.File(t, name+".yaml")
	if err := gadgettest.WriteLayout(cmd.Gadget, object, metadata, arch.Host()); err != nil {
		t.Fatal(err)
	}
	return startLayout(t, newNode(), cmd, flags)
}
