package gadgettest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/runner/thread"
)

// InNetwork calls fn in the network namespace of a process.
func InNetwork(tb testing.TB, pid uint32, fn func() error) {
	tb.Helper()
	err := thread.Run(func() error {
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err != nil {
			return err
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return fn()
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// Neighbour starts a process in the network namespace of another one. It ends with
// the test.
func Neighbour(tb testing.TB, of Contained) Contained {
	tb.Helper()
	cmd := exec.Command("sleep", "60")
	InNetwork(tb, of.PID, cmd.Start)
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return Contained{PID: uint32(cmd.Process.Pid), NetNS: of.NetNS}
}

// SendTraffic brings up the loopback interface of the network namespace of a process and
// sends a packet over it.
func SendTraffic(tb testing.TB, pid uint32) {
	tb.Helper()
	InNetwork(tb, pid, func() error {
		if err := bringUp("lo"); err != nil {
			return err
		}
		conn, err := net.Dial("udp4", "127.0.0.1:9")
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write([]byte("hello"))
		return err
	})
}

// bringUp sets the flag of an interface that marks it as up.
func bringUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, req); err != nil {
		return err
	}
	if req.Uint16()&unix.IFF_UP != 0 {
		return nil
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
}
