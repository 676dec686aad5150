package tests

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// tcpSocket makes a socket of TCP that is bound to a port of the loopback interface.
func tcpSocket(t *testing.T, family int) (int, endpoint) {
	t.Helper()
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	sa := unix.Sockaddr(&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if family == unix.AF_INET6 {
		sa = &unix.SockaddrInet6{Addr: [16]byte{15: 1}}
	}
	if err := unix.Bind(fd, sa); err != nil {
		t.Fatal(err)
	}
	return fd, nameOf(t, fd)
}

// nameOf returns the local end of a socket.
func nameOf(t *testing.T, fd int) endpoint {
	t.Helper()
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	if v4, ok := name.(*unix.SockaddrInet4); ok {
		return endpoint{"127.0.0.1", v4.Port, "TCP"}
	}
	return endpoint{"::1", name.(*unix.SockaddrInet6).Port, "TCP"}
}

// connectTo connects a socket, or begins to.
func connectTo(fd int, to endpoint) error {
	if to.Addr == "::1" {
		return unix.Connect(fd, &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: to.Port})
	}
	return unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: to.Port})
}

// tcpConnection are the sockets of a connection and the ends of it.
type tcpConnection struct {
	listener, fd, accepted int
	server, client         endpoint
}

// connectTCP makes a connection over the loopback interface.
func connectTCP(t *testing.T, family int) tcpConnection {
	t.Helper()
	var c tcpConnection
	c.listener, c.server = tcpSocket(t, family)
	if err := unix.Listen(c.listener, 1); err != nil {
		t.Fatal(err)
	}
	c.fd, c.client = tcpSocket(t, family)
	if err := connectTo(c.fd, c.server); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.accepted, _, err = unix.Accept(c.listener); err != nil {
		t.Fatal(err)
	}
	return c
}

// awaitAnswer waits until a socket has noticed that the other end has closed or refused the
// connection: a busy machine handles packets later than the call that sends them.
func awaitAnswer(t *testing.T, fd int) {
	t.Helper()
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(fds, -1); err == nil {
			return
		} else if !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
	}
}
