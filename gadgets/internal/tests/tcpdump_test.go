package tests

import (
	"bytes"
	"encoding/binary"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// capturedPacket is one event of data source packets.
type capturedPacket struct {
	Proc    live.Process `json:"proc"`
	IfIndex int          `json:"ifindex"`
	Way     string       `json:"packet_type"`
	Len     int          `json:"payload_len"`
	Size    int          `json:"packet_size"`
	Payload []byte       `json:"payload"`
}

// packetSeen is what a test compares of each event.
type packetSeen struct {
	Way       string
	Len, Size int
	Data      string // after the headers
	Own       bool
}

// datagram sends a text over the loopback interface to a port.
func datagram(t *testing.T, to *net.UDPConn, text string) {
	t.Helper()
	conn, err := net.DialUDP("udp", nil, to.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := to.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Read(make([]byte, 2048)); err != nil {
		t.Fatal(err)
	}
}

// listenUDP listens at a port of the loopback interface.
func listenUDP(t *testing.T, address string) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestTCPDump(t *testing.T) {
	const udp4, udp6 = 14 + 20 + 8, 14 + 40 + 8
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	v4, v6, other := listenUDP(t, "127.0.0.1"), listenUDP(t, "::1"), listenUDP(t, "127.0.0.1")
	port := func(c *net.UDPConn) string { return strconv.Itoa(c.LocalAddr().(*net.UDPAddr).Port) }
	long := strings.Repeat("long", 100)
	owned := live.KnowsOwners()
	both := func(headers, kept int, text string) []packetSeen {
		size := headers + len(text)
		kept = min(kept, size)
		return []packetSeen{
			{"EGRESS", kept, size, text[:kept-headers], owned}, {"INGRESS", kept, size, text[:kept-headers], owned},
		}
	}
	var ofComm []packetSeen
	if owned {
		ofComm = both(udp6, 1500, "six")
	}
	ours := "udp and (port " + port(v4) + " or port " + port(v6) + ")"
	cases := []struct {
		name string
		args []string
		want []packetSeen
	}{
		{"both versions", []string{"--pf", ours}, append(append(both(udp4, 1500, "four"), both(udp4, 1500, long)...),
			both(udp6, 1500, "six")...)},
		{"IPv6", []string{"--pf", "ip6 and " + ours}, both(udp6, 1500, "six")},
		{"length", []string{"--pf", "greater 300 and " + ours}, both(udp4, 1500, long)},
		{"cut", []string{"--pf", "greater 300 and " + ours, "--snaplen", "50"}, both(udp4, 50, long)},
		{"comm", []string{"--pf", "ip6 and " + ours, "--comm", live.Comm(t)}, ofComm},
		{"another process", []string{"--pf", ours, "--pid", "1"}, nil},
		{"nothing", []string{"--pf", "tcp and " + ours}, nil},
	}
	send := func() {
		datagram(t, v4, "four")
		datagram(t, other, "other")
		datagram(t, v4, long)
		datagram(t, v6, "six")
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []packetSeen
			for _, e := range live.Observe[capturedPacket](t, "tcpdump", append(c.args, "--iface", "lo"), send) {
				headers := udp4
				if binary.BigEndian.Uint16(e.Payload[12:]) == 0x86dd {
					headers = udp6
				}
				got = append(got, packetSeen{e.Way, e.Len, e.Size, string(e.Payload[headers:]), e.Proc.Own()})
				if e.IfIndex != lo.Index {
					t.Errorf("interface %d", e.IfIndex)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("packets (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("capture", func(t *testing.T) {
		file := []byte(live.Text(t, "tcpdump", []string{"--pf", ours, "--iface", "lo", "-o", "pcap-ng"}, send))
		if n := bytes.Count(file, []byte(long)); !bytes.HasPrefix(file, []byte("\x0a\x0d\x0d\x0a")) || n != 2 ||
			bytes.Contains(file, []byte("other")) {
			t.Errorf("the packet %d times in a capture of %d bytes", n, len(file))
		}
	})
}
