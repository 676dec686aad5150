package tests

import (
	"cmp"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// dnsEvent is one event of data source dns.
type dnsEvent struct {
	Proc      live.Process `json:"proc"`
	Latency   int64        `json:"latency_ns_raw"`
	Src       endpoint     `json:"src"`
	Dst       endpoint     `json:"dst"`
	Server    endpoint     `json:"nameserver"`
	Way       string       `json:"pkt_type"`
	ID        string       `json:"id"`
	QR        string       `json:"qr"`
	Type      string       `json:"qtype"`
	Name      string       `json:"name"`
	Code      string       `json:"rcode"`
	Answers   int          `json:"num_answers"`
	Addresses string       `json:"addresses"`
	Truncated bool         `json:"tc"`
	RA        bool         `json:"ra"`
	RD        bool         `json:"rd"`
}

// dnsSeen is what a test compares of each event.
type dnsSeen struct {
	Src, Dst                                    endpoint
	Way, ID, QR, Type, Name, Code, Addresses    string
	Answers                                     int
	Truncated, RA, RD, Own, OfServer, LatencyOK bool
}

// dnsExchange is a question and its answer.
type dnsExchange struct {
	question, answer string
	q, r             dnsSeen // what is seen of each
}

// The parts of messages.
const (
	dnsAsk    = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	dnsAnswer = "\x12\x34\x83\x80\x00\x01\x00\x03\x00\x00\x00\x00" // two more records than names, truncated
	dnsFailed = "\xab\xcd\x81\x03\x00\x01\x00\x00\x00\x00\x00\x00"
	dnsName   = "\x03www\x07example\x00"
	dnsRecord = "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x01" // compressed: 10.0.0.1
	dnsAlias  = "\x01x\xc0\x10\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x0c"
	dnsIPv6   = "\xc0\x10\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10\x20\x01" +
		"\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
)

var dnsExchanges = []dnsExchange{
	{
		dnsAsk + dnsName + "\x00\x01\x00\x01", dnsAnswer + dnsName + "\x00\x01\x00\x01" + dnsRecord + dnsAlias + dnsIPv6,
		dnsSeen{ID: "1234", QR: "Q", Type: "A", Name: "www.example.", RD: true},
		dnsSeen{
			ID: "1234", QR: "R", Type: "A", Name: "www.example.", Code: "Success", Addresses: "10.0.0.1,2001:db8::1", Answers: 3,
			Truncated: true, RA: true, RD: true,
		},
	},
	{ // a name with an escape sequence, and one that points to itself
		dnsAsk + "\x04\x1b[2J\x00\x00\x41\x00\x01", dnsFailed + "\xc0\x0c\x00\x41\x00\x01",
		dnsSeen{ID: "1234", QR: "Q", Type: "HTTPS", Name: `\027[2J.`, RD: true},
		dnsSeen{ID: "abcd", QR: "R", Code: "NameError", RD: true},
	},
}

// dnsTalk sends questions and answers over a pair of connections, the client's
// first, with a length before each message over TCP, and returns what is expected.
func dnsTalk(t *testing.T, client, server net.Conn, proto string) []dnsSeen {
	t.Helper()
	var want []dnsSeen
	c, s := at(client.LocalAddr(), proto), at(client.RemoteAddr(), proto)
	send := func(from, to net.Conn, m string) {
		if proto == "TCP" {
			m = string(binary.BigEndian.AppendUint16(nil, uint16(len(m)))) + m
		}
		if _, err := from.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Read(make([]byte, 1024)); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range dnsExchanges {
		send(client, server, e.question)
		send(server, client, e.answer)
		for _, way := range []string{"OUTGOING", "HOST"} {
			q, r := e.q, e.r
			q.Src, q.Dst, q.Way = c, s, way
			r.Src, r.Dst, r.Way = s, c, way
			r.LatencyOK = way == "HOST" && q.ID == r.ID
			want = append(want, q, r)
		}
	}
	return want
}

// dnsPairUDP returns two connected sockets of UDP, the second at a port.
func dnsPairUDP(t *testing.T, server string) (net.Conn, net.Conn) {
	t.Helper()
	to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(server))
	first, err := net.ListenUDP("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.DialUDP("udp", nil, to)
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	connected, err := net.DialUDP("udp", to, client.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); connected.Close() })
	return client, connected
}

// dnsPairTCP is dnsPairUDP for TCP.
func dnsPairTCP(t *testing.T, server string) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); accepted.Close() })
	return client, accepted
}

// retransmitted returns how many segments the kernel sent again: on a busy machine an
// acknowledgment can come too late.
func retransmitted(t *testing.T, conn net.Conn) int {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var info *unix.TCPInfo
	var infoErr error
	err = raw.Control(func(fd uintptr) {
		info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
	})
	if err := errors.Join(err, infoErr); err != nil {
		t.Fatal(err)
	}
	return int(info.Total_retrans)
}

// sameMessage reports whether both are the same message at the same place; only the
// first one has a latency.
func (s dnsSeen) sameMessage(other dnsSeen) bool {
	s.LatencyOK = other.LatencyOK
	return s == other
}

func (s dnsSeen) compare(other dnsSeen) int {
	return cmp.Or(cmp.Compare(s.Src.Port+s.Dst.Port, other.Src.Port+other.Dst.Port),
		cmp.Compare(s.Src.Proto, other.Src.Proto),
		cmp.Compare(s.QR, other.QR), cmp.Compare(s.Way, other.Way), cmp.Compare(s.ID, other.ID),
		cmp.Compare(s.Name, other.Name))
}

func TestTraceDNS(t *testing.T) {
	// An address of the test's own: a name server may have the port at others.
	const v4, v6 = "127.77.53.1:53", "[::1]:5353"
	cases := []struct {
		name  string
		args  []string
		shown bool
	}{
		{"all", nil, true},
		{"comm", []string{"--comm", live.Comm(t)}, live.KnowsOwners()},
		{"another process", []string{"--pid", "1"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var want, got []dnsSeen
			again := 0 // segments that TCP sent more than once
			events := live.Observe[dnsEvent](t, "trace_dns", c.args, func() {
				client, server := dnsPairUDP(t, v4)
				want = dnsTalk(t, client, server, "UDP")
				client, server = dnsPairUDP(t, v6)
				want = append(want, dnsTalk(t, client, server, "UDP")...)
				client, server = dnsPairTCP(t, v4)
				want = append(want, dnsTalk(t, client, server, "TCP")...)
				again = retransmitted(t, client) + retransmitted(t, server)
			})
			for i := range want {
				want[i].Own, want[i].OfServer = live.KnowsOwners(), true
			}
			for _, e := range events {
				server := e.Dst
				if e.QR == "R" {
					server = e.Src
				}
				if !slices.Contains([]endpoint{{"127.77.53.1", 53, "UDP"}, {"127.77.53.1", 53, "TCP"}, {"::1", 5353, "UDP"}},
					server) {
					continue
				}
				seen := dnsSeen{
					e.Src, e.Dst, e.Way, e.ID, e.QR, e.Type, e.Name, e.Code, e.Addresses, e.Answers, e.Truncated, e.RA, e.RD,
					e.Proc.Own(), e.Server.Addr == server.Addr, e.Latency > 0 && e.Latency < int64(5*time.Second),
				}
				if again > 0 && server.Proto == "TCP" && slices.ContainsFunc(got, seen.sameMessage) {
					continue
				}
				got = append(got, seen)
			}
			if !c.shown {
				want = nil
			}
			slices.SortFunc(want, dnsSeen.compare)
			slices.SortFunc(got, dnsSeen.compare)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}
