package tests

import (
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// socketEntry is one entry of data source sockets.
type socketEntry struct {
	Src   endpoint `json:"src"`
	Dst   endpoint `json:"dst"`
	State string   `json:"state"`
	Inode uint64   `json:"ino"`
	NetNS uint64   `json:"netns_id"`
}

// inodeOf returns the inode of a socket or of an open file.
func inodeOf(t *testing.T, of interface{ File() (*os.File, error) }) uint64 {
	t.Helper()
	f, err := of.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var stat unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	return stat.Ino
}

// at returns the endpoint of an address.
func at(addr net.Addr, proto string) endpoint {
	a := netip.MustParseAddrPort(addr.String())
	return endpoint{a.Addr().String(), int(a.Port()), proto}
}

func TestSnapshotSocket(t *testing.T) {
	live.NeedsBTF(t)
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.DialTCP("tcp4", nil, listener.Addr().(*net.TCPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	var ns unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &ns); err != nil {
		t.Fatal(err)
	}

	nowhere := func(proto string) endpoint { return endpoint{"0.0.0.0", 0, proto} }
	listening, from := at(listener.Addr(), "TCP"), at(client.LocalAddr(), "TCP")
	want := map[uint64]socketEntry{}
	for _, e := range []socketEntry{
		{listening, nowhere("TCP"), "LISTEN", inodeOf(t, listener), ns.Ino},
		{from, listening, "ESTABLISHED", inodeOf(t, client), ns.Ino},
		{listening, from, "ESTABLISHED", inodeOf(t, server), ns.Ino},
		{at(udp.LocalAddr(), "UDP"), nowhere("UDP"), "CLOSE", inodeOf(t, udp), ns.Ino},
	} {
		want[e.Inode] = e
	}
	got := map[uint64]socketEntry{}
	for _, e := range live.Collect[socketEntry](t, "snapshot_socket", nil) {
		if _, ours := want[e.Inode]; !ours {
			continue
		}
		if _, twice := got[e.Inode]; twice {
			t.Errorf("two entries of socket %d", e.Inode)
		}
		got[e.Inode] = e
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sockets (-want +got):\n%s", diff)
	}
}
