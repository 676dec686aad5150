package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/rules-gadget/rules_gadget/internal/gadgetapi"
)

// Places are where programs are attached whose section does not say it.
type Places struct {
	// Interfaces are the names of network interfaces. Socket filters take all
	// when there are none; tc and XDP programs need one.
	Interfaces []string
	// Cgroup is a directory of cgroup v2, "" for its root.
	Cgroup string
}

// check returns an error for a program that has no place.
func (p Places) check(plan *gadgetapi.Spec) error {
	for _, pr := range plan.Programs {
		if pr.Disabled || pr.Kind == nil || len(p.Interfaces) > 0 {
			continue
		}
		if pr.Kind.Name == gadgetapi.KindTC || pr.Kind.Name == gadgetapi.KindXDP {
			return fmt.Errorf("program %q is attached to network interfaces, choose them with --iface NAME", pr.Name)
		}
	}
	return nil
}

// closers are what one program is attached by.
type closers []io.Closer

// Close closes all.
func (c closers) Close() error {
	var err error
	for _, one := range c {
		err = errors.Join(err, one.Close())
	}
	return err
}

// onInterfaces attaches a program to every chosen interface, or to none.
func (p Places) onInterfaces(attach func(index int) (link.Link, error)) (io.Closer, error) {
	var all closers
	for _, name := range p.Interfaces {
		nic, err := net.InterfaceByName(name)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("network interface %q: %w", name, err), all.Close())
		}
		ln, err := attach(nic.Index)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("network interface %q: %w", name, err), all.Close())
		}
		all = append(all, ln)
	}
	return all, nil
}

// attachTC attaches to both ends of the queue of packets, by tcx.
func attachTC(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	_, rest, _ := strings.Cut(pr.Section, "/")
	direction, _, _ := strings.Cut(rest, "/")
	hook := ebpf.AttachTCXIngress
	if direction == "egress" {
		hook = ebpf.AttachTCXEgress
	}
	ln, err := l.where.onInterfaces(func(index int) (link.Link, error) {
		return link.AttachTCX(link.TCXOptions{Interface: index, Program: prog, Attach: hook})
	})
	if errors.Is(err, ebpf.ErrNotSupported) {
		return nil, fmt.Errorf("it needs Linux 6.6: %w", err)
	}
	return ln, err
}

// attachXDP attaches to the driver, or where that cannot, behind it.
func attachXDP(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	return l.where.onInterfaces(func(index int) (link.Link, error) {
		opts := link.XDPOptions{Interface: index, Program: prog}
		ln, err := link.AttachXDP(opts)
		if err == nil || errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EPERM) {
			return ln, err
		}
		opts.Flags = link.XDPGenericMode
		generic, genericErr := link.AttachXDP(opts)
		if genericErr != nil {
			return nil, err
		}
		l.detail("program %q is attached behind the driver, which does not take it: %v", pr.Name, err)
		return generic, nil
	})
}

// cgroupRoots are where the root of cgroup v2 may be: alone, or beside v1.
var cgroupRoots = []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}

func attachCgroup(l *Loaded, pr gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	dir, err := l.where.cgroup()
	if err != nil {
		return nil, err
	}
	return link.AttachCgroup(link.CgroupOptions{
		Path: dir, Attach: l.plan.Collection.Programs[pr.Name].AttachType, Program: prog,
	})
}

// cgroup returns the directory that is wanted, which must be of cgroup v2.
func (p Places) cgroup() (string, error) {
	wanted := cgroupRoots
	if p.Cgroup != "" {
		wanted = []string{p.Cgroup}
	}
	for _, dir := range wanted {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err == nil && st.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%s is not a directory of cgroup v2, name one with --cgroup DIR", wanted[0])
}

// descriptor is an attachment that ends when a file descriptor is closed.
type descriptor int

// Close closes it.
func (d descriptor) Close() error { return unix.Close(int(d)) }

// attachSocket attaches to packet sockets, of each chosen interface or one of all.
func attachSocket(l *Loaded, _ gadgetapi.Program, prog *ebpf.Program) (io.Closer, error) {
	if len(l.where.Interfaces) == 0 {
		return packetSocket(0, prog)
	}
	var all closers
	for _, name := range l.where.Interfaces {
		nic, err := net.InterfaceByName(name)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("network interface %q: %w", name, err), all.Close())
		}
		socket, err := packetSocket(nic.Index, prog)
		if err != nil {
			return nil, errors.Join(err, all.Close())
		}
		all = append(all, socket)
	}
	return all, nil
}

// packetSocket opens a packet socket whose filter is prog. Nobody reads it: what
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
