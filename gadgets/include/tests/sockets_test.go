package tests

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the C headers call the protocols.
const (
	familyIPv4 = 2
	familyIPv6 = 10

	extensionHop      = 0
	protoTCP          = 6
	protoUDP          = 17
	extensionRouting  = 43
	extensionFragment = 44
	protoICMPv6       = 58
	extensionAuth     = 51
	extensionDest     = 60
)

const (
	sourcePort = 1111
	destPort   = 2222
)

var ports = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, sourcePort), destPort)

func ethernet(protocol uint16, rest ...[]byte) []byte {
	packet := binary.BigEndian.AppendUint16(make([]byte, 12), protocol)
	for _, r := range rest {
		packet = append(packet, r...)
	}
	return append(packet, make([]byte, 32)...)
}

func ipv4(proto byte, options int, fragment uint16) []byte {
	header := make([]byte, 20+4*options)
	header[0] = 0x40 | byte(5+options)
	binary.BigEndian.PutUint16(header[6:], fragment)
	header[9] = proto
	return header
}

func ipv6(next byte) []byte {
	header := make([]byte, 40)
	header[0], header[6] = 0x60, next
	return header
}

// extension is an IPv6 extension header of size bytes; units is what its second byte says.
func extension(next byte, size int, units byte) []byte {
	header := make([]byte, size)
	header[0], header[1] = next, units
	return header
}

func fragment(next byte, offset uint16) []byte {
	header := extension(next, 8, 0)
	binary.BigEndian.PutUint16(header[2:], offset<<3|1)
	return header
}

// key is struct gadget_socket_key.
type key struct {
	NetNS  uint32
	Family uint16
	Proto  uint8
	_      uint8
	Port   uint16
	_      uint16
}

// value is struct gadget_socket_value, up to its optional fields.
type value struct {
	MntNS, PIDTID, UIDGID uint64
	Task, Ptask           [16]byte
	Sock, Deleted         uint64
	Ppid, Ptid            uint32
	IPv6Only              uint8
	_                     [7]byte
	Paths                 [2 * 4096]byte
}

func TestSocketOwner(t *testing.T) {
	tcp4, tcp6, udp6 := key{Family: familyIPv4, Proto: protoTCP}, key{Family: familyIPv6, Proto: protoTCP},
		key{Family: familyIPv6, Proto: protoUDP}
	udp4 := key{Family: familyIPv4, Proto: protoUDP}
	const ip4, ip6 = 0x0800, 0x86dd
	cases := []struct {
		name     string
		socket   key
		only6    bool
		packet   []byte
		unowned  bool
		incoming bool
	}{
		{name: "TCP", socket: tcp4, packet: ethernet(ip4, ipv4(protoTCP, 0, 0), ports)},
		{name: "TCP that comes in", socket: tcp4, packet: ethernet(ip4, ipv4(protoTCP, 0, 0), ports), incoming: true},
		{name: "UDP", socket: udp4, packet: ethernet(ip4, ipv4(protoUDP, 0, 0), ports)},
		{name: "other protocol", socket: udp4, packet: ethernet(ip4, ipv4(protoTCP, 0, 0), ports), unowned: true},
		{name: "options", socket: tcp4, packet: ethernet(ip4, ipv4(protoTCP, 10, 0), ports)},
		{name: "first fragment", socket: udp4, packet: ethernet(ip4, ipv4(protoUDP, 0, 0x2000), ports)},
		{name: "later fragment", socket: udp4, packet: ethernet(ip4, ipv4(protoUDP, 0, 1), ports), unowned: true},
		{name: "IPv4 to an IPv6 socket", socket: tcp6, packet: ethernet(ip4, ipv4(protoTCP, 0, 0), ports)},
		{
			name: "IPv4 to an IPv6-only socket", socket: tcp6, only6: true, packet: ethernet(ip4, ipv4(protoTCP, 0, 0), ports),
			unowned: true,
		},
		{name: "IPv6", socket: tcp6, only6: true, packet: ethernet(ip6, ipv6(protoTCP), ports)},
		{name: "IPv6 to an IPv4 socket", socket: tcp4, packet: ethernet(ip6, ipv6(protoTCP), ports), unowned: true},
		{
			name: "IPv6 extensions", socket: udp6,
			packet: ethernet(ip6, ipv6(extensionHop), extension(extensionRouting, 8, 0), extension(extensionDest, 24, 2),
				extension(extensionAuth, 16, 1), extension(extensionFragment, 16, 2), fragment(protoUDP, 0), ports),
		},
		{name: "later IPv6 fragment", socket: udp6, packet: ethernet(ip6, ipv6(extensionFragment), fragment(protoUDP, 1),
			ports), unowned: true},
		{name: "ICMPv6", socket: udp6, packet: ethernet(ip6, ipv6(protoICMPv6), ports), unowned: true},
		{name: "ARP", socket: tcp4, packet: ethernet(0x0806, ports), unowned: true},
		{
			name: "cut off", socket: udp6, packet: ethernet(ip6, ipv6(extensionHop), extension(protoUDP, 8, 255)), unowned: true,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			coll := load(t, object(t, "NETWORK"), "find")
			c.socket.Port = sourcePort
			if c.incoming {
				set(t, coll, "ingress", uint8(1))
				c.socket.Port = destPort
			}
			v := value{
				MntNS: 1, PIDTID: 2<<32 | 3, UIDGID: 4<<32 | 5, Task: comm("task"), Ptask: comm("parent"), Ppid: 6, Ptid: 7,
			}
			if c.only6 {
				v.IPv6Only = 1
			}
			if err := coll.Maps["gadget_sockets"].Put(c.socket, v); err != nil {
				t.Fatal(err)
			}
			want, returned := process{}, uint32(0)
			if !c.unowned {
				returned = 1
				want = process{Comm: comm("task"), PID: 2, TID: 3, MntNS: 1, UID: 5, GID: 4}
				want.Parent.Comm, want.Parent.PID, want.Parent.TID = comm("parent"), 6, 7
			}
			if got := run(t, coll, "find", c.packet); got != returned {
				t.Errorf("the program returns %d, want %d", got, returned)
			}
			if diff := cmp.Diff(want, get[process](t, coll, "owner")); diff != "" {
				t.Errorf("owner (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSocketFilter(t *testing.T) {
	spec := object(t, "NETWORK")
	if err := spec.Variables["targ_pid"].Set(uint32(99)); err != nil {
		t.Fatal(err)
	}
	coll := load(t, spec, "find")
	if err := coll.Maps["gadget_sockets"].Put(key{Family: familyIPv4, Proto: protoTCP, Port: sourcePort},
		value{PIDTID: 2 << 32}); err != nil {
		t.Fatal(err)
	}
	if got := run(t, coll, "find", ethernet(0x0800, ipv4(protoTCP, 0, 0), ports)); got != 2 {
		t.Errorf("the program returns %d, want 2: not wanted", got)
	}
}

func TestUnsetPacketFilter(t *testing.T) {
	coll := load(t, object(t, "NETWORK"), "pass")
	if got := run(t, coll, "pass", ethernet(0x0800)); got != 1 {
		t.Errorf("the program returns %d, want 1: it passes", got)
	}
}
