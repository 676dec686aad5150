package tests

import (
	_ "embed" // the policies
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/gadgets/internal/live"
)

// What the gadget writes of the connections below.
var (
	//go:embed testdata/networkpolicy_k8s.yaml
	wantPolicies string
	//go:embed testdata/networkpolicy_cilium.yaml
	wantCiliumPolicies string
	//go:embed testdata/networkpolicy_one_pod.yaml
	wantOnePolicy string
)

// netspace is a network namespace, by a process in it.
type netspace struct{ pid int }

// newNetspace makes one, of a process that ends with the test.
func newNetspace(t *testing.T) netspace {
	t.Helper()
	cmd := live.Child("wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	n := netspace{cmd.Process.Pid}
	n.do(t, func() error { return setUp("lo") })
	return n
}

// do calls fn on a thread in the namespace.
func (n netspace) do(t *testing.T, fn func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // ends with the goroutine
		fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/net", n.pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = errors.Join(unix.Setns(fd, unix.CLONE_NEWNET), unix.Close(fd))
		}
		if err == nil {
			err = fn()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// setUp brings an interface up and gives it addresses.
func setUp(name string, addresses ...string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	for _, text := range addresses {
		addr, err := netlink.ParseAddr(text)
		if err != nil {
			return err
		}
		addr.Flags = unix.IFA_F_NODAD
		if err := netlink.AddrAdd(link, addr); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(link)
}

// join connects two namespaces by a pair of interfaces of the same name.
func join(t *testing.T, name string, a netspace, ofA []string, b netspace, ofB []string) {
	t.Helper()
	a.do(t, func() error {
		err := netlink.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: name}, PeerName: name, PeerNamespace: netlink.NsPid(b.pid),
		})
		if err != nil {
			return fmt.Errorf("making a pair of interfaces: %w", err)
		}
		return setUp(name, ofA...)
	})
	b.do(t, func() error { return setUp(name, ofB...) })
}

// needsPairs skips the test where the kernel has no pairs of interfaces.
func needsPairs(t *testing.T) {
	t.Helper()
	var err error
	newNetspace(t).do(t, func() error {
		err = netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "a"}, PeerName: "b"})
		return nil
	})
	if errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("needs pairs of interfaces (CONFIG_VETH)")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// serve accepts connections at a port of the namespace, and answers datagrams.
func (n netspace) serve(t *testing.T, network, address string) {
	t.Helper()
	n.do(t, func() error {
		if network == "udp" {
			conn, err := net.ListenPacket(network, address) //nolint:noctx // at once
			if err != nil {
				return err
			}
			t.Cleanup(func() { conn.Close() })
			go func() {
				in := make([]byte, 64)
				for {
					size, from, err := conn.ReadFrom(in)
					if err != nil {
						return
					}
					_, _ = conn.WriteTo(in[:size], from)
				}
			}()
			return nil
		}
		listener, err := net.Listen(network, address) //nolint:noctx // at once
		if err != nil {
			return err
		}
		t.Cleanup(func() { listener.Close() })
		return nil
	})
}

// exchange connects to an address; twice a datagram goes there and comes back.
func (n netspace) exchange(t *testing.T, network, address string) {
	t.Helper()
	n.do(t, func() error {
		conn, err := net.DialTimeout(network, address, 10*time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		if network != "udp" {
			return nil
		}
		for range 2 {
			if _, err := conn.Write([]byte("datagram")); err != nil {
				return err
			}
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := conn.Read(make([]byte, 64)); err != nil {
				return err
			}
		}
		return nil
	})
}

// send sends a datagram that gets no answer.
func (n netspace) send(t *testing.T, address string) {
	t.Helper()
	n.do(t, func() error {
		conn, err := net.Dial("udp", address) //nolint:noctx // at once
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write([]byte("datagram"))
		return err
	})
}

func TestAdviseNetworkPolicy(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	needsPairs(t)
	web, db, outside := newNetspace(t), newNetspace(t), newNetspace(t)
	join(t, "pods", web, []string{"10.1.0.1/24", "fd00:1::1/64"}, db, []string{"10.1.0.2/24", "fd00:1::2/64"})
	join(t, "world", web, []string{"10.2.0.1/24"}, outside, []string{"10.2.0.2/24"})
	web.do(t, func() error {
		link, err := netlink.LinkByName("world")
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: net.IPv4(10, 2, 0, 2)})
	})
	for at, address := range map[*netspace][]string{
		&web: {"tcp", "10.2.0.1:8080", "tcp", "127.0.0.1:9090"},
		&db:  {"tcp", "10.1.0.2:5432", "tcp", "[fd00:1::2]:5433", "udp", "10.1.0.2:9000"}, &outside: {"tcp", "10.2.0.2:443"},
	} {
		for i := 0; i < len(address); i += 2 {
			at.serve(t, address[i], address[i+1])
		}
	}
	do := func() {
		web.exchange(t, "tcp", "10.1.0.2:5432")
		web.exchange(t, "tcp", "[fd00:1::2]:5433")
		web.exchange(t, "udp", "10.1.0.2:9000")
		web.exchange(t, "tcp", "10.2.0.2:443")
		web.exchange(t, "tcp", "127.0.0.1:9090") // its own
		web.exchange(t, "tcp", "10.2.0.1:8080")
		web.send(t, "224.0.0.251:5353") // for no single receiver
		outside.exchange(t, "tcp", "10.2.0.1:8080")
	}
	pods := live.Runtime(
		t,
		live.Pod{
			Namespace: "shop", Name: "web-5d4f8c7b9-x2x7k", PID: web.pid,
			Labels: map[string]string{"app": "web", "pod-template-hash": "5d4f8c7b9"},
		},
		live.Pod{Namespace: "data", Name: "db", PID: db.pid, Labels: map[string]string{"app": "db", "ha": "true"}},
	)
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"k8s", []string{"--k8s-namespace", "shop,data"}, wantPolicies},
		{"cilium", []string{"--k8s-namespace", "shop,data", "--policy-format", "cilium"}, wantCiliumPolicies},
		{"one pod", []string{"--k8s-podname", "db"}, wantOnePolicy},
		{"another pod", []string{"--k8s-podname", "other"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append(append([]string{"-o", "advise"}, pods...), c.args...)
			if diff := cmp.Diff(c.want, live.Text(t, "advise_networkpolicy", args, do)); diff != "" {
				t.Errorf("policies (-want +got):\n%s", diff)
			}
		})
	}
}
