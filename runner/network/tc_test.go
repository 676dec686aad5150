package network_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"

	"github.com/rules-gadget/rules_gadget/runner/gadgettest"
	"github.com/rules-gadget/rules_gadget/runner/network"
)

// withPeer gives the network namespace of a process an interface that is up.
func withPeer(t *testing.T, p gadgettest.Contained) {
	t.Helper()
	gadgettest.InNetwork(t, p.PID, func() error {
		veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}, PeerName: "peer0"}
		if err := netlink.LinkAdd(veth); err != nil {
			return fmt.Errorf("making a pair of interfaces: %w", err)
		}
		for _, name := range []string{"eth0", "peer0"} {
			ln, err := netlink.LinkByName(name)
			if err != nil {
				return err
			}
			if err := netlink.LinkSetUp(ln); err != nil {
				return err
			}
		}
		ln, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		addr, err := netlink.ParseAddr("10.9.8.7/24")
		if err != nil {
			return err
		}
		return netlink.AddrAdd(ln, addr)
	})
}

// sendOut sends a packet to an absent address of the network of the interface.
func sendOut(t *testing.T, p gadgettest.Contained) {
	t.Helper()
	gadgettest.InNetwork(t, p.PID, func() error {
		conn, err := net.Dial("udp4", "10.9.8.255:9")
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write([]byte("hello"))
		return err
	})
}

// TestQueuesOfContainers attaches to what goes out of a namespace and to what comes
// in, by tcx and by a clsact qdisc, of which nothing is left.
func TestQueuesOfContainers(t *testing.T) {
	for name, onlyClsact := range map[string]bool{"tcx": false, "clsact": true} {
		t.Run(name, func(t *testing.T) {
			c := newCounter(t, ebpf.SchedCLS)
			a := gadgettest.StartContained(t, "a")
			withPeer(t, a)
			s, q := network.NewSet(), network.NewQueues(nil)
			t.Cleanup(func() { s.Close() })
			q.OnlyClsact = onlyClsact
			for _, egress := range []bool{false, true} {
				if err := s.Add(network.Program{Program: c.Program, Hook: q.Hook(egress)}, false); err != nil {
					t.Fatal(err)
				}
			}
			switch _, err := s.Enter(a.PID); {
			case err != nil && strings.Contains(err.Error(), "CONFIG_NET_SCH_INGRESS"):
				t.Skipf("needs a kernel with the clsact qdisc: %v", err)
			case err != nil:
				t.Fatal(err)
			}
			for range 20 {
				sendOut(t, a)
			}
			var value uint32
			if err := c.seen.Lookup(uint32(a.NetNS), &value); err != nil {
				t.Errorf("the program saw no packet of the namespace: %v", err)
			}
			if err := s.Leave(a.PID); err != nil {
				t.Fatal(err)
			}
			_ = c.seen.Delete(uint32(a.NetNS))
			sendOut(t, a)
			if c.seen.Lookup(uint32(a.NetNS), &value) == nil {
				t.Error("the program sees packets after the end")
			}
			if left := qdiscsOf(t, a); left > 0 {
				t.Errorf("%d qdiscs are left", left)
			}
		})
	}
}

// qdiscsOf counts the clsact qdiscs in the namespace of a process.
func qdiscsOf(t *testing.T, p gadgettest.Contained) int {
	t.Helper()
	n := 0
	gadgettest.InNetwork(t, p.PID, func() error {
		ln, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		all, err := netlink.QdiscList(ln)
		for _, q := range all {
			if q.Type() == "clsact" {
				n++
			}
		}
		return err
	})
	return n
}
