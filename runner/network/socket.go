package network

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/nearest"
)

// Sockets returns a hook for socket filters: to packet sockets of the interfaces
// with these names, or to one of all interfaces without any.
func Sockets(interfaces []string) Hook {
	return func(prog *ebpf.Program) (io.Closer, error) {
		if len(interfaces) == 0 {
			return packetSocket(0, prog)
		}
		return OnInterfaces(interfaces, func(index int) (io.Closer, error) { return packetSocket(index, prog) })
	}
}

// OnInterfaces calls attach for every interface, or closes what it attached.
func OnInterfaces(names []string, attach func(index int) (io.Closer, error)) (io.Closer, error) {
	var all Closers
	for _, name := range names {
		nic, err := interfaceNamed(name)
		if err != nil {
			return nil, errors.Join(err, all.Close())
		}
		one, err := attach(nic.Index)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("network interface %q: %w", name, err), all.Close())
		}
		all = append(all, one)
	}
	return all, nil
}

// CheckInterface returns an error when no interface of this network namespace has
// the name.
func CheckInterface(name string) error {
	_, err := interfaceNamed(name)
	return err
}

func interfaceNamed(name string) (*net.Interface, error) {
	nic, err := net.InterfaceByName(name)
	if err == nil {
		return nic, nil
	}
	all, listErr := net.Interfaces()
	if listErr != nil {
		return nil, fmt.Errorf("network interface %q: %w", name, err)
	}
	names := make([]string, 0, len(all))
	for _, other := range all {
		names = append(names, other.Name)
	}
	return nil, fmt.Errorf("network interface %q does not exist, %s", name, nearest.Advice(name, names))
}

// descriptor is an attachment that ends when a file descriptor is closed.
type descriptor int

// Close closes it.
func (d descriptor) Close() error { return unix.Close(int(d)) }

// packetSocket opens a packet socket whose filter is prog. It is never read: what
// the program lets through fills a small buffer and is dropped.
func packetSocket(index int, prog *ebpf.Program) (io.Closer, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a packet socket: %w", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 0),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, prog.FD()),
	)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: index})
	}
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return descriptor(fd), nil
}

func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}
