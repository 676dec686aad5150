package engine_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// sendTraffic does what each program of net.bpf.o waits for, until ctx ends: it communicates by
// TCP and UDP over the loopback interface and by sockets of files, reads a sysctl
// and opens a device.
func sendTraffic(ctx context.Context, t *testing.T) {
	dir := t.TempDir()
	for n := 0; ctx.Err() == nil; n++ {
		for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
			talkTCP("tcp", address)
			talkPackets("udp", address, address)
		}
		listening, sending := filepath.Join(dir, "listen"), filepath.Join(dir, "send")
		talkTCP("unix", listening)
		talkPackets("unixgram", listening, sending)
		_ = os.Remove(listening)
		_ = os.Remove(sending)
		_, _ = os.ReadFile("/proc/sys/kernel/ostype")
		_, _ = os.ReadFile(os.DevNull)
		time.Sleep(10 * time.Millisecond)
	}
}

// talkTCP connects to itself and sends something. What cannot be done here is left
// out: the event that does not come shows it.
func talkTCP(network, address string) {
	ln, err := net.Listen(network, address)
	if err != nil {
		return
	}
	defer ln.Close()
	c, err := net.DialTimeout(network, ln.Addr().String(), time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte("hello"))
}

// talkPackets sends itself a packet between two sockets, neither of them connected.
func talkPackets(network, to, from string) {
	in, err := net.ListenPacket(network, to)
	if err != nil {
		return
	}
	defer in.Close()
	out, err := net.ListenPacket(network, from)
	if err != nil {
		return
	}
	defer out.Close()
	if _, err := out.WriteTo([]byte("hello"), in.LocalAddr()); err != nil {
		return
	}
	_ = in.SetReadDeadline(time.Now().Add(time.Second))
	_, _, _ = in.ReadFrom(make([]byte, 16))
}
