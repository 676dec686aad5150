package tests

import (
	"net/netip"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// endpoint is an address with a port, as events show it.
type endpoint struct {
	Addr  string `json:"addr"`
	Port  int    `json:"port"`
	Proto string `json:"proto"`
}

// bindEvent is one event of data source bind.
type bindEvent struct {
	Proc  live.Process `json:"proc"`
	Addr  endpoint     `json:"addr"`
	Error string       `json:"error"`
	Opts  string       `json:"opts"`
	Dev   int          `json:"bound_dev_if"`
}

// bound is what a test compares of each event.
type bound struct {
	Addr        endpoint
	Error, Opts string
	Dev         int
}

// loopback is the index of the interface lo.
const loopback = 1

// bindSocket binds a socket to an address after its options are set, and returns
// the port that it has then, 0 where the call failed, and closes it.
func bindSocket(t *testing.T, kind int, to string, options ...[2]int) int {
	t.Helper()
	addr := netip.MustParseAddrPort(to)
	family, sa := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(addr.Port())})
	if addr.Addr().Is6() {
		zone, _ := strconv.Atoi(addr.Addr().Zone()) // of a link-local address
		family, sa = unix.AF_INET6, &unix.SockaddrInet6{
			Port: int(addr.Port()), Addr: addr.Addr().As16(), ZoneId: uint32(zone),
		}
	} else {
		sa.(*unix.SockaddrInet4).Addr = addr.Addr().As4()
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o[0], o[1], 1); err != nil {
			t.Fatal(err)
		}
	}
	if unix.Bind(fd, sa) != nil {
		return 0
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return name.Port
	case *unix.SockaddrInet6:
		return name.Port
	}
	return 0
}

func TestTraceBind(t *testing.T) {
	var ports [6]int
	do := func() {
		ports = [6]int{
			bindSocket(t, unix.SOCK_STREAM, "127.0.0.1:0", [2]int{unix.SOL_SOCKET, unix.SO_REUSEADDR}),
			bindSocket(t, unix.SOCK_DGRAM, "[::]:0", [2]int{unix.SOL_SOCKET, unix.SO_REUSEPORT}),
			bindSocket(t, unix.SOCK_DGRAM, "[::ffff:127.0.0.1]:0"),
			bindSocket(t, unix.SOCK_DGRAM, "127.0.0.1:0", [2]int{unix.IPPROTO_IP, unix.IP_FREEBIND},
				[2]int{unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX}),
			bindSocket(t, unix.SOCK_STREAM, "192.0.2.1:99"),
			bindSocket(t, unix.SOCK_STREAM, "[fe80::123%1]:98"), // the scope is the interface lo
		}
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err == nil { // not of IP
			_ = unix.Bind(fd, &unix.SockaddrUnix{Name: "@" + t.Name()})
			_ = unix.Close(fd)
		}
	}
	cases := []struct {
		name string
		args []string
		n    int
	}{
		{"bound", nil, 4},
		{"all", []string{"--ignore-errors=false"}, 6},
		{"comm", []string{"--comm", live.Comm(t)}, 4},
		{"another process", []string{"--pid", "1"}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []bound
			for _, e := range live.Observe[bindEvent](t, "trace_bind", c.args, do) {
				if e.Proc.Own() {
					got = append(got, bound{e.Addr, e.Error, e.Opts, e.Dev})
				}
			}
			want := []bound{
				{endpoint{"127.0.0.1", ports[0], "TCP"}, "", "REUSEADDRESS", 0},
				{endpoint{"::", ports[1], "UDP"}, "", "REUSEPORT", 0},
				{endpoint{"127.0.0.1", ports[2], "UDP"}, "", "", 0},
				{endpoint{"127.0.0.1", ports[3], "UDP"}, "", "FREEBIND", loopback},
				{endpoint{"192.0.2.1", 99, "TCP"}, "EADDRNOTAVAIL", "", 0},
				{endpoint{"fe80::123", 98, "TCP"}, "EADDRNOTAVAIL", "", loopback},
			}[:c.n]
			if diff := cmp.Diff(append([]bound(nil), want...), got); diff != "" {
				t.Errorf("bound (-want +got):\n%s", diff)
			}
		})
	}
}
