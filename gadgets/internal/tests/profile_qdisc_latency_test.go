package tests

import (
	"encoding/binary"
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// loopbackIndex is the number of the loopback interface in a new network namespace.
const loopbackIndex = 1

// inNamespace calls do on a thread that ends with it, in a network namespace of its
// own whose loopback interface is up.
func inNamespace(t *testing.T, do func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // ends with the goroutine
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			lo, err := unix.NewIfreq("lo")
			if err != nil {
				return err
			}
			lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
			if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
				return err
			}
			return do()
		}()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// addQueue gives the loopback interface a queue that has no room for the largest packet:
// the kernel does not pass it by when it is empty.
func addQueue() error {
	const kind, room, rootQueue = "bfifo\x00\x00\x00", 10000, 0xffffffff
	m := binary.NativeEndian.AppendUint32(nil, 0) // the length, below
	m = binary.NativeEndian.AppendUint16(m, unix.RTM_NEWQDISC)
	m = binary.NativeEndian.AppendUint16(m, unix.NLM_F_REQUEST|unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	for _, v := range []uint32{1, 0, unix.AF_UNSPEC, loopbackIndex, 0, rootQueue, 0} { // nlmsghdr, tcmsg
		m = binary.NativeEndian.AppendUint32(m, v)
	}
	m = binary.NativeEndian.AppendUint16(m, 4+6)
	m = binary.NativeEndian.AppendUint16(m, 1) // TCA_KIND
	m = append(m, kind...)
	m = binary.NativeEndian.AppendUint16(m, 4+4)
	m = binary.NativeEndian.AppendUint16(m, 2) // TCA_OPTIONS
	m = binary.NativeEndian.AppendUint32(m, room)
	binary.NativeEndian.PutUint32(m, uint32(len(m)))
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return err
	}
	if n < 20 {
		return unix.EBADMSG
	}
	if code := int32(binary.NativeEndian.Uint32(answer[16:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}

// sendDatagrams sends packets over the queue of the loopback interface.
func sendDatagrams(n int) error {
	to, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer to.Close()
	conn, err := net.DialUDP("udp", nil, to.LocalAddr().(*net.UDPAddr))
	if err != nil {
		return err
	}
	defer conn.Close()
	for range n {
		if _, err := conn.Write([]byte("packet")); err != nil {
			return err
		}
		_ = to.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := to.Read(make([]byte, 16)); err != nil {
			return err
		}
	}
	return nil
}

func TestProfileQdiscLatency(t *testing.T) {
	if live.Before(5, 14) {
		t.Skip("needs the raw tracepoint qdisc_enqueue (Linux 5.14)")
	}
	const packets = 20
	for _, c := range []struct {
		name    string
		args    []string
		n       int
		queue   bool
		exactly bool
		slots   int
	}{
		// Other interfaces may send meanwhile.
		{"all", nil, packets, true, false, 26},
		{"interface", []string{"--ifindex", "1"}, packets, true, true, 22},
		{"milliseconds", []string{"--ifindex", "1", "--ms"}, packets, true, true, 12},
		{"another interface", []string{"--ifindex", "123456"}, 0, true, true, 0},
		{"without a queue", []string{"--ifindex", "1"}, 0, false, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			hists := live.Observe[struct {
				Latency []int `json:"latency"`
			}](t, "profile_qdisc_latency", c.args, func() {
				inNamespace(t, func() error {
					if c.queue {
						if err := addQueue(); err != nil {
							return err
						}
					}
					return sendDatagrams(packets)
				})
			})
			sum := 0
			for _, h := range hists {
				for slot, n := range h.Latency {
					sum += n
					if n > 0 && slot >= c.slots {
						t.Errorf("%d packets in slot %d", n, slot)
					}
				}
			}
			if c.exactly && sum != c.n || sum < c.n {
				t.Errorf("%d packets, want %d", sum, c.n)
			}
		})
	}
}
